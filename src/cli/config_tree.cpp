#include "cli/config_tree.h"

#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts on some malformed keys that it refuses properly a line later.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace glmgate::cli {
namespace {

/// What toml++ 3.3 must not be given, though TOML forbids it anyway: control bytes, and other than
/// ASCII outside strings and comments (it trips over both). Nothing if all is well.
struct ForeignByte {
  const char* what;
  std::size_t at;
};

std::optional<ForeignByte> find_foreign_byte(std::string_view text) {
  char quote = 0;
  bool in_comment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f)
      return ForeignByte{"a control byte: is it a text file?", i};
    if (byte >= 0x80 && quote == 0 && !in_comment)
      return ForeignByte{"a character other than ASCII outside of quotes", i};
    if (c == '\n') in_comment = false;
    if (in_comment) continue;
    if (quote != 0) {
      if (c == '\\' && quote == '"')
        ++i;
      else if (c == quote)
        quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      in_comment = true;
    }
  }
  return std::nullopt;
}

ConfigNode node_of(const toml::node& from);

void add_children(ConfigNode& to, const toml::table& table) {
  for (const auto& [name, value] : table) {
    to.children.push_back(node_of(value));
    to.children.back().name = name.str();
  }
  std::ranges::stable_sort(
      to.children, {}, [](const ConfigNode& child) { return std::pair(child.line, child.column); });
}

ConfigNode node_of(const toml::node& from) {
  using Kind = ConfigNode::Kind;
  ConfigNode node;
  node.kind = Kind::other;
  node.line = from.source().begin.line;
  node.column = from.source().begin.column;
  if (const toml::table* table = from.as_table()) {
    node.kind = Kind::table;
    add_children(node, *table);
  } else if (const toml::array* list = from.as_array()) {
    node.kind = Kind::list;
    for (const toml::node& each : *list) node.children.push_back(node_of(each));
  } else if (const auto text = from.value_exact<std::string>()) {
    node.kind = Kind::text;
    node.text = *text;
  } else if (const auto flag = from.value_exact<bool>()) {
    node.kind = Kind::flag;
    node.flag = *flag;
  } else if (const auto integer = from.value_exact<std::int64_t>()) {
    node.kind = Kind::integer;
    node.integer = *integer;
    node.text = std::to_string(*integer);
  } else if (const auto decimal = from.value_exact<double>()) {
    node.kind = Kind::decimal;
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%g", *decimal);
    node.text = digits.data();
  } else if (const auto date = from.value_exact<toml::date>()) {
    node.kind = Kind::date;
    node.date = std::chrono::year(date->year) / std::chrono::month(date->month) /
                std::chrono::day(date->day);
  }
  return node;
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view child) const {
  const auto found = std::ranges::find(children, child, &ConfigNode::name);
  return found == children.end() ? nullptr : &*found;
}

Result<ConfigNode> read_config_tree(std::string_view text, const std::string& name) {
  if (const auto foreign = find_foreign_byte(text)) {
    const std::string_view before = text.substr(0, foreign->at);
    const auto line = static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1);
    const std::size_t column = foreign->at - (before.rfind('\n') + 1) + 1;
    return fail(
        explain_syntax(text, name, line, static_cast<std::uint32_t>(column), foreign->what));
  }
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::source_position at = parsed.error().source().begin;
    return fail(explain_syntax(text, name, at.line, at.column, parsed.error().description()));
  }
  ConfigNode root;
  root.line = 0;
  add_children(root, parsed.table());
  return root;
}

}  // namespace glmgate::cli
