#include "protocol/chat_writer.h"

#include <gtest/gtest.h>

#include "protocol/chat_reader.h"
#include "protocol/golden_test.h"
#include "protocol/messages_reader.h"
#include "protocol/strict_test.h"
#include "protocol/translated_stream.h"

namespace glmgate::protocol {
namespace {

using golden::event;
using golden::kMessagesStream;
using golden::named;
using golden::Played;
using golden::replaced;
using strict::check_chat_stream;
using strict::Ended;

ChatWriterOptions options(bool include_usage = false, Protocol client = Protocol::openai_chat) {
  return {.client = client,
          .id = "chatcmpl-1",
          .created = 9,
          .model = "glm-x",
          .include_usage = include_usage,
          .input_estimate = 7};
}

Played play(const std::string& bytes, const ChatWriterOptions& writer, std::size_t step,
            std::size_t first = 0) {
  TranslatedStream stream(writer.client, make_messages_reader({}), make_chat_writer(writer), {});
  return golden::play(stream, bytes, step, first);
}

std::string head() {
  return R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":9,"model":"glm-x","choices":[)";
}

std::string chunk(const std::string& delta, const std::string& reason, const std::string& usage) {
  return event(head() + R"({"index":0,"delta":)" + delta + R"(,"logprobs":null,"finish_reason":)" +
               reason + "}]" + usage + "}");
}

/// V3 after translation, with `usage` in each chunk, and `last` before [DONE].
std::string expected(const std::string& usage, const std::string& last) {
  const auto call = [&](const std::string& entry) {
    return chunk(R"({"tool_calls":[{)" + entry + "}]}", "null", usage);
  };
  return chunk(R"({"role":"assistant","content":""})", "null", usage) +
         chunk(R"({"content":"Checking."})", "null", usage) +
         chunk(R"({"reasoning_content":"Need "})", "null", usage) +
         chunk(R"({"reasoning_content":"weather."})", "null", usage) +
         call(
             R"("index":0,"id":"toolu_1","type":"function","function":{"name":"w","arguments":""})") +
         call(R"("index":0,"function":{"arguments":"{\"c\":"})") +
         call(R"("index":0,"function":{"arguments":"\"北京\"}"})") +
         call(
             R"("index":1,"id":"toolu_2","type":"function","function":{"name":"t","arguments":""})") +
         call(R"("index":1,"function":{"arguments":"{}"})") +
         chunk(
             R"({"thinking_blocks":[{"type":"thinking","thinking":"Need weather.","signature":"Eq=="}]})",
             R"("tool_calls")", usage) +
         last + "data: [DONE]\n\n";
}

const std::string kUsage =
    R"({"prompt_tokens":40,"completion_tokens":48,"total_tokens":88,"prompt_tokens_details":{"cached_tokens":10,"cache_creation_tokens":5},"completion_tokens_details":{"reasoning_tokens":0}})";

TEST(chat_writer, v3_an_anthropic_stream_reaches_a_chat_client_however_its_bytes_are_cut) {
  const std::string with_usage =
      expected(R"(,"usage":null)", event(head() + R"(],"usage":)" + kUsage + "}"));
  for (const auto& [name, bytes] : golden::variants(kMessagesStream))
    for (std::size_t first = 1; first <= bytes.size(); ++first)
      for (const bool include_usage : {false, true}) {
        SCOPED_TRACE(name + ", cut at " + std::to_string(first));
        const Played played =
            play(bytes, options(include_usage), first < 11 ? 11 : bytes.size(), first);
        ASSERT_FALSE(played.fault.has_value()) << played.fault->for_client;
        ASSERT_EQ(played.all(), include_usage ? with_usage : expected("", ""));
        ASSERT_EQ(played.usage, (Usage{.input = 40, .cached = 10, .output = 48}));
        ASSERT_EQ(played.model, "glm-5.3");
        ASSERT_EQ(played.text_bytes, 9 + 13 + 14);
      }
  EXPECT_EQ(check_chat_stream(with_usage, Ended::well, {.include_usage = true}), "");
  EXPECT_EQ(check_chat_stream(expected("", ""), Ended::well, {}), "");
}

TEST(chat_writer, a_native_client_gets_usage_in_the_finish_chunk) {
  const Played played = play(kMessagesStream, options(true, Protocol::glm), 30);
  EXPECT_EQ(check_chat_stream(played.all(), Ended::well, {.client = Protocol::glm}), "");
  EXPECT_NE(played.ending.find(R"("finish_reason":"tool_calls"}],"usage":)" +
                               replaced(kUsage, R"(,"cache_creation_tokens":5)", "")),
            std::string::npos);
  EXPECT_EQ(played.all().find("thinking_blocks"), std::string::npos);
}

TEST(chat_writer, a_stream_cut_before_message_stop_breaks_visibly) {
  const std::size_t end = kMessagesStream.size() - 2;
  for (std::size_t size = 0; size < end; ++size) {
    SCOPED_TRACE(size);
    for (const Protocol client : {Protocol::openai_chat, Protocol::glm}) {
      const Played played = play(kMessagesStream.substr(0, size), options(false, client), 40);
      ASSERT_TRUE(played.fault.has_value());
      EXPECT_EQ(name(played.fault->code), name(FaultCode::upstream_broken));
      EXPECT_EQ(played.ending, "");
      EXPECT_EQ(check_chat_stream(played.out, Ended::not_yet, {.client = client}), "");
      EXPECT_EQ(
          check_chat_stream(played.out + played.fault_event, Ended::badly, {.client = client}), "");
    }
  }
}

std::string block(int index, const std::string& head, const std::vector<std::string>& deltas) {
  const std::string at = ",\"index\":" + std::to_string(index);
  std::string out = named("content_block_start", at + ",\"content_block\":" + head);
  for (const std::string& delta : deltas)
    out += named("content_block_delta", at + ",\"delta\":" + delta);
  return out + named("content_block_stop", at);
}

const std::string kStart = named("message_start", R"(,"message":{"model":"glm-5.3","usage":{}})");

std::string stop(const std::string& reason) {
  return named("message_delta", R"(,"delta":{"stop_reason":)" + reason + "}") +
         named("message_stop", "");
}

std::string text(int index, const std::string& text) {
  return block(index, R"({"type":"text","text":""})",
               {R"({"type":"text_delta","text":")" + text + "\"}"});
}

