#include "protocol/thinking_seal.h"

#include <gtest/gtest.h>

#include "protocol/sha256.h"
#include "protocol/tool_names.h"

namespace glmgate::protocol {
namespace {

ThinkingSeal sealer(std::string key) {
  return ThinkingSeal([key](std::string_view text) { return sha256_hex(key + std::string(text)); });
}

TEST(thinking_seal, gives_back_what_it_sealed_and_nothing_else) {
  const ThinkingSeal ours = sealer("a");
  for (const std::string text : {"", "Need weather.", "北京 \n\"quoted\""}) {
    SCOPED_TRACE(text);
    const std::string kept = ours.seal(text, ThinkingSeal::Text::kept_by_client);
    const std::string carried = ours.seal(text, ThinkingSeal::Text::carried);
    EXPECT_TRUE(ThinkingSeal::is_ours(kept));
    EXPECT_EQ(ours.open(kept, text), text);
    EXPECT_EQ(ours.open(carried, ""), text);
    EXPECT_EQ(ours.open(carried, "something else"), text);
    EXPECT_FALSE(ours.open(kept, text + "x"));
    EXPECT_FALSE(sealer("b").open(kept, text));
    EXPECT_FALSE(sealer("b").open(carried, ""));
  }
}

TEST(thinking_seal, a_changed_seal_opens_nothing) {
  const ThinkingSeal ours = sealer("a");
  const std::string seal = ours.seal("thought", ThinkingSeal::Text::carried);
  for (std::size_t i = 0; i < seal.size(); ++i) {
    SCOPED_TRACE(i);
    std::string changed = seal;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last digit has bits that say nothing.
    if (i + 1 < seal.size()) EXPECT_FALSE(ours.open(changed, "thought"));
    EXPECT_FALSE(ours.open(seal.substr(0, i), "thought"));
  }
  for (const char* foreign : {"", "EqQB", "glm1.", "glm1.!!!!", "glm1.AAAA"})
    EXPECT_FALSE(ours.open(foreign, "thought")) << foreign;
}

TEST(thinking_seal, carries_blocks_apart_from_texts) {
  const ThinkingSeal seal(
      [](std::string_view text) { return sha256_hex("b" + std::string(text)); });
  const std::string blocks = R"({"type":"thinking","thinking":"T","signature":"c2ln"})";
  const std::string sealed = seal.seal_blocks(blocks);
  EXPECT_TRUE(ThinkingSeal::is_ours(sealed));
  EXPECT_EQ(seal.open_blocks(sealed), blocks);
  EXPECT_FALSE(seal.open(sealed, blocks).has_value());
  EXPECT_FALSE(seal.open_blocks(seal.seal(blocks, ThinkingSeal::Text::carried)).has_value());
  const ThinkingSeal other(
      [](std::string_view text) { return sha256_hex("c" + std::string(text)); });
  EXPECT_FALSE(other.open_blocks(sealed).has_value());
}

TEST(tool_names, are_changed_only_if_they_must_be) {
  EXPECT_EQ(fit_tool_name("get_weather-2"), "get_weather-2");
  const std::string longest(64, 'x');
  EXPECT_EQ(fit_tool_name(longest), longest);
  const std::string too_long = fit_tool_name(longest + "y");
  EXPECT_EQ(too_long.size(), 64U);
  EXPECT_NE(too_long, fit_tool_name(longest + "z"));
  EXPECT_EQ(fit_tool_name("mcp.list").substr(0, 9), "mcp_list_");
  EXPECT_FALSE(fit_tool_name("").empty());
}

TEST(tool_names, call_ids_come_back) {
  for (const std::string id :
       {"call_1", "toolu_01", "a.b:c", "北京", "toolu_hx_zz", "toolu_hx_6162"}) {
    SCOPED_TRACE(id);
    EXPECT_EQ(original_call_id(fit_call_id(id)), id);
    EXPECT_EQ(
        fit_call_id(id).find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-"),
        std::string::npos);
  }
}

}  // namespace
}  // namespace glmgate::protocol
