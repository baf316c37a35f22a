#include "gateway/aliases.h"

#include "base/models.h"

namespace glmgate::gateway {
namespace {

struct BuiltIn {
  std::string_view pattern;
  std::string_view model;
};
constexpr std::string_view kFlagship = "glm-5.3";
constexpr std::string_view kLight = "glm-4.5-air";
constexpr BuiltIn kBuiltIn[] = {
    {"claude-*haiku*", kLight}, {"claude-*", kFlagship}, {"gpt-*-mini*", kLight},
    {"gpt-*-nano*", kLight},    {"gpt-*", kFlagship},    {"chatgpt-*", kFlagship},
    {"codex-*", kFlagship},     {"o3*", kFlagship},      {"o4*", kFlagship},
};

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // the last one seen, and where the name stood then
  std::size_t after = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string_view find_own_alias(std::span<const ModelAlias> own, std::string_view name) {
  for (const ModelAlias& each : own)
    if (matches(each.pattern, name)) return each.model;
  return {};
}

std::string_view find_alias(std::span<const ModelAlias> own, std::string_view name) {
  if (const std::string_view mine = find_own_alias(own, name); !mine.empty()) return mine;
  for (const std::string_view shown : {"anthropic/", "claude-"})
    if (name.starts_with(shown))
      if (const Model* model = find_model(name.substr(shown.size()))) return model->id;
  for (const BuiltIn& each : kBuiltIn)
    if (matches(each.pattern, name)) return each.model;
  return {};
}

}  // namespace glmgate::gateway
