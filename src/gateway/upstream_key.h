// A provider's key as people write it into variables and files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "gateway/providers.h"

namespace glmgate::gateway {

struct UpstreamKey {
  Secret key;
  std::vector<std::string> notes;  ///< "had blanks around it, ...": never a piece of the key
};

/// Takes off blanks, a byte order mark, quotes and "Bearer ", and says so; says what does not look
/// like a key of this provider (glm-api 1.2: `id.secret`), and leaves it as it is: shapes change.
UpstreamKey read_upstream_key(std::string_view written, ProviderKind provider);

}  // namespace glmgate::gateway
