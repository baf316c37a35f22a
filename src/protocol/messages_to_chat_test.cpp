#include "protocol/messages_to_chat.h"

#include <gtest/gtest.h>

#include <span>

#include "protocol/chat_request.h"
#include "protocol/facts.h"
#include "protocol/sha256.h"

namespace glmgate::protocol {
namespace {

const ThinkingSeal kSeal([](std::string_view text) { return sha256_hex("k" + std::string(text)); });

const MessagesRules kGlm{.seal = &kSeal};
const MessagesRules kGlm53{.thinking_can_be_off = false, .seal = &kSeal};
const MessagesRules kUpstreamThinks{.seal = &kSeal,
                                    .thinking_default = MessagesRules::Thinking::upstream};
const MessagesRules kTextOnly{.takes_images = false, .seal = &kSeal};
const MessagesRules kRefuses{
    .takes_images = false, .images = MediaPolicy::refuse, .model = "glm-x"};
const MessagesRules kEngine{
    .to_glm = false, .takes_every_image = true, .tool_image_parts = true, .seal = &kSeal};

struct Translated {
  ChatDraft draft;
  std::optional<Fault> fault;
};

Translated translate(const std::string& text, const MessagesRules& rules) {
  const auto body = Body::read(text, {});
  if (!body) return {.draft = {}, .fault = body.error()};
  if (const auto facts = read_messages_facts(*body); !facts)
    return {.draft = {}, .fault = facts.error()};
  auto draft = messages_to_chat(*body, rules);
  if (!draft) return {.draft = {}, .fault = draft.error()};
  const auto out = Body::read(draft->body, kDraftLimits);
  EXPECT_TRUE(out.has_value()) << draft->body;
  if (out) {
    const auto facts = read_chat_facts(*out);
    EXPECT_TRUE(facts.has_value()) << facts.error().for_client << "\n" << draft->body;
  }
  return {std::move(*draft), {}};
}

const std::string kHi = R"({"role":"user","content":"hi"})";
const std::string kOff = R"(,"thinking":{"type":"disabled"})";

/// A request with these members behind max_tokens.
std::string with(const std::string& members, const std::string& messages = kHi) {
  return R"({"model":"m","max_tokens":64)" + (members.empty() ? "" : "," + members) +
         R"(,"messages":[)" + messages + "]}";
}

/// The chat request with these messages, and these members behind max_tokens.
std::string chat(const std::string& members, const std::string& messages = kHi) {
  return R"({"model":"m","messages":[)" + messages + R"(],"max_tokens":64)" + members + "}";
}

struct Case {
  const char* name;
  MessagesRules rules;
  std::string in;
  std::string out;
  std::vector<std::string> warnings = {};
};

void check(std::span<const Case> cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Translated got = translate(c.in, c.rules);
    EXPECT_FALSE(got.fault.has_value()) << got.fault->for_client;
    EXPECT_EQ(got.draft.body, c.out);
    EXPECT_EQ(got.draft.warnings, c.warnings);
  }
}

/// Golden vector V2 of wire-protocols.
TEST(messages_to_chat, a_history_with_thinking_calls_images_and_system_becomes_glms) {
  const std::string signature = kSeal.seal("T", ThinkingSeal::Text::kept_by_client);
  const std::string history =
      kHi + R"(,{"role":"assistant","content":[{"type":"thinking","thinking":"T","signature":")" +
      signature +
      R"("},{"type":"text","text":"a"},{"type":"tool_use","id":"x","name":"f","input":{}},
        {"type":"tool_use","id":"y","name":"g","input":{ "k" : 1 }}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"y","content":"ok"},
        {"type":"tool_result","tool_use_id":"x","is_error":true,"content":[{"type":"text","text":"bad"},
          {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
        {"type":"text","text":"go on"}]},
      {"role":"system","content":"note"})";
  const std::string out =
      kHi + R"(,{"role":"assistant","content":"a","reasoning_content":"T","tool_calls":[)"
            R"({"id":"x","type":"function","function":{"name":"f","arguments":"{}"}},)"
            R"({"id":"y","type":"function","function":{"name":"g","arguments":"{\"k\":1}"}}]},)"
            R"({"role":"tool","tool_call_id":"y","content":"ok"},)"
            R"({"role":"tool","tool_call_id":"x","content":"Error: bad\n[see attached image 1]"},)"
            R"({"role":"user","content":[{"type":"text","text":"Image from tool call x:"},)"
            R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},)"
            R"({"type":"text","text":"go on"}]},)"
            R"({"role":"system","content":"note"})";
  const Case cases[] = {{"V2", kGlm, with("", history), chat(kOff, out)}};
  check(cases);
}

const std::string kSchema = R"({"type":"object","properties":{"a":{"type":"string"}}})";
const std::string kTool = R"({"name":"f","description":"d","input_schema":)" + kSchema + "}";
const std::string kFunction =
    R"({"type":"function","function":{"name":"f","description":"d","parameters":)" + kSchema + "}}";

std::string tools(const std::string& list, const std::string& more = "") {
  return R"("tools":[)" + list + "]" + (more.empty() ? "" : "," + more);
}

