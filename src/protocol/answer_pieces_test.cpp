#include "protocol/answer_pieces.h"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/chat_reader.h"
#include "protocol/chat_writer.h"
#include "protocol/golden_test.h"
#include "protocol/messages_reader.h"
#include "protocol/messages_writer.h"
#include "protocol/responses_stream.h"
#include "protocol/responses_writer.h"
#include "protocol/strict_test.h"
#include "protocol/translated_stream.h"

namespace glmgate::protocol {
namespace {

using golden::event;
using golden::named;
using golden::Played;

ChatWriterOptions chat_options(const ToolNames* names = nullptr) {
  return {.id = "chatcmpl-1",
          .created = 9,
          .model = "m",
          .include_usage = true,
          .input_estimate = 7,
          .names = names};
}

ResponsesWriterOptions responses_options() {
  ResponsesWriterOptions options;
  options.head.id = "resp_1";
  options.head.model = "m";
  options.input_estimate = 7;
  return options;
}

enum class Upstream : std::uint8_t { chat, messages };
enum class Client : std::uint8_t { chat, messages, responses };

std::unique_ptr<AnswerReader> reader_of(Upstream upstream) {
  return upstream == Upstream::chat ? make_chat_reader({}) : make_messages_reader({});
}

Played play(Upstream upstream, Client client, const std::string& bytes, std::size_t step,
            const ToolNames* names = nullptr) {
  std::unique_ptr<AnswerWriter> writer;
  Protocol protocol = Protocol::openai_chat;
  if (client == Client::chat) {
    writer = make_chat_writer(chat_options(names));
  } else if (client == Client::messages) {
    writer = make_messages_writer({.id = "msg_1", .model = "m", .input_estimate = 7});
    protocol = Protocol::anthropic_messages;
  } else {
    writer = make_responses_writer(responses_options());
    protocol = Protocol::openai_responses;
  }
  TranslatedStream stream(protocol, reader_of(upstream), std::move(writer), {});
  return golden::play(stream, bytes, step);
}

/// All strings under `key` in an answer's events, one behind the other.
std::string joined(const std::string& events, std::string_view key) {
  std::string out;
  std::size_t at = 0;
  while ((at = events.find("data: {", at)) != std::string::npos) {
    const std::size_t end = events.find('\n', at);
    const std::string data = events.substr(at + 6, end - at - 6);
    at = end;
    const auto tape = JsonTape::scan(data, {});
    if (!tape) return "not JSON: " + data;
    const std::function<void(JsonView)> walk = [&](JsonView value) {
      for (JsonView each = value.first(); each.present(); each = each.after()) {
        if (each.key_equals(key)) out += each.string().value_or("");
        walk(each);
      }
    };
    walk(tape->root(data));
  }
  return out;
}

std::string chunk(const std::string& delta) {
  return event(R"({"id":"1","choices":[{"index":0,"delta":)" + delta + "}]}");
}

std::string chat_stream(const std::vector<std::string>& deltas,
                        const std::string& usage = R"(,"usage":)"
                                                   R"({"prompt_tokens":3,"completion_tokens":4})") {
  std::string out;
  for (const std::string& delta : deltas) out += chunk(delta);
  return out +
         event(R"({"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}])" + usage +
               "}") +
         "data: [DONE]\n\n";
}

std::string messages_stream(const std::string& head, const std::vector<std::string>& deltas) {
  std::string out =
      named("message_start", R"(,"message":{"model":"g","usage":{"input_tokens":3}})");
  out += named("content_block_start", R"(,"index":0,"content_block":)" + head);
  for (const std::string& delta : deltas)
    out += named("content_block_delta", R"(,"index":0,"delta":)" + delta);
  return out + named("content_block_stop", R"(,"index":0)") +
         named("message_delta",
               R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4})") +
         named("message_stop", "");
}

