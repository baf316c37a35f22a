#include "cli/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace glmgate::cli {
namespace {

using namespace std::chrono_literals;

TEST(config, the_documented_engine_file_reads) {
  ::setenv("GLMGATE_TEST_LOCAL_KEY", "abc", 1);
  const Result<Config> config = read_config(R"(
[upstream.local]
provider = "engine"
url = "http://127.0.0.1:9000/v1"
speaks = ["openai_chat"]
key_env = "GLMGATE_TEST_LOCAL_KEY"
models = ["*"]
max_concurrency = 8
connect_timeout = "5s"
first_byte_timeout = "60s"
idle_timeout = "60s"
)",
                                            "test.toml");
  ASSERT_TRUE(config.has_value()) << config.error().for_client;
  ASSERT_EQ(config->setup.upstreams.size(), 1U);
  const gateway::UpstreamConfig& upstream = config->setup.upstreams.front();
  EXPECT_EQ(upstream.name, "local");
  EXPECT_EQ(upstream.key.reveal(), "abc");
  EXPECT_EQ(upstream.max_concurrency, 8U);
  EXPECT_EQ(upstream.patience.first_byte, 60s);
  EXPECT_EQ(upstream.plain_answer, 60s);
}

TEST(config, upstreams_keep_the_order_of_the_file) {
  const Result<Config> config = read_config(
      "[upstream.zebra]\nurl = \"http://127.0.0.1:1/v1\"\n[upstream.ant]\nurl = "
      "\"http://127.0.0.1:2/v1\"\n",
      "t");
  ASSERT_TRUE(config.has_value()) << config.error().for_client;
  EXPECT_EQ(config->setup.upstreams[0].name, "zebra");
  EXPECT_EQ(config->setup.upstreams[1].name, "ant");
}

TEST(config, what_is_wrong_is_named_with_its_line) {
  struct Case {
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"listen = 4560",
       "t:1: `listen` must be text in quotes\nhint: write listen = \"127.0.0.1:4560\""},
      {"lisen = \"x\"", "did you mean `listen`?"},
      {"[upstream.a]\nprovder = \"zai\"", "did you mean `upstream.a.provider`?"},
      {"[upstream.a]\nprovider = \"zay\"",
       "`upstream.a.provider` is `zay`, which is not one of: zai"},
      {"[upstream.a]\nconnect_timeout = \"5 s\"",
       "t:2: `upstream.a.connect_timeout` is `5 s`, not a duration"},
      {"[upstream.a]\nmodels = \"glm\"", "must be a list of strings"},
      {"[upstream.a]\nkey_env = \"GLMGATE_NOT_SET\"\nprovider = \"zai\"",
       "GLMGATE_NOT_SET, which is not set"},
      {"[server]\nmax_body = \"32 MB\"", "not a size"},
      {"[price.\"glm-4.7\"]\ninput = \"1\"", "are needed together"},
      {"[ledger]\ndurability = \"disk\"", "not one of: process, power"},
      {"[service.s]\n", "`service.s.upstreams` is needed"},
      {"listen = ", "t:1:"},
      {"[upstream.a]\nkey = \"x\"",
       "`upstream.a.key` is not a key of the configuration\nhint: keys stay"},
      {"[upstream.a]\napi_key = \"x\"", "key_env = \"ZAI_API_KEY\" names the variable"},
      {"[upstream.a]\nbase_url = \"x\"", "did you mean `upstream.a.url`?"},
      {"[upstream.a]\ntimeout = \"5s\"", "first_byte_timeout"},
      {"[upstream.a]\nspeaks = \"glm\"", "write speaks = [\"glm\"]"},
      {"[upstream.a]\nspeaks = \"openai\"", "write speaks = [\"openai_chat\"]"},
      {"[upstream.\"a/b\"]\nurl = \"x\"", "t:1: `upstream.a/b` has a name that cannot be used"},
      {"[upstream.\"a b\"]\nurl = \"x\"", "has a name that cannot be used"},
      {"[upstream.a1234567890123456789012345678901234567890123456789]\nurl = \"x\"",
       "at most 48 bytes"},
      {"[service.\"a?\"]\nupstreams = [\"x\"]", "t:1: `service.a?` has a name"},
      {"[upstream.a]\nspeaks = 3", "write speaks = [\"openai_chat\"]"},
      {"[upstream.a]\nidle_timeout = 60", "write idle_timeout = \"60s\""},
      {"[upstream]\nurl = \"http://x\"", "[upstream.main]"},
      {"[service.s]\nupstreams = \"plan\"", "write upstreams = [\"plan\"]"},
      {"[price.glm-4.7]\ninput = \"1\"", "put the name in quotes: [price.\"glm-4.7\"]"},
      {"[price.glm-4.5.1]\ninput = \"1\"", "[price.\"glm-4.5.1\"]"},
      {"[price.\"a\"]\ninput = 0.60", "write input = \"0.60\""},
      {"[price.\"a\"]\ninput = 2", "write input = \"2\""},
      {"[server]\nmax_body = 4096", "write max_body = \"4096\""},
      {"[server]\nworkers = \"4\"", "without quotes: workers = 8"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<Config> config = read_config(c.text, "t");
    ASSERT_FALSE(config.has_value());
    EXPECT_NE(config.error().for_client.find(c.says), std::string::npos)
        << config.error().for_client;
  }
}

