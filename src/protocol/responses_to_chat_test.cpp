#include "protocol/responses_to_chat.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"
#include "protocol/responses_request.h"
#include "protocol/responses_writer.h"

namespace glmgate::protocol {
namespace {

const ThinkingSeal kSeal([](std::string_view text) {
  std::string mac(16, 'm');
  for (std::size_t i = 0; i < text.size(); ++i)
    mac[i % 16] = static_cast<char>(mac[i % 16] * 31 + text[i]);
  return mac;
});

struct Translated {
  std::optional<Fault> fault;
  ChatDraft draft;
  json::value body;
};

Translated translate(const std::string& request) {
  Translated out;
  auto body = Body::read(request, {});
  if (!body) {
    out.fault = body.error();
    return out;
  }
  if (const auto facts = read_responses_facts(*body); !facts) {
    out.fault = facts.error();
    return out;
  }
  auto draft = responses_to_chat(*body, {.seal = &kSeal});
  if (!draft) {
    out.fault = draft.error();
    return out;
  }
  out.draft = std::move(*draft);
  auto read = Body::read(out.draft.body, {.depth = 70});
  EXPECT_TRUE(read) << (read ? "" : read.error().for_client) << out.draft.body;
  if (!read) return out;
  const auto facts = read_chat_facts(*read);
  EXPECT_TRUE(facts) << (facts ? "" : facts.error().for_client) << out.draft.body;
  out.body = *json::parse(out.draft.body);
  return out;
}

/// The member as text; empty if it is not there.
std::string member(const Translated& translated, std::string_view key) {
  const json::value* value = json::find(translated.body, key);
  return value == nullptr ? "" : json::serialize(*value);
}

std::string same(const std::string& json) { return json::serialize(*json::parse(json)); }

std::string with_input(const std::string& items, const std::string& more = "") {
  return R"({"model":"glm-5.3","input":[)" + items + "]" + more + "}";
}

TEST(responses_to_chat, V4_a_custom_tool_is_wrapped_in_a_function_and_its_history_with_it) {
  const auto translated = translate(with_input(
      R"({"role":"user","content":"edit"},
         {"type":"custom_tool_call","call_id":"c1","name":"apply_patch","input":"*** Begin Patch\n\"x\""},
         {"type":"custom_tool_call_output","call_id":"c1","output":"ok"})",
      R"(,"tools":[{"type":"custom","name":"apply_patch","description":"Edits.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}}])"));
  ASSERT_FALSE(translated.fault) << translated.fault->for_client;
  EXPECT_EQ(
      member(translated, "messages"),
      same(
          R"([{"role":"user","content":"edit"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"apply_patch","arguments":"{\"input\":\"*** Begin Patch\\n\\\"x\\\"\"}"}}]},{"role":"tool","content":"ok","tool_call_id":"c1"}])"));
  EXPECT_EQ(
      member(translated, "tools"),
      same(
          R"([{"type":"function","function":{"name":"apply_patch","description":"Edits.","parameters":{"type":"object","properties":{"input":{"type":"string","description":"the tool's input, as free text; it must match this lark grammar:\nstart: x"}},"required":["input"]}}}])"));
  ASSERT_EQ(translated.draft.names.count("apply_patch"), 1U);
  EXPECT_EQ(translated.draft.names.at("apply_patch").kind, ClientTool::Kind::custom);
}

TEST(responses_to_chat, each_kind_of_history_becomes_messages) {
  const std::string sealed = kSeal.seal("I think", ThinkingSeal::Text::carried);
  struct Case {
    const char* name;
    std::string items;
    std::string messages;
    std::vector<std::string> warnings;
  };
  const Case
      cases[] =
          {
              {"a message without a type",
               R"({"role":"user","content":"hi"})",
               R"([{"role":"user","content":"hi"}])",
               {}},
              {"developer is system; one text part is a string",
               R"({"type":"message","role":"developer","content":[{"type":"input_text","text":"be\u0041"}]},{"role":"system","content":"x"})",
               R"([{"role":"system","content":"beA"},{"role":"system","content":"x"}])",
               {}},
              {"images and several texts are parts",
               R"({"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:x","detail":"low"},{"type":"input_text","text":"b"}]})",
               R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:x","detail":"low"}},{"type":"text","text":"b"}]}])",
               {}},
              {"a file of text is text",
               R"({"role":"user","content":[{"type":"input_file","filename":"a.txt","file_data":"data:text/plain;base64,aGk/Pz8="}]})",
               R"([{"role":"user","content":"[a.txt]\nhi???"}])",
               {}},
              {"the assistant's side is one message",
               R"({"role":"user","content":"hi"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":")" +
                   sealed +
                   R"("},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"A","annotations":[]},{"type":"refusal","refusal":"B"}]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"k\":1}"},{"type":"function_call","call_id":"c2","name":"g","arguments":""},{"type":"function_call_output","call_id":"c2","output":"two"},{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"o"},{"type":"input_text","text":"ne"}]})",
               R"([{"role":"user","content":"hi"},{"role":"assistant","content":"A\nB","reasoning_content":"I think","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"k\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","content":"o\nne","tool_call_id":"c1"},{"role":"tool","content":"two","tool_call_id":"c2"}])",
               {}},
              {"calls one after another are turns of their own",
               R"({"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"1"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"2"})",
               R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"1","tool_call_id":"c1"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"2","tool_call_id":"c1"}])",
               {}},
              {"what stands between a call and its output moves behind it",
               R"({"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"role":"developer","content":"note"},{"type":"function_call_output","call_id":"c1","output":"1"})",
               R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"1","tool_call_id":"c1"},{"role":"system","content":"note"}])",
               {}},
              {"images of a tool follow all outputs", R"({"type":"function_call","call_id":"c1","name":"view","arguments":"{}"},{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:p"}]},{"type":"function_call_output","call_id":"c2","output":"2"})", R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"view","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"see\n[see attached image 1]","tool_call_id":"c1"},{"role":"tool","content":"2","tool_call_id":"c2"},{"role":"user","content":[{"type":"text","text":"Image from tool call c1:"},{"type":"image_url","image_url":{"url":"data:p"}}]}])", {}},
              {"the hosted shells and the hosted editor",
               R"({"type":"local_shell_call","id":"l1","action":{"type":"exec","command":["ls"]}},{"type":"local_shell_call_output","id":"l1","output":"{}"},{"type":"shell_call","call_id":"s1","action":{"commands":["ls"]}},{"type":"shell_call_output","call_id":"s1","output":[{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]},{"type":"apply_patch_call","call_id":"p1","operation":{"type":"delete_file","path":"a"},"status":"completed"},{"type":"apply_patch_call_output","call_id":"p1","status":"failed","output":"no file"})",
               R"([{"role":"assistant","content":null,"tool_calls":[{"id":"l1","type":"function","function":{"name":"local_shell","arguments":"{\"type\":\"exec\",\"command\":[\"ls\"]}"}}]},{"role":"tool","content":"{}","tool_call_id":"l1"},{"role":"assistant","content":null,"tool_calls":[{"id":"s1","type":"function","function":{"name":"shell","arguments":"{\"commands\":[\"ls\"]}"}}]},{"role":"tool","content":"[{\"stdout\":\"a\",\"stderr\":\"\",\"outcome\":{\"type\":\"exit\",\"exit_code\":0}}]","tool_call_id":"s1"},{"role":"assistant","content":null,"tool_calls":[{"id":"p1","type":"function","function":{"name":"apply_patch","arguments":"{\"type\":\"delete_file\",\"path\":\"a\"}"}}]},{"role":"tool","content":"failed\nno file","tool_call_id":"p1"}])",
               {}},
              {"a result whose status is no word",
               R"({"type":"apply_patch_call","call_id":"p","operation":{}},{"type":"apply_patch_call_output","call_id":"p","status":{"a":[1]},"output":"x"})",
               R"([{"role":"assistant","content":null,"tool_calls":[{"id":"p","type":"function","function":{"name":"apply_patch","arguments":"{}"}}]},{"role":"tool","content":"\nx","tool_call_id":"p"}])",
               {}},
              {"a tool of a namespace",
               R"({"type":"function_call","call_id":"c1","namespace":"mcp","name":"get","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":""})",
               R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"mcp__get","arguments":"{}"}}]},{"role":"tool","content":"","tool_call_id":"c1"}])",
               {}},
              {"another maker's thinking is dropped",
               R"({"type":"reasoning","summary":[],"encrypted_content":"gAAAA"},{"role":"assistant","content":"A"})",
               R"([{"role":"assistant","content":"A"}])",
               {"dropped; field=input[].encrypted_content"}},
              {"thinking that led to nothing is no message",
               R"({"type":"reasoning","summary":[],"encrypted_content":")" + sealed +
                   R"("},{"role":"user","content":"hi"})",
               R"([{"role":"user","content":"hi"}])",
               {"dropped; field=input[].reasoning"}},
              {"arguments that a cut answer left behind",
               R"({"type":"function_call","call_id":"c1","name":"f","arguments":"{\"k"},{"type":"function_call_output","call_id":"c1","output":"aborted"})",
               R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"input\":\"{\\\"k\"}"}}]},{"role":"tool","content":"aborted","tool_call_id":"c1"}])",
               {"changed; field=input[0].arguments"}},
              {"searches of OpenAI, and what we do not know",
               R"({"role":"user","content":"hi"},{"type":"web_search_call","id":"ws","action":{}},{"type":"novelty"})",
               R"([{"role":"user","content":"hi"}])",
               {"dropped; field=input[].web_search_call", "dropped; field=input[2]"}},
              {"an empty message is none",
               R"({"role":"user","content":[]},{"role":"user","content":"hi"},{"role":"assistant","content":""})",
               R"([{"role":"user","content":"hi"}])",
               {"dropped; field=input[].content"}},
              {"a word of another agent",
               R"({"type":"agent_message","author":"a","content":[{"type":"input_text","text":"done"},{"type":"encrypted_content","encrypted_content":"x"}]})",
               R"([{"role":"user","content":"done"}])",
               {"dropped; field=input[].content[].encrypted_content"}},
          };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto translated = translate(with_input(c.items));
    ASSERT_FALSE(translated.fault) << translated.fault->for_client;
    EXPECT_EQ(member(translated, "messages"), same(c.messages));
    EXPECT_EQ(translated.draft.warnings, c.warnings);
  }
}

