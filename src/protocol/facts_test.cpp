#include "protocol/facts.h"

#include <gtest/gtest.h>

namespace glmgate::protocol {
namespace {

Result<Facts> read(std::string text) {
  const auto body = Body::read(std::move(text), {});
  if (!body) return fail(body.error());
  return read_chat_facts(*body);
}

/// A good request with `members` added, or `messages` in place of its own.
std::string with(const std::string& members) {
  return R"({"model":"glm-4.7","messages":[{"role":"user","content":"Hi"}],)" + members + "}";
}
std::string with_messages(const std::string& messages) {
  return R"({"model":"glm-4.7","messages":)" + messages + "}";
}

TEST(facts, are_read) {
  const auto facts =
      read(R"({"model":"zai/glm-4.7","stream":true,"stream_options":{"include_usage":true},
    "max_tokens":9,"tools":[{"type":"function","function":{"name":"f"}}],
    "messages":[{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"image_url","image_url":{"url":"x"}}]}]})");
  ASSERT_TRUE(facts.has_value()) << facts.error().for_client;
  EXPECT_EQ(facts->model, "zai/glm-4.7");
  EXPECT_TRUE(facts->stream);
  EXPECT_TRUE(facts->include_usage);
  EXPECT_EQ(facts->max_output, 9);
  EXPECT_TRUE(facts->has_tools);
  EXPECT_TRUE(facts->has_images);
  EXPECT_GT(facts->input_estimate, 1600);

  const auto plain = read(with(R"("max_tokens":5,"max_completion_tokens":7)"));
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->max_output, 7);
  EXPECT_FALSE(plain->stream || plain->include_usage || plain->has_tools || plain->has_images);
}

TEST(facts, what_real_clients_send_is_accepted) {
  const std::string bodies[] = {
      with(
          R"("thinking":null,"response_format":null,"stream":null,"max_tokens":null,"tools":null,"stop":null,"n":null)"),
      with(
          R"("store":false,"max_completion_tokens":4096,"reasoning_effort":"medium","prompt_cache_key":"x")"),
      with(
          R"("enable_thinking":true,"tool_stream":true,"reasoning":{"effort":"high"},"anything":[1,{"a":2}])"),
      with(R"("tools":[],"tool_choice":"auto")"),
      with(R"("tools":[{"type":"function","name":"flat","parameters":{"type":"object"}},
               {"type":"function","function":{"name":"nested","description":null,"parameters":null}},
               {"type":"web_search","web_search":{"enable":true}}])"),
      with(
          R"("tool_choice":{"type":"function","function":{"name":"f"}},"tools":[{"function":{"name":"f"}}])"),
      with(R"("stop":"x","n":1,"temperature":2,"top_p":1.0,"max_tokens":3.0)"),
      with(R"("stop":["a","b","c","d","e"],"temperature":0)"),
      with(
          R"("thinking":{"type":"enabled","clear_thinking":false},"response_format":{"type":"json_object"})"),
      with(R"("functions":[{"name":"f"}],"function_call":{"name":"f"})"),
      with_messages(
          R"([{"role":"developer","content":"d"},{"role":"user","content":"a"},{"role":"user","content":"b"}])"),
      with_messages(
          R"([{"role":"system","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]},
        {"role":"user","content":"a","name":"n"},
        {"role":"assistant","content":null,"reasoning_content":"r",
         "tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}},
                       {"function":{"name":"g","arguments":{"a":1}}}]},
        {"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"t"}]},
        {"role":"tool","tool_call_id":"c","content":""}, {"role":"assistant","tool_calls":null}])"),
      with_messages(
          R"([{"role":"user","content":[{"type":"image_url","image_url":"x"},{"type":"file","file":{}},
        {"type":"new_kind_of_part","x":1}]}])"),
      with_messages(R"([{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},
        {"role":"function","name":"f","content":"1"},{"role":"user","content":"a"}])"),
  };
  for (const std::string& body : bodies) {
    const auto facts = read(body);
    EXPECT_TRUE(facts.has_value()) << body << "\n" << facts.error().for_client;
  }
}

