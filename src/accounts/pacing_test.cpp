#include "accounts/pacing.h"

#include <gtest/gtest.h>

namespace glmgate::accounts {
namespace {

using namespace std::chrono_literals;

TEST(pacing, a_pause_shrinks_to_nothing_as_free_holds_go_below_half) {
  struct Case {
    const char* name;
    std::size_t free;
    std::size_t settled;
    std::chrono::microseconds pause;
    bool pressing;
  };
  const Case cases[] = {
      {"nothing waits", 16'384, 0, 500us, false},
      {"half are free", 8'192, 8'192, 500us, false},
      {"just below half", 8'000, 8'384, 476us, true},
      {"three eighths", 6'144, 10'240, 250us, true},
      {"a quarter", 4'096, 12'288, 0us, true},
      {"none", 0, 16'384, 0us, true},
      {"running ones do not count: half of the rest is free", 100, 100, 500us, false},
      {"few are left beside the running ones", 10, 100, 0us, true},
      {"all are running", 0, 0, 0us, false},
      {"one hold in all, free", 1, 0, 500us, false},
      {"one hold in all, settled", 0, 1, 0us, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(pause_after_piece(c.free, c.settled), c.pause);
    EXPECT_EQ(is_pressing(c.free, c.settled), c.pressing);
  }
}

TEST(pacing, fewer_free_holds_never_make_a_longer_pause) {
  constexpr std::size_t kAll = 16'384;
  for (std::size_t free = 1; free <= kAll; ++free)
    ASSERT_LE(pause_after_piece(free - 1, kAll - free + 1), pause_after_piece(free, kAll - free));
}

}  // namespace
}  // namespace glmgate::accounts
