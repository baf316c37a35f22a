#include "protocol/thinking_memory.h"

#include <gtest/gtest.h>

namespace glmgate::protocol {
namespace {

TEST(thinking_memory, is_of_one_key_and_by_call) {
  ThinkingMemory memory;
  memory.put("k1", "toolu_0123456789", "a");
  EXPECT_EQ(memory.find("k1", "toolu_0123456789"), "a");
  EXPECT_FALSE(memory.find("k2", "toolu_0123456789").has_value());
  EXPECT_FALSE(memory.find("k1", "toolu_other_one_").has_value());
  memory.put("k1", "toolu_0123456789", "b");
  EXPECT_EQ(memory.find("k1", "toolu_0123456789"), "b");
}

TEST(thinking_memory, ids_that_count_are_not_kept) {
  ThinkingMemory memory;
  memory.put("k1", "call_0", "a");
  EXPECT_FALSE(memory.find("k1", "call_0").has_value());
  EXPECT_EQ(memory.bytes(), 0U);
}

TEST(thinking_memory, never_holds_more_than_its_bytes_and_forgets_the_least_used) {
  ThinkingMemory memory(10'000);
  const auto id = [](int i) { return "toolu_number_" + std::to_string(i); };
  memory.put("k", id(0), std::string(1'000, 'x'));
  for (int i = 1; i < 100; ++i) {
    memory.put("k", id(i), std::string(1'000, 'x'));
    EXPECT_LE(memory.bytes(), 10'000U);
    EXPECT_TRUE(memory.find("k", id(0)).has_value()) << i;  // used all the time
  }
  EXPECT_FALSE(memory.find("k", id(1)).has_value());
  EXPECT_TRUE(memory.find("k", id(99)).has_value());
  memory.put("k", id(100), std::string(20'000, 'x'));
  EXPECT_FALSE(memory.find("k", id(100)).has_value());
}

TEST(thinking_memory, a_witness_keeps_what_was_thought_before_the_first_call) {
  ThinkingMemory memory;
  ThinkingWitness witness(memory, "k");
  const auto hear = [&](Delta::Kind kind, std::string_view text, std::string_view id = {}) {
    witness.hear({.kind = kind, .text = text, .id = id});
  };
  using Kind = Delta::Kind;
  hear(Kind::reasoning, "wh");
  hear(Kind::reasoning, "y");
  hear(Kind::signature, "c2ln");
  hear(Kind::text, "So:");
  hear(Kind::call, "", "toolu_0123456789");
  hear(Kind::reasoning, "later");
  hear(Kind::call, "", "toolu_9876543210");
  EXPECT_EQ(memory.find("k", "toolu_0123456789"),
            R"({"type":"thinking","thinking":"why","signature":"c2ln"})");
  EXPECT_FALSE(memory.find("k", "toolu_9876543210").has_value());
}

}  // namespace
}  // namespace glmgate::protocol