TEST(config, what_is_no_toml_is_told_with_its_place_and_what_to_write) {
  struct Case {
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"listen = 127.0.0.1:4560\n",
       "t:1:10: text needs quotes around it\n\n  1 | listen = 127.0.0.1:4560\n    |          ^"},
      {"listen = 127.0.0.1:4560\n", "hint: write listen = \"127.0.0.1:4560\""},
      {"\n[upstream.a]\nprovider = zai-coding # mine\n", "hint: write provider = \"zai-coding\""},
      {"sandbox_only = True\n", "write sandbox_only = true"},
      {"sandbox_only = no\n", "write sandbox_only = false"},
      {"{\n  \"listen\": \"x\"\n}", "this looks like JSON; glmgate reads TOML"},
      {"listen: 127.0.0.1:4560\n", "this looks like YAML; glmgate reads TOML"},
      {"upstream:\n  plan:\n", "this looks like YAML"},
      {"export ZAI_API_KEY=abc\n", ".env file; glmgate reads TOML"},
      {"ZAI_API_KEY=abc\n", ".env file; glmgate reads TOML"},
      {"listen = \"a\"\nlisten = \"b\"\n", "it stands in the file twice"},
      {"listen = \"a\n", "is a closing quote missing?"},
      {"[upstream.a\nurl = 1\n", "t:1:12: table header: expected ']'"},
      {"[upstream.a\nurl = 1\n", "hint: is a closing bracket missing"},
      {"listen = \n", "t:1:10: `listen` has no value"},
      {"listen = \xe2\x80\x9c"
       "a\xe2\x80\x9d\n",
       "typographic quotes?"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<Config> config = read_config(c.text, "t");
    ASSERT_FALSE(config.has_value());
    EXPECT_NE(config.error().for_client.find(c.says), std::string::npos)
        << config.error().for_client;
  }
}

/// Made here so that no key stands in the tree.
std::string glm_key() {
  std::string key;
  for (int i = 0; i < 32; ++i) key += "0123456789abcdef"[i % 16];
  return key + ".ABCDEFGH" + "IJKLMN12";
}

