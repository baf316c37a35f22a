#include "cli/moments.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "cli/config.h"

namespace glmgate::cli {
namespace {

using namespace std::chrono;

/// Exactly so many digits, taken off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<minutes> find_offset(std::string_view text) {
  if (text == "Z" || text == "z" || text == "UTC") return minutes(0);
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const std::size_t colon = text.find(':');
  const auto hour = take_number(text, colon == 1 || text.size() == 1 ? 1 : 2);
  std::optional<int> minute = 0;
  if (!text.empty()) {
    take(text, ':');
    minute = take_number(text, 2);
  }
  if (!hour || !minute || !text.empty() || *hour > 14 || *minute > 59) return std::nullopt;
  const minutes offset = hours(*hour) + minutes(*minute);
  return west ? -offset : offset;
}

UtcMillis millis(sys_days day, minutes offset) {
  return duration_cast<milliseconds>(day.time_since_epoch() - offset).count();
}

std::optional<UtcMillis> find_word(std::string_view text, UtcMillis now, minutes offset) {
  const sys_days today = floor<days>(sys_time<milliseconds>(milliseconds(now)) + offset);
  const year_month_day date{today};
  const year_month month = date.year() / date.month();
  if (text == "today") return millis(today, offset);
  if (text == "yesterday") return millis(today - days(1), offset);
  if (text == "this-month") return millis(month / 1, offset);
  if (text == "last-month") return millis((month - months(1)) / 1, offset);
  return std::nullopt;
}

/// "12:00" or "12:00:00", and whatever follows stays.
std::optional<seconds> take_time(std::string_view& text) {
  const auto hour = take_number(text, 2);
  const auto minute = hour && take(text, ':') ? take_number(text, 2) : std::nullopt;
  const auto second = minute && take(text, ':') ? take_number(text, 2) : minute ? 0 : minute;
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return hours(*hour) + minutes(*minute) + seconds(*second);
}

std::optional<UtcMillis> find_date(std::string_view text, minutes offset) {
  const auto y = take_number(text, 4);
  const auto m = y && take(text, '-') ? take_number(text, 2) : std::nullopt;
  if (!m) return std::nullopt;
  int d = 1;
  bool has_day = false;
  if (take(text, '-')) {
    const auto given = take_number(text, 2);
    if (!given) return std::nullopt;
    d = *given;
    has_day = true;
  }
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  if (text.empty()) return millis(date, offset);
  if (!has_day || (!take(text, 'T') && !take(text, ' '))) return std::nullopt;
  const auto time = take_time(text);
  if (!time) return std::nullopt;
  if (!text.empty()) {
    const auto own = find_offset(text);
    if (!own) return std::nullopt;
    offset = *own;
  }
  return millis(date, offset) + duration_cast<milliseconds>(*time).count();
}

}  // namespace

Result<minutes> read_utc_offset(std::string_view text) {
  if (const auto offset = find_offset(text)) return *offset;
  return fail(FaultCode::bad_value, "--utc-offset " + std::string(text) +
                                        " is not an offset from UTC\nhint: +08:00, -05:00 or Z");
}

std::string zone_text(minutes offset) {
  if (offset.count() == 0) return "UTC";
  const auto size = static_cast<int>(std::abs(offset.count()));
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "UTC%c%02d:%02d", offset.count() < 0 ? '-' : '+',
                size / 60, size % 60);
  return text.data();
}

Result<UtcMillis> read_moment(std::string_view flag, std::string_view text, UtcMillis now,
                              minutes offset) {
  if (const Result<milliseconds> ago = read_duration(text)) return now - ago->count();
  if (const auto word = find_word(text, now, offset)) return *word;
  if (const auto date = find_date(text, offset)) return *date;
  return fail(FaultCode::bad_value,
              std::string(flag) + " " + std::string(text) +
                  " is not a time\nhint: 7d, today, yesterday, this-month, last-month, 2026-11-01, "
                  "2026-11-01T12:00:00Z or 2026-11-01T12:00+08:00");
}

std::string moment_text(UtcMillis at, minutes offset) {
  const auto local = sys_time<milliseconds>(milliseconds(at)) + offset;
  const year_month_day date{floor<days>(local)};
  const auto time = duration_cast<minutes>(local - floor<days>(local)).count();
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time / 60), static_cast<int>(time % 60));
  return text.data();
}

}  // namespace glmgate::cli
