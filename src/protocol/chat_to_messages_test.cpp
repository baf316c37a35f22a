#include "protocol/chat_to_messages.h"

#include <gtest/gtest.h>

#include <span>

#include "protocol/chat_draft.h"
#include "protocol/facts.h"
#include "protocol/sha256.h"

namespace glmgate::protocol {
namespace {

const ThinkingSeal kSeal([](std::string_view text) { return sha256_hex("k" + std::string(text)); });

/// Z.AI's endpoint, and one that checks as Anthropic's does.
const MessagesTarget kZai{.model = "m", .max_output = 1000, .seal = &kSeal};
const MessagesTarget kStrict{.model = "m",
                             .max_output = 64'000,
                             .verifies_thinking = true,
                             .takes_system_messages = true,
                             .takes_output_format = true,
                             .takes_effort = true};
const MessagesTarget kNoSampling{.model = "m", .max_output = 1000, .takes_sampling = false};
const MessagesTarget kTextOnly{.model = "m", .max_output = 1000, .takes_images = false};

struct Translated {
  MessagesDraft draft;
  std::optional<Fault> fault;
};

Translated translate(const std::string& text, const MessagesTarget& target) {
  const auto body = Body::read(text, kDraftLimits);
  if (!body) return {.draft = {}, .fault = body.error()};
  if (const auto facts = read_chat_facts(*body); !facts)
    return {.draft = {}, .fault = facts.error()};
  auto draft = chat_to_messages(*body, target);
  if (!draft) return {.draft = {}, .fault = draft.error()};
  const auto out = Body::read(draft->body, kDraftLimits);
  EXPECT_TRUE(out.has_value()) << draft->body;
  if (out) {
    const auto facts = read_messages_facts(*out);
    EXPECT_TRUE(facts.has_value()) << facts.error().for_client << "\n" << draft->body;
  }
  return {std::move(*draft), {}};
}

const std::string kHi = R"({"role":"user","content":"hi"})";
const std::string kSaidHi = R"({"role":"user","content":[{"type":"text","text":"hi"}]})";

std::string with(const std::string& members, const std::string& messages = kHi) {
  return R"({"model":"x","messages":[)" + messages + "]" + (members.empty() ? "" : "," + members) +
         "}";
}

/// What becomes of with(): these members behind max_tokens.
std::string out(const std::string& members, const std::string& messages = kSaidHi,
                const std::string& most = "1000") {
  return R"({"model":"m","messages":[)" + messages + R"(],"max_tokens":)" + most +
         (members.empty() ? "" : "," + members) + "}";
}
std::string after_system(const std::string& blocks, std::string text) {
  return text.insert(text.find(R"("messages")"), R"("system":[)" + blocks + "],");
}
std::string text(const std::string& text) { return R"({"type":"text","text":")" + text + "\"}"; }

struct Case {
  const char* name;
  MessagesTarget target;
  std::string in;
  std::string out;
  std::vector<std::string> warnings = {};
};

void check(std::span<const Case> cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Translated got = translate(c.in, c.target);
    EXPECT_FALSE(got.fault.has_value()) << got.fault->for_client;
    EXPECT_EQ(got.draft.body, c.out);
    EXPECT_EQ(got.draft.warnings, c.warnings);
  }
}

