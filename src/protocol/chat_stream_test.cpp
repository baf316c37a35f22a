#include <gtest/gtest.h>

#include "base/json.h"
#include "protocol/chat_answer.h"

namespace glmgate::protocol {
namespace {

const ChatAnswerOptions kOpenAi{.client = Protocol::openai_chat};
const ChatAnswerOptions kOpenAiWithUsage{.client = Protocol::openai_chat, .include_usage = true};
const ChatAnswerOptions kNative{.client = Protocol::glm};

struct Played {
  std::string out;
  std::string ending;
  std::optional<Fault> fault;
  std::optional<Usage> usage;
  std::string model;
  std::int64_t text_bytes = 0;
  bool started = false;
};

Played play(const std::string& bytes, const ChatAnswerOptions& options, std::size_t step) {
  Played played;
  ChatStream stream(options, 1 << 20);
  Result<void> result;
  for (std::size_t at = 0; at < bytes.size() && result; at += step)
    result = stream.feed(std::string_view(bytes).substr(at, step), played.out);
  if (result) result = stream.finish();
  if (!result) played.fault = result.error();
  if (result) played.ending = stream.take_ending();
  played.usage = stream.usage();
  played.model = stream.model();
  played.text_bytes = stream.text_bytes();
  played.started = stream.started();
  return played;
}

std::string event(const std::string& data) { return "data: " + data + "\n\n"; }

std::string chunk(const std::string& delta, const std::string& rest = "") {
  return R"({"id":"1","object":"chat.completion.chunk","created":7,"model":"glm-5.3","choices":[{"index":0,"delta":)" +
         delta + "}]" + rest + "}";
}

std::string finish_chunk(const std::string& reason, const std::string& rest = "") {
  return R"({"id":"1","object":"chat.completion.chunk","created":7,"model":"glm-5.3","choices":[{"index":0,"finish_reason":")" +
         reason + R"(","delta":{"role":"assistant","content":""}}])" + rest + "}";
}

std::string usage_chunk(const std::string& usage) {
  return R"({"id":"1","object":"chat.completion.chunk","created":7,"model":"glm-5.3","choices":[],"usage":)" +
         usage + "}";
}

const std::string kUsage =
    R"({"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":60},"completion_tokens_details":{"reasoning_tokens":5}})";
const std::string kWithUsage = R"(,"usage":)" + kUsage;
const std::string kDone = "data: [DONE]\n\n";
const std::string kHi = chunk(R"({"role":"assistant","content":"Hi"})");

