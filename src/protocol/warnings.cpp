#include "protocol/warnings.h"

#include <algorithm>

namespace glmgate::protocol {
namespace {

constexpr std::size_t kMostWarnings = 32;
constexpr std::size_t kLongestField = 96;

}  // namespace

void Warnings::add(std::string_view what, std::string_view field) {
  if (texts_.size() == kMostWarnings) return;
  std::string text = std::string(what) + "; field=";
  for (const char c : field.substr(0, kLongestField)) text += c > ' ' && c < '\x7f' ? c : '?';
  if (std::ranges::find(texts_, text) != texts_.end()) return;
  if (texts_.size() == kMostWarnings - 1) text = "dropped; field=others";
  texts_.push_back(std::move(text));
}

}  // namespace glmgate::protocol