TEST(chat_to_messages, parameters_become_anthropics) {
  const MessagesTarget unknown{.model = "m"};
  const Case cases[] = {
      {"no limit given: the model's own", kZai, with(""), out("")},
      {"nor known", unknown, with(""), out("", kSaidHi, "32768")},
      {"the newer limit counts", kZai, with(R"("max_tokens":5,"max_completion_tokens":7)"),
       out("", kSaidHi, "7")},
      {"over the cap", kZai, with(R"("max_tokens":5000)"), out(""), {"clamped; field=max_tokens"}},
      {"stream", kZai, with(R"("stream":true,"stream_options":{"include_usage":true})"),
       out(R"("stream":true)")},
      {"sampling", kZai, with(R"("temperature":0.70,"top_p":0.9,"top_k":5)"),
       out(R"("temperature":0.70,"top_p":0.9,"top_k":5)")},
      {"hot",
       kZai,
       with(R"("temperature":1.5)"),
       out(R"("temperature":1)"),
       {"clamped; field=temperature"}},
      {"greedy", kZai, with(R"("do_sample":false)"), out(R"("temperature":0)")},
      {"no sampling there",
       kNoSampling,
       with(R"("temperature":0.5,"top_p":0.9)"),
       out(""),
       {"dropped; field=temperature", "dropped; field=top_p"}},
      {"one stop word", kZai, with(R"("stop":"END")"), out(R"("stop_sequences":["END"])")},
      {"several, some of space",
       kZai,
       with(R"("stop":["a","","\n ","b"])"),
       out(R"("stop_sequences":["a","b"])"),
       {"dropped; field=stop[1]", "dropped; field=stop[2]"}},
      {"user", kZai, with(R"("user":"u1")"), out(R"("metadata":{"user_id":"u1"})")},
      {"a user's address", kZai, with(R"("user":"a@b.c")"),
       out(R"("metadata":{"user_id":")" + sha256_hex("a@b.c") + "\"}")},
      {"a user's number", kZai, with(R"("safety_identifier":"+49 (30) 123-456","user":"u1")"),
       out(R"("metadata":{"user_id":")" + sha256_hex("+49 (30) 123-456") + "\"}")},
      {"what says nothing", kZai,
       with(R"("n":1,"store":false,"metadata":{},"logprobs":false,"presence_penalty":0,
               "logit_bias":{},"service_tier":"auto","parallel_tool_calls":true,"seed":null,
               "response_format":{"type":"text"},"request_id":"abcdef","tool_stream":true)"),
       out("")},
      {"what is lost",
       kZai,
       with(R"("seed":0,"logprobs":true,"frequency_penalty":0.5,"verbosity":"low",
               "prediction":{"type":"content"},"prompt_cache_key":"k")"),
       out(""),
       {"dropped; field=seed", "dropped; field=logprobs", "dropped; field=frequency_penalty",
        "dropped; field=verbosity", "dropped; field=prediction",
        "dropped; field=prompt_cache_key"}},
      {"a schema", kStrict,
       with(
           R"("response_format":{"type":"json_schema","json_schema":{"name":"o","schema":{"type":"object"}}})"),
       out(R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})",
           kSaidHi, "64000")},
      {"a schema in words",
       kZai,
       with(
           R"("response_format":{"type":"json_schema","json_schema":{"name":"o","schema":{"a":1}}})"),
       after_system(
           text(
               R"(Answer with one JSON object that is valid under this JSON schema, and nothing else:\n{\"a\":1})"),
           out("")),
       {"not_enforced; field=response_format.json_schema"}},
      {"JSON",
       kZai,
       with(R"("response_format":{"type":"json_object"})"),
       after_system(text("Answer with one JSON object and nothing else."), out("")),
       {"not_enforced; field=response_format"}},
  };
  check(cases);
}

