#include "base/id.h"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace glmgate {
namespace {

TEST(id, is_as_long_as_asked_and_of_letters_and_digits) {
  for (const std::size_t length : {0U, 1U, 9U, 10U, 11U, 20U, 64U}) {
    const std::string id = random_base62(length);
    EXPECT_EQ(id.size(), length);
    for (const char c : id) EXPECT_NE(std::isalnum(static_cast<unsigned char>(c)), 0) << id;
  }
}

/// Across the edges of the pool, and of the pools of several threads.
TEST(id, never_comes_twice) {
  constexpr std::size_t kEach = 2000;
  std::mutex mutex;
  std::set<std::string> seen;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (std::size_t n = 0; n < kEach; ++n) {
        std::string id = random_base62(20);
        const std::lock_guard lock(mutex);
        EXPECT_TRUE(seen.insert(std::move(id)).second);
      }
    });
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(seen.size(), 4 * kEach);
}

TEST(id, uses_every_letter_about_as_often) {
  std::map<char, int> counts;
  for (const char c : random_base62(62 * 1000)) ++counts[c];
  for (const char c : std::string("09AZaz")) EXPECT_NEAR(counts[c], 1000, 250) << c;
}

}  // namespace
}  // namespace glmgate
