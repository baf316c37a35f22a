#include "gateway/retry.h"

#include <algorithm>
#include <cmath>

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstBackoff = 100ms;
constexpr std::chrono::milliseconds kLongestBackoff = 2s;

/// Full jitter: anything from nothing to twice as much each time.
std::chrono::milliseconds backoff(std::size_t tries, double dice) {
  const auto most = std::min(kFirstBackoff * (1 << (tries - 1)), kLongestBackoff);
  return std::chrono::milliseconds(
      std::llround(static_cast<double>(most.count()) * std::clamp(dice, 0.0, 1.0)));
}

bool may_repeat(const Attempt& attempt) {
  return attempt.again == Again::after_wait && attempt.wait <= kLongestRetryAfter &&
         !attempt.budget_empty;
}

}  // namespace

bool RetryBudget::take() {
  int have = tenths_.load(std::memory_order_relaxed);
  while (have >= kOne)
    if (tenths_.compare_exchange_weak(have, have - kOne, std::memory_order_relaxed)) return true;
  return false;
}

void RetryBudget::earn() {
  int have = tenths_.load(std::memory_order_relaxed);
  while (have < kMost)  // nearly always full: then nothing is written
    if (tenths_.compare_exchange_weak(have, have + 1, std::memory_order_relaxed)) return;
}

std::optional<NextAttempt> next_attempt(std::span<const Attempt> made,
                                        const std::vector<bool>& open,
                                        std::chrono::milliseconds left, double dice) {
  if (made.back().again == Again::never || made.size() >= kMostTries || left <= 0ms)
    return std::nullopt;
  const auto times = [&](std::size_t route) {
    return std::ranges::count(made, route, &Attempt::route);
  };
  for (std::size_t route = 0; route < open.size(); ++route)
    if (open[route] && times(route) == 0) return NextAttempt{.route = route};
  for (std::size_t route = 0; route < open.size(); ++route) {
    const auto attempt = std::ranges::find(made, route, &Attempt::route);
    if (!open[route] || times(route) != 1 || !may_repeat(*attempt)) continue;
    const std::chrono::milliseconds after = attempt->wait + backoff(made.size(), dice);
    if (after < left) return NextAttempt{.route = route, .after = after, .repeats = true};
  }
  return std::nullopt;
}

}  // namespace glmgate::gateway
