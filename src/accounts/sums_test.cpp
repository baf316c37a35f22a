#include "accounts/sums.h"

#include <gtest/gtest.h>

#include <limits>
#include <tuple>

namespace glmgate::accounts {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(tally, a_sum_that_does_not_fit_stays_at_the_most_and_hides_nothing_else) {
  Tally tally({GroupBy::model}, {});
  for (int i = 0; i < 3; ++i)
    tally.add({.model = "absurd",
               .usage = {.input = kMost, .cached = kMost, .output = kMost},
               .weighted_milli = kMost,
               .cost_micro = kMost,
               .priced = true});
  tally.add({.model = "sane", .usage = {.input = 5}, .cost_micro = 7, .priced = true});
  const SumsAnswer answer = std::move(tally).answer();
  ASSERT_EQ(answer.rows.size(), 2U);
  EXPECT_EQ(answer.rows[0].prompt_tokens, kMost);
  EXPECT_EQ(answer.rows[1].prompt_tokens, 5);
  EXPECT_EQ(answer.rows[1].usd_micro, 7);
  EXPECT_EQ(answer.total.requests, 4);
  for (const std::int64_t sum :
       {answer.total.prompt_tokens, answer.total.completion_tokens, answer.total.cached_tokens,
        answer.total.weighted_milli, answer.total.usd_micro})
    EXPECT_EQ(sum, kMost);
  EXPECT_EQ(answer.total.cny_micro, 0);
}

TEST(tally, days_and_months_turn_at_midnight_utc) {
  struct Case {
    const char* name;
    UtcMillis at;
    const char* day;
    const char* month;
  };
  const Case cases[] = {
      {"the epoch", 0, "1970-01-01", "1970-01"},
      {"the last moment of a month", 1'793'491'199'999, "2026-10-31", "2026-10"},
      {"the first of the next", 1'793'491'200'000, "2026-11-01", "2026-11"},
      {"a leap day", 1'835'395'200'000, "2028-02-29", "2028-02"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Tally tally({GroupBy::day, GroupBy::month}, {});
    tally.add({.at = c.at});
    const SumsAnswer answer = std::move(tally).answer();
    ASSERT_EQ(answer.rows.size(), 1U);
    EXPECT_EQ(answer.rows[0].group, (std::vector<std::string>{c.day, c.month}));
  }
}

TEST(tally, groups_carry_the_names_of_their_keys_in_order) {
  const std::vector<Key> keys = {{.number = 1, .id = "kA", .user = "bob", .project = "p"},
                                 {.number = 2, .id = "kB", .user = "ada"}};
  Tally tally({GroupBy::user, GroupBy::project, GroupBy::key, GroupBy::upstream}, keys);
  for (const std::int64_t key : {1, 2, 3, 2}) tally.add({.key = key, .upstream = "u"});
  const SumsAnswer answer = std::move(tally).answer();
  ASSERT_EQ(answer.rows.size(), 3U);
  EXPECT_EQ(answer.rows[0].group, (std::vector<std::string>{"", "", "", "u"}));
  EXPECT_EQ(answer.rows[1].group, (std::vector<std::string>{"ada", "", "kB", "u"}));
  EXPECT_EQ(answer.rows[1].requests, 2);
  EXPECT_EQ(answer.rows[2].group, (std::vector<std::string>{"bob", "p", "kA", "u"}));
}

TEST(tally, values_are_told_apart_whatever_bytes_they_hold) {
  using namespace std::string_view_literals;
  const std::vector<Key> keys = {{.number = 1, .id = "kA", .user = "mallory"}};
  Tally tally({GroupBy::model, GroupBy::user}, keys);
  tally.add({.key = 1, .model = "glm\0admin"sv});
  tally.add({.key = 1, .model = "glm"});
  tally.add({.key = 2, .model = "glm"});
  const SumsAnswer answer = std::move(tally).answer();
  ASSERT_EQ(answer.rows.size(), 3U);
  EXPECT_EQ(answer.rows[0].group, (std::vector<std::string>{"glm", ""}));
  EXPECT_EQ(answer.rows[1].group, (std::vector<std::string>{"glm", "mallory"}));
  EXPECT_EQ(answer.rows[2].group,
            (std::vector<std::string>{std::string("glm\0admin"sv), "mallory"}));
}

TEST(tally, days_turn_at_midnight_of_the_place_that_is_asked_for) {
  using namespace std::chrono_literals;
  const UtcMillis evening = 1'793'491'199'999;  // 2026-10-31 23:59:59.999 UTC
  for (const auto& [offset, day, month] : {std::tuple{0min, "2026-10-31", "2026-10"},
                                           {480min, "2026-11-01", "2026-11"},
                                           {-300min, "2026-10-31", "2026-10"}}) {
    Tally tally({GroupBy::day, GroupBy::month}, {}, offset);
    tally.add({.at = evening});
    EXPECT_EQ(std::move(tally).answer().rows[0].group, (std::vector<std::string>{day, month}));
  }
}

TEST(tally, plans_and_the_sandbox_are_told_apart) {
  Tally tally({GroupBy::billing}, {});
  tally.add({.usage = {.input = 5, .output = 6}, .cost_micro = 7, .list_micro = 7, .priced = true});
  tally.add({.usage = {.input = 5}, .list_micro = 9, .billing = Billing::plan, .priced = true});
  tally.add({.usage = {.input = 50, .output = 60}, .billing = Billing::sandbox, .priced = true});
  const SumsAnswer answer = std::move(tally).answer();
  ASSERT_EQ(answer.rows.size(), 3U);
  EXPECT_EQ(answer.rows[0].group.front(), "metered");
  EXPECT_EQ(answer.rows[1].group.front(), "plan");
  EXPECT_EQ(answer.rows[1].usd_micro, 0);
  EXPECT_EQ(answer.rows[1].list_usd_micro, 9);
  EXPECT_EQ(answer.rows[2].group.front(), "sandbox");
  EXPECT_EQ(answer.total.usd_micro, 7);
  EXPECT_EQ(answer.total.list_usd_micro, 16);
  EXPECT_EQ(answer.total.plan, 1);
  EXPECT_EQ(answer.total.sandbox, 1);
  EXPECT_EQ(answer.total.sandbox_tokens, 110);
  EXPECT_EQ(answer.total.prompt_tokens, 60);
}

TEST(tally, without_groups_there_is_only_a_total) {
  Tally tally({}, {});
  tally.add({.currency = Currency::cny, .priced = false});
  const SumsAnswer answer = std::move(tally).answer();
  EXPECT_TRUE(answer.rows.empty());
  EXPECT_EQ(answer.total.requests, 1);
  EXPECT_EQ(answer.total.unpriced, 1);
}

}  // namespace
}  // namespace glmgate::accounts
