#include "gateway/route.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace glmgate::gateway {
namespace {

UpstreamConfig upstream(std::string name, ProviderKind kind,
                        std::vector<std::string> models = {"*"}) {
  UpstreamConfig config;
  config.name = std::move(name);
  config.provider = kind;
  config.models = std::move(models);
  config.key = Secret("id.secret");
  if (kind == ProviderKind::engine || kind == ProviderKind::sandbox)
    config.url = "http://127.0.0.1:9/v1";
  return config;
}

std::shared_ptr<const Setup> setup_of(std::vector<UpstreamConfig> upstreams,
                                      std::vector<ServiceConfig> services = {}) {
  SetupConfig config;
  config.upstreams = std::move(upstreams);
  config.services = std::move(services);
  auto setup = make_setup(std::move(config), nullptr);
  EXPECT_TRUE(setup.has_value()) << setup.error().for_client;
  return *setup;
}

std::string chosen(const Result<Routes>& routes) {
  if (!routes) return "fault " + std::string(name(routes.error().code));
  std::string text;
  for (const Route& route : routes->best_first)
    text += route.upstream->config.name + ":" + route.model + " ";
  return text;
}

TEST(route, a_reference_names_an_upstream_a_provider_or_nothing) {
  const auto setup =
      setup_of({upstream("plan", ProviderKind::zai_coding), upstream("zai", ProviderKind::zai),
                upstream("box", ProviderKind::engine, {"zai-org/GLM-4.6", "my-*"})},
               {{.name = "team", .upstreams = {"zai"}}});
  struct Case {
    const char* model;
    const char* service;
    const char* expected;
  };
  const Case cases[] = {
      {"glm-4.7", "", "plan:glm-4.7 zai:glm-4.7 "},
      {"GLM-4.7", "", "plan:glm-4.7 zai:glm-4.7 "},
      {"glm-4.7[1m]", "", "plan:glm-4.7 zai:glm-4.7 "},
      {"zai/glm-4.7", "", "zai:glm-4.7 "},
      {"zai-coding/glm-4.7", "", "plan:glm-4.7 "},
      {"plan/glm-4.7", "", "plan:glm-4.7 "},
      {"glmgate/zai/glm-4.7", "", "zai:glm-4.7 "},
      {"zhipu/glm-4.7", "", "fault model_not_found"},
      {"ZAI/glm-4.7", "", "zai:glm-4.7 "},
      {"glmgate/glmgate/zai/glm-4.7", "", "zai:glm-4.7 "},
      {"zai-coding/glm-4.7", "team", "fault model_not_found"},
      {"plan/glm-4.7", "team", "fault model_not_found"},
      {"box/my-model", "zai", "fault model_not_found"},
      {"box/my-model", "", "box:my-model "},
      {"box/other", "", "fault model_not_found"},
      {"zai-org/GLM-4.6", "box", "box:zai-org/GLM-4.6 "},
      {"glm-4.7", "team", "zai:glm-4.7 "},
      {"glm-4.7", "zai-coding", "plan:glm-4.7 "},
      {"glm-4.7", "nowhere", "fault unknown_path"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.model) + " at /s/" + c.service);
    EXPECT_EQ(chosen(choose_routes(*setup, c.model, c.service, 0)), c.expected);
  }
}

TEST(route, a_name_of_another_vendor_stands_for_a_model) {
  SetupConfig config;
  config.upstreams = {upstream("zai", ProviderKind::zai),
                      upstream("box", ProviderKind::engine, {"gpt-oss*"})};
  config.aliases = {{"claude-*sonnet*", "glm-4.7"}, {"my-*", "glm-4.6"}};
  const auto setup = make_setup(std::move(config), nullptr);
  ASSERT_TRUE(setup.has_value());
  struct Case {
    const char* model;
    const char* expected;
  };
  const Case cases[] = {
      {"claude-sonnet-5-5", "zai:glm-4.7 "},
      {"claude-opus-5-5", "zai:glm-5.3 "},
      {"claude-haiku-4-5-20251001[1m]", "zai:glm-4.5-air "},
      {"claude-glm-4.6", "zai:glm-4.6 "},
      {"anthropic/glm-4.6", "zai:glm-4.6 "},
      {"my-thing", "zai:glm-4.6 "},
      {"gpt-5.1-codex-mini", "zai:glm-4.5-air "},
      {"gpt-5.1", "zai:glm-5.3 "},
      {"gpt-oss-120b", "zai:gpt-oss-120b box:gpt-oss-120b "},
      {"zai/claude-opus-5-5", "zai:glm-5.3 "},
      {"glm-4.7", "zai:glm-4.7 "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.model);
    EXPECT_EQ(chosen(choose_routes(**setup, c.model, "", 0)), c.expected);
  }
}

