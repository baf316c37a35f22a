// When memory that is no longer used goes back to the system.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace glmgate::cli {

/// Large requests leave holes between what stays, and glibc keeps them. Giving them back takes some
/// milliseconds, and taking them again is dear: it is done when much is idle, and not too often.
class IdleMemory {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// @param resident  bytes of this process that are no file's
  /// @param held      bytes that are known to be in use: ServerCounts::body_memory
  /// @return whether it is worth giving back now; if so, it is taken as done
  bool is_worth_returning(std::int64_t resident, std::int64_t held, Time now);

 private:
  static constexpr std::chrono::seconds kShortestPause{5};

  // Of resident less held: the least ever, and the least since it was last given back.
  std::int64_t least_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t left_ = std::numeric_limits<std::int64_t>::max();
  std::chrono::seconds pause_ = kShortestPause;  ///< longer each time, until more is idle: what is
                                                 ///< left may be in use
  Time returned_;
};

/// How glibc keeps memory, from now on: what is large has pages of its own, which go back when it
/// is freed; an arena's free end goes back once it is long. Left to itself, it would put up to
/// 32 MiB between what stays, and keep 64 MiB free for each thread.
void limit_idle_memory();

}  // namespace glmgate::cli
