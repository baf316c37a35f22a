#include "protocol/chat_request.h"

#include <gtest/gtest.h>

#include <span>

#include "protocol/growth_test.h"

namespace glmgate::protocol {
namespace {

const ChatTarget kGlm{.model = "m", .max_output = 1000};
const ChatTarget kGlm52{.model = "m", .knows_reasoning_effort = true};
const ChatTarget kGlm53{
    .model = "m", .thinking_cannot_be_off = true, .knows_reasoning_effort = true};
const ChatTarget kGlm53Coding{.model = "m",
                              .coding_endpoint = true,
                              .thinking_cannot_be_off = true,
                              .knows_reasoning_effort = true};
const ChatTarget kEngine{.speaks = Protocol::openai_chat, .model = "m"};
const ChatTarget kNative{.client = Protocol::glm, .model = "m", .max_output = 1000};

struct Fitted {
  std::string out;
  std::vector<std::string> warnings;
  std::optional<Fault> fault;
};

Fitted fit(const std::string& text, const ChatTarget& target) {
  auto body = Body::read(text, {});
  if (!body) return {.fault = body.error()};
  const auto facts = read_chat_facts(*body);
  if (!facts) return {.fault = facts.error()};
  const auto warnings = fit_chat_request(*body, *facts, target);
  if (!warnings) return {.fault = warnings.error()};
  const std::string out = body->spliced();
  EXPECT_TRUE(Body::read(out, {}).has_value()) << out;
  return {out, *warnings, {}};
}

const std::string kAsk = R"("messages":[{"role":"user","content":"a"}])";

/// A request to model "m" with these members before the messages.
std::string with(const std::string& members) {
  return R"({"model":"m",)" + members + (members.empty() ? "" : ",") + kAsk + "}";
}
std::string said(const std::string& messages, const std::string& members = "") {
  return R"({"model":"m",)" + members + (members.empty() ? "" : ",") + R"("messages":[)" +
         messages + "]}";
}

/// Members that fitting adds stand at the end.
std::string with_added(const std::string& members, const std::string& added) {
  std::string text = with(members);
  text.pop_back();
  return text + "," + added + "}";
}

struct Case {
  const char* name;
  ChatTarget target;
  std::string in;
  std::string out;
  std::vector<std::string> warnings = {};
};

void check(std::span<const Case> cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Fitted fitted = fit(c.in, c.target);
    ASSERT_FALSE(fitted.fault.has_value()) << fitted.fault->for_client;
    EXPECT_EQ(fitted.out, c.out);
    EXPECT_EQ(fitted.warnings, c.warnings);
  }
}

TEST(chat_request, what_needs_no_change_passes_byte_for_byte) {
  const std::string odd =
      R"({ "messages" : [ {"role":"user","content":"\u00e9","x":1.50} ] , "model":"m" , "extra": null,
    "thinking":null,"response_format":null,"temperature":0.70,"max_tokens":10,"store":false,"metadata":{"a":"b"},
    "seed":7,"n":1,"tool_stream":true,"do_sample":true,"request_id":"abcdef","stream":true})";
  const Case cases[] = {
      {"GLM", kGlm, odd, odd},
      {"engine", kEngine, with(R"("thinking":{"type":"enabled"},"chat_template_kwargs":{"a":1})"),
       with(R"("thinking":{"type":"enabled"},"chat_template_kwargs":{"a":1})")},
      {"native client, whatever it says", kNative,
       with(
           R"("max_tokens":9999,"temperature":1.5,"tool_choice":"required","tools":[],"user":"x","stream_options":{})"),
       with(
           R"("max_tokens":9999,"temperature":1.5,"tool_choice":"required","tools":[],"user":"x","stream_options":{})")},
      {"native client, developer role", kNative,
       said(R"({"role":"developer","content":[{"type":"text","text":"a"}]})"),
       said(R"({"role":"system","content":[{"type":"text","text":"a"}]})")},
  };
  check(cases);
}

