#include <gtest/gtest.h>

#include "protocol/facts.h"

namespace glmgate::protocol {
namespace {

Result<Facts> read(std::string text) {
  const auto body = Body::read(std::move(text), {});
  if (!body) return fail(body.error());
  return read_messages_facts(*body);
}

const std::string kHi = R"({"role":"user","content":"hi"})";

std::string with(const std::string& members) {
  return R"({"model":"glm-4.7","max_tokens":9,"messages":[)" + kHi + "]," + members + "}";
}
std::string repeated(const std::string& element, int times) {
  std::string out = element;
  for (int i = 1; i < times; ++i) out += "," + element;
  return out;
}
std::string said(const std::string& messages) {
  return R"({"model":"glm-4.7","max_tokens":9,"messages":[)" + messages + "]}";
}
std::string use(const std::string& id) {
  return R"({"role":"assistant","content":[{"type":"tool_use","id":")" + id +
         R"(","name":"f","input":{}}]})";
}
std::string result(const std::string& id) {
  return R"({"role":"user","content":[{"type":"tool_result","tool_use_id":")" + id + R"("}]})";
}

TEST(messages_facts, are_read) {
  const auto facts = read(
      R"({"model":"glm-5.3","stream":true,"max_tokens":32000,"tools":[{"name":"f","input_schema":{}}],
      "messages":[{"role":"user","content":[{"type":"text","text":"a"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}}]}]})");
  ASSERT_TRUE(facts.has_value()) << facts.error().for_client;
  EXPECT_EQ(facts->model, "glm-5.3");
  EXPECT_TRUE(facts->stream && facts->has_tools && facts->has_images);
  EXPECT_EQ(facts->max_output, 32'000);
  EXPECT_GT(facts->input_estimate, 1'600);
  const auto plain = read(said(kHi));
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->stream || plain->has_tools || plain->has_images || plain->include_usage);
}

TEST(messages_facts, what_real_clients_send_is_accepted) {
  const std::string bodies[] = {
      with(R"("thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"high"},
        "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
        "metadata":{"user_id":"{\"device_id\":\"x\"}"},"stream":true)"),
      with(
          R"("system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}])"),
      with(
          R"("tools":[{"name":"f","input_schema":{"type":"object"},"defer_loading":true,"strict":true},
        {"type":"custom","name":"g","description":"","input_schema":{}},{"type":"bash_20250124","name":"bash"},
        {"type":"mcp_toolset","mcp_server_name":"m"}],"tool_choice":{"type":"any"})"),
      with(
          R"("temperature":0,"top_p":1,"top_k":40,"stop_sequences":["x"],"thinking":{"type":"from the future"})"),
      with(
          R"("system":null,"tools":null,"thinking":null,"metadata":{"user_id":null},"temperature":null)"),
      with(R"("stop_sequences":[)" + repeated('"' + std::string(128, 'a') + '"', 64) + "]"),
      with(R"("anything":[{"new":1}],"service_tier":"auto")"),
      R"({"model":"m","max_tokens":0,"messages":[)" + kHi + "]}",
      said(kHi + R"(,{"role":"system","content":"mid"},)" + kHi + "," + kHi),
      said(kHi + R"(,{"role":"system","content":[{"type":"text","text":"mid"}]})"),
      said(kHi + R"(,{"role":"assistant","content":""})"),
      said(kHi + "," + use("x") + R"(,{"role":"system","content":"mid"},)" + result("x")),
      said(kHi + "," + use("x") + "," + use("y") + "," + result("x") + "," + result("y")),
      said(kHi + "," + use("x") + "," + result("x") + "," + use("x") + "," + result("x")),
      said(
          R"({"role":"user","content":[{"type":"hologram","x":1},{"type":"document","source":{"type":"url","url":"u"}}]})"),
      said(kHi +
           R"(,{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":""},
        {"type":"redacted_thinking","data":"x"},{"type":"server_tool_use","id":"s","name":"web_search","input":{}},
        {"type":"web_search_tool_result","tool_use_id":"s","content":[]}]})"),
  };
  for (const std::string& body : bodies) {
    const auto facts = read(body);
    EXPECT_TRUE(facts.has_value()) << body << "\n" << facts.error().for_client;
  }
}

