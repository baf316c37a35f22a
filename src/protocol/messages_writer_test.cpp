#include "protocol/messages_writer.h"

#include <gtest/gtest.h>

#include "protocol/chat_reader.h"
#include "protocol/golden_test.h"
#include "protocol/messages_reader.h"
#include "protocol/strict_test.h"
#include "protocol/translated_stream.h"

namespace glmgate::protocol {
namespace {

using golden::event;
using golden::named;
using golden::Played;
using golden::replaced;
using strict::check_messages_stream;
using strict::Ended;

MessagesWriterOptions options() {
  return {.id = "msg_1", .model = "claude-x", .input_estimate = 7, .seal = &golden::seal()};
}

Played play(const std::string& bytes, std::size_t step, std::size_t first = 0,
            const MessagesWriterOptions& writer = options(),
            const std::vector<std::string>& stops = {}) {
  TranslatedStream stream(Protocol::anthropic_messages, make_chat_reader({}),
                          make_messages_writer(writer), stops);
  return golden::play(stream, bytes, step, first);
}

std::string start(const char* model = "claude-x") {
  return named(
      "message_start",
      R"(,"message":{"id":"msg_1","type":"message","role":"assistant","model":")" +
          std::string(model) +
          R"(","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}})");
}

std::string begin_block(int index, const std::string& block) {
  return named("content_block_start",
               ",\"index\":" + std::to_string(index) + ",\"content_block\":" + block);
}

std::string delta(int index, const std::string& delta) {
  return named("content_block_delta",
               ",\"index\":" + std::to_string(index) + ",\"delta\":" + delta);
}

std::string end_block(int index) {
  return named("content_block_stop", ",\"index\":" + std::to_string(index));
}

std::string text_block(int index, const std::string& text) {
  return begin_block(index, R"({"type":"text","text":""})") +
         delta(index, R"({"type":"text_delta","text":")" + text + "\"}") + end_block(index);
}

std::string ending(const std::string& stop, const std::string& usage) {
  return named("message_delta", R"(,"delta":{)" + stop + R"(},"usage":)" + usage) +
         named("message_stop", "");
}

std::string chunk(const std::string& delta, const std::string& rest = "") {
  return event(R"({"id":"1","model":"glm-5.3","choices":[{"index":0,"delta":)" + delta + rest +
               "}]}");
}

std::string finish_chunk(const std::string& reason) {
  return chunk("{}", R"(,"finish_reason":")" + reason + "\"");
}

const std::string kDone = "data: [DONE]\n\n";
const std::string kThinking =
    begin_block(0, R"({"type":"thinking","thinking":"","signature":""})") +
    delta(0, R"({"type":"thinking_delta","thinking":"Need weather."})") +
    delta(0, R"({"type":"signature_delta","signature":")" +
                 golden::seal().seal("Need weather.", ThinkingSeal::Text::kept_by_client) + "\"}") +
    end_block(0);

/// V1 after translation.
const std::string kExpected =
    start() + kThinking + text_block(1, "Checking.") +
    begin_block(2, R"({"type":"tool_use","id":"call_a","name":"w","input":{}})") +
    delta(2, R"({"type":"input_json_delta","partial_json":"{\"c\":"})") +
    delta(2, R"({"type":"input_json_delta","partial_json":"\"北京\"}"})") + end_block(2) +
    begin_block(3, R"({"type":"tool_use","id":"call_b","name":"t","input":{}})") +
    delta(3, R"({"type":"input_json_delta","partial_json":"{}"})") + end_block(3) +
    ending(
        R"("stop_reason":"tool_use","stop_sequence":null)",
        R"({"input_tokens":40,"cache_creation_input_tokens":0,"cache_read_input_tokens":60,"output_tokens":20})");

TEST(messages_writer, v1_a_glm_stream_reaches_an_anthropic_client_however_its_bytes_are_cut) {
  for (const auto& [name, bytes] : golden::variants(golden::kGlmStream))
    for (std::size_t first = 1; first <= bytes.size(); ++first)
      for (const std::size_t step : {bytes.size(), std::size_t{7}}) {
        if (step == 7 && first > 7) continue;
        SCOPED_TRACE(name + ", cut at " + std::to_string(first));
        const Played played = play(bytes, step, first);
        ASSERT_FALSE(played.fault.has_value()) << played.fault->for_client;
        ASSERT_EQ(played.all(), kExpected);
        ASSERT_TRUE(played.ending.ends_with(named("message_stop", "")));
        ASSERT_EQ(played.usage, (Usage{.input = 100, .cached = 60, .output = 20}));
        ASSERT_EQ(played.model, "glm-5.3");
        ASSERT_EQ(played.text_bytes, 13 + 9 + 14 + 2);
      }
  EXPECT_EQ(check_messages_stream(kExpected, Ended::well), "");
}