TEST(responses_to_chat, each_field_is_mapped_or_named_as_dropped) {
  struct Case {
    const char* name;
    std::string more;
    std::string key;
    std::string value;  // empty: not in the chat request
    std::vector<std::string> warnings;
  };
  const std::string tool = R"(,"tools":[{"type":"function","name":"f"}])";
  const Case cases[] = {
      {"max_output_tokens", R"(,"max_output_tokens":7)", "max_tokens", "7", {}},
      {"temperature keeps its spelling", R"(,"temperature":0.70)", "temperature", "7E-1", {}},
      {"stream", R"(,"stream":true)", "stream", "true", {}},
      {"usage for Cursor",
       R"(,"stream":true,"stream_options":{"include_usage":true})",
       "stream_options",
       R"({"include_usage":true})",
       {}},
      {"effort", R"(,"reasoning":{"effort":"high"})", "reasoning_effort", "\"high\"", {}},
      {"mode", R"(,"reasoning":{"mode":"x"})", "reasoning", "", {"dropped; field=reasoning.mode"}},
      {"verbosity", R"(,"text":{"verbosity":"low"})", "verbosity", "\"low\"", {}},
      {"text", R"(,"text":{"format":{"type":"text"}})", "response_format", "", {}},
      {"json_object",
       R"(,"text":{"format":{"type":"json_object"}})",
       "response_format",
       R"({"type":"json_object"})",
       {}},
      {"json_schema",
       R"(,"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}}})",
       "response_format",
       R"({"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}})",
       {}},
      {"user", R"(,"user":"u","safety_identifier":"s")", "user", "\"u\"", {}},
      {"safety_identifier", R"(,"safety_identifier":"s")", "user", "\"s\"", {}},
      {"prompt_cache_key", R"(,"prompt_cache_key":"k")", "prompt_cache_key", "\"k\"", {}},
      {"nulls are absent",
       R"(,"temperature":null,"tools":null,"reasoning":null,"text":null,"background":null,"truncation":null)",
       "temperature",
       "",
       {}},
      {"truncation", R"(,"truncation":"auto")", "truncation", "", {"dropped; field=truncation"}},
      {"service_tier",
       R"(,"service_tier":"flex")",
       "service_tier",
       "",
       {"dropped; field=service_tier"}},
      {"what the answer echoes",
       R"(,"store":false,"metadata":{"a":"b"},"client_metadata":{})",
       "store",
       "",
       {}},
      {"max_tool_calls",
       R"(,"max_tool_calls":3)",
       "max_tool_calls",
       "",
       {"dropped; field=max_tool_calls"}},
      {"unknown",
       R"(,"novelty":1,"b ad":2)",
       "novelty",
       "",
       {"dropped; field=novelty", "dropped; field=others"}},
      {"other includes",
       R"(,"include":["file_search_call.results"])",
       "include",
       "",
       {"dropped; field=include[0]"}},
      {"a flat function",
       tool,
       "tools",
       R"([{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}])",
       {}},
      {"a nested function, as Cursor sends",
       R"(,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}}])",
       "tools",
       R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}}])",
       {}},
      {"functions without a type, as chat takes them",
       R"(,"tools":[{"name":"f"},{"function":{"name":"g"}}])",
       "tools",
       R"([{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}])",
       {}},
      {"what OpenAI runs",
       R"(,"tools":[{"type":"web_search"},{"type":"tool_search"}])",
       "tools",
       "",
       {"dropped; field=tools[0]", "dropped; field=tools[1]"}},
      {"the same tool twice",
       R"(,"tools":[{"type":"function","name":"f"},{"type":"function","name":"f"}])",
       "tools",
       R"([{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}])",
       {"dropped; field=tools[1]"}},
      {"parallel_tool_calls",
       tool + R"(,"parallel_tool_calls":false)",
       "parallel_tool_calls",
       "false",
       {}},
      {"parallel_tool_calls without tools",
       R"(,"parallel_tool_calls":false)",
       "parallel_tool_calls",
       "",
       {}},
      {"tool_choice as a word",
       tool + R"(,"tool_choice":"required")",
       "tool_choice",
       "\"required\"",
       {}},
      {"tool_choice by name",
       tool + R"(,"tool_choice":{"type":"function","name":"f"})",
       "tool_choice",
       R"({"type":"function","function":{"name":"f"}})",
       {}},
      {"tool_choice of a custom tool",
       R"(,"tools":[{"type":"custom","name":"c"}],"tool_choice":{"type":"custom","name":"c"})",
       "tool_choice",
       R"({"type":"function","function":{"name":"c"}})",
       {}},
      {"tool_choice in a namespace",
       R"(,"tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f"}]}],"tool_choice":{"type":"function","name":"f","namespace":"n"})",
       "tool_choice",
       R"({"type":"function","function":{"name":"n__f"}})",
       {}},
      {"allowed tools",
       tool +
           R"(,"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"web_search"}]})",
       "tool_choice",
       R"({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}})",
       {"dropped; field=tool_choice.tools[1]"}},
      {"a hosted choice",
       tool + R"(,"tool_choice":{"type":"web_search"})",
       "tool_choice",
       "",
       {"dropped; field=tool_choice"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto translated = translate(R"({"model":"m","input":"hi")" + c.more + "}");
    ASSERT_FALSE(translated.fault) << translated.fault->for_client;
    EXPECT_EQ(member(translated, c.key), c.value.empty() ? "" : same(c.value));
    EXPECT_EQ(translated.draft.warnings, c.warnings);
  }
}

