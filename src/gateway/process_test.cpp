#include "gateway/process.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>

namespace glmgate::gateway {
namespace {

TEST(process, the_kernel_says_what_is_resident) {
  const Memory before = read_memory();
  EXPECT_GT(before.own, 0);
  EXPECT_GE(before.resident, before.own);
  constexpr std::size_t kMore = 64 * 1024 * 1024;
  const std::unique_ptr<volatile char[]> more(new volatile char[kMore]);
  // Volatile: what nobody reads may be optimised away, and was, under ThreadSanitizer.
  for (std::size_t i = 0; i < kMore; i += 4096) more[i] = 'x';
  EXPECT_GE(read_memory().own - before.own, 60 * 1024 * 1024);
}

}  // namespace
}  // namespace glmgate::gateway