TEST(messages_facts, what_is_wrong_is_named_by_its_path) {
  struct Wrong {
    std::string body;
    FaultCode code;
    std::string param;
  };
  const auto blocks = [](const std::string& text) {
    return said(R"({"role":"user","content":[)" + text + "]}");
  };
  const std::string block = "messages[0].content[0]";
  const Wrong cases[] = {
      {"{}", FaultCode::missing_field, "model"},
      {R"({"model":"","max_tokens":1,"messages":[]})", FaultCode::bad_value, "model"},
      {R"({"model":"m","max_tokens":1})", FaultCode::missing_field, "messages"},
      {R"({"model":"m","messages":[)" + kHi + "]}", FaultCode::missing_field, "max_tokens"},
      {with(R"("Max_Tokens":1)"), FaultCode::bad_value, "Max_Tokens"},
      {said(""), FaultCode::bad_value, "messages"},
      {R"({"model":"m","max_tokens":-1,"messages":[]})", FaultCode::bad_value, "max_tokens"},
      {R"({"model":"m","max_tokens":"9","messages":[]})", FaultCode::bad_value, "max_tokens"},
      {R"({"model":"m","max_tokens":9,"messages":{}})", FaultCode::bad_value, "messages"},
      {said("1"), FaultCode::bad_value, "messages[0]"},
      {said(R"({"content":"x"})"), FaultCode::missing_field, "messages[0].role"},
      {said(R"({"role":"tool","content":"x"})"), FaultCode::bad_value, "messages[0].role"},
      {said(R"({"role":"user"})"), FaultCode::missing_field, "messages[0].content"},
      {said(R"({"role":"user","content":5})"), FaultCode::bad_value, "messages[0].content"},
      {said(R"({"role":"user","content":""})"), FaultCode::bad_value, "messages[0].content"},
      {said(R"({"role":"user","content":[]})"), FaultCode::bad_value, "messages[0].content"},
      {blocks("{}"), FaultCode::missing_field, block + ".type"},
      {blocks("\"a\""), FaultCode::bad_value, block},
      {blocks(R"({"type":7})"), FaultCode::bad_value, block + ".type"},
      {blocks(R"({"type":"text"})"), FaultCode::missing_field, block + ".text"},
      {blocks(R"({"type":"image"})"), FaultCode::missing_field, block + ".source"},
      {blocks(R"({"type":"image","source":{"type":"base64","data":"A"}})"),
       FaultCode::missing_field, block + ".source.media_type"},
      {blocks(R"({"type":"image","source":{"type":"url","url":1}})"), FaultCode::bad_value,
       block + ".source.url"},
      {blocks(R"({"type":"document","source":{"type":"content","content":[{"type":"text"}]}})"),
       FaultCode::missing_field, block + ".source.content[0].text"},
      {blocks(R"({"type":"tool_use","id":"x","name":"f","input":{}})"), FaultCode::bad_value,
       block + ".type"},
      {said(kHi + R"(,{"role":"assistant","content":[{"type":"tool_result","tool_use_id":"x"}]})"),
       FaultCode::bad_value, "messages[1].content[0].type"},
      {blocks(R"({"type":"tool_result","tool_use_id":"x","content":5})"), FaultCode::bad_value,
       block + ".content"},
      {blocks(R"({"type":"tool_result","tool_use_id":"x","is_error":"no"})"), FaultCode::bad_value,
       block + ".is_error"},
      {blocks(R"({"type":"tool_result"})"), FaultCode::missing_field, block + ".tool_use_id"},
      {said(
           kHi +
           R"(,{"role":"assistant","content":[{"type":"tool_use","id":"x","name":"f","input":"{}"}]})"),
       FaultCode::bad_value, "messages[1].content[0].input"},
      {said(kHi + R"(,{"role":"assistant","content":[{"type":"tool_use","id":"","name":"f"}]})"),
       FaultCode::bad_value, "messages[1].content[0].id"},
      {said(kHi + R"(,{"role":"assistant","content":[{"type":"thinking"}]})"),
       FaultCode::missing_field, "messages[1].content[0].thinking"},
      {with(R"("system":[{"type":"text"}])"), FaultCode::missing_field, "system[0].text"},
      {with(R"("system":7)"), FaultCode::bad_value, "system"},
      {with(R"("tools":{})"), FaultCode::bad_value, "tools"},
      {with(R"("tools":[{"input_schema":{}}])"), FaultCode::missing_field, "tools[0].name"},
      {with(R"("tools":[{"name":"f"}])"), FaultCode::missing_field, "tools[0].input_schema"},
      {with(R"("tools":[{"name":"f","input_schema":"{}"}])"), FaultCode::bad_value,
       "tools[0].input_schema"},
      {with(R"("tool_choice":"auto")"), FaultCode::bad_value, "tool_choice"},
      {with(R"("tool_choice":{"type":"some"})"), FaultCode::bad_value, "tool_choice.type"},
      {with(R"("tool_choice":{"type":"tool"})"), FaultCode::missing_field, "tool_choice.name"},
      {with(R"("temperature":1.5)"), FaultCode::bad_value, "temperature"},
      {with(R"("stop_sequences":"x")"), FaultCode::bad_value, "stop_sequences"},
      {with(R"("stop_sequences":["a",1])"), FaultCode::bad_value, "stop_sequences[1]"},
      {with(R"("stop_sequences":[)" + repeated(R"("a")", 65) + "]"), FaultCode::bad_value,
       "stop_sequences"},
      {with(R"("stop_sequences":[")" + std::string(8193, 'a') + R"("])"), FaultCode::bad_value,
       "stop_sequences"},
      {with(R"("tools":[{"name":")" + std::string(257, 'a') + R"(","input_schema":{}}])"),
       FaultCode::bad_value, "tools[0].name"},
      {with(R"("thinking":{})"), FaultCode::missing_field, "thinking.type"},
      {with(R"("thinking":{"type":"enabled","budget_tokens":-1})"), FaultCode::bad_value,
       "thinking.budget_tokens"},
      {with(R"("output_config":{"format":{"type":"json_schema"}})"), FaultCode::missing_field,
       "output_config.format.schema"},
      {with(R"("metadata":{"user_id":7})"), FaultCode::bad_value, "metadata.user_id"},
  };
  for (const Wrong& c : cases) {
    SCOPED_TRACE(c.body);
    const auto facts = read(c.body);
    ASSERT_FALSE(facts.has_value());
    EXPECT_EQ(facts.error().code, c.code) << facts.error().for_client;
    EXPECT_EQ(facts.error().param, c.param) << facts.error().for_client;
    EXPECT_TRUE(facts.error().for_client.starts_with(c.param.substr(0, c.param.rfind('.'))) ||
                facts.error().for_client.starts_with("the key"))
        << facts.error().for_client;
  }
}