TEST(chat_writer, reads_what_anthropic_upstreams_may_send) {
  struct Case {
    const char* name;
    std::string bytes;
    std::vector<std::string> deltas;  // between the first chunk and the finish chunk
    std::string reason;
  };
  const auto call = [](int index, const std::string& id) {
    return R"("tool_calls":[{"index":)" + std::to_string(index) + R"(,"id":")" + id +
           R"(","type":"function","function":{"name":"f","arguments":""}}])";
  };
  const auto arguments = [](int index, const std::string& text) {
    return R"("tool_calls":[{"index":)" + std::to_string(index) + R"(,"function":{"arguments":")" +
           text + R"("}}])";
  };
  const std::string tool = R"({"type":"tool_use","id":"c","name":"f","input":)";
  const Case cases[] = {
      {"end_turn", kStart + text(0, "a") + stop("\"end_turn\""), {R"("content":"a")"}, "stop"},
      {"max_tokens",
       kStart + text(0, "a") + stop("\"max_tokens\""),
       {R"("content":"a")"},
       "length"},
      {"refusal", kStart + stop("\"refusal\""), {}, "content_filter"},
      {"pause_turn", kStart + stop("\"pause_turn\""), {}, "stop"},
      {"a reason nobody knows", kStart + stop("\"later\""), {}, "stop"},
      {"a reason, then null",
       kStart + named("message_delta", R"(,"delta":{"stop_reason":"max_tokens"})") + stop("null"),
       {},
       "length"},
      {"text without a block's start",
       kStart + named("content_block_delta", R"(,"delta":{"type":"text_delta","text":"a"})") +
           stop("\"end_turn\""),
       {R"("content":"a")"},
       "stop"},
      {"text in a block's start",
       kStart + block(0, R"({"type":"text","text":"a"})", {}) + stop("\"end_turn\""),
       {R"("content":"a")"},
       "stop"},
      {"no message_start", text(0, "a") + stop("\"end_turn\""), {R"("content":"a")"}, "stop"},
      {"input in a block's start",
       kStart + block(0, tool + R"({"k": 1.0}})", {}) + stop("\"tool_use\""),
       {call(0, "c"), arguments(0, R"({\"k\": 1.0})")},
       "tool_calls"},
      {"input in a block's start and pieces of it",
       kStart +
           block(0, tool + R"({"k":1}})", {R"({"type":"input_json_delta","partial_json":"{}"})"}) +
           stop("\"tool_use\""),
       {call(0, "c"), arguments(0, "{}")},
       "tool_calls"},
      {"input as text",
       kStart + block(0, tool + R"("{\"k\":1}"})", {}) + stop("\"tool_use\""),
       {call(0, "c"), arguments(0, R"({\"k\":1})")},
       "tool_calls"},
      {"input as an empty array",
       kStart + block(0, tool + "[]}", {}) + stop("\"tool_use\""),
       {call(0, "c"), arguments(0, "{}")},
       "tool_calls"},
      {"a call and end_turn",
       kStart + block(0, tool + "{}}", {}) + stop("\"end_turn\""),
       {call(0, "c"), arguments(0, "{}")},
       "tool_calls"},
      {"the upstream's own tools",
       kStart +
           block(0, R"({"type":"server_tool_use","id":"s","name":"web_search","input":{}})",
                 {R"({"type":"input_json_delta","partial_json":"{\"q\":1}"})"}) +
           block(1, R"({"type":"web_search_tool_result","content":[]})", {}) + text(2, "a") +
           stop("\"end_turn\""),
       {R"("content":"a")"},
       "stop"},
      {"events and deltas nobody knows",
       kStart + named("later", ",\"code\":1") +
           block(0, R"({"type":"text","text":""})",
                 {R"({"type":"citations_delta","citation":{}})",
                  R"({"type":"text_delta","text":"a"})"}) +
           stop("\"end_turn\""),
       {R"("content":"a")"},
       "stop"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    for (const std::size_t step : {1U, 13U, 100'000U}) {
      const Played played = play(c.bytes, options(), step);
      ASSERT_FALSE(played.fault.has_value()) << played.fault->for_client;
      std::string wanted = chunk(R"({"role":"assistant","content":""})", "null", "");
      for (const std::string& delta : c.deltas) wanted += chunk("{" + delta + "}", "null", "");
      EXPECT_EQ(played.all(),
                wanted + chunk("{}", "\"" + c.reason + "\"", "") + "data: [DONE]\n\n");
      EXPECT_EQ(check_chat_stream(played.all(), Ended::well, {}), "");
    }
  }
}

TEST(chat_writer, what_anthropic_upstreams_do_wrong_is_a_fault) {
  struct Case {
    const char* name;
    std::string bytes;
    FaultCode code;
  };
  const Case cases[] = {
      {"an error", kStart + named("error", R"(,"error":{"type":"overloaded_error","message":"m"})"),
       FaultCode::upstream_overloaded},
      {"an error with GLM's code",
       kStart + named("error", R"(,"error":{"type":"api_error","message":"[1302][slow][x]"})"),
       FaultCode::rate_limited},
      {"no end", kStart + text(0, "a"), FaultCode::upstream_broken},
      {"[DONE] is no end", kStart + text(0, "a") + "data: [DONE]\n\n", FaultCode::upstream_broken},
      {"not JSON", kStart + "data: {\n\n", FaultCode::upstream_broken},
      {"a tool without a name",
       kStart + block(0, R"({"type":"tool_use","id":"c","input":{}})", {}) + stop("\"tool_use\""),
       FaultCode::upstream_broken},
      {"input that is a list",
       kStart + block(0, R"({"type":"tool_use","id":"c","name":"f","input":[1]})", {}),
       FaultCode::upstream_broken},
      {"arguments without a tool",
       kStart + named("content_block_delta",
                      R"(,"index":4,"delta":{"type":"input_json_delta","partial_json":"{}"})"),
       FaultCode::upstream_broken},
      {"a full window at once", kStart + stop("\"model_context_window_exceeded\""),
       FaultCode::context_too_long},
  };
  for (const Case& c : cases)
    for (const std::size_t step : {1U, 100'000U}) {
      SCOPED_TRACE(c.name);
      const Played played = play(c.bytes, options(), step);
      ASSERT_TRUE(played.fault.has_value());
      EXPECT_EQ(name(played.fault->code), name(c.code));
      EXPECT_EQ(played.ending, "");
      EXPECT_EQ(check_chat_stream(played.out + played.fault_event, Ended::badly, {}), "");
    }
}

TEST(chat_writer, a_client_is_told_an_estimate_where_the_upstream_reports_nothing) {
  const Played played =
      play(kStart + text(0, "0123456789abcdef") + stop("null"), options(true), 50);
  EXPECT_NE(played.ending.find(R"({"prompt_tokens":7,"completion_tokens":5,"total_tokens":12)"),
            std::string::npos);
  EXPECT_FALSE(played.usage.has_value());
}

Result<PlainAnswer> whole(const std::string& body, const ChatWriterOptions& writer) {
  return translate_whole(
      body,
      [](std::string_view bytes, const OnDelta& on_delta) {
        return read_whole_messages(bytes, {}, on_delta);
      },
      [&](const WholeAnswer& answer) { return write_chat_answer(answer, writer); }, {});
}

TEST(chat_writer, a_whole_message_becomes_one_choice) {
  const std::string body =
      R"({"id":"m","type":"message","role":"assistant","model":"glm-5.3","content":[{"type":"thinking","thinking":"hm","signature":"S"},{"type":"redacted_thinking","data":"R"},{"type":"text","text":"a"},{"type":"server_tool_use","id":"s","name":"x","input":{}},{"type":"text","text":"b"},{"type":"tool_use","id":"c","name":"f","input":{"k": 1.0}},{"type":"tool_use","id":"d","name":"g","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":25,"cache_creation_input_tokens":5,"cache_read_input_tokens":10,"output_tokens":48}})";
  const auto answer = whole(body, options());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(
      answer->body,
      R"({"id":"chatcmpl-1","object":"chat.completion","created":9,"model":"glm-x","choices":[{"index":0,"message":{"role":"assistant","content":"ab","refusal":null,"reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"S"},{"type":"redacted_thinking","data":"R"}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"k\": 1.0}"}},{"id":"d","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":)" +
          kUsage + "}");
  EXPECT_EQ(strict::check_chat_whole(answer->body, Protocol::openai_chat), "");
  EXPECT_EQ(answer->usage, (Usage{.input = 40, .cached = 10, .output = 48}));
  const auto native = whole(body, options(false, Protocol::glm));
  ASSERT_TRUE(native.has_value());
  EXPECT_EQ(strict::check_chat_whole(native->body, Protocol::glm), "");
  EXPECT_EQ(native->body.find("refusal"), std::string::npos);

  const auto only_calls = whole(
      R"({"content":[{"type":"tool_use","id":"c","name":"f","input":{}}],"stop_reason":"tool_use"})",
      options());
  ASSERT_TRUE(only_calls.has_value());
  EXPECT_NE(only_calls->body.find(R"("content":null)"), std::string::npos);
  EXPECT_EQ(
      whole(R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})", options())
          .error()
          .code,
      FaultCode::upstream_overloaded);
  EXPECT_EQ(whole(R"({"content":5})", options()).error().code, FaultCode::upstream_broken);
}

