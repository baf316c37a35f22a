// Names that agents ask for and nobody here serves (claude-opus-5-5, gpt-5.1-codex), and the models
// that answer them instead.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace glmgate::gateway {

/// [models]: `"claude-*haiku*" = "glm-4.5-air"`. '*' stands for any text.
struct ModelAlias {
  std::string pattern;
  std::string model;
};

/// The model that stands for `name`: the first of `own` that matches, else of the built-in list;
/// empty if none does. "claude-glm-4.7" and "anthropic/glm-4.7", which Claude Code is shown
/// (wire-protocols 1.12), are glm-4.7.
std::string_view find_alias(std::span<const ModelAlias> own, std::string_view name);

/// The same, of the operator's own list alone.
std::string_view find_own_alias(std::span<const ModelAlias> own, std::string_view name);

/// `pattern` with '*' against the whole of `name`.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace glmgate::gateway