TEST(chat_to_messages, thinking_becomes_a_budget) {
  const auto zai = [](const std::string& budget) {
    return out(R"("thinking":{"type":"enabled","budget_tokens":)" + budget + "}", kSaidHi, "64000");
  };
  MessagesTarget large = kZai;
  large.max_output = 64'000;
  const std::string off = R"("thinking":{"type":"disabled"})";
  const Case cases[] = {
      {"on", large, with(R"("thinking":{"type":"enabled"})"), zai("16384")},
      {"off", kZai, with(R"("thinking":{"type":"disabled"})"), out(off)},
      {"switch on", large, with(R"("enable_thinking":true)"), zai("16384")},
      {"switch off", kZai, with(R"("enable_thinking":false)"), out(off)},
      {"no effort", kZai, with(R"("reasoning_effort":"none")"), out(off)},
      {"low", large, with(R"("reasoning_effort":"low")"), zai("2048")},
      {"medium", large, with(R"("reasoning":{"effort":"medium"})"), zai("8192")},
      {"most", large, with(R"("reasoning_effort":"max")"), zai("32768")},
      {"a budget of its own", large, with(R"("thinking":{"type":"enabled","budget_tokens":5000})"),
       zai("5000")},
      {"too small a budget",
       large,
       with(R"("reasoning":{"max_tokens":5})"),
       zai("1024"),
       {"clamped; field=reasoning.max_tokens"}},
      {"half of few tokens", large, with(R"("thinking":{"type":"enabled"},"max_tokens":4000)"),
       out(R"("thinking":{"type":"enabled","budget_tokens":2000})", kSaidHi, "4000")},
      {"little effort, a quarter", large, with(R"("reasoning_effort":"low","max_tokens":6000)"),
       out(R"("thinking":{"type":"enabled","budget_tokens":1500})", kSaidHi, "6000")},
      {"much effort, three quarters", large, with(R"("reasoning_effort":"max","max_tokens":4000)"),
       out(R"("thinking":{"type":"enabled","budget_tokens":3000})", kSaidHi, "4000")},
      {"never less than the least", large, with(R"("reasoning_effort":"high","max_tokens":1500)"),
       out(R"("thinking":{"type":"enabled","budget_tokens":1024})", kSaidHi, "1500")},
      {"a budget over everything",
       large,
       with(R"("thinking":{"type":"enabled","budget_tokens":9000},"max_tokens":4000)"),
       out(R"("thinking":{"type":"enabled","budget_tokens":3000})", kSaidHi, "4000"),
       {"clamped; field=thinking.budget_tokens"}},
      {"no room to answer",
       large,
       with(R"("thinking":{"type":"enabled"},"max_tokens":1200)"),
       out(off, kSaidHi, "1200"),
       {"changed; field=thinking"}},
      {"no room to think",
       kZai,
       with(R"("reasoning_effort":"high")"),
       out(off),
       {"changed; field=reasoning_effort"}},
      {"effort, where it is known", kStrict, with(R"("reasoning_effort":"minimal")"),
       out(R"("thinking":{"type":"enabled","budget_tokens":2048},"output_config":{"effort":"low"})",
           kSaidHi, "64000")},
      {"thinking and sampling are not for both",
       kStrict,
       with(R"("thinking":{"type":"enabled"},"temperature":0.5)"),
       out(R"("thinking":{"type":"enabled","budget_tokens":16384})", kSaidHi, "64000"),
       {"dropped; field=temperature"}},
      {"nor thinking and a forced tool",
       kStrict,
       with(
           R"("enable_thinking":true,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
               "tool_choice":"required")"),
       out(off +
               R"(,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"})",
           kSaidHi, "64000"),
       {"changed; field=enable_thinking"}},
  };
  check(cases);
}

