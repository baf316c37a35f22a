#include "protocol/messages_stream.h"

#include <gtest/gtest.h>

#include "protocol/chat_answer.h"
#include "protocol/golden_test.h"
#include "protocol/strict_test.h"

namespace glmgate::protocol {
namespace {

using golden::kMessagesStream;
using golden::named;
using golden::Played;
using golden::replaced;

Played play(const std::string& bytes, std::size_t step, std::size_t first = 0) {
  MessagesStream stream({}, 1 << 20);
  return golden::play(stream, bytes, step, first);
}

/// With what a client must get although nobody knows it.
std::string with_unknowns(std::string bytes) {
  bytes = replaced(bytes, "event: ping",
                   ": a comment\n\nevent: heart.beat\ndata: {\"code\":1, "
                   "\"type\":\"heart.beat\",\"x\":1.50e0}\n\nevent: ping");
  return replaced(bytes, "\"index\":0,", "\"index\" : 0, \"later\":{\"a\":[1E2,\"\\u00e9\"]},");
}

TEST(messages_stream, v6_the_bytes_pass_as_they_came_however_they_are_cut) {
  for (const std::string& known : {kMessagesStream, with_unknowns(kMessagesStream)})
    for (const std::string& bytes :
         {known, golden::with_crlf(known), "\xef\xbb\xbf: hello\n\n" + known})
      for (std::size_t first = 1; first <= bytes.size(); ++first)
        for (const std::size_t step : {bytes.size(), std::size_t{11}}) {
          if (step == 11 && first > 11) continue;
          SCOPED_TRACE(first);
          const Played played = play(bytes, step, first);
          ASSERT_FALSE(played.fault.has_value()) << played.fault->for_client;
          ASSERT_EQ(played.all(), bytes);
          ASSERT_TRUE(played.ending.starts_with("event: message_delta"));
          ASSERT_EQ(played.usage, (Usage{.input = 40, .cached = 10, .output = 48}));
          ASSERT_EQ(played.model, "glm-5.3");
          ASSERT_EQ(played.text_bytes, 9 + 13 + 14);
          ASSERT_TRUE(played.started);
        }
}

TEST(messages_stream, a_prompt_of_zero_tokens_is_told_as_the_estimate_and_nothing_else_changes) {
  const auto start = [](const std::string& usage) {
    const std::string event =
        named("message_start", R"(,"message":{"id":"m","model":"glm","usage":)" + usage + "}");
    return event + kMessagesStream.substr(kMessagesStream.find("event: ping"));
  };
  struct Case {
    std::string usage;
    std::string told;
  };
  const Case cases[] = {
      {R"({"input_tokens":0,"output_tokens":0})", R"({"input_tokens":77,"output_tokens":0})"},
      {R"({"input_tokens":9,"output_tokens":0})", R"({"input_tokens":9,"output_tokens":0})"},
      {R"({"input_tokens":0,"cache_read_input_tokens":5})",
       R"({"input_tokens":0,"cache_read_input_tokens":5})"},
      {R"({"output_tokens":0})", R"({"output_tokens":0})"}};
  for (const Case& c : cases)
    for (const std::string& bytes : {start(c.usage), golden::with_crlf(start(c.usage))})
      for (std::size_t step = 1; step < 300; step += 7) {
        MessagesStream stream({.input_estimate = 77}, 1 << 20);
        const Played played = golden::play(stream, bytes, step, 0);
        const bool crlf = bytes.find('\r') != std::string::npos;
        ASSERT_EQ(played.all(), crlf ? golden::with_crlf(start(c.told)) : start(c.told));
      }
}

TEST(messages_stream, what_is_left_out_or_too_much_at_the_end_is_put_right) {
  const std::string bare = kMessagesStream.substr(0, kMessagesStream.size() - 2);
  for (const std::string& bytes :
       {bare, bare + "\n", kMessagesStream + "data: [DONE]\n\n", kMessagesStream + "\n\n",
        kMessagesStream + named("ping", ""), kMessagesStream + "nonsense"})
    for (const std::size_t step : {1U, 7U, 100'000U}) {
      const Played played = play(bytes, step);
      ASSERT_FALSE(played.fault.has_value());
      EXPECT_EQ(played.all(), kMessagesStream);
    }
}

TEST(messages_stream, a_stream_cut_anywhere_breaks_visibly) {
  const std::size_t end = kMessagesStream.size() - 2;
  for (std::size_t size = 0; size < end; ++size) {
    SCOPED_TRACE(size);
    const Played played = play(kMessagesStream.substr(0, size), 40);
    ASSERT_TRUE(played.fault.has_value());
    EXPECT_EQ(name(played.fault->code), name(FaultCode::upstream_broken));
    EXPECT_EQ(played.ending, "");
    EXPECT_TRUE(kMessagesStream.starts_with(played.out));
    EXPECT_EQ(played.out.find("message_delta"), std::string::npos);
    EXPECT_TRUE(played.fault_event.starts_with("event: error\ndata: {\"type\":\"error\","));
  }
}

TEST(messages_stream, a_stream_that_is_cut_is_not_taken_for_an_answer_of_one_token) {
  const std::size_t text = kMessagesStream.find("weather.");
  const Played played = play(kMessagesStream.substr(0, kMessagesStream.find("event", text)), 40);
  ASSERT_TRUE(played.fault.has_value());
  EXPECT_EQ(
      played.usage,
      (Usage{.input = 40, .cached = 10, .output = estimate_tokens(9 + 13), .estimated = true}));
}

TEST(messages_stream, zeros_in_message_start_are_no_usage) {
  const std::string zeros = replaced(
      kMessagesStream,
      R"({"input_tokens":25,"cache_creation_input_tokens":5,"cache_read_input_tokens":10,"output_tokens":1})",
      R"({"input_tokens":0,"output_tokens":0})");
  const std::string bytes = replaced(
      zeros, R"({"output_tokens":48})",
      R"({"input_tokens":30,"cache_read_input_tokens":64,"output_tokens":48,"cache_creation_input_tokens":null})");
  EXPECT_EQ(play(bytes, 50).usage, (Usage{.input = 94, .cached = 64, .output = 48}));
  const Played cut = play(bytes.substr(0, bytes.find("event: message_delta")), 50);
  EXPECT_FALSE(cut.usage.has_value());
}

TEST(messages_stream, an_error_of_the_upstream_is_told_in_its_own_bytes) {
  const std::string error =
      "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
      "\"message\":\"[1305][Overloaded][id]\"}}\n\n";
  const std::string begun = kMessagesStream.substr(0, kMessagesStream.find("event: ping"));
  const std::string ending = kMessagesStream.substr(0, kMessagesStream.find("event: message_stop"));
  for (const std::size_t step : {1U, 9U, 100'000U}) {
    SCOPED_TRACE(step);
    const Played late = play(begun + error + kMessagesStream, step);
    ASSERT_TRUE(late.fault.has_value());
    EXPECT_EQ(name(late.fault->code), name(FaultCode::rate_limited));
    EXPECT_EQ(late.fault->glm_code, "1305");
    EXPECT_EQ(late.out, begun);
    EXPECT_EQ(late.fault_event, error);
    EXPECT_TRUE(late.started);

    const Played first = play(error, step);
    ASSERT_TRUE(first.fault.has_value());
    EXPECT_FALSE(first.started);
    EXPECT_EQ(first.out, "");

    const Played bare = play(begun + error.substr(0, error.size() - 2), step);
    EXPECT_EQ(bare.fault_event, error);

    const Played unnamed = play(begun + "data: {\"error\":{\"message\":\"m\"}}\n\n", step);
    ASSERT_TRUE(unnamed.fault.has_value());
    EXPECT_EQ(unnamed.out, begun);
    EXPECT_TRUE(unnamed.fault_event.starts_with("event: error\ndata: {\"type\":\"error\","));

    const Played at_the_end = play(ending + error, step);
    ASSERT_TRUE(at_the_end.fault.has_value());
    EXPECT_EQ(at_the_end.ending, "");
    EXPECT_EQ(at_the_end.out.find("message_delta"), std::string::npos);
  }
}

TEST(messages_stream, broken_and_endless_streams_are_faults) {
  const std::string begun = kMessagesStream.substr(0, kMessagesStream.find("event: message_stop"));
  std::string endless = begun;
  for (int i = 0; i < 300; ++i) endless += named("ping", "");
  for (const std::string& bytes : {std::string("data: <html>\n\n"), std::string("data: [1]\n\n"),
                                   "data: " + std::string(10'000, 'x'), endless})
    for (const std::size_t step : {1U, 30U, 100'000U}) {
      MessagesStream stream({}, 4096);
      const Played played = golden::play(stream, bytes, step);
      ASSERT_TRUE(played.fault.has_value());
      EXPECT_EQ(name(played.fault->code), name(FaultCode::upstream_broken));
    }
}

TEST(messages_stream, a_whole_answer_passes_as_it_came) {
  const std::string body =
      R"( {"type":"message", "id":"m","model":"glm-5.3","content":[{"type":"text","text":"a\n"},{"type":"tool_use","input":{"k": 1.0}}],"x":1.50,"usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":5}} )";
  const auto answer = read_messages_answer(body, {});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, body);
  EXPECT_EQ(answer->usage, (Usage{.input = 7, .cached = 4, .output = 5}));
  EXPECT_EQ(answer->model, "glm-5.3");
  EXPECT_EQ(answer->text_bytes, 2 + 10);
  EXPECT_EQ(read_messages_answer("<html>", {}).error().code, FaultCode::upstream_broken);
  EXPECT_EQ(read_messages_answer(R"({"type":"message"})", {}).error().code,
            FaultCode::upstream_broken);
  EXPECT_EQ(read_messages_answer(
                R"({"type":"error","error":{"type":"1113","message":"[1113][no balance][x]"}})", {})
                .error()
                .code,
            FaultCode::insufficient_balance);
}

}  // namespace
}  // namespace glmgate::protocol