TEST(messages_to_chat, parameters_become_chats) {
  const std::string on = R"(,"thinking":{"type":"enabled","clear_thinking":false})";
  const Case cases[] = {
      {"stream and sampling, as written", kGlm,
       with(R"("stream":true,"temperature":0.70,"top_p":1.0)"),
       chat(R"(,"stream":true,"temperature":0.70,"top_p":1.0)" + kOff)},
      {"nulls are absent", kGlm,
       with(R"("stream":null,"system":null,"tools":null,"tool_choice":null,"thinking":null,
               "metadata":null,"stop_sequences":null,"output_config":null,"anything":null)"),
       chat(kOff)},
      {"top_k", kGlm, with(R"("top_k":5)"), chat(kOff), {"dropped; field=top_k"}},
      {"thinking with a budget",
       kGlm,
       with(R"("thinking":{"type":"enabled","budget_tokens":2000})"),
       chat(on),
       {"dropped; field=thinking.budget_tokens"}},
      {"adaptive", kGlm, with(R"("thinking":{"type":"adaptive","display":"summarized"})"),
       chat(on)},
      {"a type from the future", kGlm, with(R"("thinking":{"type":"auto"})"), chat(on)},
      {"disabled", kGlm, with(R"("thinking":{"type":"disabled"})"), chat(kOff)},
      {"between tools",
       kGlm,
       with(R"("thinking":{"type":"between_tools"})"),
       chat(kOff),
       {"changed; field=thinking.type"}},
      {"nothing said, the upstream's way", kUpstreamThinks, with(""), chat("")},
      {"nothing said, cannot be off", kGlm53, with(""), chat("")},
      {"off, and cannot be: for fit_chat_request", kGlm53,
       with(R"("thinking":{"type":"disabled"})"), chat(kOff)},
      {"effort", kGlm, with(R"("thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"})"),
       chat(on + R"(,"reasoning_effort":"xhigh")")},
      {"effort without thinking",
       kGlm,
       with(R"("output_config":{"effort":"high","format":null,"task_budget":{"total":9}})"),
       chat(kOff),
       {"dropped; field=output_config.effort", "dropped; field=output_config.task_budget"}},
      {"effort, the upstream's way", kGlm53, with(R"("output_config":{"effort":"low"})"),
       chat(R"(,"reasoning_effort":"low")")},
      {"engine, nothing said", kEngine, with(""),
       chat(R"(,"chat_template_kwargs":{"enable_thinking":false})")},
      {"engine, small budget",
       kEngine,
       with(R"("thinking":{"type":"enabled","budget_tokens":3999})"),
       chat(R"(,"reasoning_effort":"low")"),
       {"dropped; field=thinking.budget_tokens"}},
      {"engine, middle budget",
       kEngine,
       with(R"("thinking":{"type":"enabled","budget_tokens":15999})"),
       chat(R"(,"reasoning_effort":"medium")"),
       {"dropped; field=thinking.budget_tokens"}},
      {"engine, large budget",
       kEngine,
       with(R"("thinking":{"type":"enabled","budget_tokens":16000})"),
       chat(R"(,"reasoning_effort":"high")"),
       {"dropped; field=thinking.budget_tokens"}},
      {"engine, effort", kEngine,
       with(R"("thinking":{"type":"adaptive"},"output_config":{"effort":"medium"})"),
       chat(R"(,"reasoning_effort":"medium")")},
      {"engine, effort it does not know",
       kEngine,
       with(R"("thinking":{"type":"adaptive"},"output_config":{"effort":"max"})"),
       chat(R"(,"reasoning_effort":"high")"),
       {"changed; field=output_config.effort"}},
      {"a schema for the answer", kGlm,
       with(R"("output_config":{"format":{"type":"json_schema","schema":)" + kSchema + "}}"),
       chat(kOff +
            R"(,"response_format":{"type":"json_schema","json_schema":{"name":"output","schema":)" +
            kSchema + R"(,"strict":true}})")},
      {"in the older spelling", kGlm,
       with(R"("output_format":{"type":"json_schema","schema":)" + kSchema + "}"),
       chat(kOff +
            R"(,"response_format":{"type":"json_schema","json_schema":{"name":"output","schema":)" +
            kSchema + R"(,"strict":true}})")},
      {"another format",
       kGlm,
       with(R"("output_format":{"type":"grammar"})"),
       chat(kOff),
       {"dropped; field=output_format"}},
      {"user", kGlm, with(R"("metadata":{"user_id":"{\"device_id\":1}"})"),
       chat(kOff + R"(,"user":"{\"device_id\":1}")")},
      {"a user that is too long for OpenAI", kEngine,
       with(R"("metadata":{"user_id":")" + std::string(65, 'u') + R"("})"),
       chat(R"(,"chat_template_kwargs":{"enable_thinking":false},"user":")" +
            sha256_hex(std::string(65, 'u')) + "\"")},
      {"no user, other metadata",
       kGlm,
       with(R"("metadata":{"user_id":null,"trace":"x"})"),
       chat(kOff),
       {"dropped; field=metadata.trace"}},
      {"what loses nothing", kGlm,
       with(R"("service_tier":"auto","speed":"standard","cache_control":{"type":"ephemeral"},
               "mcp_servers":[])"),
       chat(kOff)},
      {"what is lost",
       kGlm,
       with(R"("service_tier":"standard_only","speed":"fast","inference_geo":"us",
               "diagnostics":{"previous_message_id":"x"},"container":{},
               "context_management":{"edits":[]},"compaction":{},"fallbacks":[],"thread":null,
               "not yet invented\n":1)"),
       chat(kOff),
       {"dropped; field=service_tier", "dropped; field=speed", "dropped; field=inference_geo",
        "dropped; field=diagnostics", "dropped; field=context_management",
        "dropped; field=compaction", "dropped; field=fallbacks",
        "dropped; field=not?yet?invented?"}},
  };
  check(cases);
}

TEST(messages_to_chat, what_the_answers_writer_must_know_is_kept) {
  const std::string long_name(100, 'n');
  const Translated got =
      translate(with(R"("stop_sequences":["\n\nHuman:","","END"],
              "thinking":{"type":"adaptive","display":"omitted"},)" +
                     tools(R"({"name":")" + long_name +
                           R"(","input_schema":{}},{"name":"ok","input_schema":{}})")),
                kGlm);
  ASSERT_FALSE(got.fault.has_value()) << got.fault->for_client;
  EXPECT_EQ(got.draft.stop, (std::vector<std::string>{"\n\nHuman:", "END"}));
  EXPECT_EQ(got.draft.warnings, (std::vector<std::string>{"dropped; field=stop_sequences[1]"}));
  EXPECT_EQ(got.draft.body.find("\"stop"), std::string::npos);
  EXPECT_TRUE(got.draft.hides_thinking);
  ASSERT_EQ(got.draft.names.size(), 1U);
  EXPECT_EQ(got.draft.names.begin()->first, fit_tool_name(long_name));
  EXPECT_EQ(client_tool_name(got.draft.names, fit_tool_name(long_name)), long_name);
  EXPECT_FALSE(translate(with(R"("thinking":{"type":"adaptive"})"), kGlm).draft.hides_thinking);
}

