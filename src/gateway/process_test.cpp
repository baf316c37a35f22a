#include "gateway/process.h"

#include <gtest/gtest.h>

#include <vector>

namespace glmgate::gateway {
namespace {

TEST(process, the_kernel_says_what_is_resident) {
  const Memory before = read_memory();
  EXPECT_GT(before.own, 0);
  EXPECT_GE(before.resident, before.own);
  const std::vector<char> more(64 * 1024 * 1024, 'x');
  EXPECT_GE(read_memory().own - before.own, 60 * 1024 * 1024);
}

}  // namespace
}  // namespace glmgate::gateway