TEST(chat_to_messages, tools_become_anthropics) {
  const std::string nested =
      R"({"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}})";
  const std::string flat = R"({"type":"function","name":"g","parameters":{"properties":{}}})";
  const std::string f =
      R"({"name":"f","description":"d","input_schema":{"type":"object","properties":{}}})";
  const std::string g = R"({"name":"g","input_schema":{"properties":{},"type":"object"}})";
  const auto list = [](const std::string& tools, const std::string& choice = "") {
    return R"("tools":[)" + tools + "]" + (choice.empty() ? "" : R"(,"tool_choice":)" + choice);
  };
  const Case cases[] = {
      {"nested and flat", kZai, with(list(nested + "," + flat)), out(list(f + "," + g))},
      {"no parameters", kZai, with(list(R"({"function":{"name":"h"}})")),
       out(list(R"({"name":"h","input_schema":{"type":"object","properties":{}}})"))},
      {"legacy functions", kZai, with(R"("functions":[{"name":"h"}],"function_call":{"name":"h"})"),
       out(list(R"({"name":"h","input_schema":{"type":"object","properties":{}}})",
                R"({"type":"tool","name":"h"})"))},
      {"none", kZai, with(list("", "\"auto\"")), out("")},
      {"strict",
       kZai,
       with(list(R"({"type":"function","function":{"name":"h","strict":true}})")),
       out(list(R"({"name":"h","input_schema":{"type":"object","properties":{}}})")),
       {"dropped; field=tools[].function.strict"}},
      {"grammar", kZai,
       with(list(
           R"({"type":"custom","custom":{"name":"p","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: A"}}}})")),
       out(list(
           R"({"name":"p","description":"d","input_schema":{"type":"object","properties":{"input":{"type":"string","description":"start: A"}},"required":["input"]}})"))},
      {"tools of other vendors' servers",
       kZai,
       with(list(R"({"type":"web_search","web_search":{"enable":true}},)" + nested)),
       out(list(f)),
       {"dropped; field=tools[0]"}},
      {"auto", kZai, with(list(nested, "\"auto\"")), out(list(f))},
      {"no call", kZai, with(list(nested, "\"none\"")), out(list(f, R"({"type":"none"})"))},
      {"some call", kZai, with(list(nested, "\"required\"")), out(list(f, R"({"type":"any"})"))},
      {"this one", kZai,
       with(list(nested + "," + flat, R"({"type":"function","function":{"name":"g"}})")),
       out(list(f + "," + g, R"({"type":"tool","name":"g"})"))},
      {"one of these", kZai,
       with(list(nested + "," + flat + R"(,{"function":{"name":"h"}})",
                 R"({"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[
                    {"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]}})")),
       out(list(f + "," + g, R"({"type":"auto"})"))},
      {"one at a time", kZai, with(list(nested) + R"(,"parallel_tool_calls":false)"),
       out(list(f, R"({"type":"auto","disable_parallel_tool_use":true})"))},
  };
  check(cases);

  const Translated custom =
      translate(with(list(R"({"type":"custom","custom":{"name":"a.b"}})")), kZai);
  ASSERT_EQ(custom.draft.names.size(), 1U);
  EXPECT_EQ(custom.draft.names.begin()->first, fit_tool_name("a.b"));
  EXPECT_EQ(custom.draft.names.begin()->second.name, "a.b");
  EXPECT_EQ(custom.draft.names.begin()->second.kind, ClientTool::Kind::custom);
}

std::string call(const std::string& id, const std::string& arguments = "\"{}\"") {
  return R"({"id":")" + id + R"(","type":"function","function":{"name":"f","arguments":)" +
         arguments + "}}";
}
std::string calls(const std::string& list, const std::string& more = "") {
  return R"({"role":"assistant","content":null,)" + more + R"("tool_calls":[)" + list + "]}";
}
std::string answer(const std::string& id, const std::string& content) {
  return R"({"role":"tool","tool_call_id":")" + id + R"(","content":)" + content + "}";
}
std::string user(const std::string& blocks) {
  return R"({"role":"user","content":[)" + blocks + "]}";
}
std::string assistant(const std::string& blocks) {
  return R"({"role":"assistant","content":[)" + blocks + "]}";
}
std::string use(const std::string& id, const std::string& input = "{}") {
  return R"({"type":"tool_use","id":")" + id + R"(","name":"f","input":)" + input + "}";
}
std::string result(const std::string& id, const std::string& blocks = "") {
  return R"({"type":"tool_result","tool_use_id":")" + id + "\"" +
         (blocks.empty() ? "" : R"(,"content":[)" + blocks + "]") + "}";
}
const std::string kTools = R"("tools":[{"function":{"name":"f","parameters":{"type":"object"}}}])";
const std::string kToolsOut = R"("tools":[{"name":"f","input_schema":{"type":"object"}}])";