TEST(chat_stream, relays_events_and_holds_back_the_ending_however_the_bytes_are_cut) {
  struct Case {
    const char* name;
    ChatAnswerOptions options;
    std::string bytes;
    std::string out;
    std::string ending;
  };
  const std::string stop = finish_chunk("stop");
  const std::string stop_with_usage = finish_chunk("stop", kWithUsage);
  const std::string no_object = R"({"id":"1","choices":[{"delta":{"content":"a"}}]})";
  const std::string no_object_filled =
      R"({"object":"chat.completion.chunk","id":"1","choices":[{"delta":{"content":"a"}}]})";
  const Case cases[] = {
      {"GLM to a client that did not ask for usage", kOpenAi,
       event(kHi) + event(stop_with_usage) + kDone, event(kHi), event(stop_with_usage) + kDone},
      {"GLM to a client that asked", kOpenAiWithUsage, event(kHi) + event(stop_with_usage) + kDone,
       event(kHi), event(stop_with_usage) + event(usage_chunk(kUsage)) + kDone},
      {"engine to a client that asked", kOpenAiWithUsage,
       event(kHi) + event(stop) + event(usage_chunk(kUsage)) + kDone, event(kHi),
       event(stop) + event(usage_chunk(kUsage)) + kDone},
      {"engine to a client that did not ask", kOpenAi,
       event(kHi) + event(stop) + event(usage_chunk(kUsage)) + kDone, event(kHi),
       event(stop_with_usage) + kDone},
      {"engine, usage null in the finish chunk", kOpenAi,
       event(finish_chunk("stop", R"(,"usage":null)")) + event(usage_chunk(kUsage)) + kDone, "",
       event(stop_with_usage) + kDone},
      {"engine, usage and a mapped reason", kOpenAi,
       event(R"({"usage":null,"choices":[{"finish_reason":"sensitive"}],"object":"x"})") +
           event(usage_chunk(kUsage)) + kDone,
       "",
       event(R"({"usage":)" + kUsage +
             R"(,"choices":[{"finish_reason":"content_filter"}],"object":"x"})") +
           kDone},
      {"engine, no object, mapped reason, usage to be put in", kOpenAi,
       event(R"({"choices":[{"finish_reason":"sensitive"}] })") + event(usage_chunk(kUsage)) +
           kDone,
       "",
       event(
           R"({"object":"chat.completion.chunk","choices":[{"finish_reason":"content_filter"}] ,"usage":)" +
           kUsage + "}") +
           kDone},
      {"engine to a native client", kNative,
       event(kHi) + event(stop) + event(usage_chunk(kUsage)) + kDone, event(kHi),
       event(stop_with_usage) + kDone},
      {"a native client never gets a usage chunk",
       {.client = Protocol::glm, .include_usage = true},
       event(kHi) + event(stop_with_usage) + kDone,
       event(kHi),
       event(stop_with_usage) + kDone},
      {"the last usage counts", kOpenAi,
       event(stop) + event(usage_chunk(R"({"prompt_tokens":1,"completion_tokens":1})")) +
           event(usage_chunk(kUsage)) + kDone,
       "", event(stop_with_usage) + kDone},
      {"[DONE] left out", kOpenAi, event(kHi) + event(stop_with_usage), event(kHi),
       event(stop_with_usage) + kDone},
      {"the last blank line left out", kOpenAi, event(kHi) + "data: " + stop_with_usage, event(kHi),
       event(stop_with_usage) + kDone},
      {"[DONE] cut", kOpenAi, event(kHi) + event(stop_with_usage) + "data: [DO", event(kHi),
       event(stop_with_usage) + kDone},
      {"[DONE] twice and text behind it", kOpenAi,
       event(stop_with_usage) + kDone + kDone + event(kHi), "", event(stop_with_usage) + kDone},
      {"[DONE] without a reason", kOpenAi, event(kHi) + "data:[DONE] \n\n", event(kHi), kDone},
      {"text after the reason", kOpenAi, event(stop) + event(kHi) + kDone, "",
       event(stop) + event(kHi) + kDone},
      {"two reasons", kOpenAi, event(stop) + event(stop) + kDone, "",
       event(stop) + event(stop) + kDone},
      {"CRLF, comments, ids, no space", kOpenAi,
       ": PROCESSING\r\n\r\nid: 4\r\nretry: 9\r\ndata:" + kHi +
           "\r\n\r\ndata:\r\n\r\ndata: " + stop + "\r\n\r\ndata:[DONE]\r\n\r\n",
       event(kHi), event(stop) + kDone},
      {"an event on two lines", kOpenAi,
       "data: {\"object\":\"x\",\ndata: \"choices\":[{}]}\n\n" + event(stop) + kDone,
       event(R"({"object":"x", "choices":[{}]})"), event(stop) + kDone},
      {"no object", kOpenAi, event(no_object) + event(stop) + kDone, event(no_object_filled),
       event(stop) + kDone},
      {"no object, native", kNative, event(no_object) + event(stop) + kDone, event(no_object),
       event(stop) + kDone},
      {"sensitive", kOpenAi, event(finish_chunk("sensitive")) + kDone, "",
       event(finish_chunk("content_filter")) + kDone},
      {"window full", kOpenAi,
       event(kHi) + event(finish_chunk("model_context_window_exceeded")) + kDone, event(kHi),
       event(finish_chunk("length")) + kDone},
      {"a reason nobody knows", kOpenAi, event(finish_chunk("eos")) + kDone, "",
       event(finish_chunk("stop")) + kDone},
      {"GLM's reasons to a native client", kNative,
       event(kHi) + event(finish_chunk("network_error")) + kDone, event(kHi),
       event(finish_chunk("network_error")) + kDone},
      {"error: null", kOpenAi, event(chunk("{}", R"(,"error":null)")) + event(stop) + kDone,
       event(chunk("{}", R"(,"error":null)")), event(stop) + kDone},
      {"half an emoji", kOpenAi, event(chunk(R"({"content":"\ud83d"})")) + event(stop) + kDone,
       event(chunk(R"({"content":"\ud83d"})")), event(stop) + kDone},
  };
  for (const Case& c : cases)
    for (std::size_t step = 1; step <= c.bytes.size(); ++step) {
      SCOPED_TRACE(std::string(c.name) + ", step " + std::to_string(step));
      const Played played = play(c.bytes, c.options, step);
      ASSERT_FALSE(played.fault.has_value()) << played.fault->for_client;
      ASSERT_EQ(played.out, c.out);
      ASSERT_EQ(played.ending, c.ending);
    }
}