TEST(responses_to_chat, names_are_remembered_and_stay_apart) {
  const auto translated = translate(with_input(
      R"({"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"late"}]},
         {"role":"user","content":"x"},
         {"type":"custom_tool_call","call_id":"c1","name":"f","input":"raw"},
         {"type":"custom_tool_call_output","call_id":"c1","output":"ok"})",
      R"(,"tools":[{"type":"function","name":"f"},{"type":"custom","name":"f"},
          {"type":"function","name":"n__g"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]},
          {"type":"function","name":"a tool, long of name"},{"type":"local_shell"},{"type":"shell"},{"type":"apply_patch"}])"));
  ASSERT_FALSE(translated.fault) << translated.fault->for_client;
  const ToolNames& names = translated.draft.names;
  std::vector<std::string> found;
  for (const auto& [upstream, tool] : names) {
    EXPECT_EQ(upstream, fit_tool_name(upstream));
    found.push_back(std::to_string(static_cast<int>(tool.kind)) + tool.space + "/" + tool.name);
  }
  std::sort(found.begin(), found.end());
  const std::vector<std::string> expected = {"0/a tool, long of name", "1/f",     "2n/g",
                                             "3/local_shell",          "4/shell", "5/apply_patch"};
  EXPECT_EQ(found, expected);
  EXPECT_EQ(names.count("f"), 0U);
  EXPECT_EQ(names.count("n__g"), 0U);
  EXPECT_NE(member(translated, "tools").find("\"late\""), std::string::npos);
  // The history goes by the same names as the tools.
  const auto custom = std::find_if(names.begin(), names.end(), [](const auto& entry) {
    return entry.second.kind == ClientTool::Kind::custom;
  });
  EXPECT_NE(member(translated, "messages").find("\"" + custom->first + "\""), std::string::npos);
}

