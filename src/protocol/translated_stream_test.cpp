#include "protocol/translated_stream.h"

#include <gtest/gtest.h>

#include "protocol/chat_reader.h"
#include "protocol/golden_test.h"
#include "protocol/responses_writer.h"

namespace glmgate::protocol {
namespace {

/// How many of these deltas an answer may have; 0: any number.
std::size_t count_until_endless(const std::vector<Delta>& deltas) {
  AnswerTally tally;
  for (std::size_t i = 0; i < 200'000; ++i) {
    tally.add(deltas[i % deltas.size()]);
    if (tally.is_endless()) return i;
  }
  return 0;
}

TEST(answer_tally, whatever_an_answer_is_made_of_has_a_bound) {
  const std::string large(std::size_t{1} << 20, 'a');
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::text, .text = large}}), 64U);
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::signature, .text = large}}), 64U);
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::call, .id = large}}), 64U);
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::call, .name = large}}), 64U);
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::call, .id = "c", .name = "f"}}), 65'536U);
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::redacted, .text = "a"}}), 65'536U);
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::text, .text = "a"},
                                 {.kind = Delta::Kind::reasoning, .text = "b"}}),
            65'536U);
  EXPECT_EQ(count_until_endless({{.kind = Delta::Kind::text, .text = "a"}}), 0U);
}

TEST(translated_stream, an_answer_without_end_is_broken_off) {
  TranslatedStream stream(Protocol::openai_responses, make_chat_reader({}),
                          make_responses_writer({}), {});
  const std::string turn =
      golden::event(R"({"choices":[{"index":0,"delta":{"reasoning_content":"a"}}]})") +
      golden::event(R"({"choices":[{"index":0,"delta":{"content":"b"}}]})");
  Result<void> fed;
  for (int i = 0; fed && i < 40'000; ++i) {
    std::string out;
    fed = stream.feed(turn, out);
  }
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().code, FaultCode::upstream_broken);
}

}  // namespace
}  // namespace glmgate::protocol
