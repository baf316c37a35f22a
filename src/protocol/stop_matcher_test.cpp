#include "protocol/stop_matcher.h"

#include <gtest/gtest.h>

#include <random>

#include "protocol/chat_reader.h"
#include "protocol/golden_test.h"
#include "protocol/messages_writer.h"
#include "protocol/strict_test.h"
#include "protocol/translated_stream.h"

namespace glmgate::protocol {
namespace {

struct Matched {
  std::string text;
  std::string stop;
  bool hit = false;
};

Matched match(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  Matched out;
  StopMatcher matcher(stops);
  const OnDelta next = [&](const Delta& delta) -> Result<void> {
    EXPECT_FALSE(out.hit);
    if (delta.kind == Delta::Kind::text) out.text += delta.text;
    if (delta.kind != Delta::Kind::stop) return {};
    out.hit = delta.stop == Stop::stop_sequence;
    out.stop = delta.text;
    return {};
  };
  for (const std::string& piece : pieces)
    EXPECT_TRUE(matcher.add({.kind = Delta::Kind::text, .text = piece}, next).has_value());
  if (!matcher.hit()) EXPECT_TRUE(matcher.add({.kind = Delta::Kind::stop}, next).has_value());
  EXPECT_EQ(matcher.hit(), out.hit);
  return out;
}

TEST(stop_matcher, cuts_at_the_first_complete_sequence_however_the_text_is_cut) {
  struct Case {
    std::vector<std::string> stops;
    std::string text;
    std::string before;
    std::string stop;  // empty: none hit
  };
  const Case cases[] = {
      {{}, "abc", "abc", ""},
      {{""}, "abc", "abc", ""},
      {{"x"}, "abc", "abc", ""},
      {{"b"}, "abc", "a", "b"},
      {{"abc"}, "abc", "", "abc"},
      {{"abd"}, "abcabd", "abc", "abd"},
      {{"aab"}, "aaab", "a", "aab"},
      {{"abab\n"}, "ababab\n", "ab", "abab\n"},
      {{"ab", "b"}, "ab", "", "ab"},
      {{"b", "ab"}, "ab", "", "ab"},
      {{"abcd", "bc"}, "abcd", "a", "bc"},
      {{"cd", "bcx"}, "abcd", "ab", "cd"},
      {{"\xe5\x8c\x97"}, "\xe5\x8c\x96\xe5\x8c\x97x", "\xe5\x8c\x96", "\xe5\x8c\x97"},
      {{"</s>"}, "a < b </ s", "a < b </ s", ""},
      {{"stop"}, "to be sto", "to be sto", ""},
  };
  for (const Case& c : cases)
    for (std::size_t first = 0; first <= c.text.size(); ++first)
      for (std::size_t second = first; second <= c.text.size(); ++second) {
        SCOPED_TRACE(c.text + " " + std::to_string(first) + " " + std::to_string(second));
        const Matched out = match(
            c.stops,
            {c.text.substr(0, first), c.text.substr(first, second - first), c.text.substr(second)});
        EXPECT_EQ(out.text, c.before);
        EXPECT_EQ(out.stop, c.stop);
        EXPECT_EQ(out.hit, !c.stop.empty());
      }
}

/// What the matcher promises, tried out: at each byte every sequence, the longest one counts.
Matched match_plainly(const std::vector<std::string>& stops, const std::string& text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::string longest;
    for (const std::string& stop : stops)
      if (stop.size() > longest.size() && text.substr(0, end).ends_with(stop)) longest = stop;
    if (!longest.empty())
      return {.text = text.substr(0, end - longest.size()), .stop = longest, .hit = true};
  }
  return {.text = text, .stop = {}, .hit = false};
}

TEST(stop_matcher, finds_what_a_search_for_each_sequence_finds) {
  std::mt19937 dice(7);
  const auto word = [&](std::size_t most) {
    std::string out(1 + dice() % most, 'a');
    for (char& c : out) c = static_cast<char>('a' + dice() % 2);
    return out;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> stops(1 + dice() % 6);
    for (std::string& stop : stops) stop = word(7) + (dice() % 2 == 0 ? "" : "c");
    const std::string text = word(40) + (dice() % 2 == 0 ? "" : "c" + word(20));
    SCOPED_TRACE(text);
    const Matched expected = match_plainly(stops, text);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size(); at += pieces.back().size())
      pieces.push_back(text.substr(at, 1 + dice() % 5));
    const Matched out = match(stops, pieces);
    EXPECT_EQ(out.text, expected.text);
    EXPECT_EQ(out.stop, expected.stop);
    EXPECT_EQ(out.hit, expected.hit);
  }
}

