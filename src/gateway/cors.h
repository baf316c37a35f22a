// Pages in browsers that may call us ([server] allow_origins): what the Fetch standard asks of a
// server across origins. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"

namespace glmgate::gateway {

/// "https://app.example", "http://localhost:*", "*": a scheme and a host, with no path.
bool is_origin_pattern(std::string_view pattern);

/// Lets a page of the request's origin read the answer. Adds nothing while nobody is allowed.
void add_cors(net::Headers& answer, const net::Headers& request,
              std::span<const std::string> allowed);

/// True for what a browser asks before a request that it may not send unasked.
bool is_preflight(std::string_view method, const net::Headers& request);

/// The preflight's answer; nothing if its origin is not allowed. Any header may be sent: which ones
/// SDKs bring grows with every release, and none of them is read on trust.
std::optional<net::Headers> answer_preflight(const net::Headers& request,
                                             std::span<const std::string> allowed);

}  // namespace glmgate::gateway
