#include "cli/text_table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/money.h"

namespace glmgate::cli {
namespace {

struct Character {
  std::size_t bytes = 1;
  char32_t code = 0;
  bool valid = false;
};

/// The first character of a text that is not empty.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char head = byte(0);
  if (head < 0x80) return {1, head, true};
  const std::size_t bytes = head >= 0xf0 ? 4 : head >= 0xe0 ? 3 : 2;
  if (head < 0xc2 || head > 0xf4 || text.size() < bytes) return {};
  char32_t code = head & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[bytes] || code > 0x10ffff || surrogate) return {};
  return {bytes, code, true};
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool contains(const Range (&ranges)[N], char32_t code) {
  return std::ranges::any_of(
      ranges, [code](const Range& each) { return code >= each.first && code <= each.last; });
}

// Marks that combine, joiners and variation selectors (Unicode 15, the scripts in common use).
constexpr Range kNoWidth[] = {
    {0x300, 0x36f},   {0x483, 0x489},     {0x591, 0x5bd},    {0x610, 0x61a},   {0x64b, 0x65f},
    {0x6d6, 0x6dc},   {0x900, 0x902},     {0x93c, 0x93c},    {0x941, 0x948},   {0xe31, 0xe31},
    {0xe34, 0xe3a},   {0xe47, 0xe4e},     {0x1ab0, 0x1aff},  {0x1dc0, 0x1dff}, {0x200b, 0x200d},
    {0x20d0, 0x20ff}, {0x302a, 0x302d},   {0x3099, 0x309a},  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    {0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef}};

// East Asian wide and full width, and emoji.
constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x16fe0, 0x18aff}, {0x1b000, 0x1b2ff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd}};

// What turns the direction of writing, and line ends beyond ASCII.
constexpr Range kDeceiving[] = {
    {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0x61c, 0x61c}};

std::string escaped(const Character& character, std::string_view text) {
  std::array<char, 16> out{};
  if (contains(kDeceiving, character.code)) {
    std::snprintf(out.data(), out.size(), "\\u{%04X}", static_cast<unsigned>(character.code));
    return out.data();
  }
  std::string all;
  for (const char c : text.substr(0, character.bytes)) {
    std::snprintf(out.data(), out.size(), "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    all += out.data();
  }
  return all;
}

/// "1 234.5678"; what is less than a cent with all its decimals.
std::string money_text(std::int64_t micro, Currency currency) {
  constexpr std::int64_t kUnit = 1'000'000;
  constexpr std::int64_t kCent = 10'000;
  const std::string decimals = decimal(micro);
  const std::string places = decimals.substr(decimals.find('.'));
  const bool tiny = micro != 0 && micro < kCent && micro > -kCent;
  return spaced(micro / kUnit) + (tiny ? places : places.substr(0, 5)) + " " +
         std::string(name(currency));
}

bool is_safe(const Character& character) {
  const char32_t code = character.code;
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  return character.valid && !control && !contains(kDeceiving, code);
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    text.remove_prefix(character.bytes);
    if (!contains(kNoWidth, character.code)) width += contains(kWide, character.code) ? 2 : 1;
  }
  return width;
}

std::string cell_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = first_character(text);
    if (is_safe(character))
      out += text.substr(0, character.bytes);
    else
      out += escaped(character, text);
    text.remove_prefix(character.bytes);
  }
  return out;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.valid)
      out += text.substr(0, character.bytes);
    else
      out += "\xef\xbf\xbd";
    text.remove_prefix(character.bytes);
  }
  return out;
}

std::string spaced(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t least = number < 0 ? 4 : 3;
  for (std::size_t at = text.size(); at > least; at -= 3) text.insert(at - 3, " ");
  return text;
}

std::string money_text(std::int64_t usd_micro, std::int64_t cny_micro) {
  if (cny_micro == 0) return money_text(usd_micro, Currency::usd);
  const std::string cny = money_text(cny_micro, Currency::cny);
  return usd_micro == 0 ? cny : money_text(usd_micro, Currency::usd) + " + " + cny;
}

std::string write_table(const std::vector<Column>& columns,
                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns) lines.front().push_back(column.title);
  for (const auto& row : rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(cell_text(cell));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < columns.size(); ++i)
      widths[i] = std::max(widths[i], display_width(line[i]));
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string gap(widths[i] - display_width(line[i]), ' ');
      if (i > 0) text += "  ";
      text += columns[i].align == Align::left ? line[i] + gap : gap + line[i];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace glmgate::cli