TEST(chat_to_messages, the_conversation_alternates_and_answers_every_call_at_once) {
  const auto in = [](const std::string& messages) { return with(kTools, messages); };
  const auto said = [](const std::string& messages) { return out(kToolsOut, messages); };
  const std::string s = R"({"role":"system","content":"s"})";
  const Case cases[] = {
      {"leading system and developer messages", kZai,
       with("", s + R"(,{"role":"developer","content":[{"type":"text","text":"d"}]},)" + kHi),
       after_system(text("s") + "," + text("d"), out(""))},
      {"a later one", kZai, with("", kHi + "," + s),
       out("", user(text("hi") + "," + text("<system>s</system>")))},
      {"a later one, where it is taken", kStrict, with("", kHi + "," + s + "," + kHi),
       out("", kSaidHi + R"(,{"role":"system","content":[)" + text("s") + "]}," + kSaidHi,
           "64000")},
      {"between call and answer, where it is taken", kStrict,
       in(kHi + "," + calls(call("x")) + "," + s + "," + answer("x", "\"r\"") + "," + kHi),
       out(kToolsOut,
           kSaidHi + "," + assistant(use("x")) + "," +
               user(result("x", text("r")) + "," + text("hi")) +
               R"(,{"role":"system","content":[)" + text("s") + "]}",
           "64000")},
      {"between two calls of one turn", kZai,
       in(kHi + "," + calls(call("x")) + "," + s + "," + calls(call("y")) + "," +
          answer("x", "\"\"") + "," + answer("y", "\"\"")),
       said(kSaidHi + "," + assistant(use("x") + "," + use("y")) + "," +
            user(result("x") + "," + result("y") + "," + text("<system>s</system>")))},
      {"users in a row", kZai, with("", kHi + "," + kHi),
       out("", user(text("hi") + "," + text("hi")))},
      {"answers in the order of the calls, then the user", kZai,
       in(kHi + "," + calls(call("x") + "," + call("y")) + "," + answer("y", "\"2\"") + "," +
          answer("x", "\"\"") + "," + kHi),
       said(kSaidHi + "," + assistant(use("x") + "," + use("y")) + "," +
            user(result("x") + "," + result("y", text("2")) + "," + text("hi")))},
      {"assistants in a row", kZai,
       in(kHi + R"(,{"role":"assistant","content":"a"},)" + calls(call("x")) + "," +
          answer("x", "\"r\"")),
       said(kSaidHi + "," + assistant(text("a") + "," + use("x")) + "," +
            user(result("x", text("r"))))},
      {"an empty user between two assistants",
       kZai,
       with("", kHi + R"(,{"role":"assistant","content":"a"},{"role":"user","content":" "},)" +
                    R"({"role":"assistant","content":"b "})"),
       out("", kSaidHi + "," + assistant(text("a") + "," + text("b"))),
       {"dropped; field=messages[2].content"}},
      {"arguments", kZai,
       in(kHi + "," +
          calls(call("a", R"("{\"k\": [1.50, \"\\u00e9\"]}")") + "," + call("b", "\"\"") + "," +
                call("c", R"({"k":1})") + "," + call("d", "\"null\"") +
                R"(,{"id":"e","function":{"name":"f"}})") +
          "," + answer("a", "\"\"") + "," + answer("b", "\"\"") + "," + answer("c", "\"\"") + "," +
          answer("d", "\"\"") + "," + answer("e", "\"\"")),
       said(kSaidHi + "," +
            assistant(use("a", R"({"k": [1.50, "\u00e9"]})") + "," + use("b") + "," +
                      use("c", R"({"k":1})") + "," + use("d") + "," + use("e")) +
            "," +
            user(result("a") + "," + result("b") + "," + result("c") + "," + result("d") + "," +
                 result("e")))},
      {"ids that Anthropic does not take", kZai,
       in(kHi + "," + calls(call("a:1")) + "," + answer("a:1", "\"r\"")),
       said(kSaidHi + "," + assistant(use(fit_call_id("a:1"))) + "," +
            user(result(fit_call_id("a:1"), text("r"))))},
      {"calls from before there were tools", kZai,
       in(kHi + R"(,{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},)" +
          R"({"role":"function","name":"f","content":"r"})"),
       said(kSaidHi + "," + assistant(use("call_1")) + "," + user(result("call_1", text("r"))))},
      {"a custom call", kZai,
       in(kHi +
          R"(,{"role":"assistant","tool_calls":[{"id":"x","type":"custom","custom":{"name":"f","input":"a\nb"}}]},)" +
          answer("x", "\"r\"")),
       said(kSaidHi + "," + assistant(use("x", R"({"input":"a\nb"})")) + "," +
            user(result("x", text("r"))))},
      {"tools that only the history knows",
       kZai,
       with("", kHi + "," + calls(call("x")) + "," + answer("x", "\"r\"")),
       out(kToolsOut, kSaidHi + "," + assistant(use("x")) + "," + user(result("x", text("r")))),
       {"changed; field=tools"}},
      {"an assistant begins",
       kZai,
       with("", R"({"role":"assistant","content":"a"},)" + kHi),
       out("", user(text("(continue)")) + "," + assistant(text("a")) + "," + kSaidHi),
       {"changed; field=messages[0]"}},
      {"nobody does",
       kZai,
       with("", s),
       after_system(text("s"), out("", user(text("(continue)")))),
       {"changed; field=messages[0]"}},
      {"the beginning of an answer loses the space at its end", kZai,
       with("", kHi + R"(,{"role":"assistant","content":"a\\n\n \t"})"),
       out("", kSaidHi + "," + assistant(text(R"(a\\n)")))},
      {"a refusal is text", kZai,
       with("",
            kHi + R"(,{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},)" + kHi),
       out("", kSaidHi + "," + assistant(text("no")) + "," + kSaidHi)},
      {"names of people",
       kZai,
       with("", R"({"role":"user","content":"hi","name":"n"})"),
       out(""),
       {"dropped; field=messages[].name"}},
  };
  check(cases);
}

