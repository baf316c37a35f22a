// What /v1/responses keeps between requests, for each key by itself, if the operator lets it.
#pragma once

#include <string>

#include "gateway/exchange.h"
#include "protocol/body.h"

namespace glmgate::gateway {

/// Puts what a Responses request refers to into its body, and notes what storing its response
/// needs. What is not here is left as it is: the upstream may have it, and translation refuses it
/// by name.
Result<void> recall(Exchange& x, protocol::Body& body);

/// Keeps a response object that the client is about to get; only if x.keeps_response().
void remember(const Exchange& x, std::string response);

/// GET and DELETE of /v1/responses/{id}. Fault{not_stored}.
net::awaitable<Result<void>> serve_stored(Exchange& x);

}  // namespace glmgate::gateway
