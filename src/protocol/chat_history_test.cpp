// What a model made and its client replays must not end a session; what the client says is never
// lost in silence.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/chat_request.h"
#include "protocol/chat_to_messages.h"
#include "protocol/facts.h"
#include "protocol/messages_to_chat.h"
#include "protocol/responses_request.h"
#include "protocol/responses_to_chat.h"

namespace glmgate::protocol {
namespace {

const MessagesTarget kMessages{.model = "m", .max_output = 1000};
const ChatTarget kGlm{.model = "m"};
const ChatTarget kEngine{.speaks = Protocol::openai_chat, .model = "m"};

Result<MessagesDraft> to_messages(const std::string& text) {
  const auto body = Body::read(text, kDraftLimits);
  if (!body) return fail(body.error());
  if (const auto facts = read_chat_facts(*body); !facts) return fail(facts.error());
  auto draft = chat_to_messages(*body, kMessages);
  if (draft) {
    EXPECT_TRUE(Body::read(draft->body, {.depth = 400}).has_value()) << draft->body;
  }
  return draft;
}

struct Fitted {
  std::string body;
  std::vector<std::string> warnings;
  ToolNames names;
};

Result<Fitted> fit(const std::string& text, const ChatTarget& target) {
  auto body = Body::read(text, {});
  if (!body) return fail(body.error());
  const auto facts = read_chat_facts(*body);
  if (!facts) return fail(facts.error());
  Fitted out;
  auto warnings = fit_chat_request(*body, *facts, target, &out.names);
  if (!warnings) return fail(warnings.error());
  out.warnings = std::move(*warnings);
  out.body = body->spliced();
  EXPECT_TRUE(Body::read(out.body, {}).has_value()) << out.body;
  return out;
}

std::string request(const std::string& messages, const std::string& more = "") {
  return R"({"model":"x","messages":[)" + messages + "]" + more + "}";
}

const std::string kHi = R"({"role":"user","content":"hi"})";

std::string call(const std::string& id, const std::string& arguments = "{}") {
  std::string quoted;
  for (const char c : arguments) (c == '"' || c == '\\' ? quoted += '\\' : quoted) += c;
  return R"({"role":"assistant","content":null,"tool_calls":[{"id":")" + id +
         R"(","type":"function","function":{"name":"f","arguments":")" + quoted + R"("}}]})";
}
std::string answer(const std::string& id, const std::string& text) {
  return R"({"role":"tool","tool_call_id":")" + id + R"(","content":")" + text + "\"}";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool warns(const std::vector<std::string>& warnings, const std::string& warning) {
  return std::ranges::find(warnings, warning) != warnings.end();
}

TEST(chat_history, ids_used_again_in_a_later_turn_are_made_unique_with_their_results) {
  const auto draft = to_messages(request(kHi + "," + call("call_0") + "," + answer("call_0", "A") +
                                         "," + call("call_0") + "," + answer("call_0", "B") + "," +
                                         call("call_0_2") + "," + answer("call_0_2", "C")));
  ASSERT_TRUE(draft.has_value()) << draft.error().for_client;
  for (const auto& [id, said] :
       {std::pair{"call_0", "A"}, {"call_0_2", "B"}, {"call_0_2_2", "C"}}) {
    EXPECT_TRUE(has(draft->body, R"({"type":"tool_use","id":")" + std::string(id) + "\""));
    EXPECT_TRUE(has(draft->body, R"("tool_use_id":")" + std::string(id) +
                                     R"(","content":[{"type":"text","text":")" + said))
        << draft->body;
  }
}

TEST(chat_history, responses_items_with_ids_used_again_reach_messages_with_unique_ones) {
  const std::string turn =
      R"({"type":"function_call","call_id":"call_0","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"call_0","output":"r"})";
  const auto body = Body::read(R"({"model":"x","input":[{"role":"user","content":"hi"},)" + turn +
                                   R"(,{"role":"user","content":"on"},)" + turn + "]}",
                               {});
  ASSERT_TRUE(body.has_value());
  const auto hub = responses_to_chat(*body, {});
  ASSERT_TRUE(hub.has_value()) << hub.error().for_client;
  const auto draft = to_messages(hub->body);
  ASSERT_TRUE(draft.has_value()) << draft.error().for_client;
  EXPECT_TRUE(has(draft->body, R"("tool_use_id":"call_0_2")"));
}

