#include "protocol/translated_stream.h"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/chat_reader.h"
#include "protocol/chat_writer.h"
#include "protocol/golden_test.h"
#include "protocol/messages_reader.h"
#include "protocol/messages_writer.h"
#include "protocol/responses_writer.h"

namespace glmgate::protocol {
namespace {

std::string delta(const std::string& members) {
  return golden::event(R"({"choices":[{"index":0,"delta":{)" + members + "}}]}");
}

std::string block(const std::string& begin, const std::string& more) {
  return golden::event(R"({"type":"content_block_start","index":0,"content_block":)" + begin +
                       "}") +
         golden::event(R"({"type":"content_block_delta","index":0,"delta":)" + more + "}") +
         golden::event(R"({"type":"content_block_stop","index":0})");
}

/// Bytes that came before the stream was refused; nothing if it was not.
std::optional<std::size_t> refused_after(TranslatedStream& stream, const std::string& begin,
                                         const std::function<std::string(int)>& next,
                                         std::size_t most) {
  std::string out;
  std::size_t fed = begin.size();
  if (!stream.feed(begin, out)) return std::nullopt;
  for (int i = 0; fed < most; ++i) {
    out.clear();
    const std::string events = next(i);
    fed += events.size();
    if (auto taken = stream.feed(events, out); !taken) {
      EXPECT_EQ(taken.error().code, FaultCode::upstream_broken) << taken.error().for_client;
      return fed;
    }
  }
  return std::nullopt;
}

/// What a writer keeps until the answer's end has a bound, whatever it is made of.
TEST(translated_stream, an_answer_without_end_is_broken_off) {
  constexpr std::size_t kMost = std::size_t{160} << 20;
  using MakeWriter = std::function<std::unique_ptr<AnswerWriter>()>;
  const std::pair<Protocol, MakeWriter> writers[] = {
      {Protocol::openai_responses, [] { return make_responses_writer({}); }},
      {Protocol::anthropic_messages, [] { return make_messages_writer({}); }},
      {Protocol::openai_chat, [] { return make_chat_writer({}); }},
  };
  const std::string large(std::size_t{1} << 20, 'a');
  for (const auto& [client, make_writer] : writers) {
    SCOPED_TRACE(static_cast<int>(client));
    const std::string role = delta(R"("role":"assistant","content":"x")");
    TranslatedStream turns(client, make_chat_reader({}), make_writer(), {});
    EXPECT_TRUE(refused_after(
        turns, role,
        [](int) { return delta(R"("reasoning_content":"a")") + delta(R"("content":"b")"); },
        kMost));

    TranslatedStream ids(client, make_chat_reader({}), make_writer(), {});
    EXPECT_TRUE(refused_after(
        ids, role,
        [&](int i) {
          return delta(R"("tool_calls":[{"index":)" + std::to_string(i) + R"(,"id":")" +
                       std::to_string(i) + large +
                       R"(","function":{"name":"f","arguments":"{}"}}])");
        },
        kMost));

    const std::string start = golden::event(
        R"({"type":"message_start","message":{"role":"assistant","content":[],"usage":{}}})");
    TranslatedStream seals(client, make_messages_reader({}), make_writer(), {});
    EXPECT_TRUE(refused_after(
        seals, start,
        [&](int) {
          return block(R"({"type":"thinking","thinking":"a"})",
                       R"({"type":"signature_delta","signature":")" + large + "\"}");
        },
        kMost));

    TranslatedStream calls(client, make_messages_reader({}), make_writer(), {});
    EXPECT_TRUE(refused_after(
        calls, start,
        [&](int i) {
          return block(
              R"({"type":"tool_use","id":"u)" + std::to_string(i) + R"(","name":"f","input":{}})",
              R"({"type":"input_json_delta","partial_json":"{}"})");
        },
        kMost));
  }
}

}  // namespace
}  // namespace glmgate::protocol
