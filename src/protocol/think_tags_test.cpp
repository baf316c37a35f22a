#include "protocol/think_tags.h"

#include <gtest/gtest.h>

namespace glmgate::protocol {
namespace {

struct Said {
  std::string thought;
  std::string text;
  std::string order;  // of the kinds, once each in a row
};

/// The pieces as deltas of text, then whatever ends an answer.
Said split(const std::vector<std::string>& pieces) {
  Said said;
  ThinkTags tags;
  const OnDelta hear = [&](const Delta& delta) -> Result<void> {
    const char kind = delta.kind == Delta::Kind::text        ? 't'
                      : delta.kind == Delta::Kind::reasoning ? 'r'
                      : delta.kind == Delta::Kind::call      ? 'c'
                                                             : '.';
    if (kind == 't') said.text += delta.text;
    if (kind == 'r') said.thought += delta.text;
    if (said.order.empty() || said.order.back() != kind) said.order += kind;
    return {};
  };
  for (const std::string& piece : pieces)
    EXPECT_TRUE(tags.add({.kind = Delta::Kind::text, .text = piece}, hear).has_value());
  EXPECT_TRUE(tags.add({.kind = Delta::Kind::call, .name = "f"}, hear).has_value());
  EXPECT_TRUE(tags.add({.kind = Delta::Kind::stop}, hear).has_value());
  return said;
}

TEST(think_tags, are_split_off_wherever_the_bytes_are_cut) {
  struct Case {
    const char* name;
    std::string in;
    std::string thought;
    std::string text;
  };
  const Case cases[] = {
      {"thinking and text", "<think>a < b</thi</think>\n\nc <think>d</think>", "a < b</thi",
       "\n\nc <think>d</think>"},
      {"space before", " \n<think>\nwhy</think>so", "\nwhy", "so"},
      {"nothing thought", "<think></think>so", "", "so"},
      {"never closed", "<think>on and on</th", "on and on</th", ""},
      {"text only", "so it is", "", "so it is"},
      {"a tag further on", "see: <think>x</think>", "", "see: <think>x</think>"},
      {"half a tag", "<thi", "", "<thi"},
      {"another tag", "<thing>x", "", "<thing>x"},
      {"space only", " \n", "", " \n"},
  };
  for (const Case& c : cases)
    for (std::size_t first = 0; first <= c.in.size(); ++first)
      for (std::size_t second = first; second <= c.in.size(); ++second) {
        SCOPED_TRACE(std::string(c.name) + " " + std::to_string(first) + " " +
                     std::to_string(second));
        const Said said =
            split({c.in.substr(0, first), c.in.substr(first, second - first), c.in.substr(second)});
        EXPECT_EQ(said.thought, c.thought);
        EXPECT_EQ(said.text, c.text);
        EXPECT_TRUE(said.order.ends_with("c."));  // what was held comes before the call
      }
}

}  // namespace
}  // namespace glmgate::protocol
