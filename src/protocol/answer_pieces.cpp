#include "protocol/answer_pieces.h"

#include <utility>

#include "protocol/answer_parts.h"
#include "protocol/json_text.h"
#include "protocol/json_write.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kEscapeBytes = 6;  // \ud83d
constexpr std::string_view kNothing = "null";
constexpr std::size_t kMostHeld = 64;

/// How many bytes at the end of a JSON string's inside are the escape of a first half.
std::size_t half_at_end(std::string_view inside) {
  if (inside.size() < kEscapeBytes) return 0;
  const std::string_view escape = inside.substr(inside.size() - kEscapeBytes);
  if (!escape.starts_with("\\u")) return 0;
  const int unit = read_hex4(escape.data() + 2, escape.data() + escape.size());
  if (unit < 0xd800 || unit > 0xdbff) return 0;
  const std::string_view before = inside.substr(0, inside.size() - kEscapeBytes);
  const auto solid = before.find_last_not_of('\\');
  const std::size_t backslashes = before.size() - (solid == std::string_view::npos ? 0 : solid + 1);
  return backslashes % 2 == 0 ? kEscapeBytes : 0;
}

}  // namespace

std::string TextPieces::add(JsonView piece) {
  std::string_view fresh = inside(piece);
  if (half_.empty() && half_at_end(fresh) == 0) return piece.string().value_or("");
  if (fresh.empty()) return {};
  const std::string joined = std::exchange(half_, {}) += fresh;
  const std::size_t waiting = half_at_end(joined);
  half_ = joined.substr(joined.size() - waiting);
  return unescape(std::string_view(joined).substr(0, joined.size() - waiting));
}

std::string TextPieces::end() { return unescape(std::exchange(half_, {})); }

std::string ArgumentPieces::add(std::string piece) {
  if (begun_ || piece.empty()) return piece;
  held_ += piece;
  const std::string_view said = trimmed(held_);
  if (kNothing.starts_with(said) && held_.size() <= kMostHeld) return {};
  begun_ = true;
  return std::exchange(held_, {});
}

std::string ArgumentPieces::end() {
  std::string out = add(text_.end());
  const std::string_view said = trimmed(held_);
  if (!said.empty() && said != kNothing) out += held_;
  held_.clear();
  return out;
}

}  // namespace glmgate::protocol
