// Every path we answer, in one list, under every spelling a client joins to its base URL (design,
// section 6).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/dialect.h"

namespace glmgate::gateway {

enum class Serve : std::uint8_t {
  ask,              ///< a model is asked: POST .../chat/completions, responses, messages,
                    ///< complete
  count,            ///< POST .../messages/count_tokens
  models,           ///< GET .../models
  model,            ///< GET .../models/{id}
  response,         ///< GET .../responses/{id}: kept by the store
  response_items,   ///< GET .../responses/{id}/input_items
  forget_response,  ///< DELETE .../responses/{id}
  health,           ///< process is alive
  ready,            ///< and can serve
  metrics,
  root,    ///< HEAD / and GET /: a connectivity probe
  nothing  ///< unknown path
};

/// What a path asks for.
struct Target {
  Serve serve = Serve::nothing;
  protocol::Protocol dialect = protocol::Protocol::openai_chat;  ///< whose errors and answers
  std::string service;       ///< from /s/<service>/; empty otherwise
  std::string id;            ///< of a model or a response: percent-decoded
  std::string_view prefix;   ///< "/v1", "/api/anthropic"; for the log
  std::string_view pattern;  ///< "/models/{id}"; empty for an unknown path
  bool wrong_method = false;
  std::string allow;  ///< with wrong_method: value of the Allow header
};

/// Never fails: an unknown path still has the dialect of its prefix, so that its 404 can be
/// understood.
Target find_target(std::string_view method, std::string_view path);

/// What of a path stands behind its service and prefix: "/chat/completions".
std::string_view endpoint_of(std::string_view path);

/// The paths of find_target()'s endpoints, without any prefix and without those that hold an id.
std::vector<std::string_view> endpoint_paths();

}  // namespace glmgate::gateway