TEST(config, a_key_in_the_wrong_place_is_never_told) {
  const std::string key = glm_key();
  const std::string texts[] = {
      "[upstream.a]\nprovider = \"zai\"\nkey_env = \"" + key + "\"",
      "[upstream.a]\nprovider = \"zai\"\nkey_env = " + key,
      "[upstream.a]\nprovider = \"zai\"\nkey_env = \"sk-ant-api03-" + key + "\"",
      "[upstream.a]\nprovider = \"zai\"\nkey_file = \"" + key + "\"",
      "[upstream.a]\nprovider = \"" + key + "\"",
      "[upstream.a]\nauth = \"" + key + "\"",
      "[upstream.a]\nspeaks = [\"" + key + "\"]",
      "[upstream.a]\nidle_timeout = \"" + key + "\"",
      "[upstream.a]\nkey = \"" + key + "\"",
      "[upstream.a]\n\"" + key + "\" = 1",
      "[upstream.\"" + key + "\"]\nprovder = 1",
      "[tokens]\nvocabulary = \"" + key + "\"",
      "ZAI_API_KEY=" + key,
      "api_key: " + key,
      "{\"api_key\": \"" + key + "\"}",
      key + "\n",
      "listen = \"" + key + "\" x",
      "listen = \"http://me:" + key + "@host\" x",
      "[log]\nlevel = \"" + key + "\"",
      "\"" + key + "\" = 1\n\"" + key + "\" = 2",
  };
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    const Result<Config> config = read_config(text, "t");
    ASSERT_FALSE(config.has_value());
    for (const std::string& part : {key.substr(0, 16), key.substr(33)}) {
      EXPECT_EQ(config.error().for_client.find(part), std::string::npos)
          << config.error().for_client;
      EXPECT_EQ(config.error().for_us.find(part), std::string::npos);
    }
  }
}

TEST(config, key_env_takes_the_name_of_a_variable) {
  struct Case {
    std::string value;
    const char* says;
  };
  const Case cases[] = {
      {glm_key(), "takes the NAME of a variable; this looks like the key itself"},
      {"my-secret", "takes the NAME of a variable; this looks like the key itself"},
      {"hunter2", "names a variable which is not set"},
      {"GLMGATE_NOT_SET", "names GLMGATE_NOT_SET, which is not set"},
  };
  for (const Case& c : cases) {
    const Result<Config> config =
        read_config("[upstream.a]\nprovider = \"zai\"\nkey_env = \"" + c.value + "\"", "t");
    ASSERT_FALSE(config.has_value());
    EXPECT_NE(config.error().for_client.find(c.says), std::string::npos)
        << config.error().for_client;
  }
  const Result<Config> config =
      read_config("[upstream.a]\nprovider = \"zai\"\nkey_env = \"hunter2\"", "t");
  EXPECT_EQ(config.error().for_client.find("hunter2"), std::string::npos);
}

TEST(config, a_file_with_control_bytes_is_no_text) {
  for (const std::string& text :
       {std::string("a = 1\0", 6), std::string("[\x01]"), std::string("\x7f")})
    EXPECT_FALSE(read_config(text, "t").has_value());
}