TEST(messages_to_chat, tools_become_functions) {
  const std::string both = kTool + R"(,{"name":"g","input_schema":{}})";
  const std::string both_out =
      kFunction +
      R"(,{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}})";
  const std::string listed = kOff + R"(,"tools":[)" + both_out + "]";
  const std::string one = kOff + R"(,"tools":[)" + kFunction + "]";
  const Case cases[] = {
      {"two", kGlm, with(tools(both)), chat(listed)},
      {"none", kGlm, with(R"("tools":[],"tool_choice":{"type":"auto"})"), chat(kOff)},
      {"streamed", kGlm, with(R"("stream":true,)" + tools(kTool)), chat(R"(,"stream":true)" + one)},
      {"streamed by an engine", kEngine, with(R"("stream":true,)" + tools(kTool)),
       chat(R"(,"stream":true,"chat_template_kwargs":{"enable_thinking":false},"tools":[)" +
            kFunction + "]")},
      {"no properties", kGlm,
       with(tools(R"({"name":"f","input_schema":{"type":"object","additionalProperties":false}})")),
       chat(kOff + R"(,"tools":[{"type":"function","function":{"name":"f","parameters":)"
                   R"({"type":"object","additionalProperties":false,"properties":{}}}}])")},
      {"fields of Anthropic's",
       kGlm,
       with(tools(R"({"type":"custom","name":"f","description":"d","input_schema":)" + kSchema +
                  R"(,"cache_control":{"type":"ephemeral"},"defer_loading":true,
                      "eager_input_streaming":true,"input_examples":[{}],
                      "allowed_callers":["direct"],"strict":false})")),
       chat(one),
       {"dropped; field=tools[].defer_loading", "dropped; field=tools[].input_examples",
        "dropped; field=tools[].allowed_callers"}},
      {"strict", kGlm,
       with(tools(R"({"name":"f","description":"d","input_schema":)" + kSchema +
                  R"(,"strict":true})")),
       chat(kOff + R"(,"tools":[{"type":"function","function":{"name":"f","description":"d",)" +
            R"("parameters":)" + kSchema + R"(,"strict":true}}])")},
      {"a name with characters that chat does not take", kGlm,
       with(tools(R"({"name":"a.b","input_schema":{"type":"object","properties":{}}})")),
       chat(kOff + R"(,"tools":[{"type":"function","function":{"name":")" + fit_tool_name("a.b") +
            R"(","parameters":{"type":"object","properties":{}}}}])")},
      {"tools that run at Anthropic, or look for tools",
       kGlm,
       with(tools(R"({"type":"web_search_20250305","name":"web_search","max_uses":5},)" + kTool +
                  R"(,{"type":"tool_search_tool_regex_20251119","name":"tool_search_tool_regex"},
                      {"type":"mcp_toolset","mcp_server_name":"x"})")),
       chat(one),
       {"dropped; field=tools[0]", "dropped; field=tools[2]", "dropped; field=tools[3]"}},
      {"nothing left",
       kGlm,
       with(tools(R"({"type":"web_search_20250305","name":"web_search"})",
                  R"("tool_choice":{"type":"tool","name":"web_search"})")),
       chat(kOff),
       {"dropped; field=tools[0]", "dropped; field=tool_choice"}},
      {"the chosen one is gone",
       kGlm,
       with(tools(R"({"type":"web_search_20250305","name":"web_search"},)" + kTool,
                  R"("tool_choice":{"type":"tool","name":"web_search"})")),
       chat(one),
       {"dropped; field=tools[0]", "dropped; field=tool_choice"}},
      {"auto", kGlm, with(tools(kTool, R"("tool_choice":{"type":"auto"})")),
       chat(one + R"(,"tool_choice":"auto")")},
      {"any", kGlm, with(tools(kTool, R"("tool_choice":{"type":"any"})")),
       chat(one + R"(,"tool_choice":"required")")},
      {"none of them", kGlm, with(tools(kTool, R"("tool_choice":{"type":"none"})")),
       chat(one + R"(,"tool_choice":"none")")},
      {"this one", kGlm, with(tools(both, R"("tool_choice":{"type":"tool","name":"g"})")),
       chat(listed + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})")},
      {"one at a time", kGlm,
       with(tools(kTool, R"("tool_choice":{"type":"auto","disable_parallel_tool_use":true})")),
       chat(one + R"(,"parallel_tool_calls":false,"tool_choice":"auto")")},
  };
  check(cases);
}

TEST(messages_to_chat, tools_without_a_schema_get_the_one_anthropics_models_know) {
  struct Known {
    const char* tool;
    std::vector<std::string> has;
    std::string has_not;
  };
  const Known cases[] = {
      {R"({"type":"bash_20250124","name":"bash"})", {"\"command\"", "\"restart\""}, "required"},
      {R"({"type":"text_editor_20250124","name":"str_replace_editor"})",
       {"\"undo_edit\"", "\"view_range\"", R"("required":["command","path"])"},
       "rename"},
      {R"({"type":"text_editor_20250728","name":"str_replace_based_edit_tool","max_characters":9})",
       {"\"insert_line\"", R"("required":["command","path"])"},
       "undo_edit"},
      {R"({"type":"memory_20250818","name":"memory"})",
       {"\"rename\"", "\"old_path\"", R"("required":["command"])"},
       "undo_edit"},
  };
  for (const Known& c : cases) {
    SCOPED_TRACE(c.tool);
    const Translated got = translate(with(tools(c.tool)), kGlm);
    ASSERT_FALSE(got.fault.has_value()) << got.fault->for_client;
    EXPECT_TRUE(got.draft.warnings.empty());
    for (const std::string& part : c.has)
      EXPECT_NE(got.draft.body.find(part), std::string::npos) << got.draft.body;
    EXPECT_EQ(got.draft.body.find(c.has_not), std::string::npos) << got.draft.body;
  }
}

