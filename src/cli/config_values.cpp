// Values with units.
#include <charconv>

#include "cli/config.h"

namespace glmgate::cli {
namespace {

/// "12" and "ms" of "12ms".
Result<std::pair<std::int64_t, std::string_view>> split_unit(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0)
    return fail(FaultCode::bad_value, "does not begin with a number");
  return std::pair(count, text.substr(static_cast<std::size_t>(end - text.data())));
}

}  // namespace

Result<std::chrono::milliseconds> read_duration(std::string_view text) {
  const auto split = split_unit(text);
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1},        {"s", 1'000},      {"m", 60'000},
      {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
  if (split)
    for (const auto& [unit, factor] : kUnits)
      if (split->second == unit && split->first <= 10 * 365 * 86'400'000LL / factor)
        return std::chrono::milliseconds(split->first * factor);
  return fail(FaultCode::bad_value,
              "is `" + std::string(text) + "`, not a duration like \"250ms\", \"5s\" or \"10m\"");
}

Result<std::size_t> read_size(std::string_view text) {
  const auto split = split_unit(text);
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  if (split)
    for (const auto& [unit, factor] : kUnits)
      if (split->second == unit && split->first <= (1LL << 40) / factor)
        return static_cast<std::size_t>(split->first * factor);
  return fail(FaultCode::bad_value,
              "is `" + std::string(text) + "`, not a size like \"64KiB\" or \"32MiB\"");
}

}  // namespace glmgate::cli