TEST(chat_request, parameters_are_fitted_to_glm) {
  const Case cases[] = {
      {"model", {.model = "org/\"m2"}, with(""), R"({"model":"org/\"m2",)" + kAsk + "}"},
      {"max_completion_tokens", kGlm, with(R"("max_completion_tokens":10)"),
       with_added("", "\"max_tokens\":10")},
      {"both limits", kGlm, with(R"("max_completion_tokens":10,"max_tokens":20)"),
       with(R"("max_tokens":10)")},
      {"over the cap",
       kGlm,
       with(R"("max_tokens":1001)"),
       with(R"("max_tokens":1000)"),
       {"clamped; field=max_tokens"}},
      {"at the cap", kGlm, with(R"("max_tokens":1000)"), with(R"("max_tokens":1000)")},
      {"no cap known", kGlm52, with(R"("max_tokens":1000000)"), with(R"("max_tokens":1000000)")},
      {"a float", kGlm, with(R"("max_tokens":5.0)"), with(R"("max_tokens":5)")},
      {"completion over the cap",
       kGlm,
       with(R"("max_completion_tokens":5000,"max_tokens":20)"),
       with(R"("max_tokens":1000)"),
       {"clamped; field=max_completion_tokens"}},
      {"stream_options", kGlm, with(R"("stream":true,"stream_options":{"include_usage":true})"),
       with(R"("stream":true)")},
      {"user that fits", kGlm, with(R"("user":"abcdef","a":1)"),
       with_added("\"a\":1", "\"user_id\":\"abcdef\"")},
      {"user that does not", kGlm, with(R"("user":"abc","a":1)"),
       with_added(
           "\"a\":1",
           "\"user_id\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"")},
      {"user_id given", kGlm, with(R"("user":"abc","user_id":"abcdef")"),
       with(R"("user":"abc","user_id":"abcdef")")},
      {"hot",
       kGlm,
       with(R"("temperature":1.5)"),
       with(R"("temperature":1)"),
       {"clamped; field=temperature"}},
      {"one", kGlm, with(R"("temperature":1.0)"), with(R"("temperature":1.0)")},
      {"greedy", kGlm, with(R"("temperature":0,"a":1)"),
       with_added("\"a\":1", "\"do_sample\":false")},
      {"greedy, sampling asked", kGlm, with(R"("temperature":0.0,"do_sample":true)"),
       with(R"("do_sample":false)")},
      {"top_p", kGlm, with(R"("top_p":0)"), with(R"("top_p":0.01)"), {"clamped; field=top_p"}},
      {"one stop", kGlm, with(R"("stop":"\n")"), with(R"("stop":["\n"])")},
      {"stops", kGlm, with(R"("stop":["a","b"])"), with(R"("stop":["a","b"])")},
      {"no stops", kGlm, with(R"("stop":[],"a":1)"), with(R"("a":1)")},
      {"what GLM does not heed",
       kGlm,
       with(
           R"("presence_penalty":0.5,"frequency_penalty":0,"logit_bias":{"1":2},"logprobs":true,"top_logprobs":2)"),
       with(
           R"("presence_penalty":0.5,"frequency_penalty":0,"logit_bias":{"1":2},"logprobs":true,"top_logprobs":2)"),
       {"ignored; field=presence_penalty", "ignored; field=logit_bias", "ignored; field=logprobs"}},
      {"JSON mode", kGlm, with(R"("response_format":{"type":"json_object"})"),
       with(R"("response_format":{"type":"json_object"})")},
  };
  check(cases);
}

TEST(chat_request, thinking_is_said_as_the_model_and_endpoint_take_it) {
  const Case cases[] = {
      {"enable_thinking on", kGlm, with(R"("enable_thinking":true,"a":1)"),
       with_added("\"a\":1", R"("thinking":{"type":"enabled"})")},
      {"enable_thinking off", kGlm, with(R"("enable_thinking":false,"a":1)"),
       with_added("\"a\":1", R"("thinking":{"type":"disabled"})")},
      {"thinking wins", kGlm, with(R"("enable_thinking":false,"thinking":{"type":"enabled"})"),
       with(R"("thinking":{"type":"enabled"})")},
      {"null thinking does not", kGlm, with(R"("enable_thinking":false,"thinking":null)"),
       with(R"("thinking":{"type":"disabled"})")},
      {"adaptive", kGlm, with(R"("thinking":{"type":"adaptive","clear_thinking":false})"),
       with(R"("thinking":{"type":"enabled","clear_thinking":false})")},
      {"effort unknown to the model",
       kGlm,
       with(R"("reasoning_effort":"high","a":1)"),
       with(R"("a":1)"),
       {"dropped; field=reasoning_effort"}},
      {"no effort, carried as no thinking", kGlm, with(R"("reasoning_effort":"none","a":1)"),
       with_added("\"a\":1", R"("thinking":{"type":"disabled"})")},
      {"effort known", kGlm52, with(R"("reasoning_effort":"medium")"),
       with(R"("reasoning_effort":"medium")")},
      {"reasoning object",
       kGlm52,
       with(R"("reasoning":{"effort":"high","max_tokens":5},"a":1)"),
       with_added("\"a\":1", R"("reasoning_effort":"high")"),
       {"dropped; field=reasoning.max_tokens"}},
      {"reasoning object, effort unknown",
       kGlm,
       with(R"("reasoning":{"effort":"high"},"a":1)"),
       with(R"("a":1)"),
       {"dropped; field=reasoning.effort"}},
      {"reasoning off", kGlm, with(R"("reasoning":{"enabled":false},"a":1)"),
       with_added("\"a\":1", R"("thinking":{"type":"disabled"})")},
      {"5.3, three efforts",
       kGlm53,
       with(R"("reasoning_effort":"medium")"),
       with(R"("reasoning_effort":"high")"),
       {"changed; field=reasoning_effort"}},
      {"5.3, max", kGlm53, with(R"("reasoning_effort":"max")"),
       with(R"("reasoning_effort":"max")")},
      {"5.3, none",
       kGlm53,
       with(R"("reasoning_effort":"none")"),
       with(R"("reasoning_effort":"low")"),
       {"changed; field=reasoning_effort"}},
      {"5.3 coding, as given", kGlm53Coding,
       with(R"("reasoning_effort":"none","thinking":{"type":"disabled"})"),
       with(R"("reasoning_effort":"none","thinking":{"type":"disabled"})")},
      {"5.3, off",
       kGlm53,
       with(R"("thinking":{"type":"disabled"},"a":1)"),
       with_added("\"a\":1", R"("reasoning_effort":"low")"),
       {"changed; field=thinking"}},
      {"5.3, off, more said",
       kGlm53,
       with(R"("thinking":{"type":"disabled","clear_thinking":false},"reasoning_effort":"max")"),
       with(R"("thinking":{"type":"enabled","clear_thinking":false},"reasoning_effort":"low")"),
       {"changed; field=thinking"}},
      {"5.3, enable_thinking off",
       kGlm53,
       with(R"("enable_thinking":false,"a":1)"),
       with_added("\"a\":1", R"("reasoning_effort":"low")"),
       {"changed; field=enable_thinking"}},
      {"5.3, on", kGlm53, with(R"("thinking":{"type":"enabled"})"),
       with(R"("thinking":{"type":"enabled"})")},
      {"budget",
       kGlm,
       with(R"("thinking":{"type":"enabled","budget_tokens":5})"),
       with(R"("thinking":{"type":"enabled","budget_tokens":5})"),
       {"ignored; field=thinking.budget_tokens"}},
  };
  check(cases);
}

const std::string kF =
    R"({"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}})";
