#include "protocol/tool_names.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "protocol/sha256.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kMostBytes = 64;
constexpr std::size_t kKeptBytes = 55;
constexpr std::size_t kHashDigits = 8;
constexpr std::string_view kHexId = "toolu_hx_";

bool is_good(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

std::string fit_tool_name(std::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= kMostBytes && std::ranges::all_of(name, is_good);
  if (fits) return std::string(name);
  std::string out;
  for (const char c : name.substr(0, kKeptBytes)) out += is_good(c) ? c : '_';
  return out + "_" + sha256_hex(name).substr(0, kHashDigits);
}

std::string_view client_tool_name(const ToolNames& names, std::string_view name) {
  const auto found = names.find(name);
  return found == names.end() ? name : std::string_view(found->second.name);
}

void for_renamed_call(const ToolNames& names, JsonView call,
                      const std::function<void(JsonView name, const std::string& own)>& rename) {
  const JsonView name = call.find("function").find("name");
  const auto found = name.is(JsonType::string) ? names.find(*name.string()) : names.end();
  if (found != names.end()) rename(name, json::quote(found->second.name));
}

std::string fit_call_id(std::string_view id) {
  if (!id.empty() && std::ranges::all_of(id, is_good) && !id.starts_with(kHexId))
    return std::string(id);
  constexpr char kHex[] = "0123456789abcdef";
  std::string out(kHexId);
  for (const char c : id) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string original_call_id(std::string_view id) {
  if (!id.starts_with(kHexId)) return std::string(id);
  const std::string_view hex = id.substr(kHexId.size());
  if (hex.size() % 2 != 0) return std::string(id);
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned byte = 0;
    const char* end = hex.data() + i + 2;
    if (std::from_chars(hex.data() + i, end, byte, 16).ptr != end) return std::string(id);
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace glmgate::protocol
