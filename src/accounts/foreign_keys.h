// What somebody sent who sent no key of ours, told from its shape. Private to this room.
#pragma once

#include <string>
#include <string_view>

namespace glmgate::accounts {

/// "This is a key of Anthropic." and what to do about it; empty if it is like nothing we know.
/// Never a piece of what was presented.
std::string tell_foreign_key(std::string_view presented);

/// 32 hex digits, a dot, 16 letters and digits; or the first part alone, which is the key's id.
bool is_glm_key(std::string_view text);
bool is_glm_key_id(std::string_view text);

}  // namespace glmgate::accounts