TEST(messages_writer, a_stream_that_is_cut_before_its_end_breaks_visibly) {
  const std::string& bytes = golden::kGlmStream;
  const std::size_t finish_ends = bytes.rfind("}}}\n\n") + 3;
  for (std::size_t size = 0; size < finish_ends; ++size) {
    SCOPED_TRACE(size);
    const Played played = play(bytes.substr(0, size), 50);
    ASSERT_TRUE(played.fault.has_value());
    EXPECT_EQ(name(played.fault->code), name(FaultCode::upstream_broken));
    EXPECT_EQ(played.ending, "");
    EXPECT_EQ(check_messages_stream(played.out, Ended::not_yet), "");
    EXPECT_EQ(check_messages_stream(played.out + played.fault_event, Ended::badly), "");
    EXPECT_TRUE(played.started || played.out.empty());
  }
}

const std::string kNoUsage =
    R"({"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":)";

/// What the ending says of an answer whose text has so many bytes, 5 tokens to 16 bytes.
std::string ending_of(const std::string& stop, int output) {
  const bool refused = stop == "refusal";
  return ending(
      "\"stop_reason\":\"" + stop + "\",\"stop_sequence\":null" +
          (refused ? R"(,"stop_details":{"type":"refusal","category":null,"explanation":null})"
                   : ""),
      kNoUsage + std::to_string(output) + "}");
}

std::string tool_block(int index, const std::string& id, const std::vector<std::string>& pieces) {
  std::string out =
      begin_block(index, R"({"type":"tool_use","id":")" + id + R"(","name":"f","input":{}})");
  for (const std::string& piece : pieces)
    out += delta(index, R"({"type":"input_json_delta","partial_json":")" + piece + "\"}");
  return out + end_block(index);
}

std::string call(const std::string& fields, const std::string& arguments) {
  return chunk(R"({"tool_calls":[{)" + fields + R"(,"function":{"name":"f","arguments":)" +
               arguments + "}}]}");
}

