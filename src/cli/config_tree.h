// A configuration file as a tree of values that know where they stand. The only door to the TOML
// parser.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace glmgate::cli {

struct ConfigNode {
  enum class Kind : std::uint8_t { text, integer, decimal, flag, date, other, list, table };

  std::string name;  ///< in its table; empty in a list
  Kind kind = Kind::table;
  std::string text;  ///< of a text; of an integer or decimal: the number in short
  std::int64_t integer = 0;
  bool flag = false;
  std::chrono::sys_days date{};
  std::uint32_t line = 0;  ///< 0: nowhere
  std::uint32_t column = 0;
  std::vector<ConfigNode> children;  ///< of a table or list, in the order of the file

  bool is(Kind wanted) const { return kind == wanted; }
  const ConfigNode* find(std::string_view child) const;
};

/// Fault{bad_value} with "name:line:column: what", the line of text with a caret under it, and a
/// "\nhint: " what to write instead. Keys in that line are masked.
Result<ConfigNode> read_config_tree(std::string_view text, const std::string& name);

/// What a person meant who wrote this instead of TOML (config_syntax.cpp).
/// @param what  the parser's own words.
Fault explain_syntax(std::string_view text, const std::string& name, std::uint32_t line,
                     std::uint32_t column, std::string_view what);

}  // namespace glmgate::cli