const std::string kG =
    R"({"type":"function","function":{"name":"g","description":"d","parameters":{"type":"object"}}})";

TEST(chat_request, tools_are_fitted) {
  const std::string both = R"("tools":[)" + kF + "," + kG + "]";
  const std::string only_g = R"("tools":[)" + kG + "]";
  const std::string history =
      R"({"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
      R"({"role":"tool","tool_call_id":"c","content":"1"})";
  const Case cases[] = {
      {"as they are", kGlm, with(both), with(both)},
      {"auto", kGlm, with(both + R"(,"tool_choice":"auto")"),
       with(both + R"(,"tool_choice":"auto")")},
      {"empty", kGlm, with(R"("tools":[],"tool_choice":"auto","a":1)"), with(R"("a":1)")},
      {"empty, engine", kEngine, with(R"("tools":[],"a":1)"), with(R"("a":1)")},
      {"a choice without tools", kGlm, with(R"("tool_choice":"required","a":1)"), with(R"("a":1)")},
      {"none", kGlm, with(both + R"(,"tool_choice":"none","a":1)"), with(R"("a":1)")},
      {"none, but calls in the history",
       kGlm,
       said(history, both + R"(,"tool_choice":"none")"),
       said(R"({"role":"system","content":"Answer in words: do not call tools now."},)" + history,
            both + R"(,"tool_choice":"auto")"),
       {"changed; field=tool_choice"}},
      {"none, engine", kEngine, with(both + R"(,"tool_choice":"none")"),
       with(both + R"(,"tool_choice":"none")")},
      {"required",
       kGlm,
       with(both + R"(,"tool_choice":"required")"),
       with(both + R"(,"tool_choice":"auto")"),
       {"changed; field=tool_choice"}},
      {"any, engine", kEngine, with(both + R"(,"tool_choice":"any")"),
       with(both + R"(,"tool_choice":"required")")},
      {"named",
       kGlm,
       with(both + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"),
       with(only_g + R"(,"tool_choice":"auto")"),
       {"changed; field=tool_choice"}},
      {"named, flat",
       kGlm,
       with(both + R"(,"tool_choice":{"type":"function","name":"g"})"),
       with(only_g + R"(,"tool_choice":"auto")"),
       {"changed; field=tool_choice"}},
      {"named, engine", kEngine,
       with(both + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"),
       with(both + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})")},
      {"some allowed", kGlm,
       with(
           both +
           R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}})"),
       with(only_g + R"(,"tool_choice":"auto")")},
      {"one of some required",
       kGlm,
       with(
           both +
           R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","name":"g"}]}})"),
       with(only_g + R"(,"tool_choice":"auto")"),
       {"changed; field=tool_choice"}},
      {"filled", kGlm,
       with(
           R"("tools":[{"type":"function","function":{"name":"f"}},{"function":{"name":"g","parameters":null,"description":null}}])"),
       with(
           R"("tools":[{"type":"function","function":{"name":"f","description":"","parameters":{"type":"object","properties":{}}}},)"
           R"({"function":{"name":"g","parameters":{"type":"object","properties":{}},"description":""},"type":"function"}])")},
      {"not filled for an engine", kEngine,
       with(R"("tools":[{"type":"function","function":{"name":"f","strict":true}}])"),
       with(R"("tools":[{"type":"function","function":{"name":"f","strict":true}}])")},
      {"flat",
       kGlm,
       with(R"("tools":[{"type":"function","name":"f","strict":true,"parameters":{"a":1}},)" + kG +
            "]"),
       with(
           R"("tools":[{"type":"function","function":{"name":"f","parameters":{"a":1},"description":""}},)" +
           kG + "]"),
       {"dropped; field=tools[].function.strict"}},
      {"flat, engine", kEngine, with(R"("tools":[{"type":"function","name":"f","strict":true}])"),
       with(R"("tools":[{"type":"function","function":{"name":"f","strict":true}}])")},
      {"strict",
       kGlm,
       with(
           R"("tools":[{"type":"function","function":{"strict":true,"name":"f","description":"d","parameters":{}}},)"
           R"({"type":"function","function":{"name":"g","description":"d","parameters":{},"strict":false}}])"),
       with(
           R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{}}},)"
           R"({"type":"function","function":{"name":"g","description":"d","parameters":{}}}])"),
       {"dropped; field=tools[].function.strict"}},
      {"GLM's own kinds", kGlm,
       with(R"("tools":[{"type":"web_search","web_search":{"enable":true}}])"),
       with(R"("tools":[{"type":"web_search","web_search":{"enable":true}}])")},
      {"another vendor's kind",
       kGlm,
       with(R"("tools":[{"type":"code_interpreter"},)" + kG + "]"),
       with(only_g),
       {"dropped; field=tools[0]"}},
      {"nothing but another vendor's kind",
       kGlm,
       with(R"("tools":[{"type":"code_interpreter"}],"tool_choice":"auto","a":1)"),
       with(R"("a":1)"),
       {"dropped; field=tools[0]"}},
      {"parallel",
       kGlm,
       with(both + R"(,"parallel_tool_calls":false)"),
       with(both + R"(,"parallel_tool_calls":false)"),
       {"ignored; field=parallel_tool_calls"}},
      {"functions", kGlm, with(R"("functions":[{"name":"f"}],"function_call":"auto","a":1)"),
       with_added(
           "\"a\":1",
           R"("tools":[{"type":"function","function":{"name":"f","description":"","parameters":{"type":"object","properties":{}}}}],"tool_choice":"auto")")},
      {"functions, one named",
       kGlm,
       with(
           R"("functions":[{"name":"f","description":"d","parameters":{}},{"name":"g","description":"d","parameters":{}}],"function_call":{"name":"g"},"a":1)"),
       with_added(
           "\"a\":1",
           R"("tools":[{"type":"function","function":{"name":"g","description":"d","parameters":{}}}],"tool_choice":"auto")"),
       {"changed; field=function_call"}},
      {"functions, engine", kEngine,
       with(R"("functions":[{"name":"f"}],"function_call":{"name":"f"},"a":1)"),
       with_added(
           "\"a\":1",
           R"("tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}})")},
  };
  check(cases);
}