TEST(chat_history, arguments_that_a_model_spoilt_do_not_end_the_session) {
  struct Case {
    const char* name;
    std::string arguments;
    std::string input;
    bool is_mended;
  };
  const Case cases[] = {
      {"a key twice", R"({"a":1,"b":[{"c":1,"c":2}],"a":3})", R"({"a":3,"b":[{"c":2}]})", true},
      {"half a character", R"({"a":"\ud83d"})", "{\"a\":\"\xef\xbf\xbd\"}", true},
      {"null", "null", "{}", false},
      {"100 levels", R"({"a":)" + std::string(99, '[') + std::string(99, ']') + "}",
       R"({"a":)" + std::string(99, '[') + std::string(99, ']') + "}", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto draft =
        to_messages(request(kHi + "," + call("x", c.arguments) + "," + answer("x", "r")));
    ASSERT_TRUE(draft.has_value()) << draft.error().for_client;
    EXPECT_TRUE(has(draft->body, R"("input":)" + c.input + "}")) << draft->body;
    EXPECT_EQ(warns(draft->warnings, "changed; field=messages[1].tool_calls[0].function.arguments"),
              c.is_mended);
  }
  const std::string deep = R"({"a":)" + std::string(300, '[') + std::string(300, ']') + "}";
  const auto refused = to_messages(request(kHi + "," + call("x", deep) + "," + answer("x", "r")));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().param, "messages[1].tool_calls[0].function.arguments");
}

TEST(chat_history, what_a_user_says_is_sent_or_refused_by_name) {
  struct Case {
    const char* name;
    std::string messages;
    std::string param;
  };
  const Case cases[] = {
      {"an unknown part", R"({"role":"user","content":[{"type":"hologram"}]})",
       "messages[0].content[0].type"},
      {"beside text",
       R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"hologram"}]})",
       "messages[0].content[1].type"},
      {"in a system message",
       R"({"role":"system","content":[{"type":"image_url","image_url":{"url":"https://e/i"}}]},)" +
           kHi,
       "messages[0].content[0].type"},
      {"nothing", R"({"role":"user","content":""})", "messages[0].content"},
      {"space at the end",
       kHi + R"(,{"role":"assistant","content":"a"},{"role":"user","content":" "})",
       "messages[2].content"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto draft = to_messages(request(c.messages));
    ASSERT_FALSE(draft.has_value()) << draft->body;
    EXPECT_EQ(draft.error().param, c.param);
  }
  const auto kept = to_messages(
      request(R"({"role":"user","content":[{"type":"input_text","text":"IMPORTANT"}]})"));
  ASSERT_TRUE(kept.has_value());
  EXPECT_TRUE(has(kept->body, R"({"type":"text","text":"IMPORTANT"})"));
}

TEST(chat_history, an_assistant_message_of_nothing_is_none) {
  const auto draft = to_messages(
      request(kHi + R"(,{"role":"assistant","content":""},{"role":"user","content":"you?"})"));
  ASSERT_TRUE(draft.has_value());
  EXPECT_TRUE(has(
      draft->body,
      R"("messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"text","text":"you?"}]}])"))
      << draft->body;
}

TEST(chat_history, arguments_that_say_nothing_are_an_empty_object) {
  for (const char* arguments : {R"(,"arguments":null)", R"(,"arguments":"")", "",
                                R"(,"arguments":" null ")", R"(,"arguments":" ")"})
    for (const ChatTarget& target : {kGlm, kEngine}) {
      SCOPED_TRACE(arguments);
      const auto fitted = fit(
          request(
              kHi +
              R"(,{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"f")" +
              arguments + "}}]}," + answer("x", "r")),
          target);
      ASSERT_TRUE(fitted.has_value());
      EXPECT_TRUE(has(fitted->body, R"("arguments":"{}"})")) << fitted->body;
    }
}

TEST(chat_history, what_vllm_calls_reasoning_is_reasoning_content_to_glm) {
  const std::string said = kHi + R"(,{"role":"assistant","content":"a","reasoning":"T"},)" + kHi;
  const auto glm = fit(request(said), kGlm);
  ASSERT_TRUE(glm.has_value());
  EXPECT_TRUE(has(glm->body, R"("content":"a","reasoning_content":"T"})")) << glm->body;
  const auto engine = fit(request(said), kEngine);
  ASSERT_TRUE(engine.has_value());
  EXPECT_TRUE(has(engine->body, R"("reasoning":"T")"));
}

