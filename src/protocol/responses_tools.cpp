#include <algorithm>

#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/message_checks.h"
#include "protocol/responses_draft.h"
#include "protocol/responses_parts.h"
#include "protocol/sha256.h"

namespace glmgate::protocol {
namespace {

using Kind = ClientTool::Kind;

constexpr std::string_view kNoParameters = R"({"type":"object","properties":{}})";

/// Tools that OpenAI defines and the client runs, as functions.
struct Hosted {
  std::string_view type;
  Kind kind;
  std::string_view description;
  std::string_view parameters;
};

constexpr Hosted kHosted[] = {
    {"local_shell", Kind::local_shell, "Runs a command on the user's machine.",
     R"({"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"the program and its arguments"},"working_directory":{"type":"string"},"env":{"type":"object","additionalProperties":{"type":"string"}},"timeout_ms":{"type":"integer"},"user":{"type":"string"}},"required":["command"]})"},
    {"shell", Kind::shell, "Runs shell commands on the user's machine, side by side.",
     R"({"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"},"description":"command lines"},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]})"},
    {"apply_patch", Kind::apply_patch,
     "Creates, changes or deletes one file. `diff` is in the V4A format: lines that begin with "
     "' ', '+' or '-', sections that begin with '@@'.",
     R"({"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string"}},"required":["type","path"]})"},
};

const Hosted* find_hosted(JsonView type) {
  const auto found = std::find_if(std::begin(kHosted), std::end(kHosted),
                                  [&](const Hosted& row) { return type.equals(row.type); });
  return found == std::end(kHosted) ? nullptr : found;
}

/// What tells tools of the same name apart.
std::string key_of(Kind kind, std::string_view space, std::string_view name) {
  const char group = kind == Kind::custom                                 ? 'c'
                     : kind == Kind::function || kind == Kind::namespaced ? 'f'
                                                                          : 'h';
  std::string key(1, group);
  key += space;
  key += '\0';
  return key += name;
}

std::string joined(std::string_view space, std::string_view name) {
  if (space.empty()) return std::string(name);
  return std::string(space) + "__" + std::string(name);
}

/// What the model is told of the one string that a custom tool takes.
std::string input_schema(JsonView format) {
  std::string about = "the tool's input, as free text";
  if (const auto definition = format.find("definition").string()) {
    const std::string syntax = format.find("syntax").string().value_or("");
    about += "; it must match this " + (syntax.empty() ? "" : syntax + " ") + "grammar:\n";
    about += *definition;
  }
  return R"({"type":"object","properties":{"input":{"type":"string","description":)" +
         json::quote(about) + R"(}},"required":["input"]})";
}

}  // namespace

Result<void> ResponsesTools::add_all(JsonView tools, const std::string& path) {
  std::size_t index = 0;
  for (JsonView tool = tools.first(); tool.present(); tool = tool.after(), ++index)
    if (auto added = add(tool, at_index(path, index), {}); !added) return added;
  return {};
}

Result<void> ResponsesTools::add(JsonView tool, const std::string& path, std::string_view space) {
  const JsonView type = tool.find("type");
  if (type.equals("namespace")) {
    if (!space.empty()) return unsupported(path + ".type", "namespace must not stand in another");
    if (tool.find("description").given()) warnings_.add("dropped", "tools[].description");
    const std::string name = tool.find("name").string().value_or("");
    std::size_t index = 0;
    for (JsonView inner = tool.find("tools").first(); inner.present();
         inner = inner.after(), ++index)
      if (auto added = add(inner, at_index(path + ".tools", index), name); !added) return added;
    return {};
  }
  if (count_ == kMostTools)
    return wrong(path, "one of at most " + std::to_string(kMostTools) + " tools");
  if (type.equals("function") || is_untyped_function(tool)) {
    const JsonView nested = tool.find("function");
    add_function(nested.is(JsonType::object) ? nested : tool, path, space);
  } else if (type.equals("custom")) {
    const JsonView nested = tool.find("custom");
    add_custom(nested.is(JsonType::object) ? nested : tool, path, space);
  } else if (const Hosted* const hosted = find_hosted(type)) {
    add_hosted(hosted->kind, path);
  } else {
    warnings_.add("dropped", path);  // what OpenAI runs on its side, or what we do not know
  }
  return {};
}