TEST(chat_writer, a_stream_and_a_whole_cross_over) {
  TranslatedWhole folded(
      make_messages_reader({}),
      [](const WholeAnswer& answer) { return write_chat_answer(answer, options()); }, {});
  ASSERT_TRUE(folded.feed(kMessagesStream).has_value());
  EXPECT_TRUE(folded.complete());
  const auto answer = folded.finish();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(strict::check_chat_whole(answer->body, Protocol::openai_chat), "");

  TranslatedWhole cut(make_messages_reader({}),
                      [](const WholeAnswer& read) { return write_chat_answer(read, options()); },
                      {});
  ASSERT_TRUE(cut.feed(kMessagesStream.substr(0, kMessagesStream.size() / 2)).has_value());
  EXPECT_FALSE(cut.finish().has_value());

  // A chat client whose chat upstream streams although it was not asked to.
  TranslatedWhole same(make_chat_reader({}),
                       [](const WholeAnswer& read) { return write_chat_answer(read, options()); },
                       {});
  ASSERT_TRUE(same.feed(golden::kGlmStream).has_value());
  const auto completion = same.finish();
  ASSERT_TRUE(completion.has_value());
  EXPECT_EQ(strict::check_chat_whole(completion->body, Protocol::openai_chat), "");

  TranslatedStream unfolded(
      Protocol::openai_chat,
      make_body_reader([](std::string_view bytes,
                          const OnDelta& on_delta) { return read_whole_chat(bytes, {}, on_delta); },
                       1 << 20),
      make_chat_writer(options(true)), {});
  const Played played = golden::play(unfolded, completion->body, 60);
  ASSERT_FALSE(played.fault.has_value());
  EXPECT_EQ(check_chat_stream(played.all(), Ended::well, {.include_usage = true}), "");
}

}  // namespace
}  // namespace glmgate::protocol