TEST(responses_to_chat, thinking_that_was_replayed_keeps_the_rest_of_it_alive) {
  const std::string item = R"({"type":"reasoning","summary":[],"encrypted_content":")" +
                           kSeal.seal("T", ThinkingSeal::Text::carried) +
                           R"("},{"role":"assistant","content":"A"},{"role":"user","content":"B"})";
  const auto translated = translate(with_input(item));
  ASSERT_FALSE(translated.fault);
  EXPECT_EQ(member(translated, "thinking"), R"({"type":"enabled","clear_thinking":false})");
  EXPECT_EQ(member(translate(with_input(item, R"(,"reasoning":{"effort":"none"})")), "thinking"),
            "");
}

TEST(responses_to_chat, tells_the_writer_what_the_client_wants_of_thinking) {
  const auto wants = [](const std::string& more) {
    const auto draft = translate(R"({"model":"m","input":"hi")" + more + "}").draft;
    EXPECT_TRUE(draft.warnings.empty());
    return draft.hides_thinking;
  };
  EXPECT_TRUE(wants(""));
  EXPECT_FALSE(wants(R"(,"reasoning":{"summary":"auto"})"));
  EXPECT_TRUE(wants(R"(,"reasoning":{"summary":null},"include":["reasoning.encrypted_content"])"));
}