TEST(messages_writer, keeps_blocks_apart_whatever_the_upstream_mixes) {
  struct Case {
    const char* name;
    std::string bytes;
    std::string expected;  // between message_start and the end
  };
  const Case cases[] = {
      {"nothing", chunk("{}") + finish_chunk("stop") + kDone, ending_of("end_turn", 0)},
      {"empty text, null calls and empty calls",
       chunk(R"({"role":"assistant","content":"","tool_calls":null,"reasoning_content":null})") +
           chunk(R"({"content":null,"tool_calls":[]})") + chunk(R"({"content":"a"})") +
           finish_chunk("stop"),
       text_block(0, "a") + ending_of("end_turn", 1)},
      {"text in typed parts",
       chunk(R"({"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"}]})") +
           finish_chunk("stop"),
       replaced(replaced(kThinking, "Need weather.", "hm"),
                golden::seal().seal("Need weather.", ThinkingSeal::Text::kept_by_client),
                golden::seal().seal("hm", ThinkingSeal::Text::kept_by_client)) +
           text_block(1, "a") + ending_of("end_turn", 1)},
      {"text after the reason", finish_chunk("stop") + chunk(R"({"content":"a"})") + kDone,
       text_block(0, "a") + ending_of("end_turn", 1)},
      {"[DONE] without a reason", chunk(R"({"content":"a"})") + kDone,
       text_block(0, "a") + ending_of("end_turn", 1)},
      {"a call, and stop", call(R"("index":0,"id":"c")", R"("{}")") + finish_chunk("stop"),
       tool_block(0, "c", {"{}"}) + ending_of("tool_use", 1)},
      {"tool_calls without a call", chunk(R"({"content":"a"})") + finish_chunk("tool_calls"),
       text_block(0, "a") + ending_of("end_turn", 1)},
      {"arguments as an object",
       call(R"("index":0,"id":"c")", R"({"a": 1.50})") + finish_chunk("tool_calls"),
       tool_block(0, "c", {R"({\"a\": 1.50})"}) + ending_of("tool_use", 4)},
      {"arguments null", call(R"("index":0,"id":"c")", "null") + finish_chunk("tool_calls"),
       tool_block(0, "c", {"{}"}) + ending_of("tool_use", 0)},
      {"an id Anthropic's clients do not take",
       call(R"("index":0,"id":"c:1")", R"("{}")") + finish_chunk("tool_calls"),
       tool_block(0, "toolu_hx_633a31", {"{}"}) + ending_of("tool_use", 1)},
      {"name and id again in each fragment",
       call(R"("index":0,"id":"c")", R"("{")") + call(R"("index":0,"id":"c")", R"("}")") +
           finish_chunk("tool_calls"),
       tool_block(0, "c", {"{", "}"}) + ending_of("tool_use", 1)},
      {"fragments by id alone",
       call(R"("id":"c")", R"("{")") + call(R"("id":"d")", R"("{}")") +
           chunk(R"({"tool_calls":[{"id":"c","function":{"arguments":"}"}}]})") +
           finish_chunk("tool_calls"),
       tool_block(0, "c", {"{", "}"}) + tool_block(1, "d", {"{}"}) + ending_of("tool_use", 2)},
      {"fragments without index or id",
       call(R"("id":"c")", R"("{")") + chunk(R"({"tool_calls":[{"function":{"arguments":"}"}}]})") +
           finish_chunk("tool_calls"),
       tool_block(0, "c", {"{", "}"}) + ending_of("tool_use", 1)},
      {"every call counted as 0",
       call(R"("index":0,"id":"c")", R"("{}")") + call(R"("index":0,"id":"d")", R"("{")") +
           call(R"("index":0,"id":"d")", R"("}")") + finish_chunk("tool_calls"),
       tool_block(0, "c", {"{}"}) + tool_block(1, "d", {"{", "}"}) + ending_of("tool_use", 2)},
      {"a name that comes late",
       chunk(R"({"tool_calls":[{"index":0,"id":"c","function":{"arguments":"{"}}]})") +
           call(R"("index":0)", R"("}")") + finish_chunk("tool_calls"),
       tool_block(0, "c", {"{", "}"}) + ending_of("tool_use", 1)},
      {"text behind a call that is not complete",
       call(R"("index":0,"id":"c")", R"("{")") + chunk(R"({"content":"a"})") +
           chunk(R"({"content":"b"})") + call(R"("index":0)", R"("}")") +
           chunk(R"({"content":"d"})") + finish_chunk("tool_calls"),
       tool_block(0, "c", {"{", "}"}) + begin_block(1, R"({"type":"text","text":""})") +
           delta(1, R"({"type":"text_delta","text":"ab"})") +
           delta(1, R"({"type":"text_delta","text":"d"})") + end_block(1) +
           ending_of("tool_use", 2)},
      {"three calls mixed",
       call(R"("index":0,"id":"a")", R"("{")") + call(R"("index":1,"id":"b")", R"("{")") +
           call(R"("index":2,"id":"c")", R"("{")") + call(R"("index":2)", R"("}")") +
           call(R"("index":1)", R"("}")") + call(R"("index":0)", R"("}")") +
           finish_chunk("tool_calls"),
       tool_block(0, "a", {"{", "}"}) + tool_block(1, "b", {"{}"}) + tool_block(2, "c", {"{}"}) +
           ending_of("tool_use", 2)},
      {"cut short in a call's arguments",
       call(R"("index":0,"id":"a")", R"("{}")") + call(R"("index":1,"id":"b")", R"("{\"x")") +
           finish_chunk("length"),
       tool_block(0, "a", {"{}"}) + tool_block(1, "b", {R"({\"x)"}) + ending_of("max_tokens", 2)},
      {"cut short in a call that waits",
       call(R"("index":0,"id":"a")", R"("{")") + call(R"("index":1,"id":"b")", R"("{\"x")") +
           call(R"("index":0)", R"("}")") + call(R"("index":2,"id":"c")", R"("{\"x")") +
           finish_chunk("length"),
       tool_block(0, "a", {"{", "}"}) + tool_block(1, "b", {R"({\"x)"}) +
           ending_of("max_tokens", 3)},
      {"a refusal", chunk(R"({"refusal":"no"})") + finish_chunk("stop"),
       text_block(0, "no") + ending_of("refusal", 1)},
      {"sensitive", chunk(R"({"content":"a"})") + finish_chunk("sensitive"),
       text_block(0, "a") + ending_of("refusal", 1)},
      {"window full", chunk(R"({"content":"a"})") + finish_chunk("model_context_window_exceeded"),
       text_block(0, "a") + ending_of("model_context_window_exceeded", 1)},
      {"a reason nobody knows", chunk(R"({"content":"a"})") + finish_chunk("eos"),
       text_block(0, "a") + ending_of("end_turn", 1)},
      {"another choice",
       chunk(R"({"content":"a"})") + event(R"({"choices":[{"index":1,"delta":{"content":"b"}}]})") +
           finish_chunk("stop"),
       text_block(0, "a") + ending_of("end_turn", 1)},
  };
  for (const Case& c : cases)
    for (const std::size_t step : {1U, 5U, 100'000U}) {
      SCOPED_TRACE(std::string(c.name) + ", step " + std::to_string(step));
      const Played played = play(c.bytes, step);
      ASSERT_FALSE(played.fault.has_value()) << played.fault->for_client;
      EXPECT_EQ(played.all(), start() + c.expected);
      EXPECT_EQ(check_messages_stream(played.all(), Ended::well), "");
    }
}

TEST(messages_writer, makes_ids_where_the_upstream_gives_none_or_one_twice) {
  const Played played =
      play(call(R"("index":0)", R"("{}")") + call(R"("index":1,"id":"c")", R"("{}")") +
               call(R"("index":2,"id":"c")", R"("{}")") + finish_chunk("tool_calls"),
           100);
  EXPECT_EQ(check_messages_stream(played.all(), Ended::well), "");
  EXPECT_NE(played.all().find(R"("id":"c")"), std::string::npos);
  EXPECT_NE(played.all().find(R"("id":"toolu_)"), std::string::npos);
}

TEST(messages_writer, what_cannot_be_told_is_a_fault) {
  struct Case {
    const char* name;
    std::string bytes;
    FaultCode code;
  };
  const std::string hi = chunk(R"({"content":"a"})");
  const Case cases[] = {
      {"arguments that are no object", hi + call(R"("index":0)", R"("[1]")"),
       FaultCode::upstream_broken},
      {"arguments that are an array", hi + call(R"("index":0)", "[1]"), FaultCode::upstream_broken},
      {"arguments that are null in text", hi + call(R"("index":0)", R"("null")"),
       FaultCode::upstream_broken},
      {"arguments that go on",
       hi + call(R"("index":0)", R"("{}")") + call(R"("index":0)", R"("{}")"),
       FaultCode::upstream_broken},
      {"arguments that go on behind their block",
       hi + call(R"("index":0)", R"("{}")") + call(R"("index":1)", R"("{}")") +
           call(R"("index":0)", R"("{}")"),
       FaultCode::upstream_broken},
      {"arguments that stop early",
       hi + call(R"("index":0)", R"("{")") + finish_chunk("tool_calls") + kDone,
       FaultCode::upstream_broken},
      {"arguments that are not JSON",
       hi + call(R"("index":0)", R"("{a}")") + finish_chunk("tool_calls") + kDone,
       FaultCode::upstream_broken},
      {"a call without a name",
       hi + chunk(R"({"tool_calls":[{"index":0,"id":"c","function":{"arguments":"{}"}}]})") +
           finish_chunk("tool_calls") + kDone,
       FaultCode::upstream_broken},
      {"V5: network_error after text", hi + finish_chunk("network_error") + kDone,
       FaultCode::upstream_error},
      {"V5: an end in the middle", hi, FaultCode::upstream_broken},
      {"an error late", hi + event(R"({"error":{"code":"1305","message":"m"}})"),
       FaultCode::rate_limited},
      {"an event of error", hi + "event: error\n" + event(R"({"message":"m","code":"1305"})"),
       FaultCode::rate_limited},
      {"an error after the reason",
       hi + finish_chunk("stop") + event(R"({"error":{"message":"m"}})"),
       FaultCode::upstream_error},
      {"not JSON", hi + event("<html>"), FaultCode::upstream_broken},
      {"a full window at once", chunk("{}") + finish_chunk("model_context_window_exceeded") + kDone,
       FaultCode::context_too_long},
  };
  for (const Case& c : cases)
    for (const std::size_t step : {1U, 5U, 100'000U}) {
      SCOPED_TRACE(c.name);
      const Played played = play(c.bytes, step);
      ASSERT_TRUE(played.fault.has_value());
      EXPECT_EQ(name(played.fault->code), name(c.code));
      EXPECT_EQ(played.ending, "");
      EXPECT_EQ(check_messages_stream(played.out, Ended::not_yet), "");
      EXPECT_EQ(check_messages_stream(played.out + played.fault_event, Ended::badly), "");
    }
}

TEST(messages_writer, hidden_thinking_is_carried_by_its_seal) {
  MessagesWriterOptions hiding = options();
  hiding.hides_thinking = true;
  const Played played = play(golden::kGlmStream, 20, 0, hiding);
  EXPECT_EQ(check_messages_stream(played.all(), Ended::well), "");
  EXPECT_EQ(played.all().find("Need weather."), std::string::npos);
  const std::string carried = golden::seal().seal("Need weather.", ThinkingSeal::Text::carried);
  EXPECT_NE(played.all().find(carried), std::string::npos);
  EXPECT_EQ(golden::seal().open(carried, ""), "Need weather.");
}

TEST(messages_writer, tools_go_by_the_clients_names) {
  const ToolNames names{{"w", {.name = "get.weather"}}};
  MessagesWriterOptions renaming = options();
  renaming.names = &names;
  const Played played = play(golden::kGlmStream, 20, 0, renaming);
  EXPECT_NE(played.all().find(R"("name":"get.weather")"), std::string::npos);
  EXPECT_NE(played.all().find(R"("name":"t")"), std::string::npos);
}

PlainAnswer whole(const std::string& body, const MessagesWriterOptions& writer = options(),
                  Fault* fault = nullptr) {
  auto answer = translate_whole(
      body,
      [](std::string_view bytes, const OnDelta& on_delta) {
        return read_whole_chat(bytes, {}, on_delta);
      },
      [&](const WholeAnswer& read) { return write_messages_answer(read, writer); }, {});
  if (answer) return *answer;
  if (fault != nullptr) *fault = answer.error();
  return {};
}

std::string completion(const std::string& message, const std::string& reason) {
  return R"({"id":"1","model":"glm-5.3","choices":[{"index":0,"message":)" + message +
         R"(,"finish_reason":")" + reason +
         R"("}],"usage":{"prompt_tokens":9,"completion_tokens":4,)" +
         R"("completion_tokens_details":{"reasoning_tokens":2}}})";
}

TEST(messages_writer, a_whole_answer_is_the_same_blocks) {
  struct Case {
    const char* name;
    std::string message;
    std::string reason;
    std::string content;
    std::string stop;
  };
  const std::string thought = golden::seal().seal("hm", ThinkingSeal::Text::kept_by_client);
  const std::string f = R"({"type":"tool_use","id":"c","name":"f","input":)";
  const auto call_of = [](const std::string& arguments) {
    return R"({"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":)" +
           arguments + "}}]}";
  };
  const Case cases[] = {
      {"thinking, text and a call",
       R"({"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\" : 1.0}"}}],"content":"a","reasoning_content":"hm"})",
       "tool_calls",
       R"({"type":"thinking","thinking":"hm","signature":")" + thought +
           R"("},{"type":"text","text":"a"},)" + f + R"({"a" : 1.0}})",
       "tool_use"},
      {"reasoning by its other name, and both", R"({"reasoning":"hm","reasoning_content":"hm"})",
       "stop", R"({"type":"thinking","thinking":"hm","signature":")" + thought + "\"}", "end_turn"},
      {"nothing", R"({"content":""})", "stop", "", "end_turn"},
      {"no content at all", "{}", "stop", "", "end_turn"},
      {"arguments empty", call_of("\"\""), "tool_calls", f + "{}}", "tool_use"},
      {"arguments null", call_of("null"), "stop", f + "{}}", "tool_use"},
      {"arguments an object", call_of(R"({"k":"\ud83d"})"), "tool_calls", f + R"({"k":"\ud83d"}})",
       "tool_use"},
      {"cut short", call_of(R"("{\"a")"), "length", "", "max_tokens"},
      {"a refusal", R"({"content":null,"refusal":"no"})", "stop", R"({"type":"text","text":"no"})",
       "refusal"},
      {"calls the upstream ran itself", R"({"content":"a","tool_calls":[{"type":"mcp","mcp":{}}]})",
       "stop", R"({"type":"text","text":"a"})", "end_turn"},
      {"a legacy call", R"({"content":null,"function_call":{"name":"f","arguments":"{}"}})",
       "function_call", "", "tool_use"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Fault fault;
    const PlainAnswer answer = whole(completion(c.message, c.reason), options(), &fault);
    EXPECT_EQ(strict::check_messages_whole(answer.body), "") << fault.for_client;
    if (std::string(c.name) == "a legacy call") {
      EXPECT_NE(answer.body.find(R"("name":"f","input":{})"), std::string::npos);
      continue;
    }
    EXPECT_EQ(
        answer.body,
        R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[)" +
            c.content + R"(],"stop_reason":")" + c.stop + R"(","stop_sequence":null)" +
            (c.stop == "refusal"
                 ? R"(,"stop_details":{"type":"refusal","category":null,"explanation":null})"
                 : "") +
            R"(,"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":4,"output_tokens_details":{"thinking_tokens":2}}})");
    EXPECT_EQ(answer.usage, (Usage{.input = 9, .output = 4, .reasoning = 2}));
    EXPECT_EQ(answer.warnings.size(), c.reason == "length" ? 1U : 0U);
  }
}

TEST(messages_writer, a_whole_answer_that_is_none_is_a_fault) {
  struct Case {
    const char* name;
    std::string body;
    FaultCode code;
  };
  const auto call_of = [](const std::string& function) {
    return completion(R"({"tool_calls":[{"id":"c","function":)" + function + "}]}", "tool_calls");
  };
  const Case cases[] = {
      {"an error under 200", R"({"error":{"code":"1113","message":"m"}})",
       FaultCode::insufficient_balance},
      {"not JSON", "<html>", FaultCode::upstream_broken},
      {"no choices", R"({"id":"1"})", FaultCode::upstream_broken},
      {"network_error", completion(R"({"content":"a"})", "network_error"),
       FaultCode::upstream_error},
      {"no name", call_of(R"({"arguments":"{}"})"), FaultCode::upstream_broken},
      {"an empty name", call_of(R"({"name":"","arguments":"{}"})"), FaultCode::upstream_broken},
      {"an array", call_of(R"({"name":"f","arguments":[]})"), FaultCode::upstream_broken},
      {"a scalar", call_of(R"({"name":"f","arguments":"5"})"), FaultCode::upstream_broken},
      {"half an object", call_of(R"({"name":"f","arguments":"{"})"), FaultCode::upstream_broken},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Fault fault;
    EXPECT_EQ(whole(c.body, options(), &fault).body, "");
    EXPECT_EQ(name(fault.code), name(c.code));
  }
}

TEST(messages_writer, a_client_that_streams_gets_a_stream_from_an_upstream_that_answered_whole) {
  const std::string body = completion(
      R"({"content":"a","reasoning_content":"hm","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]})",
      "tool_calls");
  const auto read = [](std::string_view bytes, const OnDelta& on_delta) {
    return read_whole_chat(bytes, {}, on_delta);
  };
  for (const std::size_t step : {1U, 30U, 100'000U}) {
    TranslatedStream stream(Protocol::anthropic_messages, make_body_reader(read, 1 << 20),
                            make_messages_writer(options()), {});
    const Played played = golden::play(stream, body, step);
    ASSERT_FALSE(played.fault.has_value());
    EXPECT_EQ(played.out, "");
    EXPECT_EQ(check_messages_stream(played.ending, Ended::well), "");
    EXPECT_NE(played.ending.find(R"("output_tokens":4)"), std::string::npos);
  }
  TranslatedStream small(Protocol::anthropic_messages, make_body_reader(read, 100),
                         make_messages_writer(options()), {});
  EXPECT_EQ(golden::play(small, body, 30).fault->code, FaultCode::upstream_broken);
}

