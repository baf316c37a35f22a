#include "protocol/json_write.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "protocol/scan_bytes.h"

namespace glmgate::protocol {
namespace {

void append_strict(std::string& out, JsonView value);

void append_object(std::string& out, JsonView object) {
  std::vector<std::pair<std::string, JsonView>> members;
  std::unordered_map<std::string, std::size_t> places;
  for (JsonView member = object.first(); member.present(); member = member.after()) {
    const auto [place, is_new] = places.try_emplace(member.key(), members.size());
    if (is_new)
      members.emplace_back(place->first, member);
    else
      members[place->second].second = member;
  }
  out += '{';
  for (const auto& [key, value] : members) {
    if (&key != &members.front().first) out += ',';
    (out += json::quote(key)) += ':';
    append_strict(out, value);
  }
  out += '}';
}

void append_strict(std::string& out, JsonView value) {
  if (value.is(JsonType::object)) return append_object(out, value);
  if (value.is(JsonType::string)) {
    out += json::quote(*value.string());
    return;
  }
  if (!value.is(JsonType::array)) {
    out += value.raw();
    return;
  }
  out += '[';
  const std::size_t first = value.first().begin();
  for (JsonView each = value.first(); each.present(); each = each.after()) {
    if (each.begin() != first) out += ',';
    append_strict(out, each);
  }
  out += ']';
}

}  // namespace

std::string strict_json(JsonView value) {
  std::string out;
  append_strict(out, value);
  return out;
}

std::string escaped(std::string_view text) {
  std::string quoted = json::quote(text);
  return quoted.substr(1, quoted.size() - 2);
}

void append_quoted_compact(std::string& out, std::string_view json) {
  out += '"';
  const char* at = json.data();
  const char* const end = at + json.size();
  bool in_string = false;
  while (at < end) {
    if (in_string) {
      const char* const stop = find_string_stop(at, end);
      out.append(at, stop);
      at = stop;
      if (at == end) break;
    }
    const char c = *at++;
    if (c == '"') {
      out += "\\\"";
      in_string = !in_string;
    } else if (c == '\\') {  // and what it escapes
      out += "\\\\";
      if (at == end) break;
      if (*at == '"' || *at == '\\') out += '\\';
      out += *at++;
    } else if (in_string || (c != ' ' && c != '\n' && c != '\r' && c != '\t')) {
      out += c;
    }
  }
  out += '"';
}

void append_member(std::string& out, std::string_view key, std::string_view json) {
  if (!out.empty() && out.back() != '{') out += ',';
  out += '"';
  out += key;
  out += "\":";
  out += json;
}

void append_element(std::string& list, std::string_view json) {
  if (!list.empty()) list += ',';
  list += json;
}

bool is_utf8(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    const std::size_t length = utf8_length(at, end);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace glmgate::protocol