TEST(responses_to_chat, takes_what_Codex_sends) {
  const auto translated = translate(with_input(
      R"({"type":"message","role":"developer","content":[{"type":"input_text","text":"You are Codex"},{"type":"input_text","text":"rules"}]},
         {"type":"message","role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:image/png;base64,AA"}]},
         {"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":null,"encrypted_content":")" +
          kSeal.seal("T", ThinkingSeal::Text::carried) + R"("},
         {"type":"function_call","name":"exec_command","arguments":"{\"cmd\":\"ls\"}","call_id":"c1"},
         {"type":"function_call_output","call_id":"c1","output":"a"})",
      R"(,"stream":true,"store":false,"include":["reasoning.encrypted_content"],"prompt_cache_key":"k",
         "client_metadata":{"x":"y"},"reasoning":{"effort":"medium","summary":"auto"},"tool_choice":"auto","parallel_tool_calls":true,
         "text":{"verbosity":"low"},
         "tools":[{"type":"function","name":"exec_command","description":"d","strict":false,"parameters":{"type":"object","properties":{}}},
                  {"type":"namespace","name":"mcp__x","description":"d","tools":[{"type":"function","name":"get","strict":false,"parameters":{"type":"object"}}]},
                  {"type":"web_search","external_web_access":false}])"));
  ASSERT_FALSE(translated.fault) << translated.fault->for_client;
  const std::vector<std::string> warnings = {"dropped; field=tools[].description",
                                             "dropped; field=tools[2]"};
  EXPECT_EQ(translated.draft.warnings, warnings);
  EXPECT_FALSE(translated.draft.hides_thinking);
  EXPECT_EQ(translated.draft.names.at("mcp__x__get").space, "mcp__x");
  EXPECT_EQ(
      member(translated, "messages"),
      same(
          R"([{"role":"system","content":[{"type":"text","text":"You are Codex"},{"type":"text","text":"rules"}]},{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"assistant","content":null,"reasoning_content":"T","tool_calls":[{"id":"c1","type":"function","function":{"name":"exec_command","arguments":"{\"cmd\":\"ls\"}"}}]},{"role":"tool","content":"a","tool_call_id":"c1"}])"));
}