TEST(chat_to_messages, reasoning_is_replayed_only_with_a_signature_that_is_good_there) {
  const std::string ours = kSeal.seal("T", ThinkingSeal::Text::kept_by_client);
  const auto turn = [](const std::string& member) {
    return with("", kHi + R"(,{"role":"assistant","content":"a",)" + member + "}," + kHi);
  };
  const auto thought = [](const std::string& signature) {
    return R"({"type":"thinking","thinking":"T","signature":")" + signature + "\"}";
  };
  const auto zai = [](const std::string& thinking) {
    return out("", kSaidHi + "," + assistant(thinking + (thinking.empty() ? "" : ",") + text("a")) +
                       "," + kSaidHi);
  };
  const auto strict = [](const std::string& thinking) {
    return out("",
               kSaidHi + "," + assistant(thinking + (thinking.empty() ? "" : ",") + text("a")) +
                   "," + kSaidHi,
               "64000");
  };
  const MessagesTarget unsealed{.model = "m", .max_output = 1000};
  const std::string plain = R"("reasoning_content":"T")";
  const auto blocks = [](const std::string& list) { return R"("thinking_blocks":[)" + list + "]"; };
  const Case cases[] = {
      {"plain, to Z.AI", kZai, turn(plain), zai(thought(ours))},
      {"plain, without a seal", unsealed, turn(plain), zai(thought(""))},
      {"plain, to one that verifies",
       kStrict,
       turn(plain),
       strict(""),
       {"dropped; field=messages[].reasoning_content"}},
      {"empty", kZai, turn(R"("reasoning_content":"")"), zai("")},
      {"signed by the upstream", kStrict, turn(blocks(thought("EqQB")) + "," + plain),
       strict(thought("EqQB"))},
      {"redacted", kStrict, turn(blocks(R"({"type":"redacted_thinking","data":"x"})")),
       strict(R"({"type":"redacted_thinking","data":"x"})")},
      {"ours, to one that verifies",
       kStrict,
       turn(blocks(thought(ours))),
       strict(""),
       {"dropped; field=messages[].thinking_blocks"}},
      {"ours, to Z.AI", kZai, turn(blocks(thought(ours))), zai(thought(ours))},
      {"in details", kStrict,
       turn(R"("reasoning_details":[{"type":"reasoning.text","text":"T","signature":"EqQB"}])"),
       strict(thought("EqQB"))},
  };
  check(cases);

  // What the client does not bring back is known by the call it led to.
  MessagesTarget knows = kStrict;
  knows.recall = [](std::string_view id) {
    return id == "x" ? std::optional(
                           std::string(R"({"type":"thinking","thinking":"T","signature":"EqQB"})"))
                     : std::nullopt;
  };
  for (const std::string& brought : {plain + ",", std::string()}) {
    const Translated goes_on =
        translate(with(kTools + R"(,"reasoning_effort":"high")",
                       kHi + "," + calls(call("x"), brought) + "," + answer("x", "\"r\"")),
                  knows);
    EXPECT_NE(goes_on.draft.body.find(assistant(thought("EqQB") + "," + use("x"))),
              std::string::npos)
        << goes_on.draft.body;
    EXPECT_NE(goes_on.draft.body.find(R"("thinking":{"type":"enabled")"), std::string::npos);
    EXPECT_TRUE(goes_on.draft.warnings.empty());
  }
  // Effort is of the answer as well: it stays where thinking cannot.
  const Translated kept =
      translate(with(kTools + R"(,"reasoning_effort":"high")",
                     kHi + "," + calls(call("x"), plain + ",") + "," + answer("x", "\"r\"")),
                kStrict);
  EXPECT_NE(kept.draft.body.find(R"("output_config":{"effort":"high"})"), std::string::npos)
      << kept.draft.body;

  // The last turn called a tool and its thinking is lost: Anthropic would refuse to think on.
  const std::string loop = kHi + "," + calls(call("x"), plain + ",") + "," + answer("x", "\"r\"");
  const Translated on = translate(with(kTools + R"(,"enable_thinking":true)", loop), kStrict);
  EXPECT_NE(on.draft.body.find(R"("thinking":{"type":"disabled"})"), std::string::npos);
  EXPECT_EQ(on.draft.warnings,
            (std::vector<std::string>{"dropped; field=messages[].reasoning_content",
                                      "changed; field=enable_thinking"}));
}