TEST(facts, what_cannot_be_right_is_refused_by_name) {
  struct Case {
    std::string body;
    FaultCode code;
    const char* param;
  };
  const auto bad = FaultCode::bad_value;
  const auto missing = FaultCode::missing_field;
  const auto unsupported = FaultCode::unsupported_field;
  const Case cases[] = {
      {"{}", missing, "model"},
      {R"({"model":null,"messages":[]})", missing, "model"},
      {R"({"model":"","messages":[]})", bad, "model"},
      {R"({"model":7,"messages":[]})", bad, "model"},
      {R"({"model":"glm\u0000admin","messages":[]})", bad, "model"},
      {R"({"model":"glm\u001b[2J","messages":[]})", bad, "model"},
      {R"({"model":"glm\u009b2J","messages":[]})", bad, "model"},
      {R"({"model":")" + std::string(161, 'm') + R"(","messages":[]})", bad, "model"},
      {R"({"model":"m"})", missing, "messages"},
      {R"({"model":"m","input":"hi"})", unsupported, "input"},
      {with_messages("[]"), bad, "messages"},
      {with_messages("{}"), bad, "messages"},
      {with_messages("\"hi\""), bad, "messages"},
      {with_messages("[1]"), bad, "messages[0]"},
      {with_messages(R"([{"content":"a"}])"), missing, "messages[0].role"},
      {with_messages(R"([{"role":"user","content":"a"},{"role":"robot","content":"a"}])"), bad,
       "messages[1].role"},
      {with_messages(R"([{"role":5,"content":"a"}])"), bad, "messages[0].role"},
      {with_messages(R"([{"role":"user"}])"), missing, "messages[0].content"},
      {with_messages(R"([{"role":"user","content":null}])"), missing, "messages[0].content"},
      {with_messages(R"([{"role":"user","content":5}])"), bad, "messages[0].content"},
      {with_messages(R"([{"role":"user","content":[]}])"), bad, "messages[0].content"},
      {with_messages(R"([{"role":"user","content":["a"]}])"), bad, "messages[0].content[0]"},
      {with_messages(R"([{"role":"user","content":[{"text":"a"}]}])"), missing,
       "messages[0].content[0].type"},
      {with_messages(R"([{"role":"user","content":[{"type":"text"}]}])"), missing,
       "messages[0].content[0].text"},
      {with_messages(R"([{"role":"user","content":[{"type":"text","text":1}]}])"), bad,
       "messages[0].content[0].text"},
      {with_messages(R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])"),
       missing, "messages[0].content[0].image_url.url"},
      {with_messages(R"([{"role":"tool","content":"a"}])"), missing, "messages[0].tool_call_id"},
      {with_messages(R"([{"role":"assistant","tool_calls":{}}])"), bad, "messages[0].tool_calls"},
      {with_messages(R"([{"role":"assistant","tool_calls":[{"id":"c"}]}])"), missing,
       "messages[0].tool_calls[0].function"},
      {with_messages(
           R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":[1]}}]}])"),
       bad, "messages[0].tool_calls[0].function.arguments"},
      {with(R"("stream":"true")"), bad, "stream"},
      {with(R"("stream_options":{"include_usage":1})"), bad, "stream_options.include_usage"},
      {with(R"("max_tokens":0)"), bad, "max_tokens"},
      {with(R"("max_tokens":-1)"), bad, "max_tokens"},
      {with(R"("max_tokens":1.5)"), bad, "max_tokens"},
      {with(R"("max_tokens":"5")"), bad, "max_tokens"},
      {with(R"("max_tokens":1e300)"), bad, "max_tokens"},
      {with(R"("temperature":2.1)"), bad, "temperature"},
      {with(R"("temperature":-0.1)"), bad, "temperature"},
      {with(R"("temperature":"1")"), bad, "temperature"},
      {with(R"("top_p":1.01)"), bad, "top_p"},
      {with(R"("n":2)"), unsupported, "n"},
      {with(R"("n":0)"), bad, "n"},
      {with(R"("audio":{"voice":"a"})"), unsupported, "audio"},
      {with(R"("modalities":["text","audio"])"), unsupported, "modalities"},
      {with(R"("stop":["a",{}])"), bad, "stop[1]"},
      {with(R"("stop":[1])"), bad, "stop[0]"},
      {with(R"("tools":[{"type":"function","function":{"name":")" + std::string(257, 'a') +
            R"("}}])"),
       bad, "tools[0].function.name"},
      {with(R"("stop":")" + std::string(8193, 'a') + '"'), bad, "stop"},
      {with(R"("stop":["b",")" + std::string(8192, 'a') + R"("])"), bad, "stop"},
      {with(R"("stop":5)"), bad, "stop"},
      {with(R"("tools":{})"), bad, "tools"},
      {with(R"("tools":["f"])"), bad, "tools[0]"},
      {with(R"("tools":[{}])"), missing, "tools[0].type"},
      {with(R"("tools":[{"type":"function"}])"), missing, "tools[0].function.name"},
      {with(R"("tools":[{"type":"function","function":{"name":""}}])"), bad,
       "tools[0].function.name"},
      {with(R"("tools":[{"type":"function","function":{"name":"f","parameters":"x"}}])"), bad,
       "tools[0].function.parameters"},
      {with(R"("tool_choice":"sometimes")"), bad, "tool_choice"},
      {with(R"("tool_choice":1)"), bad, "tool_choice"},
      {with(R"("response_format":"json")"), bad, "response_format"},
      {with(R"("response_format":{"type":"json_schema"})"), missing, "response_format.json_schema"},
      {with(R"("thinking":true)"), bad, "thinking"},
      {with(R"("user":5)"), bad, "user"},
      {with(R"("Stream":true)"), bad, "Stream"},
      {with(R"("MAX_TOKENS":5)"), bad, "MAX_TOKENS"},
      {R"({"Model":"x","model":"m","messages":[]})", bad, "Model"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const auto facts = read(c.body);
    ASSERT_FALSE(facts.has_value());
    EXPECT_EQ(name(facts.error().code), name(c.code));
    EXPECT_EQ(facts.error().param, c.param);
    EXPECT_FALSE(facts.error().for_client.empty());
  }
}

