#include "protocol/models_document.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/json.h"

namespace glmgate::protocol {
namespace {

const std::vector<ModelEntry> kModels = {
    {.id = "glm-5.3",
     .display_name = "GLM-5.3",
     .owned_by = "z-ai",
     .created = 1'755'129'600,
     .context_window = 1'048'576,
     .max_output = 131'072},
    {.id = "glm-4.7", .owned_by = "z-ai"},
    {.id = "org/model \"x\"", .owned_by = "engine"},
    {.id = "glm-4.5-air", .owned_by = "z-ai"},
};

std::string ids(const ModelsPage& page) {
  const auto parsed = json::parse(write_models(kModels, page));
  if (!parsed) return "not JSON";
  std::string out;
  for (const json::value& model : json::find(*parsed, "data")->as_array())
    out += std::string(json::find_string(model, "id")) + ";";
  return out + (json::find(*parsed, "has_more")->as_bool() ? "more" : "");
}

TEST(models_document, one_document_serves_both_dialects) {
  EXPECT_EQ(
      write_models(std::span(kModels).first(1), {}),
      R"({"object":"list","data":[{"id":"glm-5.3","object":"model","type":"model","created":1755129600,)"
      R"("created_at":"2025-08-14T00:00:00Z","owned_by":"z-ai","display_name":"GLM-5.3",)"
      R"("max_input_tokens":1048576,"max_tokens":131072}],"has_more":false,"first_id":"glm-5.3","last_id":"glm-5.3"})");
  EXPECT_EQ(write_models({}, {}),
            R"({"object":"list","data":[],"has_more":false,"first_id":null,"last_id":null})");
  EXPECT_EQ(
      write_model(kModels[1]),
      R"({"id":"glm-4.7","object":"model","type":"model","created":0,"created_at":"1970-01-01T00:00:00Z",)"
      R"("owned_by":"z-ai","display_name":"glm-4.7"})");
}

TEST(models_document, pages_as_anthropic_clients_turn_them) {
  const std::string odd = "org/model \"x\"";
  EXPECT_EQ(ids({}), "glm-5.3;glm-4.7;" + odd + ";glm-4.5-air;");
  EXPECT_EQ(ids({.limit = 2}), "glm-5.3;glm-4.7;more");
  EXPECT_EQ(ids({.limit = 4}), "glm-5.3;glm-4.7;" + odd + ";glm-4.5-air;");
  EXPECT_EQ(ids({.limit = 1000}), ids({}));
  EXPECT_EQ(ids({.limit = 0}), "glm-5.3;more");
  EXPECT_EQ(ids({.limit = 2, .after_id = "glm-4.7"}), odd + ";glm-4.5-air;");
  EXPECT_EQ(ids({.limit = 1, .after_id = "glm-4.7"}), odd + ";more");
  EXPECT_EQ(ids({.after_id = "glm-4.5-air"}), "");
  EXPECT_EQ(ids({.after_id = "nobody"}), "");
  EXPECT_EQ(ids({.limit = 1, .before_id = odd}), "glm-4.7;more");
  EXPECT_EQ(ids({.limit = 2, .before_id = odd}), "glm-5.3;glm-4.7;");
  EXPECT_EQ(ids({.before_id = "glm-5.3"}), "");
}

TEST(models_document, a_near_miss_is_named_and_a_far_one_is_not) {
  EXPECT_EQ(find_near_miss("glm-47", kModels), "glm-4.7");
  EXPECT_EQ(find_near_miss("GLM-4.7", kModels), "glm-4.7");
  EXPECT_EQ(find_near_miss("glm-4.5-ari", kModels), "glm-4.5-air");
  EXPECT_EQ(find_near_miss("glm4.7", kModels), "glm-4.7");
  EXPECT_EQ(find_near_miss("gpt-4o-mini-2024", kModels), "");
  EXPECT_EQ(find_near_miss("x", kModels), "");
  EXPECT_EQ(find_near_miss("", kModels), "");
}

TEST(models_document, what_an_engine_lists_is_read_in_its_own_shape) {
  struct Case {
    const char* name;
    std::string body;
    const char* ids;
  };
  std::string many = "[";
  for (int i = 0; i < 1500; ++i)
    many += std::string(i == 0 ? "" : ",") + "{\"id\":\"m" + std::to_string(i) + "\"}";
  many += "]";
  const Case cases[] = {
      {"OpenAI", R"({"object":"list","data":[{"id":"a/B","object":"model"},{"id":"c"}]})",
       "a/B;c;"},
      {"Anthropic", R"({"data":[{"type":"model","id":"a"}],"has_more":false})", "a;"},
      {"Ollama", R"({"models":[{"name":"llama:8b","model":"llama:8b"}]})", "llama:8b;"},
      {"bare", R"([{"id":"a"},{"id":7},{},"x",null,{"id":"b"}])", "a;b;"},
      {"no names", R"({"data":[{"id":"a b"},{"id":"\n"},{"id":""}]})", ""},
      {"too long", R"({"data":[{"id":")" + std::string(161, 'x') + R"("}]})", ""},
      {"no list", R"({"error":{"message":"no"}})", nullptr},
      {"no JSON", "<html>", nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto read = read_models(c.body);
    ASSERT_EQ(read.has_value(), c.ids != nullptr);
    if (!read) continue;
    std::string out;
    for (const ModelEntry& each : *read) out += each.id + ";";
    EXPECT_EQ(out, c.ids);
  }
  EXPECT_EQ(read_models(many)->size(), 1000U);
  const auto vllm = read_models(R"({"data":[{"id":"a","max_model_len":32768,"created":1}]})");
  EXPECT_EQ(vllm->front().context_window, 32768);
}

}  // namespace
}  // namespace glmgate::protocol