TEST(answer_pieces, a_character_cut_between_two_pieces_is_one_character) {
  struct Case {
    const char* name;
    Upstream upstream;
    std::string bytes;
    const char* chat;       // where a chat client reads it
    const char* messages;   // and the others
    const char* responses;  //
    std::string said;
  };
  const std::string call =
      R"({"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":)";
  const std::string more = R"({"tool_calls":[{"index":0,"function":{"arguments":)";
  const Case cases[] = {
      {"text", Upstream::chat,
       chat_stream({R"({"content":"a\ud83d"})", R"({"role":"assistant","content":null})",
                    R"({"content":"\ude00b"})"}),
       "content", "text", "delta",
       "a\xf0\x9f\x98\x80"
       "b"},
      {"thinking", Upstream::chat,
       chat_stream({R"({"reasoning_content":"a\ud83d"})", R"({"reasoning_content":"\ude00"})",
                    R"({"content":""})"}),
       "reasoning_content", "thinking", nullptr, "a\xf0\x9f\x98\x80"},
      {"arguments", Upstream::chat,
       chat_stream({call + R"("{\"a\":\"\ud83d"}}]})", more + R"("\ude00\"}"}}]})"}), "arguments",
       "partial_json", nullptr, "{\"a\":\"\xf0\x9f\x98\x80\"}"},
      {"a half that never completes", Upstream::chat, chat_stream({R"({"content":"a\ud83d"})"}),
       "content", "text", "delta", "a\xef\xbf\xbd"},
      {"a half before other text", Upstream::chat,
       chat_stream({R"({"content":"a\ud83d"})", R"({"content":"b"})"}), "content", "text", "delta",
       "a\xef\xbf\xbd"
       "b"},
      {"a half before a call", Upstream::chat,
       chat_stream({R"({"content":"a\ud83d"})", call + R"("{}"}}]})"}), "content", "text", nullptr,
       "a\xef\xbf\xbd"},
      {"a backslash that escapes nothing", Upstream::chat,
       chat_stream({R"({"content":"\\ud83d"})", R"({"content":"b"})"}), "content", "text", "delta",
       "\\ud83db"},
      {"text of Anthropic's", Upstream::messages,
       messages_stream(R"({"type":"text","text":""})",
                       {R"({"type":"text_delta","text":"a\ud83d"})",
                        R"({"type":"text_delta","text":"\ude00"})"}),
       "content", "text", "delta", "a\xf0\x9f\x98\x80"},
      {"arguments of Anthropic's", Upstream::messages,
       messages_stream(R"({"type":"tool_use","id":"c","name":"f","input":{}})",
                       {R"({"type":"input_json_delta","partial_json":"{\"a\":\"\ud83d"})",
                        R"({"type":"input_json_delta","partial_json":"\ude00\"}"})"}),
       "arguments", "partial_json", nullptr, "{\"a\":\"\xf0\x9f\x98\x80\"}"},
  };
  for (const Case& c : cases)
    for (std::size_t step = 1; step <= c.bytes.size(); ++step) {
      SCOPED_TRACE(c.name + (", step " + std::to_string(step)));
      ASSERT_EQ(joined(play(c.upstream, Client::chat, c.bytes, step).all(), c.chat), c.said);
      ASSERT_EQ(joined(play(c.upstream, Client::messages, c.bytes, step).all(), c.messages),
                c.said);
      if (c.responses != nullptr) {
        ASSERT_EQ(joined(play(c.upstream, Client::responses, c.bytes, step).all(), c.responses),
                  c.said);
      }
    }
}