TEST(messages_facts, every_call_is_answered_once_by_the_next_user) {
  struct Unpaired {
    const char* name;
    std::string body;
    std::string param;
    std::string id;
  };
  const Unpaired cases[] = {
      {"a result without a call", said(result("toolu_1")), "messages[0].content[0].tool_use_id",
       "toolu_1"},
      {"a call without a result", said(kHi + "," + use("toolu_1")), "messages[1].content[0]",
       "toolu_1"},
      {"talk instead of a result", said(kHi + "," + use("toolu_1") + "," + kHi),
       "messages[1].content[0]", "toolu_1"},
      {"a result too late",
       said(kHi + "," + use("toolu_1") + "," + kHi + R"(,{"role":"assistant","content":"a"},)" +
            result("toolu_1")),
       "messages[1].content[0]", "toolu_1"},
      {"a result twice", said(kHi + "," + use("x") + "," + result("x") + "," + result("x")),
       "messages[3].content[0].tool_use_id", "x"},
      {"another's result", said(kHi + "," + use("x") + "," + result("y")),
       "messages[2].content[0].tool_use_id", "y"},
      {"two calls of one id", said(kHi + "," + use("x") + "," + use("x") + "," + result("x")),
       "messages[2].content[0].id", "x"},
      {"the first of several", said(kHi + "," + use("z") + "," + use("a") + "," + kHi),
       "messages[1].content[0]", "z"},
  };
  for (const Unpaired& c : cases) {
    SCOPED_TRACE(c.name);
    const auto facts = read(c.body);
    ASSERT_FALSE(facts.has_value());
    EXPECT_EQ(facts.error().code, FaultCode::bad_value);
    EXPECT_EQ(facts.error().param, c.param);
    EXPECT_NE(facts.error().for_client.find(c.id), std::string::npos) << facts.error().for_client;
  }
}

