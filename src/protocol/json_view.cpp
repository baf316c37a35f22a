#include <charconv>

#include "protocol/json_scan.h"
#include "protocol/json_text.h"

namespace glmgate::protocol {

JsonView JsonTape::root(std::string_view text) const {
  if (nodes_.empty()) return {};
  return JsonView(nodes_.data(), text.data(), 0, JsonView::kNoParent);
}

bool JsonView::same_unescaped(std::string_view inside, std::string_view text) {
  // A byte has at most the six of \u0041: what is too long is not unescaped at each comparison.
  constexpr std::size_t kMostPerByte = 6;
  if (inside.size() <= text.size() || inside.size() > kMostPerByte * text.size()) return false;
  return unescape(inside) == text;
}

std::optional<bool> JsonView::boolean() const {
  if (!is(JsonType::boolean)) return std::nullopt;
  return text_[node().begin] == 't';
}

std::optional<std::int64_t> JsonView::integer() const {
  if (!is(JsonType::number)) return std::nullopt;
  return exact_integer(raw());
}

std::optional<double> JsonView::number() const {
  if (!is(JsonType::number)) return std::nullopt;
  const std::string_view text = raw();
  double value = 0;  // what is too small to hold stays 0
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<std::string> JsonView::string() const {
  if (!is(JsonType::string)) return std::nullopt;
  return node().escaped ? unescape(inside(node())) : std::string(inside(node()));
}

std::size_t JsonView::text_bytes() const {
  if (!is(JsonType::string)) return 0;
  const std::string_view text = inside(node());
  return node().escaped ? unescaped_bytes(text) : text.size();
}

std::string JsonView::key() const {
  if (!present() || !is_member()) return {};
  const Node& key = nodes_[index_ - 1];
  return key.escaped ? unescape(inside(key)) : std::string(inside(key));
}

std::size_t JsonView::key_begin() const {
  return present() && is_member() ? nodes_[index_ - 1].begin : begin();
}

std::size_t JsonView::size() const {
  std::size_t count = 0;
  for (JsonView child = first(); child.present(); child = child.after()) ++count;
  return count;
}

}  // namespace glmgate::protocol
