// Names and ids of tools that do not fit the other protocol: changed so that nothing has to be
// remembered between requests (wire-protocols 3.1, 3.2).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "protocol/json_scan.h"

namespace glmgate::protocol {

/// A name every upstream takes: [a-zA-Z0-9_-]{1,64}. One that fits stays as it is; another becomes
/// its first 55 good characters, '_' and 8 hex digits of its SHA-256.
std::string fit_tool_name(std::string_view name);

/// What a tool of a request was in the client's words, by the name the upstream knows it under.
/// Filled while the request is translated, read while its answer is.
struct ClientTool {
  enum class Kind : std::uint8_t {
    function,
    custom,       ///< Responses: free text in, wrapped as {"input": ...}
    namespaced,   ///< Responses: a tool of a namespace
    local_shell,  ///< Responses: the hosted local shell
    shell,        ///< Responses: its successor, with several commands a call
    apply_patch   ///< Responses: the hosted editor of files
  };
  Kind kind = Kind::function;
  std::string name;   ///< as the client declared it
  std::string space;  ///< namespaced, and custom inside a namespace: the namespace
};
using ToolNames = std::map<std::string, ClientTool, std::less<>>;

/// The client's name for the upstream's `name`; `name` itself if it was not changed.
std::string_view client_tool_name(const ToolNames& names, std::string_view name);

/// Calls `rename(name, own)` if the call of a chat answer is of a tool that the client calls
/// otherwise: the name's place, and the client's own as JSON.
void for_renamed_call(const ToolNames& names, JsonView call,
                      const std::function<void(JsonView name, const std::string& own)>& rename);

/// Anthropic takes ids of [a-zA-Z0-9_-]+ only: others become "toolu_hx_" and hex, and back.
std::string fit_call_id(std::string_view id);
std::string original_call_id(std::string_view id);

}  // namespace glmgate::protocol