TEST(chat_stream, a_stream_cut_anywhere_before_its_reason_never_ends_well) {
  const std::string bytes =
      event(kHi) + event(kHi) + event(finish_chunk("stop", kWithUsage)) + kDone;
  const std::size_t reason_ends = bytes.find("\"stop\"");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Played played = play(bytes.substr(0, size), kOpenAi, 16);
    const bool has_finish_chunk = size >= bytes.find("\n\n", reason_ends);
    EXPECT_EQ(played.fault.has_value(), !has_finish_chunk) << size;
    if (played.fault) {
      EXPECT_EQ(played.ending, "");
      EXPECT_EQ(name(played.fault->code), name(FaultCode::upstream_broken));
    } else {
      EXPECT_TRUE(played.ending.ends_with(kDone)) << size;
    }
    EXPECT_EQ(played.out.find("[DONE]"), std::string::npos);
    EXPECT_EQ(played.out.find("finish_reason"), std::string::npos);
  }
}

TEST(chat_stream, what_an_upstream_can_do_wrong_is_a_fault) {
  struct Case {
    const char* name;
    std::string bytes;
    FaultCode code;
    const char* glm_code = "";
    bool started = false;
  };
  const Case cases[] = {
      {"nothing", "", FaultCode::upstream_broken},
      {"only comments", ": a\n\n: b\n\n", FaultCode::upstream_broken},
      {"only [DONE]", kDone, FaultCode::upstream_broken},
      {"an error first", event(R"({"error":{"code":"1302","message":"m"}})") + kDone,
       FaultCode::rate_limited, "1302"},
      {"an error by type", "event: error\n" + event(R"({"message":"m","code":"1305"})"),
       FaultCode::rate_limited, "1305"},
      {"a flat error", event(R"({"code":1113,"msg":"m"})"), FaultCode::insufficient_balance,
       "1113"},
      {"an error late", event(kHi) + event(R"({"error":{"message":"m"}})"),
       FaultCode::upstream_error, "", true},
      {"an error as text", event(kHi) + event(R"({"error":"m"})"), FaultCode::upstream_error, "",
       true},
      {"an error beside choices", event(chunk("{}", R"(,"error":{"code":"1234","message":"m"})")),
       FaultCode::upstream_error, "1234"},
      {"not JSON", event(kHi) + event("<html>"), FaultCode::upstream_broken, "", true},
      {"a glued frame", event(kHi) + "data: {\"id\":\"1\",\"choices\":[{\"del" + event(kHi) + kDone,
       FaultCode::upstream_broken, "", true},
      {"no object", event("[1]"), FaultCode::upstream_broken},
      {"not UTF-8", event(kHi) + event("{\"choices\":[{\"delta\":{\"content\":\"\xe6\"}}]}"),
       FaultCode::upstream_broken, "", true},
      {"network_error", event(kHi) + event(finish_chunk("network_error")) + kDone,
       FaultCode::upstream_error, "", true},
      {"abort", event(kHi) + event(finish_chunk("abort")) + kDone, FaultCode::upstream_error, "",
       true},
      {"the window full at once",
       event(chunk(R"({"role":"assistant"})")) +
           event(finish_chunk("model_context_window_exceeded")),
       FaultCode::context_too_long, "", true},
      {"a reason that is no word", event(R"({"choices":[{"finish_reason":5}]})"),
       FaultCode::upstream_broken},
      {"an event without end", "data: " + std::string(2 << 20, 'x'), FaultCode::upstream_broken},
  };
  for (const Case& c : cases)
    for (const std::size_t step : {1U, 3U, 100'000U}) {
      SCOPED_TRACE(c.name);
      const Played played = play(c.bytes, kOpenAi, step);
      ASSERT_TRUE(played.fault.has_value());
      EXPECT_EQ(name(played.fault->code), name(c.code));
      EXPECT_EQ(played.fault->glm_code, c.glm_code);
      EXPECT_EQ(played.started, c.started);
      EXPECT_EQ(played.ending, "");
    }
}

TEST(chat_stream, an_ending_without_end_is_bounded) {
  ChatStream stream(kOpenAi, 10'000);
  std::string out;
  ASSERT_TRUE(stream.feed(event(finish_chunk("stop")), out).has_value());
  Result<void> result;
  int fed = 0;
  for (; fed < 1000 && result; ++fed) result = stream.feed(event(kHi), out);
  EXPECT_FALSE(result.has_value());
  EXPECT_LT(fed, 200);
}

TEST(chat_stream, reads_what_the_ledger_needs) {
  const std::string bytes =
      event(chunk(R"({"reasoning_content":"abc"})")) +
      event(chunk(R"({"reasoning":"de","content":null})")) +
      event(chunk(R"({"content":"f\n漢\u6f22"})")) +
      event(chunk(
          R"({"tool_calls":[{"index":0,"function":{"name":"w","arguments":"{\"c\":"}},{"index":1,"function":{"arguments":"1"}}]})")) +
      event(finish_chunk("tool_calls", kWithUsage)) + kDone;
  const Played played = play(bytes, kOpenAi, 50);
  ASSERT_TRUE(played.usage.has_value());
  EXPECT_EQ(*played.usage, (Usage{.input = 100, .cached = 60, .output = 20, .reasoning = 5}));
  EXPECT_EQ(played.model, "glm-5.3");
  EXPECT_EQ(played.text_bytes, 3 + 2 + 8 + 5 + 1);
}

