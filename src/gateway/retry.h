// Whether a request that failed before its first byte is asked again, of whom, and after how long
// (promises, section 4). Pure: what was tried, the time that is left and the dice are arguments.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/fault.h"

namespace glmgate::gateway {

inline constexpr std::size_t kMostTries = 3;
inline constexpr std::chrono::seconds kLongestRetryAfter{5};  ///< longer ones are the client's

/// How many second attempts an upstream may get: 10, and a tenth for each answer that began. Any
/// thread.
class RetryBudget {
 public:
  bool empty() const { return tenths_.load(std::memory_order_relaxed) < kOne; }
  /// False: empty.
  bool take();
  /// An answer began.
  void earn();

 private:
  static constexpr int kOne = 10;
  static constexpr int kMost = 100;
  std::atomic<int> tenths_{kMost};
};

/// One attempt that failed.
struct Attempt {
  std::size_t route = 0;  ///< in best-first order
  Again again = Again::never;
  std::chrono::seconds wait{0};  ///< Retry-After; 0: none
  bool budget_empty = false;     ///< of its upstream, now
};

struct NextAttempt {
  std::size_t route = 0;
  std::chrono::milliseconds after{0};
  bool repeats = false;  ///< its upstream was asked before: takes from its budget
};

/// @param made    at least one, in order
/// @param open    of each route, whether it may be asked
/// @param left    of the request's time
/// @param dice    0 to 1: how much of the backoff is waited
/// Another upstream first, then one that was asked once, the best of those that may serve yet.
/// Nothing: the last fault is the client's.
std::optional<NextAttempt> next_attempt(std::span<const Attempt> made,
                                        const std::vector<bool>& open,
                                        std::chrono::milliseconds left, double dice);

}  // namespace glmgate::gateway
