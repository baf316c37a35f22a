#include "protocol/messages_request.h"

#include <gtest/gtest.h>

#include "protocol/sha256.h"

namespace glmgate::protocol {
namespace {

const ThinkingSeal kSeal([](std::string_view text) { return sha256_hex("k" + std::string(text)); });
const MessagesTarget kZai{.model = "glm-5.3"};
const MessagesTarget kStrict{.model = "glm-5.3", .verifies_thinking = true};

struct Fitted {
  std::string out;
  std::vector<std::string> warnings;
};

Fitted fit(const std::string& text, const MessagesTarget& target) {
  auto body = Body::read(text, {});
  const auto facts = read_messages_facts(*body);
  if (!facts) return {facts.error().for_client, {}};
  const auto warnings = fit_messages_request(*body, *facts, target);
  if (!warnings) return {warnings.error().for_client, {}};
  return {body->spliced(), *warnings};
}

std::string with(const std::string& members, const std::string& turn) {
  return R"({"model":"glm-5.3",)" + members +
         R"("max_tokens":9,"messages":[{"role":"user","content":"hi"},)" + turn + "]}";
}
std::string said(const std::string& blocks) {
  return R"({"role":"assistant","content":[)" + blocks + "]}";
}
std::string thinking(const std::string& signature) {
  return R"({"type":"thinking","thinking":"T","signature":")" + signature + "\"}";
}

/// Golden vector V6 of wire-protocols.
TEST(messages_request, only_the_models_name_is_touched) {
  const std::string before =
      R"({ "messages" : [ {"role":"user","content":"\u00e9","x":1.50} ,
    {"role":"assistant","content":[)" +
      thinking("") + "," + thinking(kSeal.seal("T", ThinkingSeal::Text::kept_by_client)) +
      R"(]}, {"role":"user","content":"a"}],"new":{"b":1e2,"a":null}, "max_tokens":9,"model":)";
  const Fitted renamed = fit(before + "\"claude-opus-5-5\" }", kZai);
  EXPECT_EQ(renamed.out, before + "\"glm-5.3\" }");
  EXPECT_TRUE(renamed.warnings.empty());
  EXPECT_EQ(fit(before + R"("glm-5\u002e3" })", kZai).out, before + R"("glm-5\u002e3" })");
}

TEST(messages_request, thinking_of_our_seal_stays_away_from_those_who_verify) {
  const std::string ours = thinking(kSeal.seal("T", ThinkingSeal::Text::kept_by_client));
  const std::string theirs = thinking("EqQB");
  const std::string text = R"({"type":"text","text":"a"})";
  const std::string use = R"({"type":"tool_use","id":"x","name":"f","input":{}})";
  const std::string result =
      R"(,{"role":"user","content":[{"type":"tool_result","tool_use_id":"x"}]})";
  const std::string hi = R"(,{"role":"user","content":"hi"})";
  const std::string on = R"("thinking":{"type":"adaptive"},)";
  const std::string off = R"("thinking":{"type":"disabled"},)";
  const std::string gone = "dropped; field=messages[].content[].thinking";
  struct Case {
    const char* name;
    std::string in;
    std::string out;
    std::vector<std::string> warnings;
  };
  const Case cases[] = {
      {"theirs",
       with(on, said(theirs + "," + use) + result),
       with(on, said(theirs + "," + use) + result),
       {}},
      {"ours", with(on, said(ours + "," + text) + hi), with(on, said(text) + hi), {gone}},
      {"nothing else", with(on, said(ours) + hi), with(on, hi.substr(1)), {gone}},
      {"a call without thinking before it",
       with(on, said(ours + "," + use) + result),
       with(off, said(use) + result),
       {gone, "changed; field=thinking"}},
      {"theirs before it",
       with(on, said(theirs + "," + ours + "," + use) + result),
       with(on, said(theirs + "," + use) + result),
       {gone}},
      {"not thinking now",
       with(off, said(ours + "," + use) + result),
       with(off, said(use) + result),
       {gone}},
      {"thinking is not spoken of",
       with("", said(ours + "," + use) + result),
       with("", said(use) + result),
       {gone}},
      {"an older call",
       with(on, said(ours + "," + use) + result + "," + said(text) + hi),
       with(on, said(use) + result + "," + said(text) + hi),
       {gone}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Fitted fitted = fit(c.in, kStrict);
    EXPECT_EQ(fitted.out, c.out);
    EXPECT_EQ(fitted.warnings, c.warnings);
    EXPECT_EQ(fit(c.in, kZai).out, c.in);
  }
}

TEST(messages_request, a_thread_goes_only_to_who_keeps_one) {
  const std::string in = with(R"("thread":{"type":"continue","previous_message_id":"msg_1"},)",
                              R"({"role":"user","content":"b"})");
  MessagesTarget keeper = kStrict;
  keeper.takes_threads = true;
  EXPECT_EQ(fit(in, keeper).out, in);
  EXPECT_NE(fit(in, kZai).out.find("thread is not supported"), std::string::npos);
  EXPECT_EQ(
      fit(with(R"("thread":null,)", R"({"role":"user","content":"b"})"), kZai).warnings.size(), 0U);
}

}  // namespace
}  // namespace glmgate::protocol