TEST(messages_writer, a_client_that_wants_a_whole_gets_one_from_a_stream) {
  for (const auto& [name, bytes] : golden::variants(golden::kGlmStream)) {
    SCOPED_TRACE(name);
    TranslatedWhole answer(
        make_chat_reader({}),
        [](const WholeAnswer& read) { return write_messages_answer(read, options()); }, {});
    for (std::size_t at = 0; at < bytes.size(); at += 9)
      ASSERT_TRUE(answer.feed(std::string_view(bytes).substr(at, 9)).has_value());
    const auto read = answer.finish();
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(strict::check_messages_whole(read->body), "");
    EXPECT_NE(read->body.find(R"("input":{"c":"北京"}})"), std::string::npos);
    EXPECT_NE(read->body.find(R"("input":{}})"), std::string::npos);
    EXPECT_EQ(read->usage, (Usage{.input = 100, .cached = 60, .output = 20}));
  }
}

TEST(messages_writer, an_anthropic_upstreams_own_signatures_are_kept) {
  TranslatedWhole folded(
      make_messages_reader({}),
      [](const WholeAnswer& read) { return write_messages_answer(read, options()); }, {});
  ASSERT_TRUE(folded.feed(golden::kMessagesStream).has_value());
  const auto answer = folded.finish();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(strict::check_messages_whole(answer->body), "");
  EXPECT_NE(
      answer->body.find(
          R"([{"type":"text","text":"Checking."},{"type":"thinking","thinking":"Need weather.","signature":"Eq=="},{"type":"tool_use","id":"toolu_1","name":"w","input":{"c":"北京"}},{"type":"tool_use","id":"toolu_2","name":"t","input":{}}])"),
      std::string::npos)
      << answer->body;

  const std::string body =
      R"({"content":[{"type":"thinking","thinking":"","signature":"S1"},{"type":"thinking","thinking":"b","signature":"S2"},{"type":"redacted_thinking","data":"R"},{"type":"thinking","thinking":"c"}],"stop_reason":"end_turn"})";
  TranslatedStream stream(Protocol::anthropic_messages,
                          make_body_reader(
                              [](std::string_view bytes, const OnDelta& on_delta) {
                                return read_whole_messages(bytes, {}, on_delta);
                              },
                              1 << 20),
                          make_messages_writer(options()), {});
  const Played played = golden::play(stream, body, 50);
  ASSERT_FALSE(played.fault.has_value());
  EXPECT_EQ(check_messages_stream(played.all(), Ended::well), "");
  const std::string thinking = R"({"type":"thinking","thinking":"","signature":""})";
  const auto signature = [](const std::string& text) {
    return R"({"type":"signature_delta","signature":")" + text + "\"}";
  };
  const std::string sealed = golden::seal().seal("c", ThinkingSeal::Text::kept_by_client);
  EXPECT_EQ(played.all(),
            start() + begin_block(0, thinking) + delta(0, signature("S1")) + end_block(0) +
                begin_block(1, thinking) + delta(1, R"({"type":"thinking_delta","thinking":"b"})") +
                delta(1, signature("S2")) + end_block(1) +
                begin_block(2, R"({"type":"redacted_thinking","data":"R"})") + end_block(2) +
                begin_block(3, thinking) + delta(3, R"({"type":"thinking_delta","thinking":"c"})") +
                delta(3, signature(sealed)) + end_block(3) + ending_of("end_turn", 1));
}