TEST(answer_pieces, arguments_that_are_null_are_no_arguments) {
  const std::string call =
      R"({"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":)";
  const std::string more = R"({"tool_calls":[{"index":0,"function":{"arguments":)";
  const std::string streams[] = {
      chat_stream({call + R"("null"}}]})"}),
      chat_stream({call + R"(" nu"}}]})", more + R"("ll\n"}}]})"}),
      chat_stream({call + R"(null}}]})"}),
  };
  for (const std::string& bytes : streams)
    for (const std::size_t step : {1U, 7U, 100'000U}) {
      EXPECT_EQ(joined(play(Upstream::chat, Client::messages, bytes, step).all(), "partial_json"),
                "{}");
      EXPECT_EQ(joined(play(Upstream::chat, Client::chat, bytes, step).all(), "arguments"), "{}");
      const Played played = play(Upstream::chat, Client::responses, bytes, step);
      EXPECT_NE(played.all().find(R"("name":"f","arguments":"{}")"), std::string::npos);
      EXPECT_EQ(played.all().find("null\""), std::string::npos);
    }
  // Words that only begin like it are what they are.
  const Played other =
      play(Upstream::chat, Client::messages, chat_stream({call + R"("nul"}}]})"}), 1);
  ASSERT_TRUE(other.fault.has_value());
}

TEST(answer_pieces, white_space_without_end_is_not_held_back) {
  ArgumentPieces pieces;
  std::size_t let_go = 0;
  for (int i = 0; i < 1000; ++i) let_go += pieces.add(std::string(" ")).size();
  EXPECT_GT(let_go, 900U);
}

TEST(answer_pieces, input_that_is_no_object_is_refused_streamed_as_it_is_whole) {
  const std::string bytes =
      messages_stream(R"({"type":"tool_use","id":"c","name":"f","input":{}})",
                      {R"({"type":"input_json_delta","partial_json":" "})",
                       R"({"type":"input_json_delta","partial_json":"[1]"})"});
  for (const Client client : {Client::chat, Client::responses})
    for (const std::size_t step : {1U, 100'000U}) {
      const Played played = play(Upstream::messages, client, bytes, step);
      ASSERT_TRUE(played.fault.has_value());
      EXPECT_EQ(name(played.fault->code), name(FaultCode::upstream_broken));
    }
  WholeAnswer whole;
  const auto read = read_whole_messages(
      R"({"type":"message","model":"g","content":[{"type":"tool_use","id":"c","name":"f","input":"[1]"}],"stop_reason":"tool_use"})",
      {}, [&](const Delta& delta) { return whole.add(delta); });
  EXPECT_FALSE(read.has_value());
}

TEST(answer_pieces, thinking_in_a_list_of_its_own_is_thinking) {
  const std::string bytes = chat_stream(
      {R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"T"},"U"]}]})",
       R"({"content":[{"type":"text","text":"a"}]})"});
  const Played played = play(Upstream::chat, Client::messages, bytes, 1);
  EXPECT_EQ(joined(played.all(), "thinking"), "TU");
  EXPECT_EQ(joined(played.all(), "text"), "a");
}

TEST(answer_pieces, a_custom_tool_of_a_chat_client_is_called_as_one) {
  const ToolNames names{
      {"patch_x", {.kind = ClientTool::Kind::custom, .name = "patch", .space = {}}}};
  const std::string head = R"({"type":"tool_use","id":"c","name":"patch_x","input":{}})";
  const std::string bytes =
      messages_stream(head, {R"({"type":"input_json_delta","partial_json":"{\"inp"})",
                             R"({"type":"input_json_delta","partial_json":"ut\":\"a\\nb\"}"})"});
  const std::string call = R"({"id":"c","type":"custom","custom":{"name":"patch","input":"a\nb"}})";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const Played played = play(Upstream::messages, Client::chat, bytes, step, &names);
    ASSERT_FALSE(played.fault.has_value());
    ASSERT_NE(played.all().find(R"("tool_calls":[{"index":0,)" + call.substr(1) + "]"),
              std::string::npos)
        << played.all();
    ASSERT_EQ(joined(played.all(), "finish_reason"), "tool_calls");
    ASSERT_EQ(joined(played.all(), "arguments"), "");
  }
  WholeAnswer whole;
  const std::string body =
      R"({"type":"message","model":"g","content":[{"type":"tool_use","id":"c","name":"patch_x","input":{"input":"a\nb"}}],"stop_reason":"tool_use"})";
  ASSERT_TRUE(read_whole_messages(body, {}, [&](const Delta& delta) { return whole.add(delta); }));
  const auto written = write_chat_answer(whole, chat_options(&names));
  ASSERT_TRUE(written.has_value());
  EXPECT_NE(written->body.find(R"("tool_calls":[)" + call + "]"), std::string::npos)
      << written->body;
}

