#include "cli/moments.h"

#include <gtest/gtest.h>

namespace glmgate::cli {
namespace {

using namespace std::chrono_literals;

constexpr UtcMillis kNow = 1'795'276'800'000;  // 2026-11-21 16:00 UTC

TEST(moments, each_way_to_write_one_is_read) {
  struct Case {
    const char* text;
    std::chrono::minutes offset;
    const char* utc;  // "": not a time
  };
  const Case cases[] = {
      {"7d", 0min, "2026-11-14 16:00"},
      {"90m", 0min, "2026-11-21 14:30"},
      {"today", 0min, "2026-11-21 00:00"},
      {"yesterday", 0min, "2026-11-20 00:00"},
      {"this-month", 0min, "2026-11-01 00:00"},
      {"last-month", 0min, "2026-10-01 00:00"},
      {"today", 480min, "2026-11-21 16:00"},  // there, it has just begun
      {"today", 479min, "2026-11-20 16:01"},
      {"today", -300min, "2026-11-21 05:00"},
      {"2026-11", 0min, "2026-11-01 00:00"},
      {"2026-11-02", 0min, "2026-11-02 00:00"},
      {"2026-11-02", 480min, "2026-11-01 16:00"},
      {"2026-11-02T12:00", 0min, "2026-11-02 12:00"},
      {"2026-11-02 12:00", 60min, "2026-11-02 11:00"},
      {"2026-11-02T12:00:59Z", 480min, "2026-11-02 12:00"},
      {"2026-11-02T12:00:00+08:00", 0min, "2026-11-02 04:00"},
      {"2026-11-02T12:00-0530", 0min, "2026-11-02 17:30"},
      {"2026-02-29", 0min, ""},
      {"2026-13", 0min, ""},
      {"2026-11-02T25:00", 0min, ""},
      {"2026-11-02T12", 0min, ""},
      {"2026-11-02T12:00Q", 0min, ""},
      {"2026-11T12:00", 0min, ""},
      {"tomorrow", 0min, ""},
      {"", 0min, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<UtcMillis> at = read_moment("--since", c.text, kNow, c.offset);
    ASSERT_EQ(at.has_value(), *c.utc != '\0');
    if (at) {
      EXPECT_EQ(moment_text(*at, 0min), c.utc);
    } else {
      EXPECT_NE(at.error().for_client.find("--since"), std::string::npos);
    }
  }
}

TEST(moments, offsets_are_read_and_told) {
  struct Case {
    const char* text;
    const char* zone;  // "": not an offset
  };
  const Case cases[] = {{"Z", "UTC"},
                        {"+00:00", "UTC"},
                        {"+08:00", "UTC+08:00"},
                        {"+8", "UTC+08:00"},
                        {"+8:30", "UTC+08:30"},
                        {"-0530", "UTC-05:30"},
                        {"-05", "UTC-05:00"},
                        {"+15:00", ""},
                        {"08:00", ""},
                        {"+8:3", ""},
                        {"+", ""},
                        {"", ""},
                        {"Europe/Berlin", ""}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto offset = read_utc_offset(c.text);
    ASSERT_EQ(offset.has_value(), *c.zone != '\0');
    if (offset) EXPECT_EQ(zone_text(*offset), c.zone);
  }
}

}  // namespace
}  // namespace glmgate::cli