std::string user(const std::string& blocks) {
  return R"({"role":"user","content":[)" + blocks + "]}";
}
std::string assistant(const std::string& blocks) {
  return R"({"role":"assistant","content":[)" + blocks + "]}";
}
std::string text(const std::string& text) { return R"({"type":"text","text":")" + text + "\"}"; }
std::string use(const std::string& id) {
  return R"({"type":"tool_use","id":")" + id + R"(","name":"f","input":{}})";
}
std::string called(const std::string& ids_as_calls) {
  return R"({"role":"assistant","content":null,"tool_calls":[)" + ids_as_calls + "]}";
}
std::string call(const std::string& id) {
  return R"({"id":")" + id + R"(","type":"function","function":{"name":"f","arguments":"{}"}})";
}
std::string result(const std::string& id, const std::string& members) {
  return R"({"type":"tool_result","tool_use_id":")" + id + "\"" +
         (members.empty() ? "" : "," + members) + "}";
}
std::string answer(const std::string& id, const std::string& content) {
  return R"({"role":"tool","tool_call_id":")" + id + R"(","content":)" + content + "}";
}
const std::string kPng =
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}})";
const std::string kPngPart =
    R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}})";

TEST(messages_to_chat, the_system_prompt_is_one_message) {
  const std::string billing = text("x-anthropic-billing-header: cc_version=2.1; cch=1");
  const auto said = [](const std::string& system) {
    return R"({"role":"system","content":")" + system + R"("},)" + kHi;
  };
  const Case cases[] = {
      {"a string", kGlm, with(R"("system":"s\u0041")"), chat(kOff, said(R"(s\u0041)"))},
      {"an empty one", kGlm, with(R"("system":"")"), chat(kOff)},
      {"blocks", kGlm,
       with(R"("system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},)" +
            text("") + "," + text("b") + "]"),
       chat(kOff, said(R"(a\n\nb)"))},
      {"the line about billing", kGlm, with(R"("system":[)" + billing + "," + text("a") + "]"),
       chat(kOff, said("a"))},
      {"only at the beginning", kGlm,
       with(R"("system":[)" + text("a") + "," + text("x-anthropic-billing-header: b") + "]"),
       chat(kOff, said(R"(a\n\nx-anthropic-billing-header: b)"))},
      {"nothing but billing", kGlm, with(R"("system":[)" + billing + "]"), chat(kOff)},
  };
  check(cases);
}

TEST(messages_to_chat, system_messages_in_the_midst_go_where_the_upstream_takes_them) {
  MessagesRules as_user = kGlm;
  as_user.mid_system = MessagesRules::MidSystem::user;
  MessagesRules folded = kGlm;
  folded.mid_system = MessagesRules::MidSystem::fold;
  const std::string note = R"({"role":"system","content":[)" + text("n") + "," + text("o") + "]}";
  const std::string in = kHi + "," + note + "," + assistant(use("x")) + "," +
                         R"({"role":"system","content":"late"},)" +
                         user(result("x", R"("content":"r")") + "," + text("go"));
  const std::string call_and_answer = called(call("x")) + "," + answer("x", "\"r\"") + ",";
  const Case cases[] = {
      {"kept in place, never between a call and its answer", kGlm, with("", in),
       chat(kOff, kHi + R"(,{"role":"system","content":"n\n\no"},)" + call_and_answer +
                      R"({"role":"system","content":"late"},{"role":"user","content":"go"})")},
      {"said by the user", as_user, with("", in),
       chat(kOff,
            kHi + R"(,{"role":"user","content":"<system-reminder>\nn\n\no\n</system-reminder>"},)" +
                call_and_answer +
                R"({"role":"user","content":"<system-reminder>\nlate\n</system-reminder>"},)" +
                R"({"role":"user","content":"go"})")},
      {"moved to the first", folded, with(R"("system":"s")", in),
       chat(kOff, R"({"role":"system","content":"s\n\nn\n\no\n\nlate"},)" + kHi + "," +
                      call_and_answer + R"({"role":"user","content":"go"})")},
      {"with nothing to say", kGlm, with("", kHi + R"(,{"role":"system","content":[]})"),
       chat(kOff)},
  };
  check(cases);
}