TEST(responses_to_chat, refuses_by_name) {
  struct Case {
    const char* name;
    std::string more;
    FaultCode code;
    std::string param;
    std::string words;
  };
  const std::string shell = R"("input":[{"type":"function_call","call_id":"c1","name":"f"}])";
  const Case cases[] = {
      {"no input", R"("store":false)", FaultCode::missing_field, "input", "input is required"},
      {"nothing in it", R"("input":[])", FaultCode::bad_value, "input", ""},
      {"background", R"("input":"x","background":true)", FaultCode::unsupported_field, "background",
       ""},
      {"conversation", R"("input":"x","conversation":"conv_1")", FaultCode::unsupported_field,
       "conversation", ""},
      {"prompt", R"("input":"x","prompt":{"id":"p"})", FaultCode::unsupported_field, "prompt", ""},
      {"previous response", R"("input":"x","previous_response_id":"resp_x")",
       FaultCode::previous_response_not_found, "previous_response_id",
       "Previous response with id 'resp_x' not found. Send the whole conversation in input, or set "
       "`store = true` under [responses] in glmgate's configuration."},
      {"item reference",
       R"("input":[{"role":"user","content":"x"},{"type":"item_reference","id":"fc_1"}])",
       FaultCode::not_stored, "input[1].id",
       "Item with id 'fc_1' not found. Items are not persisted when `store` is set to false. Set "
       "`store: false` in the client, so that it sends whole items, or `store = true` under "
       "[responses] in glmgate's configuration."},
      {"thread", R"("input":"x","thread":{"type":"create"})", FaultCode::unsupported_field,
       "thread", ""},
      {"call without output", shell, FaultCode::bad_value, "input",
       "No tool output found for function call c1."},
      {"output without call",
       R"("input":[{"type":"function_call_output","call_id":"c1","output":""}])",
       FaultCode::bad_value, "input[0].call_id",
       "No tool call found for function call output with call_id c1."},
      {"two outputs for one call",
       shell.substr(0, shell.size() - 1) +
           R"(,{"type":"function_call_output","call_id":"c1","output":""},{"type":"function_call_output","call_id":"c1","output":""}])",
       FaultCode::bad_value, "input[2].call_id", ""},
      {"a long name",
       R"("input":"x","tools":[{"type":"function","name":")" + std::string(257, 'a') + R"("}])",
       FaultCode::bad_value, "tools[0].name", ""},
      {"no output", R"("input":[{"type":"function_call_output","call_id":"c1"}])",
       FaultCode::missing_field, "input[0].output", ""},
      {"no output of a shell", R"("input":[{"type":"shell_call_output","call_id":"c1"}])",
       FaultCode::missing_field, "input[0].output", ""},
      {"no call_id", R"("input":[{"type":"function_call","name":"f"}])", FaultCode::missing_field,
       "input[0].call_id", ""},
      {"no type", R"("input":[{"content":"x"}])", FaultCode::missing_field, "input[0].type", ""},
      {"role", R"("input":[{"role":"tool","content":"x"}])", FaultCode::bad_value, "input[0].role",
       ""},
      {"image by id",
       R"("input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}])",
       FaultCode::unsupported_field, "input[0].content[0].file_id", ""},
      {"file that is no text",
       R"("input":[{"role":"user","content":[{"type":"input_file","file_data":"data:application/pdf;base64,JVBERgD/"}]}])",
       FaultCode::unsupported_field, "input[0].content[0].file_data", ""},
      {"audio", R"("input":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}])",
       FaultCode::unsupported_field, "input[0].content[0].type", ""},
      {"compaction", R"("input":[{"type":"compaction","encrypted_content":"x"}])",
       FaultCode::unsupported_field, "input[0].type", ""},
      {"computer", R"("input":"x","tools":[{"type":"computer_use_preview"}])",
       FaultCode::unsupported_field, "tools[0].type", ""},
      {"a tool inside",
       R"("input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"function"}]}])",
       FaultCode::missing_field, "tools[0].tools[0].name", ""},
      {"a choice of nothing",
       R"("input":"x","tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"g"}})",
       FaultCode::bad_value, "tool_choice.name", ""},
      {"temperature", R"("input":"x","temperature":3)", FaultCode::bad_value, "temperature", ""},
      {"case", R"("input":"x","Tools":[])", FaultCode::bad_value, "Tools", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string request = R"({"model":"m",)" + c.more;
    if (!request.ends_with("}}")) request += "}";
    const auto translated = translate(request);
    ASSERT_TRUE(translated.fault);
    EXPECT_EQ(translated.fault->code, c.code);
    EXPECT_EQ(translated.fault->param, c.param);
    if (!c.words.empty()) EXPECT_EQ(translated.fault->for_client, c.words);
  }
}

