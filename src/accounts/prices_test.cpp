#include "accounts/prices.h"

#include <gtest/gtest.h>

#include <limits>

namespace glmgate::accounts {
namespace {

std::string cost(const Quote& quote) {
  return quote.cost ? decimal(quote.cost->micro) + " " + std::string(name(quote.cost->currency))
                    : "unpriced";
}

TEST(prices, the_list_is_followed_to_the_micro_unit) {
  const PriceBook book;
  struct Case {
    const char* name;
    const char* model;
    Currency currency;
    Usage usage;
    const char* expected;
  };
  const Case cases[] = {
      {"a million in", "glm-5.3", Currency::usd, {.input = 1'000'000}, "1.400000 USD"},
      {"a million cached",
       "glm-5.3",
       Currency::usd,
       {.input = 1'000'000, .cached = 1'000'000},
       "0.260000 USD"},
      {"a million out", "glm-5.3", Currency::usd, {.output = 1'000'000}, "4.400000 USD"},
      {"rounded half up, once",
       "glm-4.7",
       Currency::usd,
       {.input = 10, .output = 83},
       "0.000189 USD"},
      {"free", "glm-4.7-flash", Currency::usd, {.input = 1000, .output = 1000}, "0.000000 USD"},
      {"unknown model", "my-own", Currency::usd, {.input = 1000}, "unpriced"},
      {"no price in this money", "glm-4.6", Currency::cny, {.input = 1000}, "unpriced"},
      {"small request, small answer",
       "glm-4.7",
       Currency::cny,
       {.input = 1000, .output = 100},
       "0.002800 CNY"},
      {"small request, long answer",
       "glm-4.7",
       Currency::cny,
       {.input = 1000, .output = 200},
       "0.005800 CNY"},
      {"long request", "glm-4.7", Currency::cny, {.input = 32'000, .output = 100}, "0.129600 CNY"},
      {"cached more than read is clamped",
       "glm-5.3",
       Currency::usd,
       {.input = 10, .cached = 1'000'000},
       "0.000003 USD"},
      {"negative counts cost nothing",
       "glm-5.3",
       Currency::usd,
       {.input = -5, .output = -5},
       "0.000000 USD"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(cost(book.quote(c.model, c.currency, c.usage, 0)), c.expected);
  }
}

TEST(prices, an_absurd_count_saturates) {
  PriceOverride dear{.model = "m",
                     .price = TokenPrice{.input = std::numeric_limits<std::int64_t>::max()}};
  const PriceBook book({dear});
  const Usage usage{.input = std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(book.quote("m", Currency::usd, usage, 0).cost->micro,
            std::numeric_limits<std::int64_t>::max());
}

TEST(prices, an_override_holds_from_its_date) {
  const PriceBook book({{.model = "glm-4.7",
                         .from = 200,
                         .price = TokenPrice{.input = 3'000'000},
                         .weight_milli = 500},
                        {.model = "glm-4.7",
                         .from = 100,
                         .price = TokenPrice{.input = 2'000'000},
                         .currency = Currency::cny}});
  const Usage million{.input = 1'000'000};
  EXPECT_EQ(cost(book.quote("glm-4.7", Currency::usd, million, 99)), "0.600000 USD");
  EXPECT_EQ(cost(book.quote("glm-4.7", Currency::usd, million, 100)), "2.000000 CNY");
  EXPECT_EQ(cost(book.quote("glm-4.7", Currency::usd, million, 200)), "3.000000 USD");
  EXPECT_EQ(book.quote("glm-4.7", Currency::usd, million, 199).weight_milli, 2000);
  EXPECT_EQ(book.quote("glm-4.7", Currency::usd, million, 200).weight_milli, 500);
  EXPECT_EQ(book.quote("unknown", Currency::usd, million, 0).weight_milli, 2000);
}

TEST(prices, a_plan_costs_nothing_and_keeps_its_list_price_and_the_sandbox_has_neither) {
  const PriceBook book;
  const Usage million{.input = 1'000'000};
  struct Case {
    const char* name;
    const char* model;
    Billing billing;
    std::optional<Money> cost;
    std::optional<Money> list;
  };
  const Money nothing{0, Currency::usd};
  const Money listed{1'400'000, Currency::usd};
  const Case cases[] = {
      {"by the token", "glm-5.3", Billing::metered, listed, listed},
      {"on a plan", "glm-5.3", Billing::plan, nothing, listed},
      {"on the sandbox", "glm-5.3", Billing::sandbox, nothing, nothing},
      {"unknown, by the token", "my-own", Billing::metered, std::nullopt, std::nullopt},
      {"unknown, on a plan", "my-own", Billing::plan, std::nullopt, std::nullopt},
      {"unknown, on the sandbox", "my-own", Billing::sandbox, nothing, nothing},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Quote quote = book.quote(c.model, Currency::usd, million, 0, c.billing);
    EXPECT_EQ(quote.cost, c.cost);
    EXPECT_EQ(quote.list, c.list);
    EXPECT_EQ(find_billing(name(c.billing)), c.billing);
  }
}

TEST(money, decimals_are_exact_both_ways) {
  EXPECT_EQ(read_micro("0.000001"), 1);
  EXPECT_EQ(read_micro("1.4"), 1'400'000);
  EXPECT_EQ(read_micro("8"), 8'000'000);
  for (const char* bad : {"", "-1", "1e3", "1.0000001", "a", "1.2.3", "99999999999999999999"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(read_micro(bad).has_value());
  }
  EXPECT_EQ(decimal(1'290), "0.001290");
  EXPECT_EQ(decimal(-1'500'000), "-1.500000");
}

}  // namespace
}  // namespace glmgate::accounts