TEST(count_tokens_facts, need_no_max_tokens_and_count_all_that_is_sent) {
  const auto count = [](const std::string& members) {
    const auto body = Body::read(R"({"model":"m","messages":[)" + kHi + "]" + members + "}", {});
    const auto facts = read_count_tokens_facts(*body);
    return facts ? facts->input_estimate : -1;
  };
  const std::int64_t least = count("");
  EXPECT_GT(least, 4);
  EXPECT_NEAR(static_cast<double>(count(R"(,"system":")" + std::string(3'200, 's') + "\"") - least),
              1'050, 5);
  std::string characters;
  for (int i = 0; i < 1'000; ++i) characters += "漢";
  EXPECT_NEAR(static_cast<double>(count(R"(,"system":")" + characters + "\"") - least), 1'050, 5);
  const std::string tool =
      R"({"name":"f","description":")" + std::string(300, 'd') + R"(","input_schema":{}})";
  EXPECT_GE(count(R"(,"tools":[)" + tool + "]") - least,
            static_cast<std::int64_t>(tool.size()) / 3);
}

TEST(messages_facts, what_goes_on_from_a_thread_need_not_hold_its_calls) {
  const std::string goes_on = R"("thread":{"type":"continue","previous_message_id":"msg_1"},)";
  const auto told = [](const std::string& members, const std::string& messages) {
    return R"({"model":"glm-4.7","max_tokens":9,)" + members + R"("messages":[)" + messages + "]}";
  };
  EXPECT_TRUE(read(told(goes_on, result("toolu_1"))).has_value());
  EXPECT_FALSE(read(told(R"("thread":{"type":"create"},)", result("toolu_1"))).has_value());
  EXPECT_FALSE(read(told("", result("toolu_1"))).has_value());
  EXPECT_FALSE(read(told(R"("thread":"continue",)", kHi)).has_value());
}

TEST(messages_facts, the_limit_on_calls_is_exact) {
  const auto calls = [](std::size_t times) {
    std::string blocks, results;
    for (std::size_t i = 0; i < times; ++i) {
      const std::string id = "t" + std::to_string(i);
      blocks += (i == 0 ? "" : ",") + (R"({"type":"tool_use","id":")" + id) +
                R"(","name":"f","input":{}})";
      results += (i == 0 ? "" : ",") + (R"({"type":"tool_result","tool_use_id":")" + id) + "\"}";
    }
    return said(kHi + R"(,{"role":"assistant","content":[)" + blocks +
                R"(]},{"role":"user","content":[)" + results + "]}");
  };
  EXPECT_TRUE(read(calls(10'000)).has_value());
  const auto too_many = read(calls(10'001));
  ASSERT_FALSE(too_many.has_value());
  EXPECT_EQ(too_many.error().param, "messages[1].content[10000]");
}

}  // namespace
}  // namespace glmgate::protocol
