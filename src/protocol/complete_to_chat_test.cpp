#include "protocol/complete_to_chat.h"

#include <gtest/gtest.h>

#include "protocol/facts.h"
#include "protocol/growth_test.h"

namespace glmgate::protocol {
namespace {

struct Translated {
  ChatDraft draft;
  std::optional<Fault> fault;
};

Translated translate(const std::string& text, const MessagesRules& rules) {
  const auto body = Body::read(text, {});
  if (!body) return {.draft = {}, .fault = body.error()};
  if (const auto facts = read_complete_facts(*body); !facts)
    return {.draft = {}, .fault = facts.error()};
  auto draft = complete_to_chat(*body, rules);
  if (!draft) return {.draft = {}, .fault = draft.error()};
  const auto out = Body::read(draft->body, kDraftLimits);
  EXPECT_TRUE(out.has_value() && read_chat_facts(*out).has_value()) << draft->body;
  return {std::move(*draft), {}};
}

std::string prompt(const std::string& text, const std::string& members = "") {
  return R"({"model":"m","max_tokens_to_sample":9,"prompt":")" + text + "\"" + members + "}";
}

std::string turns(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += R"(\n\nHuman: a)";
  return out;
}

TEST(complete_to_chat, a_prompt_of_many_turns_is_split_once) {
  EXPECT_FALSE(translate(prompt(turns(10'000)), {}).fault.has_value());
  std::string humans;
  std::string assistants = R"(\n\nHuman: a)";
  for (int i = 0; i < 100'000; ++i) {
    humans += R"(\n\nHuman:)";
    assistants += R"(\n\nAssistant:)";
  }
  const double seconds = growth::cpu_seconds([&] {
    EXPECT_FALSE(translate(prompt(humans), {}).fault.has_value());
    EXPECT_FALSE(translate(prompt(assistants), {}).fault.has_value());
  });
  EXPECT_LT(seconds, growth::kLimit);
}

TEST(complete_to_chat, a_prompt_is_split_into_turns) {
  struct Case {
    const char* name;
    std::string prompt;
    std::string messages;
    std::vector<std::string> warnings = {};
  };
  const auto said = [](const std::string& role, const std::string& text) {
    return R"({"role":")" + role + R"(","content":")" + text + "\"}";
  };
  const Case cases[] = {
      {"one turn", R"(\n\nHuman: Hi\n\nAssistant:)", said("user", "Hi")},
      {"a conversation", R"(\n\nHuman: a\n\nAssistant: b\n\nHuman: c\nd\n\nAssistant:)",
       said("user", "a") + "," + said("assistant", "b") + "," + said("user", R"(c\nd)")},
      {"a system prompt", R"(Be kind.\n\nHuman: Hi\n\nAssistant:)",
       said("system", "Be kind.") + "," + said("user", "Hi")},
      {"words in the assistant's mouth",
       R"(\n\nHuman: Hi\n\nAssistant: {\"a\":)",
       said("user", "Hi") + "," + said("assistant", R"({\"a\":)"),
       {"not_enforced; field=prompt"}},
      {"no markers", "Once upon a time", said("user", "Once upon a time")},
      {"only the assistant", R"(\n\nAssistant: a)", said("user", "Assistant: a")},
      {"no lines before the first", R"(Human: Hi\n\nAssistant:)", said("user", "Hi")},
      {"two humans", R"(\n\nHuman: a\n\nHuman: b\n\nAssistant:)",
       said("user", "a") + "," + said("user", "b")},
      {"nothing but markers", R"(\n\nHuman:\n\nAssistant:)",
       said("user", R"(Human:\n\nAssistant:)")},
      {"a human in the midst of a line", R"(\n\nHuman: the Human: is\n\nAssistant:)",
       said("user", "the Human: is")},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Translated got = translate(prompt(c.prompt), {});
    EXPECT_FALSE(got.fault.has_value()) << got.fault->for_client;
    EXPECT_EQ(got.draft.body, R"({"model":"m","messages":[)" + c.messages +
                                  R"(],"max_tokens":9,"thinking":{"type":"disabled"}})");
    EXPECT_EQ(got.draft.warnings, c.warnings);
    EXPECT_EQ(got.draft.stop, (std::vector<std::string>{"\n\nHuman:"}));
    EXPECT_TRUE(got.draft.hides_thinking);
  }
}

TEST(complete_to_chat, parameters_become_chats) {
  const std::string members =
      R"(,"stream":true,"temperature":0.50,"top_p":1,"top_k":-1,"metadata":{"user_id":"u"},"x":1,
        "stop_sequences":["","END","\n\nHuman:"],"cache":null)";
  const std::string messages = R"({"model":"m","messages":[{"role":"user","content":"a"}],)";
  const Translated got = translate(prompt("a", members), {});
  EXPECT_EQ(got.draft.body, messages +
                                R"("max_tokens":9,"stream":true,"temperature":0.50,"top_p":1,)" +
                                R"("thinking":{"type":"disabled"},"user":"u"})");
  EXPECT_EQ(got.draft.stop, (std::vector<std::string>{"\n\nHuman:", "END"}));
  EXPECT_EQ(got.draft.warnings,
            (std::vector<std::string>{"dropped; field=stop_sequences[0]", "dropped; field=top_k",
                                      "dropped; field=x"}));
  EXPECT_EQ(translate(prompt("a"), {.thinking_can_be_off = false}).draft.body,
            messages + R"("max_tokens":9})");
  EXPECT_EQ(translate(prompt("a"), {.to_glm = false}).draft.body,
            messages + R"("max_tokens":9,"chat_template_kwargs":{"enable_thinking":false}})");
}

TEST(complete_facts, name_what_is_wrong) {
  struct Wrong {
    std::string body;
    FaultCode code;
    std::string param;
  };
  const Wrong cases[] = {
      {"{}", FaultCode::missing_field, "model"},
      {R"({"model":"m","max_tokens_to_sample":9})", FaultCode::missing_field, "prompt"},
      {R"({"model":"m","prompt":"a"})", FaultCode::missing_field, "max_tokens_to_sample"},
      {prompt(" \\n"), FaultCode::bad_value, "prompt"},
      {R"({"model":"m","prompt":["a"],"max_tokens_to_sample":9})", FaultCode::bad_value, "prompt"},
      {R"({"model":"m","prompt":"a","max_tokens_to_sample":0})", FaultCode::bad_value,
       "max_tokens_to_sample"},
      {prompt("a", R"(,"stop_sequences":[1])"), FaultCode::bad_value, "stop_sequences[0]"},
      {prompt("a", R"(,"stop_sequences":[")" + std::string(8193, 'a') + R"("])"),
       FaultCode::bad_value, "stop_sequences"},
      {prompt("a", R"(,"temperature":2)"), FaultCode::bad_value, "temperature"},
      {prompt("a", R"(,"top_k":1.5)"), FaultCode::bad_value, "top_k"},
      {prompt(turns(10'001)), FaultCode::bad_value, "prompt"},
      {prompt("a", R"(,"metadata":{"user_id":1})"), FaultCode::bad_value, "metadata.user_id"},
  };
  for (const Wrong& c : cases) {
    SCOPED_TRACE(c.body);
    const Translated got = translate(c.body, {});
    ASSERT_TRUE(got.fault.has_value());
    EXPECT_EQ(got.fault->code, c.code) << got.fault->for_client;
    EXPECT_EQ(got.fault->param, c.param);
  }
  const auto body = Body::read(prompt(std::string(320, 'a'), R"(,"stream":true)"), {});
  const auto facts = read_complete_facts(*body);
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->model, "m");
  EXPECT_TRUE(facts->stream);
  EXPECT_EQ(facts->max_output, 9);
  EXPECT_NEAR(static_cast<double>(facts->input_estimate), 110, 5);
}

}  // namespace
}  // namespace glmgate::protocol
