// The variables that glmgate reads for itself: one list for the help, the warning about misspelled
// ones, and the completion.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config.h"

namespace glmgate::cli {

struct EnvironmentVariable {
  std::string_view name;
  std::string_view meaning;
};
std::span<const EnvironmentVariable> environment_variables();

/// Puts GLMGATE_LISTEN, GLMGATE_DATA, GLMGATE_WORKERS and GLMGATE_LOG over what the file says.
Result<void> apply_environment(Config& config);

/// "GLMGATE_LISTN is not a variable of glmgate; did you mean GLMGATE_LISTEN?" for each that is set
/// and that neither glmgate nor a `key_env` of the configuration reads.
std::vector<std::string> unknown_variables(const Config& config);

}  // namespace glmgate::cli