TEST(chat_request, messages_are_fitted) {
  const Case cases[] = {
      {"developer", kGlm,
       said(R"({"role":"developer","content":"d"},{"role":"user","content":"a"})"),
       said(R"({"role":"system","content":"d"},{"role":"user","content":"a"})")},
      {"developer, engine", kEngine, said(R"({"role":"developer","content":"d"})"),
       said(R"({"role":"system","content":"d"})")},
      {"text parts", kGlm,
       said(
           R"({"role":"user","content":[{"type":"text","text":"a\"\n"},{"type":"text","text":""},{"type":"text","text":"é"}]})"
           R"(,{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"one"}]},{"role":"assistant","content":[]})"),
       said(
           R"({"role":"user","content":"a\"\n\n\né"},{"role":"tool","tool_call_id":"c","content":"one"},{"role":"assistant","content":""})")},
      {"text parts, engine", kEngine,
       said(R"({"role":"user","content":[{"type":"text","text":"a"}]})"),
       said(R"({"role":"user","content":[{"type":"text","text":"a"}]})")},
      {"other parts", kGlm,
       said(
           R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]})"),
       said(
           R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]})")},
      {"reasoning is never touched", kGlm,
       said(R"({"role":"assistant","content":"","reasoning_content":"  x\u0041 "})"),
       said(R"({"role":"assistant","content":"","reasoning_content":"  x\u0041 "})")},
      {"no content", kGlm,
       said(
           R"({"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":"b"}}}]})"),
       said(
           R"({"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\":\"b\"}"},"type":"function"}],"content":null})")},
      {"legacy calls", kEngine,
       said(
           R"({"role":"user","content":"a"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"})"),
       said(
           R"({"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","name":"f","content":"1","tool_call_id":"call_1"})")},
  };
  check(cases);
}