TEST(messages_writer, a_stop_sequence_nobody_names_is_an_end_like_any_other) {
  const auto answer = translate_whole(
      R"({"content":[{"type":"tool_use","id":"c","name":"f","input":{}}],"stop_reason":"stop_sequence"})",
      [](std::string_view bytes, const OnDelta& on_delta) {
        return read_whole_messages(bytes, {}, on_delta);
      },
      [](const WholeAnswer& read) { return write_messages_answer(read, options()); }, {});
  ASSERT_TRUE(answer.has_value());
  EXPECT_NE(answer->body.find(R"("stop_reason":"tool_use","stop_sequence":null)"),
            std::string::npos);
}

TEST(messages_writer, an_answer_without_end_is_bounded) {
  TranslatedStream stream(Protocol::anthropic_messages, make_chat_reader({}),
                          make_messages_writer(options()), {});
  std::string out;
  Result<void> fed = stream.feed(call(R"("index":0,"id":"c")", R"("{")"), out);
  for (int i = 0; i < 5000 && fed; ++i)
    fed = stream.feed(chunk(i % 2 == 0 ? R"({"content":"a"})" : R"({"reasoning":"b"})"), out);
  EXPECT_FALSE(fed.has_value());
}

}  // namespace
}  // namespace glmgate::protocol