TEST(answer_pieces, a_custom_call_that_was_cut_short_is_left_out) {
  const ToolNames names{
      {"patch", {.kind = ClientTool::Kind::custom, .name = "patch", .space = {}}}};
  const std::string bytes = golden::replaced(
      messages_stream(R"({"type":"tool_use","id":"c","name":"patch","input":{}})",
                      {R"({"type":"input_json_delta","partial_json":"{\"input\":\"rm -r"})"}),
      "end_turn", "max_tokens");
  const Played played = play(Upstream::messages, Client::chat, bytes, 9, &names);
  ASSERT_FALSE(played.fault.has_value());
  EXPECT_EQ(played.all().find("tool_calls"), std::string::npos) << played.all();
  EXPECT_EQ(joined(played.all(), "finish_reason"), "length");
}

TEST(answer_pieces, usage_that_nobody_told_is_estimated) {
  for (const char* usage : {"", R"(,"usage":null)", R"(,"usage":{"prompt_tokens":"x"})"}) {
    SCOPED_TRACE(usage);
    const std::string bytes = chat_stream({R"({"content":"0123456789abcdef"})"}, usage);
    const Played responses = play(Upstream::chat, Client::responses, bytes, 5);
    EXPECT_NE(responses.ending.find(R"("usage":{"input_tokens":7,)"), std::string::npos)
        << responses.ending;
    EXPECT_FALSE(responses.usage.has_value());  // the ledger marks its own estimate

    ChatStream passing({.include_usage = true, .input_estimate = 7}, 1 << 20);
    const Played chat = golden::play(passing, bytes, 5);
    EXPECT_NE(chat.ending.find(R"("choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,)"),
              std::string::npos)
        << chat.ending;
    EXPECT_FALSE(chat.usage.has_value());
  }
}

TEST(answer_pieces, an_unknown_object_and_no_finish_reason_is_no_end) {
  const std::string begun = chunk(R"({"content":"a"})");
  const std::string stray = event(R"({"detail":"boom"})");
  const std::string done = "data: [DONE]\n\n";
  struct Case {
    std::string bytes;
    bool good;
  };
  const Case cases[] = {{begun + stray + done, false},
                        {stray + begun + done, false},
                        {begun + done, true},
                        {stray + chat_stream({R"({"content":"a"})"}), true},
                        {begun + event(R"({"id":"1","choices":[]})") + done, true}};
  for (const Case& c : cases)
    for (std::size_t step = 1; step <= c.bytes.size(); ++step) {
      SCOPED_TRACE(c.bytes);
      ChatStream passing({}, 1 << 20);
      ASSERT_EQ(golden::play(passing, c.bytes, step).fault.has_value(), !c.good);
      ASSERT_EQ(play(Upstream::chat, Client::messages, c.bytes, step).fault.has_value(), !c.good);
    }
}

TEST(answer_pieces, after_a_finish_reason_the_marker_may_be_missing) {
  std::string out;
  TranslatedStream stream(Protocol::openai_chat, make_chat_reader({}),
                          make_chat_writer(chat_options()), {});
  ChatStream passing({}, 1 << 20);
  const std::string whole = chat_stream({R"({"content":"a"})"});
  const std::string bytes = whole.substr(0, whole.find("data: [DONE]"));
  for (AnswerStream* each :
       {static_cast<AnswerStream*>(&stream), static_cast<AnswerStream*>(&passing)}) {
    ASSERT_TRUE(each->feed(bytes.substr(0, 60), out));
    EXPECT_FALSE(each->may_end());
    ASSERT_TRUE(each->feed(bytes.substr(60), out));
    EXPECT_TRUE(each->may_end());
    EXPECT_FALSE(each->complete());
    EXPECT_TRUE(each->usage().has_value());
    EXPECT_TRUE(each->finish());
    EXPECT_TRUE(each->take_ending().ends_with("data: [DONE]\n\n"));
  }
}

TEST(answer_pieces, a_responses_upstreams_keepalives_stay_with_us) {
  const std::string begin =
      named("response.created", R"(,"sequence_number":0,"response":{"id":"resp_u"})");
  const std::string end = named(
      "response.completed",
      R"(,"sequence_number":2,"response":{"id":"resp_u","usage":{"input_tokens":1,"output_tokens":2}})");
  const std::string alive = named("keepalive", R"(,"sequence_number":1)");
  for (std::size_t step = 1; step < 60; ++step) {
    const auto stream = make_responses_stream({}, 1 << 20);
    const Played played = golden::play(*stream, begin + alive + end, step);
    ASSERT_FALSE(played.fault.has_value());
    ASSERT_EQ(played.all(), begin + end);
  }
}

}  // namespace
}  // namespace glmgate::protocol