TEST(stop_matcher, the_number_of_sequences_does_not_make_an_answer_dearer) {
  const std::string text(50'000, 'a');
  const auto steps = [&](std::size_t count) {
    std::vector<std::string> stops;  // each begins like the text, as far as it can
    for (std::size_t i = 0; i < count; ++i) stops.push_back(std::string(200 + i, 'a') + "b");
    StopMatcher matcher(stops);
    const OnDelta next = [](const Delta&) -> Result<void> { return {}; };
    EXPECT_TRUE(matcher.add({.kind = Delta::Kind::text, .text = text}, next).has_value());
    return matcher.steps();
  };
  EXPECT_LE(steps(1), 2 * text.size());
  EXPECT_LE(steps(2'000), 2 * text.size());
}

TEST(stop_matcher, what_it_keeps_is_bounded_by_what_it_looks_for) {
  std::vector<std::string> stops;
  for (char c = '0'; c < '0' + 64; ++c) stops.push_back(c + std::string(127, 'x'));
  EXPECT_LE(StopMatcher(stops).memory(), 8 * 1024 * 24);
  EXPECT_LE(StopMatcher({}).memory(), 64);
}

TEST(stop_matcher, holds_back_no_more_than_it_must) {
  StopMatcher matcher({"abc", "xy"});
  std::string text;
  const OnDelta next = [&](const Delta& delta) -> Result<void> {
    text += delta.text;
    return {};
  };
  const auto say = [&](Delta::Kind kind, std::string_view piece) {
    ASSERT_TRUE(matcher.add({.kind = kind, .text = piece}, next).has_value());
  };
  say(Delta::Kind::text, "zab");
  EXPECT_EQ(text, "z");
  say(Delta::Kind::usage, "");
  EXPECT_EQ(text, "z");
  say(Delta::Kind::text, "x");
  EXPECT_EQ(text, "zab");
  say(Delta::Kind::reasoning, "abc");  // thinking is not looked at, and nothing matches across it
  EXPECT_EQ(text, "zabxabc");
  say(Delta::Kind::text, "y");
  EXPECT_EQ(text, "zabxabcy");
  EXPECT_FALSE(matcher.hit());
}

TEST(stop_matcher, a_hit_ends_a_stream_as_the_client_asked) {
  const std::string usage =
      R"(,"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7})";
  const auto chunk = [&](const std::string& text) {
    return golden::event(R"({"choices":[{"index":0,"delta":{"content":")" + text + "\"}}]" + usage +
                         "}");
  };
  // What follows the hit is not looked at: neither text nor errors, however the bytes are cut.
  const std::string bytes = chunk("one EN") + chunk("D two") + chunk("three") + "data: <html>\n\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    SCOPED_TRACE(step);
    TranslatedStream stream(Protocol::anthropic_messages, make_chat_reader({}),
                            make_messages_writer({.id = "msg_1", .model = "m"}), {"END"});
    const golden::Played played = golden::play(stream, bytes, step);
    ASSERT_FALSE(played.fault.has_value()) << played.fault->for_client;
    ASSERT_TRUE(stream.complete());
    EXPECT_EQ(strict::check_messages_stream(played.all(), strict::Ended::well), "");
    EXPECT_NE(played.ending.find(R"("stop_reason":"stop_sequence","stop_sequence":"END")"),
              std::string::npos);
    EXPECT_NE(played.out.find(R"("text":"one ")"), std::string::npos);
    EXPECT_EQ(played.all().find("two"), std::string::npos);
    EXPECT_EQ(played.usage, (Usage{.input = 5, .output = 2}));
    EXPECT_EQ(played.text_bytes, 6 + 5);
  }
}

TEST(stop_matcher, a_hit_ends_a_whole) {
  const std::string body =
      R"({"choices":[{"message":{"content":"one END","tool_calls":null},"finish_reason":"stop"}]})";
  const auto answer = translate_whole(
      body,
      [](std::string_view bytes, const OnDelta& on_delta) {
        return read_whole_chat(bytes, {}, on_delta);
      },
      [](const WholeAnswer& read) {
        return write_messages_answer(read, {.id = "msg_1", .model = "m"});
      },
      {"END"});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(strict::check_messages_whole(answer->body), "");
  EXPECT_NE(
      answer->body.find(
          R"([{"type":"text","text":"one "}],"stop_reason":"stop_sequence","stop_sequence":"END")"),
      std::string::npos);
}

}  // namespace
}  // namespace glmgate::protocol
