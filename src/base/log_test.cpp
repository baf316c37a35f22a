#include "base/log.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace glmgate::log {
namespace {

TEST(log, what_is_not_known_is_left_out) {
  const std::optional<std::int64_t> unknown;
  EXPECT_EQ(format("x", {{"first_ms", unknown}, {"total_ms", std::optional<std::int64_t>(7)}}),
            "at=x total_ms=7");
}

TEST(log, a_line_of_json_is_json_whatever_is_in_it) {
  const std::string_view odd[] = {"plain",
                                  "quote \" back \\ slash",
                                  "line\nbreak\x01\x7f",
                                  "gr\xc3\xbc\xc3\x9f",
                                  "half \xc3",
                                  "\xff\xfe",
                                  "\xed\xa0\x80",
                                  "\xf0\x9f\x8c\x8d"};
  for (const std::string_view text : odd) {
    const std::string line = format_json("x", {{"text", text}, {"n", -3}, {"none", ""}});
    const auto parsed = json::parse(line);
    ASSERT_TRUE(parsed.has_value()) << line;
    EXPECT_EQ(parsed->as_object().size(), 3U);
    EXPECT_EQ(json::find(*parsed, "n")->as_int64(), -3);
  }
  EXPECT_EQ(format_json("x", {{"text", "gr\xc3\xbc\xc3\x9f"}}),
            "{\"at\":\"x\",\"text\":\"gr\xc3\xbc\xc3\x9f\"}");
  EXPECT_EQ(format_json("x", {{"text", "a\xff"}}), "{\"at\":\"x\",\"text\":\"a\\ufffd\"}");
}

}  // namespace
}  // namespace glmgate::log