TEST(chat_request, a_schema_goes_into_the_system_message) {
  const std::string format =
      R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","x":"\n"}}})";
  const std::string object = R"("response_format":{"type":"json_object"})";
  const std::string hint =
      R"(Answer with one JSON object that is valid under this JSON schema, and nothing else:\n{\"type\":\"object\",\"x\":\"\\n\"}")";
  const std::vector<std::string> warned = {"not_enforced; field=response_format.json_schema"};
  const Case cases[] = {
      {"none there", kGlm, said(R"({"role":"user","content":"a"})", format),
       said(R"({"role":"system","content":")" + hint + R"(},{"role":"user","content":"a"})",
            object),
       warned},
      {"one there", kGlm,
       said(
           R"({"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"system","content":"t"})",
           format),
       said(R"({"role":"system","content":"s\n\n)" + hint +
                R"(},{"role":"user","content":"a"},{"role":"system","content":"t"})",
            object),
       warned},
      {"a developer's, in parts", kGlm,
       said(
           R"({"role":"developer","content":[{"type":"text","text":"s"},{"type":"text","text":"t"}]},{"role":"user","content":"a"})",
           format),
       said(R"({"role":"system","content":"s\nt\n\n)" + hint + R"(},{"role":"user","content":"a"})",
            object),
       warned},
      {"an empty one", kGlm, said(R"({"role":"system","content":""})", format),
       said(R"({"role":"system","content":")" + hint + "}", object), warned},
      {"engine", kEngine, said(R"({"role":"user","content":"a"})", format),
       said(R"({"role":"user","content":"a"})", format)},
  };
  check(cases);
}