TEST(responses_to_chat, thinking_comes_back_with_its_signature_or_by_the_call_it_led_to) {
  const std::string blocks = R"({"type":"thinking","thinking":"T","signature":"c2ln"})";
  const std::string call =
      R"({"type":"function_call","call_id":"toolu_0123456789","name":"f","arguments":"{}"},)"
      R"({"type":"function_call_output","call_id":"toolu_0123456789","output":"r"})";
  const std::string item = R"({"type":"reasoning","summary":[],"encrypted_content":")" +
                           kSeal.seal_blocks(blocks) + "\"}";
  const auto turn = [&](const ResponsesRules& rules, const std::string& items) {
    const auto body = Body::read(with_input(items), {});
    const auto draft = responses_to_chat(*body, rules);
    EXPECT_TRUE(draft.has_value());
    const auto made = Body::read(draft->body, kDraftLimits);
    return std::string(made->root().find("messages").first().raw());
  };
  const std::string end =
      R"("tool_calls":[{"id":"toolu_0123456789","type":"function","function":{"name":"f","arguments":"{}"}}]})";
  const std::string head = R"({"role":"assistant","content":null,)";
  const std::string text = R"("reasoning_content":"T",)";
  const std::string signed_blocks = R"("thinking_blocks":[)" + blocks + "],";
  EXPECT_EQ(turn({.seal = &kSeal}, item + "," + call), head + text + end);
  EXPECT_EQ(turn({.seal = &kSeal, .to_messages = true}, item + "," + call),
            head + text + signed_blocks + end);
  const auto recall = [&](std::string_view id) {
    return id == "toolu_0123456789" ? std::optional(blocks) : std::nullopt;
  };
  EXPECT_EQ(turn({.seal = &kSeal, .to_messages = true, .recall = recall}, call),
            head + text + signed_blocks + end);
  EXPECT_EQ(turn({.seal = &kSeal}, call), head + end);
}

