#include "sandbox/responses_test.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "sandbox/refusal.h"

namespace glmgate::sandbox {
namespace {

using Names = std::vector<std::string>;

std::string streamed(std::string body) {
  body.insert(body.size() - 1, R"(,"stream":true)");
  return body;
}

FoldedResponse ask(const std::string& body) {
  ResponsesTester tester;
  return fold_response(tester.ask(body));
}

TEST(responses, a_plain_answer_has_what_a_client_needs) {
  const FoldedResponse folded =
      ask(question("Hello!", R"("instructions":"Be brief.","store":true,"max_output_tokens":900)"));
  const json::value& response = folded.response;
  EXPECT_TRUE(std::regex_match(std::string(json::find_string(response, "id")),
                               std::regex("resp_20251120223000[0-9]{12}")));
  EXPECT_EQ(json::find_string(response, "object"), "response");
  EXPECT_EQ(json::find_string(response, "model"), "glm-4.7");
  EXPECT_EQ(json::find_string(response, "instructions"), "Be brief.");
  EXPECT_EQ(response.at("max_output_tokens").as_int64(), 900);
  EXPECT_FALSE(response.at("store").as_bool()) << "nothing is stored, whatever was asked for";
  EXPECT_EQ(folded.status(), "completed");
  EXPECT_NE(folded.text().find("You said: \"Hello!\""), std::string::npos) << folded.text();
  const json::value& usage = response.at("usage");
  EXPECT_EQ(usage.at("total_tokens").as_int64(),
            usage.at("input_tokens").as_int64() + usage.at("output_tokens").as_int64());
  EXPECT_GT(usage.at("output_tokens_details").at("reasoning_tokens").as_int64(), 0);
}

TEST(responses, a_folded_stream_is_the_plain_answer) {
  const std::string tools(kResponsesTools);
  const std::string bodies[] = {
      question("Hello!"),
      question("Hello!", R"("reasoning":{"effort":"high","summary":"auto"})"),
      question("Hello!", R"("include":["reasoning.encrypted_content"])"),
      question("Hello!", R"("reasoning":{"effort":"none"})"),
      question("你好, \"quoted\" and \\ back\nslash 🙂"),
      question("get_weather, find_hotel and apply_patch", tools),
      question("sandbox: say \"\""),
      question("sandbox: length 3000"),
      question("sandbox: say a b c", R"("max_output_tokens":2,"reasoning":{"effort":"none"})"),
      question("sandbox: sensitive"),
      question("sandbox: network_error after 3"),
      question("sandbox: usage in=1 out=2 cached=3 reasoning=4"),
      question("sandbox: no-usage"),
      question("x", R"("text":{"format":{"type":"json_object"}})"),
  };
  for (const std::string& body : bodies) {
    SCOPED_TRACE(body);
    const FoldedResponse stream = ask(streamed(body));
    ASSERT_FALSE(stream.response.is_null());
    EXPECT_EQ(stream.answer(), ask(body).answer());
  }
}

TEST(responses, events_come_in_openais_order) {
  struct Case {
    const char* name;
    std::string body;
    Names events;
  };
  const Names begin = {"created", "in_progress"};
  const auto with = [&](Names middle, const char* last) {
    Names all = begin;
    all.insert(all.end(), middle.begin(), middle.end());
    all.emplace_back(last);
    return all;
  };
  const Names text = {"output_item.added", "content_part.added", "output_text.delta",
                      "output_text.done",  "content_part.done",  "output_item.done"};
  Names raw = {"output_item.added",   "content_part.added", "reasoning_text.delta",
               "reasoning_text.done", "content_part.done",  "output_item.done"};
  raw.insert(raw.end(), text.begin(), text.end());
  Names summary = {
      "output_item.added",           "reasoning_summary_part.added", "reasoning_summary_text.delta",
      "reasoning_summary_text.done", "reasoning_summary_part.done",  "output_item.done"};
  summary.insert(summary.end(), text.begin(), text.end());
  const Names calls = {"output_item.added",
                       "function_call_arguments.delta",
                       "function_call_arguments.done",
                       "output_item.done",
                       "output_item.added",
                       "custom_tool_call_input.delta",
                       "custom_tool_call_input.done",
                       "output_item.done"};
  const std::string tools(kResponsesTools);
  const Case cases[] = {
      {"text", question("sandbox: say a; think \"\""), with(text, "completed")},
      {"raw reasoning", question("sandbox: say a; think b"), with(raw, "completed")},
      {"a summary", question("sandbox: say a; think b", R"("reasoning":{"summary":"auto"})"),
       with(summary, "completed")},
      {"calls",
       question(
           R"(sandbox: think ""; call get_weather {"city":"x"}; call apply_patch {"input":"p q"})",
           tools),
       with(calls, "completed")},
      {"nothing", question("sandbox: say \"\"; think \"\""), with({}, "completed")},
      {"the limit", question("sandbox: say a b; think \"\"", R"("max_output_tokens":1)"),
       with(text, "incomplete")},
      {"a failure", question("sandbox: say a b; think \"\"; network_error after 1"),
       with(text, "failed")},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(ask(streamed(c.body)).events, c.events);
  }
  ResponsesTester tester;
  const Script open = tester.ask(streamed(question("sandbox: say a; no-done")));
  EXPECT_TRUE(fold_response(open).response.is_null());
  EXPECT_EQ(open.ending, Ending::complete);
}

TEST(responses, what_did_not_complete_says_why) {
  struct Case {
    std::string body;
    const char* status;
    const char* details;
    const char* error;
  };
  const Case cases[] = {
      {question("sandbox: say a"), "completed", "null", "null"},
      {question("sandbox: say a b", R"("max_output_tokens":1,"reasoning":{"effort":"none"})"),
       "incomplete", R"({"reason":"max_output_tokens"})", "null"},
      {question("sandbox: sensitive"), "incomplete", R"({"reason":"content_filter"})", "null"},
      {question("sandbox: network_error after 1"), "failed", "null", R"("server_error")"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const FoldedResponse folded = ask(c.body);
    EXPECT_EQ(folded.status(), c.status);
    EXPECT_EQ(json::serialize(folded.response.at("incomplete_details")), c.details);
    const json::value& error = folded.response.at("error");
    EXPECT_EQ(json::serialize(error.is_null() ? error : error.at("code")), c.error);
    ASSERT_FALSE(folded.output().empty());
    const bool whole = std::string_view(c.status) == "completed";
    EXPECT_EQ(json::find_string(folded.output().back(), "status"),
              whole ? "completed" : "incomplete");
  }
}

TEST(responses, calls_of_each_kind) {
  const FoldedResponse folded =
      ask(question("get_weather, find_hotel and apply_patch", kResponsesTools));
  const std::regex function(
      R"re(\{"type":"function_call","call_id":"call_[0-9a-f]{16}","name":"get_weather","arguments":"\{.*\}","status":"completed"\})re");
  EXPECT_TRUE(std::regex_match(folded.item("function_call"), function))
      << folded.item("function_call");
  ASSERT_EQ(folded.output().size(), 4U) << "reasoning and three calls";
  EXPECT_EQ(json::find_string(folded.output()[2], "name"), "find_hotel");
  EXPECT_EQ(json::find_string(folded.output()[2], "namespace"), "travel");
  EXPECT_EQ(json::find_string(folded.output()[3], "type"), "custom_tool_call");
  EXPECT_TRUE(json::find_string(folded.output()[3], "input").starts_with("*** Begin Patch\n"));
  const FoldedResponse asked =
      ask(question(R"(sandbox: call apply_patch {"input":"a\nb"})", kResponsesTools));
  EXPECT_EQ(json::find_string(asked.output().back(), "input"), "a\nb");
  const FoldedResponse one =
      ask(question("get_weather and find_hotel",
                   std::string(kResponsesTools) + R"(,"parallel_tool_calls":false)"));
  EXPECT_EQ(one.output().size(), 2U);
}

TEST(responses, tool_choice_is_honoured) {
  struct Case {
    const char* words;
    const char* choice;
    const char* type;
  };
  const Case cases[] = {
      {"get_weather", R"("auto")", "function_call"},
      {"get_weather", R"("none")", "message"},
      {"hello", R"("auto")", "message"},
      {"hello", R"("required")", "function_call"},
      {"hello", R"({"type":"function","name":"find_hotel"})", "function_call"},
      {"hello", R"({"type":"custom","name":"apply_patch"})", "custom_tool_call"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.choice);
    const FoldedResponse folded =
        ask(question(c.words, std::string(kResponsesTools) + R"(,"tool_choice":)" + c.choice));
    EXPECT_EQ(json::find_string(folded.output().back(), "type"), c.type);
  }
}

TEST(responses, outputs_are_answered) {
  const std::string history =
      R"({"role":"developer","content":[{"type":"input_text","text":"You are Codex"}]},)"
      R"({"type":"message","role":"user","content":[{"type":"input_text","text":"sandbox: call get_weather {}"}]},)"
      R"({"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"content":null,"encrypted_content":"other"},)"
      R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":"Let me see."}]},)"
      R"({"type":"function_call","call_id":"c1","name":"get_weather","arguments":"{}"},)"
      R"({"type":"custom_tool_call","call_id":"c2","name":"apply_patch","input":"p"},)"
      R"({"type":"function_call_output","call_id":"c1","output":"21 degrees"},)"
      R"({"type":"custom_tool_call_output","call_id":"c2","output":[{"type":"input_text","text":"done"}]})";
  const FoldedResponse folded = ask(items(history, kResponsesTools));
  EXPECT_TRUE(folded.item("function_call").empty()) << "the directive does not call for ever";
  EXPECT_NE(folded.text().find("get_weather answered: 21 degrees"), std::string::npos)
      << folded.text();
  EXPECT_NE(folded.text().find("apply_patch answered: done"), std::string::npos);
}

TEST(responses, sealed_reasoning_is_given_when_asked_for_and_read_when_it_comes_back) {
  const std::string want = R"("include":["reasoning.encrypted_content"],"store":false)";
  EXPECT_EQ(ask(question("sandbox: think because; say a")).item("reasoning").find("encrypted"),
            std::string::npos);
  const FoldedResponse first = ask(question("sandbox: think because; say a", want));
  const std::string sealed(json::find_string(first.output()[0], "encrypted_content"));
  ASSERT_FALSE(sealed.empty());
  const auto input = [](const std::string& reasoning) {
    return ask(items(R"({"role":"user","content":"x"},)" + reasoning +
                     R"({"role":"assistant","content":"a"},{"role":"user","content":"y"})"))
        .response.at("usage")
        .at("input_tokens")
        .as_int64();
  };
  const std::int64_t without = input("");
  EXPECT_EQ(input(R"({"type":"reasoning","summary":[],"encrypted_content":")" + sealed + R"("},)"),
            without + 2)
      << "`because` is two tokens";
  EXPECT_EQ(input(R"({"type":"reasoning","summary":[],"encrypted_content":"sandbox.zz"},)"),
            without);
}

std::string code_of(const Script& script) {
  const json::value document = strict_json(script.bytes);
  const json::value* error = json::find(document, "error");
  if (error == nullptr || error->is_null()) return {};
  EXPECT_TRUE(error->at("param").is_null());
  EXPECT_FALSE(json::find_string(*error, "type").empty());
  EXPECT_FALSE(json::find_string(*error, "message").empty());
  return text_of(json::find(*error, "code"));
}

TEST(responses, a_reference_to_reasoning_that_is_gone_is_left_out) {
  const std::string user = R"({"role":"user","content":"sandbox: say well"},)";
  const std::string with = user + R"({"type":"item_reference","id":"rs_1"})";
  EXPECT_EQ(ask(items(with)).answer(), ask(items(user.substr(0, user.size() - 1))).answer());
}

TEST(responses, what_cannot_be_served_is_refused) {
  const std::string user = R"({"role":"user","content":"hi"},)";
  struct Case {
    const char* name;
    std::string body;
    const char* code;
    const char* says;
  };
  const Case cases[] = {
      {"not JSON", "{", "invalid_request", "not valid JSON"},
      {"no model", R"({"input":"x"})", "invalid_request", "model"},
      {"unknown model", R"({"model":"gpt-5","input":"x"})", "model_not_found", "does not exist"},
      {"no input", R"({"model":"glm-4.7"})", "invalid_request", "input"},
      {"no items", items(""), "invalid_request", "input"},
      {"a stored answer", question("x", R"("previous_response_id":"resp_1")"), "invalid_request",
       "Previous response with id 'resp_1' not found."},
      {"a stored item", items(user + R"({"type":"item_reference","id":"msg_1"})"),
       "invalid_request", "Item with id 'msg_1' not found."},
      {"background", question("x", R"("background":true)"), "invalid_request", "background"},
      {"an unanswered call",
       items(user + R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"})"),
       "invalid_request", "No tool output found for function call c."},
      {"an answer to nothing",
       items(user + R"({"type":"function_call_output","call_id":"c","output":"x"})"),
       "invalid_request", "No tool call found for function call output with call_id c."},
      {"arguments that are no text",
       items(user + R"({"type":"function_call","call_id":"c","name":"f","arguments":{}})"),
       "invalid_request", "input[1].arguments"},
      {"an image",
       items(R"({"role":"user","content":[{"type":"input_image","image_url":"data:x"}]})"),
       "invalid_request", "does not take images"},
      {"effort", question("x", R"("reasoning":{"effort":"huge"})"), "invalid_request",
       "reasoning.effort"},
      {"format", question("x", R"("text":{"format":{"type":"yaml"}})"), "invalid_request",
       "text.format.type"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ResponsesTester tester;
    const Script script = tester.ask(c.body);
    EXPECT_EQ(script.status, 400);
    EXPECT_EQ(code_of(script), c.code);
    EXPECT_NE(script.bytes.find(c.says), std::string::npos) << script.bytes;
  }
}

TEST(responses, every_business_code_has_a_word_and_keeps_its_status) {
  for (const BusinessCode& row : business_codes()) {
    SCOPED_TRACE(row.code);
    ResponsesTester tester;
    const Script script = tester.ask(question("sandbox: error " + std::string(row.code)));
    EXPECT_EQ(script.status, row.status);
    EXPECT_FALSE(code_of(script).empty());
  }
  struct Case {
    const char* code;
    const char* word;
  };
  const Case cases[] = {{"1000", "invalid_api_key"},     {"1113", "insufficient_quota"},
                        {"1210", "invalid_request"},     {"1261", "context_length_exceeded"},
                        {"1302", "rate_limit_exceeded"}, {"1305", "server_is_overloaded"},
                        {"1308", "usage_limit_reached"}, {"1311", "usage_not_included"},
                        {"1234", "server_error"}};
  for (const Case& c : cases) {
    ResponsesTester tester;
    EXPECT_EQ(code_of(tester.ask(question("sandbox: error " + std::string(c.code)))), c.word);
  }
}

TEST(responses, errors_cuts_and_stalls_break_a_stream) {
  FoldedResponse folded = ask(streamed(question("sandbox: event-error 1302 after 5; say a b")));
  EXPECT_EQ(folded.error, "rate_limit_exceeded");
  EXPECT_TRUE(folded.response.is_null());
  folded = ask(streamed(question("sandbox: first-event-error 1113")));
  EXPECT_EQ(folded.events, Names{"error"});
  struct Case {
    const char* wish;
    std::size_t events;
    Ending ending;
  };
  const Case cases[] = {
      {"cut after 0", 0, Ending::cut},       {"cut after 4", 4, Ending::cut},
      {"cut after 3 rst", 3, Ending::reset}, {"stall after 2", 2, Ending::stall},
      {"cut after 9999", 8, Ending::cut},  // response.completed is missed
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.wish);
    ResponsesTester tester;
    const Script script =
        tester.ask(streamed(question(std::string("sandbox: think \"\"; say a; ") + c.wish)));
    EXPECT_EQ(script.ending, c.ending);
    EXPECT_EQ(script.pieces.size(), c.events);
    EXPECT_TRUE(fold_response(script).response.is_null());
  }
  ResponsesTester tester;
  EXPECT_FALSE(tester.ask(streamed(question("sandbox: cut-json"))).bytes.ends_with("\n\n"));
}

TEST(responses, the_same_conversation_gets_the_same_answer_in_chat) {
  const std::string tools =
      R"("tools":[{"type":"function","name":"get_weather","parameters":{"type":"object","properties":{"days":{"type":"integer"}},"required":["days"]}}])";
  const std::string chat_tools =
      R"("tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"days":{"type":"integer"}},"required":["days"]}}}])";
  for (const std::string words : {"Hello!", "get_weather please"}) {
    SCOPED_TRACE(words);
    Tester tester;
    const Folded one = fold(tester.ask(chat(words, chat_tools)));
    const FoldedResponse two = ask(question(words, tools));
    EXPECT_EQ(one.content, two.text());
    std::string call;
    for (const json::value& each : two.output())
      if (json::find_string(each, "type") == "function_call")
        call = text_of(json::find(each, "call_id")) + " get_weather " +
               text_of(json::find(each, "arguments"));
    EXPECT_EQ(one.calls.empty() ? std::string() : one.calls[0], call);
    EXPECT_EQ(strict_json(one.usage).at("prompt_tokens"),
              two.response.at("usage").at("input_tokens"));
  }
}

TEST(responses, the_same_request_gets_the_same_answer_and_another_seed_another) {
  const std::string body = question("get_weather please", kResponsesTools);
  const std::string first = ask(body).answer();
  EXPECT_EQ(ask(body).answer(), first);
  ResponsesTester other;
  other.settings.seed = 2;
  EXPECT_NE(fold_response(other.ask(body)).answer(), first) << "call ids at least differ";
}

TEST(responses, only_the_engine_address_serves_them) {
  ResponsesTester tester;
  tester.path = "/api/paas/v4/responses";
  EXPECT_EQ(error_code(tester.ask(question("x")).bytes), "1222");
  tester.path = "/v1/responses/resp_1";
  EXPECT_EQ(code_of(tester.ask(question("x"))), "not_implemented");
}

}  // namespace
}  // namespace glmgate::sandbox