TEST(chat_to_messages, images_and_files_become_blocks) {
  const auto in = [](const std::string& part) {
    return with("", R"({"role":"user","content":[)" + part + "]}");
  };
  const auto url = [](const std::string& place) {
    return R"({"type":"image_url","image_url":{"url":")" + place + "\"}}";
  };
  const auto image = [](const std::string& type, const std::string& data) {
    return out("", user(R"({"type":"image","source":{"type":"base64","media_type":")" + type +
                        R"(","data":")" + data + "\"}}"));
  };
  const Case cases[] = {
      {"by address", kZai, in(url("https://e/i.png")),
       out("", user(R"({"type":"image","source":{"type":"url","url":"https://e/i.png"}})"))},
      {"as a string", kZai, in(R"({"type":"image_url","image_url":"https://e/i.png"})"),
       out("", user(R"({"type":"image","source":{"type":"url","url":"https://e/i.png"}})"))},
      {"PNG", kZai, in(url("data:image/png;base64,iVBORw0KGgoA")),
       image("image/png", "iVBORw0KGgoA")},
      {"with slashes escaped", kZai, in(url(R"(data:image\/jpeg;base64,\/9j\/4A)")),
       image("image/jpeg", "/9j/4A")},
      {"wrongly labelled", kZai, in(url("data:image/png;base64,/9j/4A")),
       image("image/jpeg", "/9j/4A")},
      {"GIF without a label", kZai, in(url("data:application/octet-stream;base64,R0lGODlh")),
       image("image/gif", "R0lGODlh")},
      {"no data URL at all, as Z.AI's SDK sends it", kZai, in(url("UklGRgAA")),
       image("image/webp", "UklGRgAA")},
      {"known by its label only", kZai, in(url("data:image/jpg;base64,AAAA")),
       image("image/jpeg", "AAAA")},
      {"PDF", kZai,
       in(R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}})"),
       out("",
           user(
               R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"title":"a.pdf"})"))},
      {"file by address", kZai, in(R"({"type":"file_url","file_url":{"url":"https://e/d.pdf"}})"),
       out("", user(R"({"type":"document","source":{"type":"url","url":"https://e/d.pdf"}})"))},
      {"from a tool", kZai,
       with(kTools, kHi + "," + calls(call("x")) + "," +
                        answer("x", "[" + text("see") + "," + url("https://e/i.png") + "]")),
       out(kToolsOut,
           kSaidHi + "," + assistant(use("x")) + "," +
               user(result(
                   "x",
                   text("see") +
                       R"(,{"type":"image","source":{"type":"url","url":"https://e/i.png"}})")))},
      {"PDF without a label", kZai, in(R"({"type":"file","file":{"file_data":"JVBERi0xLjQ="}})"),
       out("",
           user(
               R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQ="}})"))},
      {"text in the words of Responses", kZai,
       in(R"({"type":"input_text","text":"a"})" + std::string(",") + text("b")),
       out("", user(text("a") + "," + text("b")))},
  };
  check(cases);
}

TEST(chat_to_messages, what_cannot_be_carried_is_refused_by_name) {
  struct Refused {
    const char* name;
    MessagesTarget target;
    std::string in;
    FaultCode code;
    std::string param;
  };
  const auto part = [](const std::string& json) {
    return with("", R"({"role":"user","content":[)" + json + "]}");
  };
  const Refused cases[] = {
      {"two answers", kZai, with(R"("n":2)"), FaultCode::unsupported_field, "n"},
      {"sound out", kZai, with(R"("audio":{"voice":"x"})"), FaultCode::unsupported_field, "audio"},
      {"sound in", kZai, part(R"({"type":"input_audio","input_audio":{}})"),
       FaultCode::unsupported_field, "messages[0].content[0].type"},
      {"video", kZai, part(R"({"type":"video_url","video_url":{"url":"u"}})"),
       FaultCode::unsupported_field, "messages[0].content[0].type"},
      {"a file of an account", kZai, part(R"({"type":"file","file":{"file_id":"f"}})"),
       FaultCode::unsupported_field, "messages[0].content[0].file"},
      {"image for a text model", kTextOnly,
       part(R"({"type":"image_url","image_url":{"url":"https://e"}})"),
       FaultCode::unsupported_field, "messages[0].content[0]"},
      {"no image", kZai, part(R"({"type":"image_url","image_url":{"url":"data:image/png,AA"}})"),
       FaultCode::bad_value, "messages[0].content[0].image_url.url"},
      {"arguments that are no JSON", kZai,
       with("", kHi + "," + calls(call("x") + "," + call("y", R"("{\"a\":")"))),
       FaultCode::bad_value, "messages[1].tool_calls[1].function.arguments"},
      {"arguments that are no object", kZai, with("", kHi + "," + calls(call("x", "\"[]\""))),
       FaultCode::bad_value, "messages[1].tool_calls[0].function.arguments"},
      {"a call without an answer", kZai, with("", kHi + "," + calls(call("x")) + "," + kHi),
       FaultCode::bad_value, "messages[1].tool_calls[0]"},
      {"an answer without a call", kZai, with("", kHi + "," + answer("x", "\"\"")),
       FaultCode::bad_value, "messages[1].tool_call_id"},
      {"two calls of one id", kZai, with("", kHi + "," + calls(call("x") + "," + call("x"))),
       FaultCode::bad_value, "messages[1].tool_calls[1].id"},
      {"a call of another kind", kZai,
       with("", kHi + "," + calls(R"({"id":"x","type":"mcp","mcp":{}})")),
       FaultCode::unsupported_field, "messages[1].tool_calls[0].type"},
      {"a tool that is not there", kZai,
       with(kTools + R"(,"tool_choice":{"type":"function","function":{"name":"h"}})"),
       FaultCode::bad_value, "tool_choice"},
  };
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.name);
    const Translated got = translate(c.in, c.target);
    ASSERT_TRUE(got.fault.has_value()) << got.draft.body;
    EXPECT_EQ(got.fault->code, c.code) << got.fault->for_client;
    EXPECT_EQ(got.fault->param, c.param);
  }
}

}  // namespace
}  // namespace glmgate::protocol