TEST(route, a_prefix_that_leads_nowhere_is_told_with_what_there_is) {
  const auto setup = setup_of({upstream("plan", ProviderKind::zai_coding)});
  const Result<Routes> routes = choose_routes(*setup, "zhipu/glm-4.7", "", 0);
  ASSERT_FALSE(routes.has_value());
  EXPECT_EQ(routes.error().param, "model");
  for (const char* word : {"`zhipu`", "`plan` (zai-coding)"})
    EXPECT_NE(routes.error().for_client.find(word), std::string::npos) << routes.error().for_client;

  const std::string long_name = "zhipu/" + std::string(1'000'000, 'x');
  EXPECT_LT(choose_routes(*setup, long_name, "", 0).error().for_client.size(), 1000U);
  std::string ours;
  for (int i = 0; i < 100'000; ++i) ours += "glmgate/";
  EXPECT_EQ(chosen(choose_routes(*setup, ours + "plan/glm-4.7", "", 0)), "plan:glm-4.7 ");
}

TEST(route, an_operator_may_say_what_a_prefix_that_leads_nowhere_stands_for) {
  SetupConfig config;
  config.upstreams = {upstream("plan", ProviderKind::zai_coding),
                      upstream("zai", ProviderKind::zai)};
  config.aliases = {{"zhipu/*", "zai/glm-4.7"}, {"zhipu-coding/*", "zhipu/glm-4.7"}};
  const auto setup = make_setup(std::move(config), nullptr);
  ASSERT_TRUE(setup.has_value());
  EXPECT_EQ(chosen(choose_routes(**setup, "zhipu/glm-5", "", 0)), "zai:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(**setup, "zhipu-coding/glm-5", "", 0)), "fault model_not_found");
}

TEST(route, with_one_key_money_waits_until_the_key_has_no_plan) {
  UpstreamConfig paid = upstream("zai", ProviderKind::zai);
  paid.paid = PaidUse::no_plan;
  const auto setup = setup_of({upstream("zai-coding", ProviderKind::zai_coding), paid});
  UpstreamHealth& plan = *setup->upstreams[0].health;

  Result<Routes> routes = choose_routes(*setup, "glm-4.7", "", 0);
  EXPECT_EQ(chosen(routes), "zai-coding:glm-4.7 zai:glm-4.7 ");
  EXPECT_EQ(routes->next_open(0, 0), 0U);
  EXPECT_EQ(routes->next_open(1, 0), 2U) << "a plan that failed is no plan that is not there";
  plan.no_plan_until_ms = 100;  // seen within the request
  EXPECT_EQ(routes->next_open(1, 0), 1U);
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "", 99)), "zai:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "zai-coding/glm-4.7", "", 99)), "zai-coding:glm-4.7 ");

  plan.no_plan_until_ms = 0;
  plan.resting_until_ms = 100;  // used up
  routes = choose_routes(*setup, "glm-4.7", "", 50);
  EXPECT_EQ(chosen(routes), "zai-coding:glm-4.7 zai:glm-4.7 ");
  EXPECT_EQ(routes->next_open(1, 50), 2U);
  for (const char* named : {"zai/glm-4.7", "glm-4.7"}) {
    routes = choose_routes(*setup, named, named[0] == 'z' ? "" : "zai", 50);
    EXPECT_EQ(chosen(routes), "zai:glm-4.7 ");
    EXPECT_EQ(routes->next_open(0, 50), 0U);
  }
}

TEST(route, what_is_paid_for_only_when_asked_is_never_tried_unasked) {
  UpstreamConfig paid = upstream("zai", ProviderKind::zai);
  paid.paid = PaidUse::asked;
  const auto setup = setup_of({upstream("plan", ProviderKind::zai_coding, {"glm-4.7"}), paid},
                              {{.name = "both", .upstreams = {"plan", "zai"}}});
  setup->upstreams[0].health->no_plan_until_ms = 100;
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "", 0)), "plan:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "both", 0)), "plan:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "zai/glm-4.7", "", 0)), "zai:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "zai", 0)), "zai:glm-4.7 ");
  const Result<Routes> other = choose_routes(*setup, "glm-5.3", "", 0);
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().for_client.find("ask for `zai/glm-5.3`"), std::string::npos)
      << other.error().for_client;
}

