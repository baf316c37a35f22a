// Moments as people write them on the command line. Pure: what time it is comes in.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace glmgate::cli {

/// "+08:00", "-05:30", "+8", "Z": how far east of UTC days begin.
Result<std::chrono::minutes> read_utc_offset(std::string_view text);
/// "UTC", "UTC+08:00".
std::string zone_text(std::chrono::minutes offset);

/// "7d" ago; today, yesterday, this-month, last-month: where they begin; "2026-11", "2026-11-01";
/// "2026-11-01T12:00" with seconds or without, and Z or an offset of its own. What says no offset
/// is meant in `offset`. The Fault names `flag`.
Result<UtcMillis> read_moment(std::string_view flag, std::string_view text, UtcMillis now,
                              std::chrono::minutes offset);

/// "2026-11-01 12:00" at that offset.
std::string moment_text(UtcMillis at, std::chrono::minutes offset);

}  // namespace glmgate::cli