TEST(chat_stream, usage_that_cannot_be_true_is_no_usage) {
  for (const char* usage :
       {R"({"prompt_tokens":-1,"completion_tokens":2})",
        R"({"prompt_tokens":1,"completion_tokens":2.5})",
        R"({"prompt_tokens":"1","completion_tokens":2})", R"({"completion_tokens":2})",
        R"({"prompt_tokens":18446744073709551616,"completion_tokens":2})",
        R"({"prompt_tokens":9007199254740993,"completion_tokens":2})",
        R"({"prompt_tokens":0,"completion_tokens":0})", "{}", "5", "null", "[]"}) {
    const Played played = play(
        event(finish_chunk("stop", std::string(R"(,"usage":)") + usage)) + kDone, kOpenAi, 1000);
    EXPECT_FALSE(played.usage.has_value()) << usage;
    EXPECT_FALSE(played.fault.has_value()) << usage;
  }
  const Played clamped = play(
      event(finish_chunk(
          "stop",
          R"(,"usage":{"prompt_tokens":5,"completion_tokens":7.0,"prompt_tokens_details":{"cached_tokens":9}})")) +
          kDone,
      kOpenAi, 1000);
  EXPECT_EQ(clamped.usage, (Usage{.input = 5, .cached = 5, .output = 7}));
}

TEST(chat_stream, speaks_its_clients_dialect_when_silent_and_when_it_breaks) {
  ChatStream openai(kOpenAi, 1000);
  ChatStream native(kNative, 1000);
  EXPECT_EQ(openai.ping(), ": ping\n\n");
  EXPECT_EQ(native.ping(), "");
  for (const Protocol client : {Protocol::anthropic_messages, Protocol::anthropic_complete})
    EXPECT_EQ(ping_of(client), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
  const Fault fault = make_fault(FaultCode::upstream_broken, "m");
  EXPECT_EQ(openai.fault(fault), write_chat_stream_fault(Protocol::openai_chat, fault));
  EXPECT_EQ(native.fault(fault), write_chat_stream_fault(Protocol::glm, fault));
}

}  // namespace
}  // namespace glmgate::protocol
