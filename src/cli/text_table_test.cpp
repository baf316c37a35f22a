#include "cli/text_table.h"

#include <gtest/gtest.h>

namespace glmgate::cli {
namespace {

TEST(text_table, width_is_what_a_terminal_shows) {
  struct Case {
    const char* name;
    const char* text;
    std::size_t width;
  };
  const Case cases[] = {
      {"nothing", "", 0},
      {"ASCII", "glm-4.7", 7},
      {"two bytes, one column", "Zoë", 3},
      {"a combining mark", "Zoe\xcc\x88", 3},
      {"Chinese", "智谱", 4},
      {"Korean", "한국", 4},
      {"full width", "ＡＢ", 4},
      {"an emoji", "🚀x", 3},
      {"a broken byte", "a\xff", 2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(display_width(c.text), c.width);
  }
}

TEST(text_table, a_cell_moves_no_cursor_and_json_gets_utf8) {
  struct Case {
    const char* name;
    std::string_view text;
    const char* cell;
    std::string_view json;
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"plain", "glm-4.7", "glm-4.7", "glm-4.7"},
      {"other scripts", "智谱 Zoë", "智谱 Zoë", "智谱 Zoë"},
      {"clears the screen", "a\x1b[2Jb", "a\\x1b[2Jb", "a\x1b[2Jb"},
      {"line feed", "a\nb", "a\\x0ab", "a\nb"},
      {"NUL", "a\0b"sv, "a\\x00b", "a\0b"sv},
      {"C1 as UTF-8",
       "\xc2\x9b"
       "2J",
       "\\xc2\\x9b2J",
       "\xc2\x9b"
       "2J"},
      {"a name that was cut within a character", "ab\xc3", "ab\\xc3", "ab\xef\xbf\xbd"},
      {"overlong", "\xc0\xaf", "\\xc0\\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"turns the direction",
       "a\xe2\x80\xae"
       "b",
       "a\\u{202E}b",
       "a\xe2\x80\xae"
       "b"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(cell_text(c.text), c.cell);
    EXPECT_EQ(valid_utf8(c.text), c.json);
  }
}

TEST(text_table, columns_line_up_whatever_the_names_are) {
  EXPECT_EQ(
      write_table({{"USER"}, {"N", Align::right}}, {{"Zoë", "1"}, {"智谱", "20"}, {"a\x1b", "3"}}),
      "USER    N\n"
      "Zoë     1\n"
      "智谱   20\n"
      "a\\x1b   3\n");
}

TEST(text_table, digits_stand_in_threes) {
  struct Case {
    std::int64_t number;
    const char* text;
  };
  for (const Case& c : {Case{0, "0"},
                        {999, "999"},
                        {1000, "1 000"},
                        {-1234, "-1 234"},
                        {273'862'474, "273 862 474"},
                        {-999, "-999"}})
    EXPECT_EQ(spaced(c.number), c.text);
}

TEST(text_table, money_below_a_cent_is_not_rounded_away) {
  struct Case {
    std::int64_t usd;
    std::int64_t cny;
    const char* text;
  };
  for (const Case& c : {Case{0, 0, "0.0000 USD"},
                        {50, 0, "0.000050 USD"},
                        {9'999, 0, "0.009999 USD"},
                        {10'000, 0, "0.0100 USD"},
                        {1'234'567'890'123, 0, "1 234 567.8901 USD"},
                        {0, 7, "0.000007 CNY"},
                        {1'000'000, 2'000'000, "1.0000 USD + 2.0000 CNY"}})
    EXPECT_EQ(money_text(c.usd, c.cny), c.text);
}

}  // namespace
}  // namespace glmgate::cli