TEST(route, among_equals_who_speaks_the_clients_protocol_goes_first) {
  using protocol::Protocol;
  const auto at = [](std::string name, ProviderKind kind, std::string url, Protocol speaks) {
    UpstreamConfig config = upstream(std::move(name), kind);
    config.url = std::move(url);
    config.speaks = {speaks};
    return config;
  };
  const auto setup = setup_of(
      {at("chat", ProviderKind::engine, "http://127.0.0.1:9/v1", Protocol::openai_chat),
       at("other-host", ProviderKind::engine, "http://127.0.0.2:9/v1",
          Protocol::anthropic_messages),
       at("plan", ProviderKind::zai_coding, "", Protocol::glm),
       at("pay", ProviderKind::zai, "", Protocol::anthropic_messages),
       at("messages", ProviderKind::engine, "http://127.0.0.1:9/a", Protocol::anthropic_messages)});
  const auto order = [&](Protocol client) {
    return chosen(choose_routes(*setup, "m", "", 0, client));
  };
  EXPECT_EQ(order(Protocol::openai_chat), "chat:m other-host:m plan:m pay:m messages:m ");
  EXPECT_EQ(order(Protocol::anthropic_messages), "messages:m other-host:m plan:m pay:m chat:m ");
  setup->upstreams[4].health->resting_until_ms = 10;
  EXPECT_EQ(order(Protocol::anthropic_messages), "other-host:m plan:m pay:m chat:m messages:m ");
}

TEST(route, every_model_that_chats_is_known) {
  const auto setup = setup_of({upstream("zai", ProviderKind::zai)});
  const std::vector<std::string> known = known_models(*setup, "");
  for (const char* id : {"glm-5.3", "glm-4.7", "glm-5.3-flash", "glm-5.3-flashx", "glm-4.6v"})
    EXPECT_NE(std::ranges::find(known, id), known.end()) << id;
  for (const char* id : {"embedding-3", "glm-image", "glm-asr-2512"})
    EXPECT_EQ(std::ranges::find(known, id), known.end()) << id;
  EXPECT_EQ(did_you_mean(*setup, "glm-4.77", ""), " Did you mean `glm-4.7`?");
  EXPECT_EQ(did_you_mean(*setup, "glm-4.7", ""), "");
  EXPECT_EQ(did_you_mean(*setup, "llama", ""), "");
}

