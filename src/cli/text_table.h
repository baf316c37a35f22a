// Tables for terminals: columns line up by what is seen, whatever is in the names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace glmgate::cli {

/// Columns that a terminal needs for UTF-8: 2 for CJK and most emoji, none for what combines.
std::size_t display_width(std::string_view text);

/// One cell: control characters, and bytes that are no UTF-8, as \xNN; what would turn the writing
/// direction as \u{NNNN}. Nothing in it moves the cursor or ends the line.
std::string cell_text(std::string_view text);

/// `text` with U+FFFD for bytes that are no UTF-8: JSON cannot hold those.
std::string valid_utf8(std::string_view text);

/// "12 345 678": digits in threes.
std::string spaced(std::int64_t number);

/// "9.3700 USD", "0.000050 USD", "1.0000 USD + 2.0000 CNY".
std::string money_text(std::int64_t usd_micro, std::int64_t cny_micro);

enum class Align : std::uint8_t { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

/// Title line and rows, two blanks between columns. Cells are made safe to show.
std::string write_table(const std::vector<Column>& columns,
                        const std::vector<std::vector<std::string>>& rows);

}  // namespace glmgate::cli