void ResponsesTools::add_function(JsonView function, const std::string& path,
                                  std::string_view space) {
  const std::string name = function.find("name").string().value_or("");
  const std::string upstream =
      register_tool(space.empty() ? Kind::function : Kind::namespaced, space, name);
  if (upstream.empty()) return warnings_.add("dropped", path);
  for (const std::string_view key : {"defer_loading", "output_schema"})
    if (const JsonView extra = function.find(key); extra.given() && extra.boolean() != false)
      warnings_.add("dropped", "tools[]." + std::string(key));
  const JsonView parameters = function.find("parameters");
  const JsonView strict = function.find("strict");
  append(upstream, function.find("description").given() ? function.find("description").raw() : "",
         parameters.given() ? parameters.raw() : kNoParameters,
         strict.boolean() ? strict.raw() : std::string_view());
}

void ResponsesTools::add_custom(JsonView custom, const std::string& path, std::string_view space) {
  const std::string name = custom.find("name").string().value_or("");
  const std::string upstream = register_tool(Kind::custom, space, name);
  if (upstream.empty()) return warnings_.add("dropped", path);
  JsonView format = custom.find("format");
  if (format.find("grammar").is(JsonType::object)) format = format.find("grammar");  // as in chat
  if (format.find("definition").given()) warnings_.add("not_enforced", "tools[].format");
  const JsonView description = custom.find("description");
  append(upstream, description.given() ? description.raw() : "", input_schema(format), {});
}

void ResponsesTools::add_hosted(Kind kind, const std::string& path) {
  for (const Hosted& row : kHosted) {
    if (row.kind != kind) continue;
    const std::string upstream = register_tool(kind, {}, row.type);
    if (upstream.empty()) return warnings_.add("dropped", path);
    append(upstream, json::quote(row.description), row.parameters, {});
  }
}

std::string ResponsesTools::register_tool(Kind kind, std::string_view space,
                                          std::string_view name) {
  std::string key = key_of(kind, space, name);
  if (upstream_names_.contains(key)) return {};
  std::string upstream = fit_tool_name(joined(space, name));
  if (taken_.contains(upstream)) {
    upstream.resize(std::min<std::size_t>(upstream.size(), 55));
    upstream += "_" + sha256_hex(key).substr(0, 8);
  }
  if (!taken_.emplace(upstream, true).second) return {};
  if (kind != Kind::function || upstream != name)
    names_.insert_or_assign(upstream, ClientTool{kind, std::string(name), std::string(space)});
  upstream_names_.emplace(std::move(key), upstream);
  return upstream;
}

void ResponsesTools::append(std::string_view name, std::string_view description,
                            std::string_view parameters, std::string_view strict) {
  json_ += json_.empty() ? "" : ",";
  (json_ += R"({"type":"function","function":{"name":)") += json::quote(name);
  if (!description.empty()) (json_ += R"(,"description":)") += description;
  (json_ += R"(,"parameters":)") += parameters;
  if (!strict.empty()) (json_ += R"(,"strict":)") += strict;
  json_ += "}}";
  ++count_;
}

std::string ResponsesTools::upstream_name(Kind kind, std::string_view space,
                                          std::string_view name) const {
  const auto found = upstream_names_.find(key_of(kind, space, name));
  return found != upstream_names_.end() ? found->second : fit_tool_name(joined(space, name));
}

bool ResponsesTools::has(Kind kind, std::string_view space, std::string_view name) const {
  return upstream_names_.contains(key_of(kind, space, name));
}

}  // namespace glmgate::protocol
