#include "gateway/metrics.h"

#include <gtest/gtest.h>

namespace glmgate::gateway {
namespace {

bool has(const std::string& page, const std::string& line) {
  return page.find("\n" + line + "\n") != std::string::npos;
}

TEST(metrics, worth_and_time_are_told_by_upstream) {
  Metrics one;
  Metrics two;
  Noted noted{.dialect = "openai_chat",
              .upstream = "a",
              .provider = "zai",
              .model = "glm-4.7",
              .status = 200,
              .fault = {},
              .usage = {.input = 10, .cached = 4, .output = 5},
              .has_usage = true,
              .total_us = 500'000'000,
              .first_us = 1'000,
              .overhead_us = 100,
              .tries = 1,
              .currency = Currency::cny,
              .cost_micro = 0,
              .list_micro = 1'500'000,
              .weighted_milli = 30'500};
  one.note(noted);
  two.note(noted);
  noted.upstream = "b";
  noted.currency = Currency::usd;
  noted.cost_micro = noted.list_micro = 250;
  two.note(noted);
  Metrics* const workers[] = {&one, &two};
  const std::string page = Metrics::write(workers, {.upstreams = {{.name = "a",
                                                                   .slots_limit = 2,
                                                                   .slots_in_use = 1,
                                                                   .slots_waiting = 3,
                                                                   .rests_ms = 1500,
                                                                   .no_plan = true}}});
  const std::string a =
      R"({glmgate_upstream="a",gen_ai_provider_name="zai",gen_ai_request_model="glm-4.7")";
  EXPECT_TRUE(has(page, "glmgate_list_price_total" + a + R"(,currency="CNY"} 3.000000)")) << page;
  EXPECT_EQ(page.find("glmgate_cost_total" + a), std::string::npos) << "a plan costs nothing";
  EXPECT_TRUE(has(page, "glmgate_weighted_tokens_total" + a + "} 61"));
  EXPECT_NE(page.find(R"(currency="USD"} 0.000250)"), std::string::npos);
  const std::string series =
      R"(gen_ai_server_request_duration_seconds_bucket{glmgate_upstream="a",gen_ai_operation_name="chat",)"
      R"(gen_ai_provider_name="zai",gen_ai_request_model="glm-4.7",le=)";
  EXPECT_TRUE(has(page, series + "\"327.68\"} 0"));
  EXPECT_TRUE(has(page, series + "\"600\"} 2"));
  EXPECT_TRUE(has(page, R"(glmgate_upstream_slots_in_use{glmgate_upstream="a"} 1)"));
  EXPECT_TRUE(has(page, R"(glmgate_upstream_slots_waiting{glmgate_upstream="a"} 3)"));
  EXPECT_TRUE(has(page, R"(glmgate_upstream_resting_seconds{glmgate_upstream="a"} 2)"));
  EXPECT_TRUE(has(page, R"(glmgate_upstream_without_plan{glmgate_upstream="a"} 1)"));
  EXPECT_TRUE(has(page, "glmgate_build_info{version=\"" GLMGATE_VERSION "\"} 1"));
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_open_fds", "process_max_fds"}) {
    const std::size_t at = page.find("\n" + std::string(name) + " ");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(std::atof(page.c_str() + at + std::string_view(name).size() + 2), 0) << name;
  }
}

}  // namespace
}  // namespace glmgate::gateway