TEST(route, what_an_engine_lists_is_known_and_kept_for_a_while) {
  const auto setup = setup_of({upstream("box", ProviderKind::engine, {"*"}),
                               upstream("some", ProviderKind::engine, {"my-*"})});
  for (const Upstream& each : setup->upstreams)
    each.health->models.replace({{.id = "my-model"}, {.id = "other"}}, 1000);
  const std::vector<ListedModel> models = list_models(*setup, "");
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[1].upstream, &setup->upstreams[0]);
  EXPECT_EQ(known_models(*setup, "some"), std::vector<std::string>{"my-model"});
  EXPECT_EQ(did_you_mean(*setup, "my-modle", ""), " Did you mean `my-model`?");

  ModelList& list = setup->upstreams[0].health->models;
  EXPECT_FALSE(list.take_turn(60'999));
  EXPECT_TRUE(list.take_turn(61'000));
  EXPECT_FALSE(list.take_turn(61'000)) << "one asks, the others go on";
  EXPECT_FALSE(list.take_turn(70'999)) << "who failed is not asked at once";
  EXPECT_TRUE(list.take_turn(71'000));
}

TEST(route, a_star_stands_for_any_text) {
  struct Case {
    const char* pattern;
    const char* name;
    bool fits;
  };
  const Case cases[] = {{"*", "", true},         {"*", "a", true},        {"a*", "a", true},
                        {"a*", "ba", false},     {"*a", "ba", true},      {"a*b*c", "aXbYc", true},
                        {"a*b*c", "acb", false}, {"a*ab", "aabab", true}, {"a", "ab", false},
                        {"", "", true},          {"**x", "yyx", true},    {"", "a", false}};
  for (const Case& c : cases) EXPECT_EQ(matches(c.pattern, c.name), c.fits) << c.pattern << c.name;
}

TEST(route, an_unknown_model_comes_with_the_nearest_known_one) {
  const auto setup = setup_of({upstream("box", ProviderKind::engine, {"glm-4.7", "glm-5.3"})});
  const Result<Routes> routes = choose_routes(*setup, "glm-4.8", "", 0);
  ASSERT_FALSE(routes.has_value());
  EXPECT_NE(routes.error().for_client.find("Did you mean `glm-4.7`?"), std::string::npos)
      << routes.error().for_client;
  EXPECT_EQ(routes.error().param, "model");
}

TEST(route, a_resting_upstream_comes_last_but_is_never_lost) {
  const auto setup =
      setup_of({upstream("plan", ProviderKind::zai_coding), upstream("zai", ProviderKind::zai)});
  setup->upstreams[0].health->resting_until_ms = 1000;
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "", 999)), "zai:glm-4.7 plan:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "", 1000)), "plan:glm-4.7 zai:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "plan/glm-4.7", "", 0)), "plan:glm-4.7 ");
}

TEST(route, with_only_the_sandbox_every_provider_name_is_a_service) {
  const auto setup = setup_of({upstream("sandbox", ProviderKind::sandbox)});
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "zai-coding", 0)), "sandbox:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "glm-4.7", "elsewhere", 0)), "fault unknown_path");
  for (const char* place : {"zai", "zai-coding", "zhipu", "zhipu-coding", "sandbox"})
    EXPECT_EQ(chosen(choose_routes(*setup, std::string(place) + "/glm-4.7", "", 0)),
              "sandbox:glm-4.7 ");
  EXPECT_EQ(chosen(choose_routes(*setup, "engine/glm-4.7", "", 0)), "fault model_not_found");
}

TEST(setup, upstreams_are_told_with_where_their_keys_are_from) {
  UpstreamConfig plan = upstream("zai-coding", ProviderKind::zai_coding);
  UpstreamConfig paid = upstream("money", ProviderKind::zai);
  plan.key_source = paid.key_source = "ZAI_API_KEY";
  paid.paid = PaidUse::no_plan;
  const auto setup = setup_of({plan, paid, upstream("box", ProviderKind::engine)});
  EXPECT_EQ(list_upstreams(*setup),
            "zai-coding (ZAI_API_KEY), money (zai; ZAI_API_KEY; only if it has no plan), box "
            "(engine; 127.0.0.1:9)");
}

TEST(setup, a_reload_asks_again_whether_there_is_a_plan) {
  SetupConfig config;
  config.upstreams = {upstream("plan", ProviderKind::zai_coding)};
  const auto before = make_setup(config, nullptr);
  ASSERT_TRUE(before.has_value());
  (*before)->upstreams[0].health->no_plan_until_ms = 1000;
  const auto after = make_setup(config, before->get());
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ((*after)->upstreams[0].health->no_plan_until_ms, 0);
}

TEST(setup, what_cannot_work_is_refused_by_name) {
  struct Case {
    const char* name;
    UpstreamConfig config;
    const char* says;
  };
  UpstreamConfig no_key = upstream("a", ProviderKind::zai);
  no_key.key = Secret();
  UpstreamConfig no_url = upstream("a", ProviderKind::engine);
  no_url.url.clear();
  UpstreamConfig clear = upstream("a", ProviderKind::engine);
  clear.url = "http://models.example/v1";
  UpstreamConfig jwt = upstream("a", ProviderKind::zhipu);
  jwt.auth = UpstreamAuth::jwt;
  jwt.key = Secret("nodot");
  UpstreamConfig paid = upstream("a", ProviderKind::zai_coding);
  paid.paid = PaidUse::asked;
  const Case cases[] = {{"paid plan", paid, "upstream.a.paid"},
                        {"no key", no_key, "ZAI_API_KEY"},
                        {"no url", no_url, "upstream.a.url"},
                        {"clear text", clear, "plain_http"},
                        {"jwt needs a dot", jwt, "id.secret"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    SetupConfig config;
    config.upstreams = {c.config};
    const auto setup = make_setup(std::move(config), nullptr);
    ASSERT_FALSE(setup.has_value());
    EXPECT_NE(setup.error().for_client.find(c.says), std::string::npos) << setup.error().for_client;
    EXPECT_EQ(setup.error().for_client.find("nodot"), std::string::npos);
  }
}

}  // namespace
}  // namespace glmgate::gateway
