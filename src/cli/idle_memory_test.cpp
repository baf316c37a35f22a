#include "cli/idle_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace glmgate::cli {
namespace {

using namespace std::chrono_literals;
constexpr std::int64_t kMb = 1'000'000;

TEST(idle_memory, is_returned_when_much_of_it_is_idle_and_not_too_often) {
  struct Look {
    std::chrono::seconds at;
    std::int64_t resident;
    std::int64_t held;
    bool returned;
  };
  const std::vector<Look> looks = {
      {100s, 20 * kMb, 0, false},           // as it begins
      {101s, 220 * kMb, 200 * kMb, false},  // it is all in use
      {102s, 220 * kMb, 30 * kMb, true},    // the burst is over
      {103s, 50 * kMb, 30 * kMb, false},    // so much stays
      {104s, 150 * kMb, 30 * kMb, false},   // just now it was done
      {107s, 150 * kMb, 30 * kMb, true},
      {108s, 150 * kMb, 30 * kMb, false},  // some of it was in use, and may be free by now
      {116s, 150 * kMb, 30 * kMb, false},
      {117s, 150 * kMb, 30 * kMb, true},
      {136s, 150 * kMb, 30 * kMb, false},  // less and less often
      {137s, 150 * kMb, 30 * kMb, true},
      {143s, 170 * kMb, 30 * kMb, true},  // more is idle
      {200s, 30 * kMb, 12 * kMb, false},
      {500s, 10 * kMb, 12 * kMb, false},  // held, and not touched yet
      {501s, 26 * kMb, 10 * kMb, false},
      {502s, 27 * kMb, 0, true},
  };
  IdleMemory memory;
  for (const Look& look : looks) {
    SCOPED_TRACE(look.at.count());
    EXPECT_EQ(memory.is_worth_returning(look.resident, look.held, IdleMemory::Time(look.at)),
              look.returned);
  }
}

}  // namespace
}  // namespace glmgate::cli
