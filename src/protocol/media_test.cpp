// What a model cannot read, in the requests of every dialect.
#include "protocol/media.h"

#include <gtest/gtest.h>

#include "protocol/chat_request.h"
#include "protocol/chat_to_messages.h"
#include "protocol/messages_request.h"
#include "protocol/messages_to_chat.h"
#include "protocol/responses_request.h"
#include "protocol/responses_to_chat.h"

namespace glmgate::protocol {
namespace {

struct Way {
  std::string body;
  std::vector<std::string> warnings;
  std::string param;  // of what is refused
};

Way refused(const Fault& fault) {
  EXPECT_EQ(name(fault.code), "unsupported_field") << fault.for_client;
  EXPECT_NE(fault.for_client.find("glm-x does not accept"), std::string::npos) << fault.for_client;
  return {.body = {}, .warnings = {}, .param = fault.param};
}

std::string members(const std::string& list, const std::string& elements) {
  return R"({"model":"glm-x","max_tokens":99,")" + list + "\":[" + elements + "]}";
}

Way chat(const std::string& messages, MediaPolicy images, Protocol speaks) {
  auto body = Body::read(members("messages", messages), {});
  const auto facts = read_chat_facts(*body);
  const auto fitted = fit_chat_request(
      *body, *facts, {.speaks = speaks, .model = "glm-x", .takes_images = false, .images = images});
  if (!fitted) return refused(fitted.error());
  return {body->spliced(), *fitted, {}};
}

Way chat_on(const std::string& messages, MediaPolicy images) {
  const auto body = Body::read(members("messages", messages), {});
  const auto made = chat_to_messages(
      *body, {.model = "glm-x", .max_output = 99, .takes_images = false, .images = images});
  if (!made) return refused(made.error());
  return {made->body, made->warnings, {}};
}

Way messages_on(const std::string& messages, MediaPolicy images) {
  const auto body = Body::read(members("messages", messages), {});
  const auto made =
      messages_to_chat(*body, {.takes_images = false, .images = images, .model = "glm-x"});
  if (!made) return refused(made.error());
  return {made->body, made->warnings, {}};
}

Way messages_pass(const std::string& messages, MediaPolicy images) {
  auto body = Body::read(members("messages", messages), {});
  const auto fitted =
      fit_messages_request(*body, {}, {.model = "glm-x", .takes_images = false, .images = images});
  if (!fitted) return refused(fitted.error());
  return {body->spliced(), *fitted, {}};
}

Way responses_on(const std::string& items, MediaPolicy images) {
  const auto body = Body::read(members("input", items), {});
  const auto made =
      responses_to_chat(*body, {.takes_images = false, .images = images, .model = "glm-x"});
  if (!made) return refused(made.error());
  return {made->body, made->warnings, {}};
}

Way responses_pass(const std::string& items, MediaPolicy images) {
  auto body = Body::read(members("input", items), {});
  const auto fitted =
      fit_responses_request(*body, {.model = "glm-x", .takes_images = false, .images = images});
  if (!fitted) return refused(fitted.error());
  return {body->spliced(), *fitted, {}};
}

constexpr std::string_view kWords = "[image omitted: glm-x does not read images]";
constexpr std::string_view kBytes = "iVBORw0KGgo";

/// What a session says: a picture of the user's, a tool that answers with one, and a picture said
/// just now.
struct Dialect {
  const char* name;
  Way (*fit)(const std::string& list, MediaPolicy images);
  std::string seen;
  std::string answered;
  std::string result;
  std::string now;
  std::string refused_now;     // the path of `now` behind all others
  std::string refused_result;  // of `result`
};

std::vector<Dialect> dialects() {
  const std::string png = R"({"url":"data:image/png;base64,iVBORw0KGgo"})";
  const std::string part = R"([{"type":"image_url","image_url":)" + png + "}]";
  const std::string block =
      R"([{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo"}}])";
  const std::string item =
      R"([{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo"}])";
  const auto said = [](const std::string& role, const std::string& content) {
    return R"({"role":")" + role + R"(","content":)" + content + "}";
  };
  const std::string call =
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]})";
  const std::string use =
      R"({"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{}}]})";
  const std::string ok = said("assistant", "\"ok\"");
  Dialect chats{"",
                {},
                said("user", part) + "," + ok,
                said("user", "\"go\""),
                call + R"(,{"role":"tool","tool_call_id":"c","content":)" + part + "}",
                said("user", part),
                "messages[2].content[0]",
                "messages[2].content[0]"};
  Dialect messages{
      "",
      {},
      said("user", block) + "," + ok,
      said("user", "\"go\""),
      use + "," +
          said("user", R"([{"type":"tool_result","tool_use_id":"c","content":)" + block + "}]"),
      said("user", block),
      "messages[2].content[0]",
      "messages[2].content[0].content[0]"};
  Dialect items{"",
                {},
                said("user", item) + "," + ok,
                said("user", "\"go\""),
                R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"},)"
                R"({"type":"function_call_output","call_id":"c","output":)" +
                    item + "}",
                said("user", item),
                "input[2].content[0]",
                "input[2].output[0]"};
  std::vector<Dialect> all;
  const auto add = [&](Dialect dialect, const char* name, auto fit) {
    dialect.name = name;
    dialect.fit = fit;
    all.push_back(std::move(dialect));
  };
  add(chats, "chat to GLM", [](const std::string& list, MediaPolicy images) {
    return chat(list, images, Protocol::glm);
  });
  add(chats, "chat to an engine", [](const std::string& list, MediaPolicy images) {
    return chat(list, images, Protocol::openai_chat);
  });
  add(chats, "chat to Messages", chat_on);
  add(messages, "Messages to chat", messages_on);
  add(messages, "Messages to Messages", messages_pass);
  add(items, "Responses to chat", responses_on);
  add(items, "Responses to Responses", responses_pass);
  return all;
}