TEST(chat_request, an_engine_is_asked_for_usage_in_the_stream) {
  const Case cases[] = {
      {"not streamed", kEngine, with(""), with("")},
      {"streamed", kEngine, with(R"("stream":true)"),
       with_added(R"("stream":true)", R"("stream_options":{"include_usage":true})")},
      {"other options", kEngine,
       with(R"("stream":true,"stream_options":{"include_obfuscation":false})"),
       with(
           R"("stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true})")},
      {"off", kEngine, with(R"("stream":true,"stream_options":{"include_usage":false})"),
       with(R"("stream":true,"stream_options":{"include_usage":true})")},
      {"on", kEngine, with(R"("stream":true,"stream_options":{"include_usage":true})"),
       with(R"("stream":true,"stream_options":{"include_usage":true})")},
      {"null", kEngine, with(R"("stream":true,"stream_options":null)"),
       with(R"("stream":true,"stream_options":{"include_usage":true})")},
      {"native client",
       {.client = Protocol::glm, .speaks = Protocol::openai_chat, .model = "m"},
       with(R"("stream":true)"),
       with_added(R"("stream":true)", R"("stream_options":{"include_usage":true})")},
  };
  check(cases);
}

TEST(chat_request, what_cannot_be_carried_is_refused_by_name) {
  struct Refused {
    std::string in;
    ChatTarget target;
    FaultCode code;
    const char* param;
  };
  const Refused cases[] = {
      {with(R"("tools":[{"type":"custom","custom":{"name":"apply_patch"}}])"), kGlm,
       FaultCode::unsupported_field, "tools[0].type"},
      {with(R"("tools":[)" + kF + R"(],"tool_choice":{"type":"function","function":{"name":"x"}})"),
       kGlm, FaultCode::bad_value, "tool_choice"},
      {said(
           R"({"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"u"}}]})"),
       {.model = "m", .takes_images = false},
       FaultCode::unsupported_field,
       "messages[1].content[1]"},
  };
  for (const Refused& c : cases) {
    const Fitted fitted = fit(c.in, c.target);
    ASSERT_TRUE(fitted.fault.has_value()) << c.in;
    EXPECT_EQ(name(fitted.fault->code), name(c.code));
    EXPECT_EQ(fitted.fault->param, c.param);
  }
}

TEST(chat_request, streamed_arguments_are_asked_for_where_they_are_known) {
  const std::string tool =
      R"("tools":[{"type":"function","function":{"name":"f","description":"","parameters":{}}}])";
  const std::string in = with(R"("stream":true,)" + tool);
  ChatTarget old = kGlm;
  old.streams_arguments = false;
  const Case cases[] = {
      {"GLM", kGlm, in, with_added(R"("stream":true,)" + tool, R"("tool_stream":true)")},
      {"an older GLM", old, in, in},
      {"a native client", kNative, in, in},
      {"an engine", kEngine, in,
       with_added(R"("stream":true,)" + tool, R"("stream_options":{"include_usage":true})")},
      {"whole", kGlm, with(tool), with(tool)},
      {"no tools", kGlm, with(R"("stream":true)"), with(R"("stream":true)")},
      {"no tool left", kGlm, with(R"("stream":true,"tool_choice":"none",)" + tool),
       with(R"("stream":true)")},
      {"the client's own word", kGlm, with(R"("stream":true,"tool_stream":false,)" + tool),
       with(R"("stream":true,"tool_stream":false,)" + tool)},
  };
  check(cases);
}