TEST(responses_to_chat, what_was_answered_comes_back_as_it_was) {
  const std::string tools =
      R"([{"type":"function","name":"f"},{"type":"custom","name":"apply_patch"},{"type":"namespace","name":"mcp","tools":[{"type":"function","name":"get it"}]},{"type":"local_shell"},{"type":"shell"}])";
  const ToolNames names =
      translate(with_input(R"({"role":"user","content":"x"})", R"(,"tools":)" + tools)).draft.names;
  struct Call {
    std::string name, arguments, output_type;
  };
  const Call calls[] = {
      {"f", R"({"a":1})", "function_call_output"},
      {"apply_patch", R"({"input":"*** \"x\"\n"})", "custom_tool_call_output"},
      {fit_tool_name("mcp__get it"), "{}", "function_call_output"},
      {"local_shell", R"({"type":"exec","command":["ls"],"env":{}})", "local_shell_call_output"},
      {"shell", R"({"commands":["ls"]})", "shell_call_output"}};
  const auto answer = write_responses_answer(
      {.head = {.id = "resp_1"}, .names = names, .seal = &kSeal},
      [&](const OnDelta& say) -> Result<void> {
        (void)say({.kind = Delta::Kind::reasoning, .text = "think"});
        (void)say({.kind = Delta::Kind::text, .text = "go"});
        std::size_t index = 0;
        for (const Call& call : calls) {
          const std::string id = "c" + std::to_string(index);
          (void)say({.kind = Delta::Kind::call, .call = index, .id = id, .name = call.name});
          (void)say({.kind = Delta::Kind::arguments, .text = call.arguments, .call = index++});
        }
        return say({.kind = Delta::Kind::stop, .stop = Stop::tool_use});
      });
  ASSERT_TRUE(answer);
  const std::string output = json::serialize(*json::find(*json::parse(*answer), "output"));
  std::string items = output.substr(1, output.size() - 2);
  std::string expected = R"([{"role":"assistant","content":"go","reasoning_content":"think",)"
                         R"("tool_calls":[)";
  std::string answers;
  for (std::size_t i = 0; i < std::size(calls); ++i) {
    const std::string id = "c" + std::to_string(i);
    items +=
        R"(,{"type":")" + calls[i].output_type + R"(","call_id":")" + id + R"(","output":"ok"})";
    expected += (i > 0 ? "," : "") + std::string(R"({"id":")") + id +
                R"(","type":"function","function":{"name":)" + json::quote(calls[i].name) +
                R"(,"arguments":)" + json::quote(calls[i].arguments) + "}}";
    answers += R"(,{"role":"tool","content":"ok","tool_call_id":")" + id + "\"}";
  }
  const auto again = translate(with_input(items, R"(,"tools":)" + tools));
  ASSERT_FALSE(again.fault) << again.fault->for_client;
  EXPECT_EQ(member(again, "messages"), expected + "]}" + answers + "]");
}

TEST(responses_facts, are_read) {
  const auto body = Body::read(
      R"({"model":"m","stream":true,"max_output_tokens":9,"tools":[{"type":"web_search"}],"input":[{"role":"user","content":[{"type":"input_image","image_url":"u"}]}]})",
      {});
  const auto facts = read_responses_facts(*body);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->model, "m");
  EXPECT_TRUE(facts->stream);
  EXPECT_EQ(facts->max_output, 9);
  EXPECT_TRUE(facts->has_tools);
  EXPECT_TRUE(facts->has_images);
  EXPECT_GT(facts->input_estimate, 1600);
  EXPECT_TRUE(wants_store(*body));
  EXPECT_EQ(previous_response_id(*body), "");
  EXPECT_TRUE(is_responses_body(*body));
  EXPECT_FALSE(is_responses_body(*Body::read(R"({"input":"x","messages":[]})", {})));
}

}  // namespace
}  // namespace glmgate::protocol