TEST(messages_to_chat, turns_become_messages_that_answer_every_call_at_once) {
  const Case cases[] = {
      {"two user messages in a row", kGlm, with("", kHi + "," + kHi), chat(kOff, kHi + "," + kHi)},
      {"one text block is a string", kGlm, with("", user(text("a"))),
       chat(kOff, R"({"role":"user","content":"a"})")},
      {"two are parts", kGlm, with("", user(text("a") + "," + text("b"))),
       chat(kOff, R"({"role":"user","content":[)" + text("a") + "," + text("b") + "]}")},
      {"an answer alone leaves no empty user message", kGlm,
       with("", kHi + "," + assistant(use("x")) + "," + user(result("x", ""))),
       chat(kOff, kHi + "," + called(call("x")) + "," + answer("x", "\"\""))},
      {"text before the answers comes after them", kGlm,
       with("", kHi + "," + assistant(use("x") + "," + use("y")) + "," +
                    user(text("a") + "," + result("x", "") + "," + result("y", ""))),
       chat(kOff, kHi + "," + called(call("x") + "," + call("y")) + "," + answer("x", "\"\"") +
                      "," + answer("y", "\"\"") + R"(,{"role":"user","content":"a"})")},
      {"answers in two user messages", kGlm,
       with("", kHi + "," + assistant(use("x") + "," + use("y")) + "," +
                    user(result("x", "") + "," + text("a")) + "," +
                    user(result("y", "") + "," + text("b"))),
       chat(kOff, kHi + "," + called(call("x") + "," + call("y")) + "," + answer("x", "\"\"") +
                      "," + answer("y", "\"\"") +
                      R"(,{"role":"user","content":"a"},{"role":"user","content":"b"})")},
      {"assistant messages in a row are one turn", kGlm,
       with("", kHi + "," + assistant(text("a") + "," + use("x")) + "," +
                    assistant(text("b") + "," + use("y")) + "," +
                    user(result("x", "") + "," + result("y", ""))),
       chat(kOff, kHi + R"(,{"role":"assistant","content":"a\n\nb","tool_calls":[)" + call("x") +
                      "," + call("y") + "]}," + answer("x", "\"\"") + "," + answer("y", "\"\""))},
      {"text around a call is one text", kGlm,
       with("", kHi + "," + assistant(text("a") + "," + use("x") + "," + text("b")) + "," +
                    user(result("x", ""))),
       chat(kOff, kHi + R"(,{"role":"assistant","content":"ab","tool_calls":[)" + call("x") +
                      "]}," + answer("x", "\"\""))},
      {"arguments lose only the space between tokens", kGlm,
       with("",
            kHi + "," +
                assistant(
                    R"({"type":"tool_use","id":"x","name":"f","input":{ "a b" : "c \"\\\u0041\n d",
                      "n" : 1.50e1 , "l" : [ 1 , "]" ] }})") +
                "," + user(result("x", ""))),
       chat(
           kOff,
           kHi +
               R"(,{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function",)"
               R"("function":{"name":"f","arguments":"{\"a b\":\"c \\\"\\\\\\u0041\\n d\",\"n\":1.50e1,\"l\":[1,\"]\"]}"}}]},)" +
               answer("x", "\"\""))},
      {"ids that were encoded for the client are decoded", kGlm,
       with("", kHi + "," + assistant(use(fit_call_id("a:\"1"))) + "," +
                    user(result(fit_call_id("a:\"1"), ""))),
       chat(kOff, kHi + "," + called(call("a:\\\"1")) + "," + answer("a:\\\"1", "\"\""))},
      {"ids that only look encoded stay", kGlm,
       with("", kHi + "," + assistant(use("toolu_hx_ff") + "," + use("toolu_hx_")) + "," +
                    user(result("toolu_hx_ff", "") + "," + result("toolu_hx_", ""))),
       chat(kOff, kHi + "," + called(call("toolu_hx_ff") + "," + call("toolu_hx_")) + "," +
                      answer("toolu_hx_ff", "\"\"") + "," + answer("toolu_hx_", "\"\""))},
      {"a beginning of the answer",
       kGlm,
       with("", kHi + R"(,{"role":"assistant","content":"{"})"),
       chat(kOff, kHi + R"(,{"role":"assistant","content":"{"})"),
       {"not_enforced; field=messages[1]"}},
      {"for an engine", kEngine, with("", kHi + R"(,{"role":"assistant","content":"{"})"),
       chat(R"(,"chat_template_kwargs":{"enable_thinking":false})",
            kHi + R"(,{"role":"assistant","content":"{"})")},
      {"an empty assistant message goes", kGlm, with("", kHi + "," + assistant("") + "," + kHi),
       chat(kOff, kHi + "," + kHi)},
  };
  check(cases);
}

TEST(messages_to_chat, thinking_is_replayed_if_it_is_our_own) {
  const std::string kept = kSeal.seal("T\n\"x\"", ThinkingSeal::Text::kept_by_client);
  const std::string carried = kSeal.seal("hidden", ThinkingSeal::Text::carried);
  const auto thinking = [](const std::string& text, const std::string& signature) {
    return R"({"type":"thinking","thinking":")" + text + R"(","signature":")" + signature + "\"}";
  };
  const auto turn = [](const std::string& blocks) {
    return with("", kHi + "," + assistant(blocks + "," + text("a")) + "," + kHi);
  };
  const auto out = [](const std::string& reasoning) {
    return chat(
        kOff, kHi + R"(,{"role":"assistant","content":"a")" +
                  (reasoning.empty() ? "" : R"(,"reasoning_content":")" + reasoning + "\"") + "}," +
                  kHi);
  };
  const std::vector<std::string> dropped = {"dropped; field=messages[].content[].thinking"};
  const Case cases[] = {
      {"kept by the client", kGlm, turn(thinking(R"(T\n\"x\")", kept)), out(R"(T\n\"x\")")},
      {"carried by the seal", kGlm, turn(thinking("", carried)), out("hidden")},
      {"two blocks", kGlm, turn(thinking(R"(T\n\"x\")", kept) + "," + thinking("", carried)),
       out(R"(T\n\"x\"hidden)")},
      {"changed on the way", kGlm, turn(thinking("other", kept)), out(""), dropped},
      {"another's signature", kGlm, turn(thinking("T", "EqQBCgIYAhIM")), out(""), dropped},
      {"no signature", kGlm, turn(R"({"type":"thinking","thinking":"T"})"), out(""), dropped},
      {"no seal to open it with", {}, turn(thinking("", carried)), out(""), dropped},
      {"redacted",
       kGlm,
       turn(R"({"type":"redacted_thinking","data":"x"})"),
       out(""),
       {"dropped; field=messages[].content[redacted_thinking]"}},
      {"thinking and nothing else", kGlm,
       with("", kHi + "," + assistant(thinking("", carried)) + "," + kHi),
       chat(kOff,
            kHi + R"(,{"role":"assistant","content":"","reasoning_content":"hidden"},)" + kHi)},
  };
  check(cases);
}