TEST(chat_request, every_way_to_say_no_thinking_reaches_an_engine) {
  const std::string off = R"("chat_template_kwargs":{"enable_thinking":false})";
  ChatTarget without = kEngine;
  without.has_thinking_switch = false;
  const auto stays = [&](const char* name, const std::string& members) {
    return Case{name, kEngine, with(members), with(members)};
  };
  const auto added = [&](const char* name, const std::string& members, const std::string& field) {
    return Case{
        name, kEngine, with(members), with_added(members, off), {"changed; field=" + field}};
  };
  const Case cases[] = {
      added("GLM's", R"("thinking":{"type":"disabled"})", "thinking"),
      added("Qwen's", R"("enable_thinking":false)", "enable_thinking"),
      added("OpenRouter's", R"("reasoning":{"enabled":false})", "reasoning"),
      {"OpenAI's, which older engines refuse",
       kEngine,
       with(R"("reasoning_effort":"none")"),
       with_added("", off),
       {"changed; field=reasoning_effort"}},
      {"beside other words for the template",
       kEngine,
       with(R"("thinking":{"type":"disabled"},"chat_template_kwargs":{"a":1})"),
       with(
           R"("thinking":{"type":"disabled"},"chat_template_kwargs":{"a":1,"enable_thinking":false})"),
       {"changed; field=thinking"}},
      stays("said already",
            R"("thinking":{"type":"disabled"},"chat_template_kwargs":{"enable_thinking":true})"),
      stays("on", R"("thinking":{"type":"enabled"},"reasoning_effort":"high")"),
      {"an engine without the switch",
       without,
       with(R"("thinking":{"type":"disabled"})"),
       with(R"("thinking":{"type":"disabled"})"),
       {"ignored; field=thinking"}},
  };
  check(cases);
}

TEST(chat_request, the_same_body_can_be_fitted_again_for_another_upstream) {
  auto body = Body::read(with(R"("max_completion_tokens":10,"stream":true)"), {});
  const auto facts = read_chat_facts(*body);
  ASSERT_TRUE(fit_chat_request(*body, *facts, kGlm).has_value());
  ASSERT_TRUE(fit_chat_request(*body, *facts, kEngine).has_value());
  EXPECT_EQ(body->spliced(), with_added(R"("max_completion_tokens":10,"stream":true)",
                                        R"("stream_options":{"include_usage":true})"));
}

TEST(chat_request, every_kind_of_change_at_once_makes_one_good_body) {
  const std::string in =
      R"({"model":"gpt","max_completion_tokens":5000,"stream":true,"stream_options":{"include_usage":true},"user":"u",)"
      R"("enable_thinking":true,"reasoning":{"effort":"low"},"temperature":0,"stop":"x","logit_bias":{"1":1},)"
      R"("tools":[{"type":"function","name":"f"},{"type":"function","function":{"name":"g","strict":true}}],"tool_choice":{"type":"function","function":{"name":"g"}},)"
      R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},)"
      R"("messages":[{"role":"developer","content":[{"type":"text","text":"d"}]},{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":{}}}]},)"
      R"({"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"t"}]}]})";
  const Fitted fitted = fit(in, kGlm);
  ASSERT_FALSE(fitted.fault.has_value()) << fitted.fault->for_client;
  EXPECT_EQ(
      fitted.out,
      R"({"model":"m","stream":true,"stop":["x"],"logit_bias":{"1":1},)"
      R"("tools":[{"type":"function","function":{"name":"g","description":"","parameters":{"type":"object","properties":{}}}}],"tool_choice":"auto",)"
      R"("response_format":{"type":"json_object"},)"
      R"("messages":[{"role":"system","content":"d\n\nAnswer with one JSON object that is valid under this JSON schema, and nothing else:\n{}"},)"
      R"({"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"},"type":"function"}],"content":null},)"
      R"({"role":"tool","tool_call_id":"c","content":"t"}],)"
      R"("max_tokens":1000,"user_id":"0bfe935e70c321c7ca3afc75ce0d0ca2f98b5422e008bb31c00c6d7f1f1c0ad6",)"
      R"("thinking":{"type":"enabled"},"tool_stream":true,"do_sample":false})");
}

TEST(chat_request, many_names_in_a_choice_and_a_large_tool_are_not_multiplied) {
  std::string chosen = R"({"type":"function","name":"x"})";
  for (int i = 0; i < 30'000; ++i) chosen += R"(,{"type":"function","name":"x"})";
  std::string tool = R"({"type":"function")";
  for (int i = 0; i < 100'000; ++i) tool += ",\"" + std::to_string(i) + "\":1";
  const std::string text =
      with(R"("tools":[)" + tool +
           R"(,"name":"x"}],"tool_choice":{"type":"allowed_tools","tools":[)" + chosen + "]}");
  const double seconds =
      growth::cpu_seconds([&] { EXPECT_FALSE(fit(text, kGlm).fault.has_value()); });
  EXPECT_LT(seconds, growth::kLimit);
}

}  // namespace
}  // namespace glmgate::protocol
