// Asking upstreams: one attempt after another until an answer has begun. What may be tried again,
// and where, is decided by the Fault (promises, section 4); after the first byte towards the client
// nothing is.
#pragma once

#include "gateway/exchange.h"

namespace glmgate::gateway {

/// What an upstream gets of the client's headers, and its credentials. A token made for it is kept
/// in x.sent_token.
net::Headers request_headers(Exchange& x, const Upstream& upstream,
                             const UpstreamEndpoint& endpoint);

/// Takes our own credentials out of what the last upstream asked had to say.
void hide_secrets(const Exchange& x, Fault& fault);
void hide_secrets(const Exchange& x, std::string& text);

/// Asks the routes of `x`, as gateway/retry.h decides, until x.answer has begun. The Fault is the
/// last attempt's.
net::awaitable<Result<void>> ask(Exchange& x, protocol::Body& body);

}  // namespace glmgate::gateway
