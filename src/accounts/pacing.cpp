#include "accounts/pacing.h"

#include <algorithm>

namespace glmgate::accounts {

std::chrono::microseconds pause_after_piece(std::size_t free, std::size_t settled) {
  const std::size_t all = free + settled;
  if (all == 0) return std::chrono::microseconds(0);
  // Thousandths of what is not running.
  const std::size_t share = free * 1000 / all;
  constexpr std::size_t kNone = 250;
  constexpr std::size_t kFull = 500;
  const std::size_t above = std::clamp(share, kNone, kFull) - kNone;
  return kLongestPause * above / (kFull - kNone);
}

bool is_pressing(std::size_t free, std::size_t settled) { return free < settled; }

}  // namespace glmgate::accounts