TEST(config, prices_are_exact_and_dated) {
  const Result<Config> config = read_config(
      "[price.\"glm-4.7\"]\ninput = \"0.60\"\noutput = \"2.2\"\nweight = \"0.5\"\nfrom = "
      "2026-11-20\n",
      "t");
  ASSERT_TRUE(config.has_value()) << config.error().for_client;
  const accounts::PriceOverride& price = config->setup.prices.front();
  EXPECT_EQ(price.model, "glm-4.7");
  EXPECT_EQ(price.price->input, 600'000);
  EXPECT_EQ(price.price->cached, 600'000);
  EXPECT_EQ(price.price->output, 2'200'000);
  EXPECT_EQ(*price.weight_milli, 500);
  EXPECT_EQ(price.from, 1'795'132'800'000);
}

TEST(config, durations_and_sizes_carry_their_unit) {
  EXPECT_EQ(*read_duration("250ms"), 250ms);
  EXPECT_EQ(*read_duration("90d"), 90 * 24h);
  EXPECT_FALSE(read_duration("5").has_value());
  EXPECT_FALSE(read_duration("-5s").has_value());
  EXPECT_FALSE(read_duration("99999999999w").has_value());
  EXPECT_EQ(*read_size("32MiB"), 32U << 20);
  EXPECT_EQ(*read_size("4096"), 4096U);
  EXPECT_FALSE(read_size("32MB").has_value());
}

/// Sets the provider variables for one test and clears them after.
class ProviderVariables {
 public:
  ProviderVariables() { clear(); }
  ~ProviderVariables() { clear(); }
  void set(const char* name, const char* value) { ::setenv(name, value, 1); }

 private:
  void clear() {
    for (const char* name : {"ZAI_API_KEY", "Z_AI_API_KEY", "ZAI_CODING_API_KEY", "ZHIPU_API_KEY",
                             "ZHIPU_CODING_API_KEY"})
      ::unsetenv(name);
  }
};

std::string names_of(const std::vector<gateway::UpstreamConfig>& upstreams) {
  std::string names;
  for (const auto& each : upstreams) {
    names += each.name + "=" + each.key.reveal();
    if (each.paid == gateway::PaidUse::no_plan) names += "(no-plan)";
    if (each.paid == gateway::PaidUse::asked) names += "(asked)";
    names += " ";
  }
  return names;
}

TEST(config, provider_keys_follow_the_published_chains) {
  ProviderVariables variables;
  EXPECT_EQ(names_of(upstreams_from_environment()), "");
  variables.set("Z_AI_API_KEY", "b");
  EXPECT_EQ(names_of(upstreams_from_environment()), "zai-coding=b zai=b(no-plan) ");
  variables.set("ZAI_API_KEY", "a");
  EXPECT_EQ(names_of(upstreams_from_environment()), "zai-coding=a zai=a(no-plan) ");
  EXPECT_EQ(upstreams_from_environment()[1].key_source, "ZAI_API_KEY");
  variables.set("ZAI_CODING_API_KEY", "c");
  EXPECT_EQ(names_of(upstreams_from_environment()), "zai-coding=c zai=a ")
      << "two keys, both meant";
  EXPECT_EQ(names_of(upstreams_from_environment(gateway::PaidUse::asked)),
            "zai-coding=c zai=a(asked) ");
  variables.set("ZAI_CODING_API_KEY", " a ");
  EXPECT_EQ(names_of(upstreams_from_environment()), "zai-coding=a zai=a(no-plan) ");
  variables.set("ZAI_CODING_API_KEY", "");
  variables.set("ZHIPU_CODING_API_KEY", "d");
  EXPECT_EQ(names_of(upstreams_from_environment()), "zai-coding=a zhipu-coding=d zai=a(no-plan) ");
  EXPECT_EQ(names_of(upstreams_from_environment(gateway::PaidUse::spill)),
            "zai-coding=a zhipu-coding=d zai=a ");
}

TEST(config, paid_use_is_a_word_of_the_file) {
  ProviderVariables variables;
  variables.set("ZAI_API_KEY", "a");
  const auto config = read_config("[upstream.money]\nprovider = \"zai\"\npaid = \"asked\"\n", "f");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(names_of(config->setup.upstreams), "money=a(asked) ");
  const auto wrong = read_config("[upstream.money]\nprovider = \"zai\"\npaid = \"yes\"\n", "f");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().for_client.find("spill, no-plan, asked"), std::string::npos);
}

TEST(config, origins_and_metrics_are_read) {
  ::setenv("TEST_METRICS_TOKEN", " t \n", 1);
  const auto config = read_config(
      "[server]\nallow_origins = [\"https://a.example\", \"http://localhost:*\"]\n"
      "[metrics]\nlisten = \"127.0.0.1:9464\"\ntoken_env = \"TEST_METRICS_TOKEN\"\n",
      "f");
  ::unsetenv("TEST_METRICS_TOKEN");
  ASSERT_TRUE(config.has_value()) << config.error().for_client;
  EXPECT_EQ(config->setup.allow_origins.size(), 2U);
  EXPECT_EQ(config->metrics_listen, "127.0.0.1:9464");
  EXPECT_EQ(config->setup.metrics.token.reveal(), "t");
  for (const char* wrong :
       {"[server]\nallow_origins = [\"https://a.example/\"]\n", "[metrics]\ntoken = \"abc\"\n",
        "[metrics]\ntoken_env = \"TEST_METRICS_TOKEN\"\n"})
    EXPECT_FALSE(read_config(wrong, "f").has_value()) << wrong;
}

}  // namespace
}  // namespace glmgate::cli