TEST(media, in_the_history_words_stand_for_what_a_model_cannot_read) {
  for (const Dialect& dialect : dialects()) {
    SCOPED_TRACE(dialect.name);
    for (const std::string& list :
         {dialect.seen + "," + dialect.answered, dialect.answered + "," + dialect.result}) {
      const Way way = dialect.fit(list, MediaPolicy::placeholder);
      EXPECT_NE(way.body.find(kWords), std::string::npos) << way.body;
      EXPECT_EQ(way.body.find(kBytes), std::string::npos) << way.body;
      EXPECT_TRUE(Body::read(way.body, {.depth = 80}).has_value()) << way.body;
      ASSERT_FALSE(way.warnings.empty());
      EXPECT_TRUE(way.warnings.front().starts_with("changed; field=")) << way.warnings.front();
    }
  }
}

TEST(media, what_the_user_says_just_now_is_refused_by_name) {
  for (const Dialect& dialect : dialects()) {
    SCOPED_TRACE(dialect.name);
    EXPECT_EQ(dialect.fit(dialect.seen + "," + dialect.now, MediaPolicy::placeholder).param,
              dialect.refused_now);
    // Put behind a result by the client's own machinery, it is part of the result.
    const Way behind = dialect.fit(dialect.answered + "," + dialect.result + "," + dialect.now,
                                   MediaPolicy::placeholder);
    EXPECT_EQ(behind.param, "");
    EXPECT_EQ(behind.body.find(kBytes), std::string::npos) << behind.body;
  }
}

TEST(media, an_operator_may_have_all_of_it_refused) {
  for (const Dialect& dialect : dialects()) {
    SCOPED_TRACE(dialect.name);
    EXPECT_EQ(dialect.fit(dialect.answered + "," + dialect.result, MediaPolicy::refuse).param,
              dialect.refused_result);
  }
}

TEST(media, sound_films_and_files_go_the_way_of_images) {
  const auto said = [](const std::string& part) {
    return R"({"role":"user","content":[)" + part +
           R"(]},{"role":"assistant","content":"ok"},{"role":"user","content":"go"})";
  };
  struct Case {
    std::string part;
    std::string words;
  };
  const Case chats[] = {
      {R"({"type":"video_url","video_url":{"url":"https://e/v.mp4"}})", "[video omitted: "},
      {R"({"type":"input_audio","input_audio":{"data":"AA","format":"wav"}})", "[audio omitted: "},
      {R"({"type":"file","file":{"file_id":"f"}})", "[file omitted: "},
  };
  for (const Case& c : chats) {
    SCOPED_TRACE(c.part);
    for (const Way& way : {chat(said(c.part), MediaPolicy::placeholder, Protocol::glm),
                           chat_on(said(c.part), MediaPolicy::placeholder)})
      EXPECT_NE(way.body.find(c.words), std::string::npos) << way.body << way.param;
  }
  const std::string pdf =
      R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}})";
  const std::string text =
      R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}})";
  for (auto* const fit : {messages_on, messages_pass}) {
    EXPECT_NE(fit(said(pdf), MediaPolicy::placeholder).body.find("[file omitted: "),
              std::string::npos);
    EXPECT_NE(fit(said(text), MediaPolicy::placeholder).body.find("plain"), std::string::npos);
  }
  const std::string file =
      R"({"type":"input_file","file_data":"data:application/pdf;base64,JVBERgD/"})";
  for (auto* const fit : {responses_on, responses_pass})
    EXPECT_NE(fit(said(file), MediaPolicy::placeholder).body.find("[file omitted: "),
              std::string::npos);
}

}  // namespace
}  // namespace glmgate::protocol
