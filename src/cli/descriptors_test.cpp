#include "cli/descriptors.h"

#include <gtest/gtest.h>

namespace glmgate::cli {
namespace {

TEST(connections_within, keeps_room_for_upstreams_and_for_what_is_our_own) {
  struct Case {
    std::size_t descriptors;
    std::size_t wanted;
    std::size_t workers;
    std::size_t each;
    std::size_t fit;
  };
  const Case cases[] = {
      {1'048'576, 10'000, 4, 2, 10'000},
      {1'024, 10'000, 1, 2, 476},
      {1'024, 100, 1, 2, 100},
      {1'024, 10'000, 1, 3, 317},
      {300, 10'000, 1, 2, 114},
      {64, 10'000, 1, 2, 1},
      {0, 10'000, 64, 2, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.descriptors);
    EXPECT_EQ(connections_within(c.descriptors, c.wanted, c.workers, c.each), c.fit);
  }
}

}  // namespace
}  // namespace glmgate::cli