TEST(facts, the_limits_on_fields_messages_and_tools_are_exact) {
  const auto with_fields = [](std::size_t count) {  // besides model and messages
    std::string members = "\"f0\":0";
    for (std::size_t i = 1; i < count; ++i) members += ",\"f" + std::to_string(i) + "\":0";
    return with(members);
  };
  EXPECT_TRUE(read(with_fields(998)).has_value());
  EXPECT_FALSE(read(with_fields(999)).has_value());

  const auto repeat = [](const std::string& one, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += (i == 0 ? "" : ",") + one;
    return "[" + all + "]";
  };
  const std::string message = R"({"role":"user","content":""})";
  EXPECT_TRUE(read(with_messages(repeat(message, 10'000))).has_value());
  EXPECT_FALSE(read(with_messages(repeat(message, 10'001))).has_value());
  const auto calls = [&](std::size_t times) {
    return with_messages(R"([{"role":"assistant","content":"","tool_calls":)" +
                         repeat(R"({"id":"c","function":{"name":"f"}})", times) + "}]");
  };
  EXPECT_TRUE(read(calls(10'000)).has_value());
  const auto too_many = read(calls(10'001));
  ASSERT_FALSE(too_many.has_value());
  EXPECT_EQ(too_many.error().param, "messages[0].tool_calls[10000]");
  const std::string tool = R"({"type":"function","function":{"name":"f"}})";
  EXPECT_TRUE(read(with("\"tools\":" + repeat(tool, 1024))).has_value());
  EXPECT_FALSE(read(with("\"tools\":" + repeat(tool, 1025))).has_value());
}

TEST(facts, the_estimate_grows_with_the_text_and_stays_near_its_tokens) {
  const auto estimate = [](const std::string& text) {
    return read(with_messages(R"([{"role":"user","content":")" + text + R"("}])"))->input_estimate;
  };
  EXPECT_NEAR(static_cast<double>(estimate(std::string(3200, 'a'))), 1050, 20);
  std::string characters;
  for (int i = 0; i < 1000; ++i) characters += "漢";
  EXPECT_NEAR(static_cast<double>(estimate(characters)), 1050, 20);
  std::string escaped;
  for (int i = 0; i < 1000; ++i) escaped += "\\u6f22";
  EXPECT_EQ(estimate(escaped), estimate(characters));
}

}  // namespace
}  // namespace glmgate::protocol