TEST(messages_to_chat, results_of_tools_become_text) {
  const auto in = [](const std::string& members, const std::string& more = "") {
    return with("", kHi + "," + assistant(use("x")) + "," + user(result("x", members) + more));
  };
  const auto out = [](const std::string& content, const std::string& more = "",
                      const std::string& members = kOff) {
    return chat(members, kHi + "," + called(call("x")) + "," + answer("x", content) + more);
  };
  const std::string engine = R"(,"chat_template_kwargs":{"enable_thinking":false})";
  const std::string from_tool = R"({"type":"text","text":"Image from tool call x:"})";
  const Case cases[] = {
      {"a string", kGlm, in(R"("content":"a\tb")"), out(R"("a\tb")")},
      {"null", kGlm, in(R"("content":null)"), out("\"\"")},
      {"no blocks", kGlm, in(R"("content":[])"), out("\"\"")},
      {"one text, byte for byte", kGlm, in(R"("content":[)" + text(R"(\u00e9 \n)") + "]"),
       out(R"("\u00e9 \n")")},
      {"texts, an empty one too", kGlm,
       in(R"("content":[)" + text("a") + "," + text("") + "," + text("b") + "]"), out(R"("a\nb")")},
      {"an error", kGlm, in(R"("content":"no such file","is_error":true)"),
       out(R"("Error: no such file")")},
      {"an error that says so", kGlm, in(R"("content":"ERROR 5","is_error":true)"),
       out(R"("ERROR 5")")},
      {"Claude Code's error", kGlm, in(R"("content":"<tool_use_error>x","is_error":true)"),
       out(R"("<tool_use_error>x")")},
      {"an error without words", kGlm, in(R"("is_error":true)"), out("\"Error: (no output)\"")},
      {"no error", kGlm, in(R"("content":"a","is_error":false)"), out("\"a\"")},
      {"two images", kGlm, in(R"("content":[)" + kPng + "," + text("and") + "," + kPng + "]"),
       out(R"("[see attached image 1]\nand\n[see attached image 2]")",
           R"(,{"role":"user","content":[)" + from_tool + "," + kPngPart + "," + kPngPart + "]}")},
      {"an image, where tools may have them", kEngine,
       in(R"("content":[)" + text("a") + "," + kPng + "]"),
       out("[" + text("a") + "," + kPngPart + "]", "", engine)},
      {"a tool was found", kGlm, in(R"("content":[{"type":"tool_reference","tool_name":"g"}])"),
       out(R"("Tool g is now available.")")},
      {"a search result", kGlm,
       in(R"("content":[{"type":"search_result","source":"http://s","title":"t","content":[)" +
          text("a") + "," + text("b") + "]}]"),
       out(R"("[http://s] t\na\nb")")},
      {"a document", kGlm,
       in(R"("content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"}}])"),
       out(R"("d")")},
      {"what we do not know",
       kGlm,
       in(R"("content":[{"type":"browser_state","x":1},{"type":"text","text":"a"}])"),
       out("\"a\""),
       {"dropped; field=messages[].content[browser_state]"}},
  };
  check(cases);
}

TEST(messages_to_chat, blocks_of_users_become_parts) {
  const auto in = [](const std::string& blocks) { return with("", user(blocks)); };
  const auto out = [](const std::string& content, const std::string& members = kOff) {
    return chat(members, R"({"role":"user","content":)" + content + "}");
  };
  const std::string engine = R"(,"chat_template_kwargs":{"enable_thinking":false})";
  const std::string gif =
      R"({"type":"image","source":{"type":"base64","media_type":"image/gif","data":"R0"}})";
  const auto document = [](const std::string& source) {
    return R"({"type":"document","title":"t","context":"c","source":)" + source + "}";
  };
  const Case cases[] = {
      {"image", kGlm, in(kPng), out("[" + kPngPart + "]")},
      {"image by address", kGlm,
       in(R"({"type":"image","source":{"type":"url","url":"https:\/\/e\/i.png"}})"),
       out(R"([{"type":"image_url","image_url":{"url":"https:\/\/e\/i.png"}}])")},
      {"GIF for an engine", kEngine, in(gif),
       out(R"([{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0"}}])", engine)},
      {"text with citations",
       kGlm,
       in(R"({"type":"text","text":"a","citations":[{"type":"char_location"}]})"),
       out("\"a\""),
       {"dropped; field=messages[].content[].citations"}},
      {"text document", kGlm,
       in(document(R"({"type":"text","media_type":"text/plain","data":"d"})")),
       out(R"("t\nc\nd")")},
      {"document of a string", kGlm, in(document(R"({"type":"content","content":"d"})")),
       out(R"("t\nc\nd")")},
      {"document of blocks", kGlm,
       in(document(R"({"type":"content","content":[)" + kPng + "," + text("d") + "]}")),
       out("[" + text(R"(t\nc)") + "," + kPngPart + "," + text("d") + "]")},
      {"document with citations",
       kGlm,
       in(R"({"type":"document","citations":{"enabled":true},"source":{"type":"text","data":"d"}})"),
       out("\"d\""),
       {"dropped; field=messages[].content[].citations"}},
      {"PDF by address, for a model that sees", kGlm,
       in(document(R"({"type":"url","url":"https://e/d.pdf"})")),
       out("[" + text(R"(t\nc)") +
           R"(,{"type":"file_url","file_url":{"url":"https://e/d.pdf"}}])")},
      {"search result", kGlm,
       in(R"({"type":"search_result","source":"s","title":"t","content":[)" + text("a") + "]}"),
       out(R"("[s] t\na")")},
      {"unknown",
       kGlm,
       in(text("a") + R"(,{"type":"hologram","x":{}})"),
       out("\"a\""),
       {"dropped; field=messages[].content[hologram]"}},
  };
  check(cases);
}

TEST(messages_to_chat, a_search_that_ran_at_anthropic_becomes_words) {
  const std::string blocks =
      R"({"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}},
         {"type":"web_search_tool_result","tool_use_id":"s","content":[
           {"type":"web_search_result","title":"t","url":"http://u","encrypted_content":"E"}]},)" +
      text(" so");
  const Case cases[] = {
      {"history",
       kGlm,
       with("", kHi + "," + assistant(blocks) + "," + kHi),
       chat(
           kOff,
           kHi +
               ",{\"role\":\"assistant\",\"content\":\"[web search: q]\\nt \u2014 http://u so\"}," +
               kHi),
       {"changed; field=messages[].content[server_tool_use]"}},
  };
  check(cases);
}

TEST(messages_to_chat, what_cannot_be_carried_is_refused_by_name) {
  struct Refused {
    const char* name;
    MessagesRules rules;
    std::string in;
    FaultCode code;
    std::string param;
  };
  const std::string image = "messages[0].content[0]";
  const auto source = [](const std::string& type, const std::string& json) {
    return with("", user(R"({"type":")" + type + R"(","source":)" + json + "}"));
  };
  const Refused cases[] = {
      {"nothing to say", kGlm, R"({"model":"m","max_tokens":0,"messages":[)" + kHi + "]}",
       FaultCode::unsupported_field, "max_tokens"},
      {"MCP", kGlm, with(R"("mcp_servers":[{"url":"http://x"}])"), FaultCode::unsupported_field,
       "mcp_servers"},
      {"a thread", kGlm, with(R"("thread":{"type":"create"})"), FaultCode::unsupported_thread,
       "thread"},
      {"messages before these", kGlm, with(R"("previous_message_id":"msg_1")"),
       FaultCode::unsupported_field, "previous_message_id"},
      {"a container of before", kGlm, with(R"("container":"c_1")"), FaultCode::unsupported_field,
       "container"},
      {"skills", kGlm, with(R"("container":{"skills":[{"skill_id":"pdf"}]})"),
       FaultCode::unsupported_field, "container.skills"},
      {"screen", kGlm, with(tools(kTool + R"(,{"type":"computer_20250124","name":"computer"})")),
       FaultCode::unsupported_field, "tools[1].type"},
      {"browser", kGlm, with(tools(R"({"type":"browser_toolset_20260801"})")),
       FaultCode::unsupported_field, "tools[0].type"},
      {"a tool that is not there", kGlm,
       with(tools(kTool, R"("tool_choice":{"type":"tool","name":"h"})")), FaultCode::bad_value,
       "tool_choice.name"},
      {"image for a text model", kTextOnly, with("", user(kPng)), FaultCode::unsupported_field,
       image},
      {"image in a result, if the operator wants it refused", kRefuses,
       with("", kHi + "," + assistant(use("x")) + "," +
                    user(result("x", R"("content":[)" + kPng + "]"))),
       FaultCode::unsupported_field, "messages[2].content[0].content[0]"},
      {"GIF for GLM", kGlm,
       source("image", R"({"type":"base64","media_type":"image/gif","data":"R0"})"),
       FaultCode::unsupported_field, image + ".source.media_type"},
      {"no image type", kEngine,
       source("image", R"({"type":"base64","media_type":"text/html","data":"R0"})"),
       FaultCode::bad_value, image + ".source.media_type"},
      {"file of an account", kGlm, source("image", R"({"type":"file","file_id":"f"})"),
       FaultCode::unsupported_field, image + ".source.type"},
      {"PDF", kGlm,
       source("document", R"({"type":"base64","media_type":"application/pdf","data":"JV"})"),
       FaultCode::unsupported_field, image + ".source.type"},
      {"PDF by address for a text model", kTextOnly,
       source("document", R"({"type":"url","url":"http://x"})"), FaultCode::unsupported_field,
       image + ".source.type"},
      {"image in a document", kTextOnly,
       source("document", R"({"type":"content","content":[)" + kPng + "]}"),
       FaultCode::unsupported_field, image + ".source.content[0]"},
      {"upload", kGlm, with("", user(R"({"type":"container_upload","file_id":"f"})")),
       FaultCode::unsupported_field, image + ".type"},
      {"MCP call", kGlm,
       with("", kHi + "," + assistant(R"({"type":"mcp_tool_use","id":"m","name":"n","input":{}})")),
       FaultCode::unsupported_field, "messages[1].content[0].type"},
      {"compaction", kGlm, with("", kHi + "," + assistant(R"({"type":"compaction"})")),
       FaultCode::unsupported_field, "messages[1].content[0].type"},
      {"image of an assistant", kGlm, with("", kHi + "," + assistant(kPng)),
       FaultCode::unsupported_field, "messages[1].content[0].type"},
      {"nothing left", kGlm, with("", assistant("")), FaultCode::bad_value, "messages"},
  };
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.name);
    const Translated got = translate(c.in, c.rules);
    ASSERT_TRUE(got.fault.has_value()) << got.draft.body;
    EXPECT_EQ(got.fault->code, c.code) << got.fault->for_client;
    EXPECT_EQ(got.fault->param, c.param);
    EXPECT_TRUE(got.fault->for_client.starts_with(c.param)) << got.fault->for_client;
  }
  std::string many = kTool;
  for (int i = 0; i < 128; ++i)
    many += R"(,{"name":"t)" + std::to_string(i) + R"(","input_schema":{}})";
  const Translated too_many = translate(with(tools(many)), kGlm);
  ASSERT_TRUE(too_many.fault.has_value());
  EXPECT_EQ(too_many.fault->param, "tools");
}

/// From the first byte a client sends to the last that GLM gets.
TEST(messages_to_chat, with_fitting_gives_what_glm_takes) {
  const ChatTarget glm47{.model = "glm-4.7", .max_output = 131'072};
  const auto fitted = [](const std::string& in, const ChatTarget& target,
                         std::vector<std::string>& warnings) -> std::string {
    const Translated got = translate(in, kGlm);
    if (got.fault) return got.fault->for_client;
    auto body = Body::read(got.draft.body, kDraftLimits);
    const auto facts = read_chat_facts(*body);
    auto said = fit_chat_request(*body, *facts, target);
    if (!said) return said.error().for_client;
    warnings = std::move(*said);
    return body->spliced();
  };
  struct Fit {
    const char* name;
    std::string in;
    std::string out;
    std::vector<std::string> warnings;
  };
  const Fit cases[] = {
      {"greedy",
       with(R"("temperature":0)"),
       R"({"model":"glm-4.7","messages":[)" + kHi +
           R"(],"max_tokens":64,"thinking":{"type":"disabled"},"do_sample":false})",
       {}},
      {"a forced tool is the only one",
       with(tools(kTool + R"(,{"name":"g","input_schema":{}})",
                  R"("tool_choice":{"type":"tool","name":"f"})")),
       R"({"model":"glm-4.7","messages":[)" + kHi +
           R"(],"max_tokens":64,"thinking":{"type":"disabled"},"tools":[)" + kFunction +
           R"(],"tool_choice":"auto"})",
       {"changed; field=tool_choice"}},
      {"any tool",
       with(tools(kTool, R"("tool_choice":{"type":"any"})")),
       R"({"model":"glm-4.7","messages":[)" + kHi +
           R"(],"max_tokens":64,"thinking":{"type":"disabled"},"tools":[)" + kFunction +
           R"(],"tool_choice":"auto"})",
       {"changed; field=tool_choice"}},
      {"no tool, though some were called",
       with(R"("system":"s",)" + tools(kTool, R"("tool_choice":{"type":"none"})"),
            kHi + "," + assistant(use("x")) + "," + user(result("x", ""))),
       R"({"model":"glm-4.7","messages":[{"role":"system","content":"s\n\nAnswer in words: do not call tools now."},)" +
           kHi + "," + called(call("x")) + "," + answer("x", "\"\"") +
           R"(],"max_tokens":64,"thinking":{"type":"disabled"},"tools":[)" + kFunction +
           R"(],"tool_choice":"auto"})",
       {"changed; field=tool_choice"}},
      {"a schema for the answer",
       with(R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})"),
       R"({"model":"glm-4.7","messages":[{"role":"system","content":"Answer with one JSON object that is valid under this JSON schema, and nothing else:\n{\"type\":\"object\"}"},)" +
           kHi +
           R"(],"max_tokens":64,"thinking":{"type":"disabled"},"response_format":{"type":"json_object"}})",
       {"not_enforced; field=response_format.json_schema"}},
  };
  for (const Fit& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<std::string> warnings;
    EXPECT_EQ(fitted(c.in, glm47, warnings), c.out);
    EXPECT_EQ(warnings, c.warnings);
  }
}

TEST(messages_to_chat, claude_codes_first_request_is_carried) {
  const std::string in =
      R"({"model":"glm-4.7","messages":[
        {"role":"user","content":[{"type":"text","text":"<system-reminder>x</system-reminder>"},
          {"type":"text","text":"hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
        {"role":"system","content":[{"type":"text","text":"tools changed","cache_control":{"type":"ephemeral"}}]}],
      "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.329; cc_entrypoint=cli;"},
        {"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral"}},
        {"type":"text","text":"Rules.","cache_control":{"type":"ephemeral"}}],
      "tools":[{"name":"Bash","description":"Runs.","input_schema":{"$schema":"x","type":"object","properties":{}},"strict":true,"eager_input_streaming":true},
        {"name":"Placeholder","description":"","input_schema":{"type":"object","properties":{}},"defer_loading":true},
        {"type":"tool_search_tool_regex_20251119","name":"tool_search_tool_regex"}],
      "metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s\"}"},
      "max_tokens":32000,"thinking":{"type":"adaptive","display":"updates"},
      "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
      "output_config":{"effort":"high"},"stream":true})";
  const std::string out =
      R"({"model":"glm-4.7","messages":[{"role":"system","content":"You are Claude Code.\n\nRules."},)"
      R"({"role":"user","content":[{"type":"text","text":"<system-reminder>x</system-reminder>"},{"type":"text","text":"hi"}]},)"
      R"({"role":"system","content":"tools changed"}],"max_tokens":32000,"stream":true,)"
      R"("thinking":{"type":"enabled","clear_thinking":false},"reasoning_effort":"high",)"
      R"("user":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s\"}",)"
      R"("tools":[{"type":"function","function":{"name":"Bash","description":"Runs.","parameters":{"$schema":"x","type":"object","properties":{}},"strict":true}},)"
      R"({"type":"function","function":{"name":"Placeholder","description":"","parameters":{"type":"object","properties":{}}}}]})";
  const Translated got = translate(in, kGlm);
  ASSERT_FALSE(got.fault.has_value()) << got.fault->for_client;
  EXPECT_EQ(got.draft.body, out);
  EXPECT_FALSE(got.draft.hides_thinking);
  EXPECT_EQ(got.draft.warnings, (std::vector<std::string>{"dropped; field=context_management",
                                                          "dropped; field=tools[].defer_loading",
                                                          "dropped; field=tools[2]"}));
}

