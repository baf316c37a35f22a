#include "gateway/retry.h"

#include <gtest/gtest.h>

#include <vector>

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Attempt wait(std::size_t route, std::chrono::seconds told = 0s) {
  return {.route = route, .again = Again::after_wait, .wait = told};
}
constexpr Attempt elsewhere(std::size_t route) {
  return {.route = route, .again = Again::elsewhere};
}
constexpr Attempt never(std::size_t route) { return {.route = route, .again = Again::never}; }
constexpr Attempt poor(std::size_t route) {
  return {.route = route, .again = Again::after_wait, .budget_empty = true};
}

std::string told(const std::optional<NextAttempt>& next) {
  if (!next) return "none";
  return (next->repeats ? "again " : "other ") + std::to_string(next->route) + " after " +
         std::to_string(next->after.count());
}

TEST(retry, what_is_asked_next) {
  struct Case {
    const char* name;
    std::vector<Attempt> made;
    std::size_t routes;
    const char* next;
    std::chrono::milliseconds left = 60s;
    double dice = 1.0;
  };
  const Case cases[] = {
      {"the same, once", {wait(0)}, 1, "again 0 after 100"},
      {"and not twice", {wait(0), wait(0)}, 1, "none"},
      {"jitter is full", {wait(0)}, 1, "again 0 after 0", 60s, 0.0},
      {"and in between", {wait(0)}, 1, "again 0 after 25", 60s, 0.25},
      {"a bad request goes nowhere", {never(0)}, 2, "none"},
      {"nor after a good one", {wait(0), never(1)}, 2, "none"},
      {"a refused key is not asked again", {elsewhere(0)}, 1, "none"},
      {"but another upstream is", {elsewhere(0)}, 2, "other 1 after 0"},
      {"another comes first, at once", {wait(0, 3s)}, 2, "other 1 after 0"},
      {"then the best one", {wait(0), wait(1)}, 2, "again 0 after 200"},
      {"that may serve yet", {elsewhere(0), wait(1)}, 2, "again 1 after 200"},
      {"even if it was not the last", {wait(0), elsewhere(1)}, 2, "again 0 after 200"},
      {"three in all", {wait(0), wait(1), wait(0)}, 2, "none"},
      {"of three, three", {wait(0), wait(1)}, 3, "other 2 after 0"},
      {"of four, three", {wait(0), wait(1), wait(2)}, 4, "none"},
      {"a short Retry-After is waited for", {wait(0, 5s)}, 1, "again 0 after 5100"},
      {"a longer one is the client's", {wait(0, 6s)}, 1, "none"},
      {"no budget", {poor(0)}, 1, "none"},
      {"no budget here, but there", {poor(0), wait(1)}, 2, "again 1 after 200"},
      {"no budget is needed elsewhere", {poor(0)}, 2, "other 1 after 0"},
      {"no time", {wait(0)}, 2, "none", 0ms},
      {"no time to wait", {wait(0, 2s)}, 1, "none", 2s},
      {"dice out of range", {wait(0)}, 1, "again 0 after 100", 60s, 7.0},
  };
  for (const Case& c : cases)
    EXPECT_EQ(told(next_attempt(c.made, std::vector<bool>(c.routes, true), c.left, c.dice)), c.next)
        << c.name;
}

TEST(retry, a_closed_route_is_passed_over) {
  EXPECT_EQ(told(next_attempt(std::vector{wait(0)}, {true, false, true}, 60s, 1.0)),
            "other 2 after 0");
  EXPECT_EQ(told(next_attempt(std::vector{elsewhere(0)}, {true, false}, 60s, 1.0)), "none");
}

TEST(retry, a_budget_is_ten_and_a_tenth_of_what_succeeds) {
  RetryBudget budget;
  for (int i = 0; i < 100; ++i) budget.earn();  // no more than full
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.take());
  EXPECT_TRUE(budget.empty());
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 9; ++i) budget.earn();
  EXPECT_FALSE(budget.take());
  budget.earn();
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
}

TEST(retry, an_upstream_that_is_down_sees_no_more_than_a_tenth_more) {
  RetryBudget budget;
  int asked = 0;
  for (int request = 0; request < 1000; ++request) {
    std::vector<Attempt> made;
    while (true) {
      ++asked;
      made.push_back(budget.empty() ? poor(0) : wait(0));
      const auto next = next_attempt(made, {true}, 60s, 0.5);
      if (!next || !budget.take()) break;
    }
  }
  EXPECT_LE(asked, 1010);
}

}  // namespace
}  // namespace glmgate::gateway
