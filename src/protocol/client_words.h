// Warnings about a draft in the words of the client that it was made for: a field that a client did
// not send says nothing to it.
#pragma once

#include <string>

#include "protocol/dialect.h"

namespace glmgate::protocol {

/// @param warning  "<what>; field=<path>" about a chat request
std::string in_client_words(Protocol client, std::string warning);

}  // namespace glmgate::protocol
