// What to say of a path that leads nowhere: by name, if GLM or OpenAI have something there.
#pragma once

#include <string>
#include <string_view>

namespace glmgate::gateway {

std::string unknown_path_text(std::string_view path);

}  // namespace glmgate::gateway
