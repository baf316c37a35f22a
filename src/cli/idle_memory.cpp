#include "cli/idle_memory.h"

#include <malloc.h>

#include <algorithm>

namespace glmgate::cli {

using namespace std::chrono_literals;

bool IdleMemory::is_worth_returning(std::int64_t resident, std::int64_t held, Time now) {
  constexpr std::int64_t kMuch = 16 * 1024 * 1024;
  constexpr std::chrono::seconds kLongestPause = 5min;
  const std::int64_t idle = std::max<std::int64_t>(resident - held, 0);
  least_ = std::min(least_, idle);
  left_ = std::min(left_, idle);
  if (idle - least_ < kMuch) return false;
  if (idle - left_ >= kMuch) pause_ = kShortestPause;
  if (now - returned_ < pause_) return false;
  returned_ = now;
  left_ = idle;
  pause_ = std::min(2 * pause_, kLongestPause);
  return true;
}

void limit_idle_memory() {
  mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
  mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
}

}  // namespace glmgate::cli