TEST(chat_history, names_that_glm_does_not_take_are_fitted_and_known) {
  const std::string tool =
      R"({"type":"function","function":{"name":"fs.read","description":"d","parameters":{}}})";
  const std::string flat =
      R"({"type":"function","name":"fs.write","description":"d","parameters":{}})";
  const std::string history =
      kHi +
      R"(,{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"fs.read","arguments":"{}"}}]},)" +
      answer("x", "r");
  const std::string text = request(history, ",\"tools\":[" + tool + "," + flat + "]");
  const auto fitted = fit(text, kGlm);
  ASSERT_TRUE(fitted.has_value());
  EXPECT_FALSE(has(fitted->body, "fs.")) << fitted->body;
  for (const char* name : {"fs.read", "fs.write"})
    EXPECT_EQ(client_tool_name(fitted->names, fit_tool_name(name)), name);
  const auto engine = fit(text, kEngine);
  ASSERT_TRUE(engine.has_value());
  EXPECT_TRUE(has(engine->body, "fs.write"));
  EXPECT_TRUE(engine->names.empty());
}

TEST(chat_history, limits_of_glm_are_not_those_of_engines) {
  std::string tools;
  for (int i = 0; i < 129; ++i)
    tools += (i == 0 ? "" : ",") +
             (R"({"type":"function","function":{"name":"f)" + std::to_string(i) + "\"}}");
  const std::string text = request(kHi, ",\"tools\":[" + tools + "]");
  EXPECT_TRUE(fit(text, kEngine).has_value());
  const auto refused = fit(text, kGlm);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().for_client, "tools must be at most 128 tools for this model");
  const std::string stops = request(kHi, R"(,"stop":["a","b","c","d","e"])");
  EXPECT_TRUE(fit(stops, kEngine).has_value());
  const auto too_many = fit(stops, kGlm);
  ASSERT_FALSE(too_many.has_value());
  EXPECT_EQ(too_many.error().param, "stop");
}

TEST(chat_history, warnings_fit_into_headers) {
  std::string tools = R"({"type":"function","function":{"name":"f"}})";
  for (int i = 0; i < 120; ++i) tools += R"(,{"type":"unknown)" + std::to_string(i) + "\"}";
  const auto fitted = fit(request(kHi, ",\"tools\":[" + tools + "]"), kGlm);
  ASSERT_TRUE(fitted.has_value());
  EXPECT_EQ(fitted->warnings.size(), 32U);
  EXPECT_EQ(fitted->warnings.back(), "dropped; field=others");
}

TEST(chat_history, a_pdf_is_a_file_where_it_can_be_read_and_refused_where_not) {
  for (const char* data : {"data:application/pdf;base64,AAAA",
                           "data:application/octet-stream;base64,JVBERi0xLjQ=", "JVBERi0xLjQ="}) {
    SCOPED_TRACE(data);
    const auto body = Body::read(
        R"({"model":"x","input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":")" +
            std::string(data) + R"("}]}]})",
        {});
    ASSERT_TRUE(body.has_value());
    const auto refused = responses_to_chat(*body, {});
    ASSERT_FALSE(refused.has_value()) << refused->body;
    EXPECT_EQ(refused.error().param, "input[0].content[0].file_data");
    const auto hub = responses_to_chat(*body, {.takes_pdf = true});
    ASSERT_TRUE(hub.has_value()) << hub.error().for_client;
    const auto draft = to_messages(hub->body);
    ASSERT_TRUE(draft.has_value()) << draft.error().for_client;
    EXPECT_TRUE(
        has(draft->body,
            R"({"type":"document","source":{"type":"base64","media_type":"application/pdf")"))
        << draft->body;
    EXPECT_TRUE(has(draft->body, R"("title":"a.pdf")"));
  }
}

TEST(chat_history, empty_text_of_anthropics_is_dropped_and_said) {
  const auto translate = [](const std::string& content) {
    const auto body = Body::read(
        R"({"model":"x","max_tokens":9,"messages":[{"role":"user","content":)" + content + "}]}",
        {});
    EXPECT_TRUE(read_messages_facts(*body).has_value());
    return messages_to_chat(*body, {});
  };
  const auto draft = translate(R"([{"type":"text","text":""},{"type":"text","text":"a"}])");
  ASSERT_TRUE(draft.has_value()) << draft.error().for_client;
  EXPECT_TRUE(has(draft->body, R"({"role":"user","content":"a"})")) << draft->body;
  EXPECT_TRUE(warns(draft->warnings, "dropped; field=messages[].content[].text"));
  EXPECT_FALSE(translate(R"([{"type":"text","text":""}])").has_value());
}

}  // namespace
}  // namespace glmgate::protocol