TEST(messages_to_chat, pi_and_openclaw_are_carried) {
  const std::string signature = kSeal.seal("why", ThinkingSeal::Text::kept_by_client);
  const Case cases[] = {
      {"pi: budget, summarized display, a result with cache_control",
       kGlm,
       R"({"model":"m","max_tokens":32000,"stream":true,"thinking":{"type":"enabled","budget_tokens":8192,"display":"summarized"},
        "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[)" +
           kHi + "," +
           assistant(R"({"type":"thinking","thinking":"why","signature":")" + signature + R"("},)" +
                     use("x")) +
           "," +
           user(result("x",
                       R"("content":"r","is_error":false,"cache_control":{"type":"ephemeral"})")) +
           R"(],"tools":[{"name":"f","description":"d","input_schema":)" + kSchema +
           R"(,"eager_input_streaming":true}]})",
       R"({"model":"m","messages":[{"role":"system","content":"s"},)" + kHi +
           R"(,{"role":"assistant","content":null,"reasoning_content":"why","tool_calls":[)" +
           call("x") + "]}," + answer("x", "\"r\"") +
           R"(],"max_tokens":32000,"stream":true,"thinking":{"type":"enabled","clear_thinking":false},"tools":[)" +
           kFunction + "]}",
       {"dropped; field=thinking.budget_tokens"}},
      {"OpenClaw: a user message after the results", kGlm,
       with("", kHi + "," + user(text("context")) + "," + assistant(use("x")) + "," +
                    user(result("x", R"("content":"r")")) + "," + user(text("internal"))),
       chat(kOff, kHi + R"(,{"role":"user","content":"context"},)" + called(call("x")) + "," +
                      answer("x", "\"r\"") + R"(,{"role":"user","content":"internal"})")},
  };
  check(cases);
}

}  // namespace
}  // namespace glmgate::protocol
