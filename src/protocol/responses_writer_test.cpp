#include "protocol/responses_writer.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "protocol/responses_request.h"
#include "protocol/strict_responses_test.h"

namespace glmgate::protocol {
namespace {

using Kind = Delta::Kind;

const ThinkingSeal kSeal([](std::string_view) { return std::string(16, 'm'); });

const ToolNames kNames = {
    {"apply_patch", {ClientTool::Kind::custom, "apply_patch", ""}},
    {"mcp__get", {ClientTool::Kind::namespaced, "get", "mcp"}},
    {"local_shell", {ClientTool::Kind::local_shell, "local_shell", ""}},
    {"shell", {ClientTool::Kind::shell, "shell", ""}},
    {"hosted_patch", {ClientTool::Kind::apply_patch, "apply_patch", ""}},
    {"long_12345678", {ClientTool::Kind::function, "a long name", ""}},
};

ResponsesWriterOptions options() {
  ResponsesWriterOptions out;
  out.head.id = "resp_1";
  out.head.created = 1'790'000'000;
  out.head.model = "glm-5.3";
  out.names = kNames;
  out.seal = &kSeal;
  return out;
}

Delta begin() { return {}; }
Delta text(std::string_view text) { return {.kind = Kind::text, .text = text}; }
Delta reasoning(std::string_view text) { return {.kind = Kind::reasoning, .text = text}; }
Delta refusal(std::string_view text) { return {.kind = Kind::refusal, .text = text}; }
Delta call(std::size_t index, std::string_view id, std::string_view name) {
  return {.kind = Kind::call, .call = index, .id = id, .name = name};
}
Delta arguments(std::size_t index, std::string_view text) {
  return {.kind = Kind::arguments, .text = text, .call = index};
}
Delta stop(Stop why) { return {.kind = Kind::stop, .stop = why}; }
Delta usage() {
  return {.kind = Kind::usage, .usage = {.input = 100, .cached = 60, .output = 20, .reasoning = 5}};
}

struct Written {
  std::string bytes;
  std::optional<Fault> fault;
};

Written write(const std::vector<Delta>& deltas, const ResponsesWriterOptions& how) {
  const auto writer = make_responses_writer(how);
  Written out;
  for (const Delta& delta : deltas)
    if (auto added = writer->add(delta, out.bytes); !added) {
      out.fault = added.error();
      return out;
    }
  auto ending = writer->ending();
  if (!ending) {
    out.fault = ending.error();
    return out;
  }
  out.bytes += *ending;
  return out;
}

Result<std::string> write_whole(const std::vector<Delta>& deltas,
                                const ResponsesWriterOptions& how) {
  return write_responses_answer(how, [&](const OnDelta& on_delta) -> Result<void> {
    for (const Delta& delta : deltas)
      if (auto taken = on_delta(delta); !taken) return taken;
    return {};
  });
}

std::vector<std::string> types(std::string_view bytes) {
  std::vector<std::string> out;
  for (auto at = bytes.find("event: "); at != std::string_view::npos;
       at = bytes.find("\nevent: ", at)) {
    at = bytes.find("event: ", at) + 7;
    std::string type(bytes.substr(at, bytes.find('\n', at) - at));
    if (type.starts_with("response.")) type.erase(0, 9);
    out.push_back(std::move(type));
  }
  return out;
}

/// The last event's response.
json::value last_response(const std::string& bytes) {
  const auto at = bytes.rfind("data: ");
  const auto event = json::parse(std::string_view(bytes).substr(at + 6));
  return event && json::find(*event, "response") ? *json::find(*event, "response") : json::value();
}

std::string field(const json::value& of, std::string_view key) {
  const json::value* const found = json::find(of, key);
  return found == nullptr ? "absent" : json::serialize(*found);
}

std::string same(const std::string& json) { return json::serialize(*json::parse(json)); }

struct Answer {
  const char* name;
  std::vector<Delta> deltas;
  std::string output;  // of the final response
  std::string status = "\"completed\"";
};

const Answer kAnswers[] =
    {
        {"nothing", {begin(), stop(Stop::end_turn)}, "[]"},
        {"text",
         {begin(), text("Hel"), text(""), text("lo\n\"北京\""), stop(Stop::end_turn), usage()},
         R"([{"id":"msg_1_0","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello\n\"北京\"","annotations":[],"logprobs":[]}]}])"},
        {"thinking, text and a call",
         {begin(), reasoning("Need"), reasoning(" it."), text("Checking."), call(0, "c1", "f"),
          arguments(0, "{\"a\":"), arguments(0, "1}"), stop(Stop::tool_use), usage()},
         R"([{"id":"rs_1_0","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"Need it."}],"encrypted_content":"glm1.Y21tbW1tbW1tbW1tbW1tbW1OZWVkIGl0Lg"},{"id":"msg_1_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Checking.","annotations":[],"logprobs":[]}]},{"id":"fc_1_2","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"a\":1}"}])"},
        {"calls whose arguments interleave",
         {begin(), call(0, "a", "f"), arguments(0, "{\"c\":"), call(1, "b", "g"),
          arguments(1, "{}"), arguments(0, "\"北京\"}"), call(2, "", "f"), call(3, "b", "g"),
          arguments(3, "{\"}\":{"), arguments(2, "{}"), arguments(3, "}}"), stop(Stop::tool_use)},
         R"([{"id":"fc_1_0","type":"function_call","status":"completed","call_id":"a","name":"f","arguments":"{\"c\":\"北京\"}"},{"id":"fc_1_1","type":"function_call","status":"completed","call_id":"b","name":"g","arguments":"{}"},{"id":"fc_1_2","type":"function_call","status":"completed","call_id":"call_1_2","name":"f","arguments":"{}"},{"id":"fc_1_3","type":"function_call","status":"completed","call_id":"call_1_3","name":"g","arguments":"{\"}\":{}}"}])"},
        {"no arguments at all",
         {begin(), call(0, "a", "f"), stop(Stop::tool_use)},
         R"([{"id":"fc_1_0","type":"function_call","status":"completed","call_id":"a","name":"f","arguments":"{}"}])"},
        {"arguments of blanks",
         {begin(), call(0, "a", "f"), arguments(0, "\n"), stop(Stop::tool_use)},
         R"([{"id":"fc_1_0","type":"function_call","status":"completed","call_id":"a","name":"f","arguments":"\n{}"}])"},
        {"text behind an open call waits",
         {begin(), call(0, "a", "f"), arguments(0, "{"), text("done"), arguments(0, "}"),
          stop(Stop::end_turn)},
         R"([{"id":"fc_1_0","type":"function_call","status":"completed","call_id":"a","name":"f","arguments":"{}"},{"id":"msg_1_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"done","annotations":[],"logprobs":[]}]}])"},
        {"V4: a custom tool",
         {begin(), call(0, "c1", "apply_patch"), arguments(0, R"({"input":"*** Begin )"),
          arguments(0, R"(Patch\n"})"), stop(Stop::tool_use)},
         R"([{"id":"ctc_1_0","type":"custom_tool_call","status":"completed","call_id":"c1","name":"apply_patch","input":"*** Begin Patch\n"}])"},
        {"a custom tool called in the model's own way",
         {begin(), call(0, "c1", "apply_patch"), arguments(0, "*** Begin Patch"),
          call(1, "c2", "f"), arguments(1, "{}"), stop(Stop::tool_use)},
         R"([{"id":"ctc_1_0","type":"custom_tool_call","status":"completed","call_id":"c1","name":"apply_patch","input":"*** Begin Patch"},{"id":"fc_1_1","type":"function_call","status":"completed","call_id":"c2","name":"f","arguments":"{}"}])"},
        {"names of the client",
         {begin(), call(0, "a", "mcp__get"), arguments(0, "{}"), call(1, "b", "long_12345678"),
          arguments(1, "{}"), stop(Stop::tool_use)},
         R"([{"id":"fc_1_0","type":"function_call","status":"completed","call_id":"a","name":"get","namespace":"mcp","arguments":"{}"},{"id":"fc_1_1","type":"function_call","status":"completed","call_id":"b","name":"a long name","arguments":"{}"}])"},
        {"hosted tools that the client runs",
         {begin(), call(0, "a", "local_shell"),
          arguments(0, "{\n\"command\":[\"ls\"],\"type\":\"x\",\"timeout_ms\":5}"),
          call(1, "b", "shell"), arguments(1, R"({"commands":"ls"})"), call(2, "c", "hosted_patch"),
          arguments(2, R"({"type":"delete_file","path":"a"})"), stop(Stop::tool_use)},
         R"([{"id":"lsh_1_0","type":"local_shell_call","status":"completed","call_id":"a","action":{"type":"exec","command":["ls"],"timeout_ms":5,"env":{}}},{"id":"sh_1_1","type":"shell_call","status":"completed","call_id":"b","action":{"commands":["ls"]}},{"id":"apc_1_2","type":"apply_patch_call","status":"completed","call_id":"c","operation":{"type":"delete_file","path":"a"}}])"},
        {"a refusal in words",
         {begin(), text("I "), refusal("won't"), refusal("."), stop(Stop::refusal)},
         R"([{"id":"msg_1_0","type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"I ","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"won't."}]}])",
         "\"incomplete\""},
        {"cut in text",
         {begin(), reasoning("r"), text("half"), stop(Stop::max_tokens)},
         R"([{"id":"rs_1_0","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"r"}],"encrypted_content":"glm1.Y21tbW1tbW1tbW1tbW1tbW1y"},{"id":"msg_1_1","type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"half","annotations":[],"logprobs":[]}]}])",
         "\"incomplete\""},
        {"cut in a call",
         {begin(), call(0, "a", "f"), arguments(0, "{\"a"), stop(Stop::context_window)},
         R"([{"id":"fc_1_0","type":"function_call","status":"incomplete","call_id":"a","name":"f","arguments":"{\"a"}])",
         "\"incomplete\""},
        {"cut in a custom call: nothing that could be run",
         {begin(), text("t"), call(0, "a", "apply_patch"), arguments(0, R"({"input":"rm -rf /)"),
          stop(Stop::max_tokens)},
         R"([{"id":"msg_1_0","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"t","annotations":[],"logprobs":[]}]}])",
         "\"incomplete\""},
        {"another maker's signature",
         {begin(),
          reasoning("r"),
          {.kind = Kind::signature, .text = "sig"},
          {.kind = Kind::redacted, .text = "x"},
          reasoning("s"),
          stop(Stop::stop_sequence)},
         R"([{"id":"rs_1_0","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"rs"}],"encrypted_content":"glm1.Ym1tbW1tbW1tbW1tbW1tbW17InR5cGUiOiJ0aGlua2luZyIsInRoaW5raW5nIjoiciIsInNpZ25hdHVyZSI6InNpZyJ9LHsidHlwZSI6InJlZGFjdGVkX3RoaW5raW5nIiwiZGF0YSI6IngifSx7InR5cGUiOiJ0aGlua2luZyIsInRoaW5raW5nIjoicyJ9"}])"},
};

TEST(responses_writer, says_every_kind_of_answer_streamed_and_whole) {
  for (const Answer& answer : kAnswers) {
    SCOPED_TRACE(answer.name);
    const Written written = write(answer.deltas, options());
    ASSERT_FALSE(written.fault) << written.fault->for_client;
    EXPECT_EQ(StrictResponses::check_stream(written.bytes), "") << written.bytes;
    const json::value response = last_response(written.bytes);
    EXPECT_EQ(field(response, "output"), same(answer.output));
    EXPECT_EQ(field(response, "status"), answer.status);

    const auto whole = write_whole(answer.deltas, options());
    ASSERT_TRUE(whole);
    EXPECT_EQ(StrictResponses::check_whole(*whole), "") << *whole;
    EXPECT_EQ(json::serialize(*json::parse(*whole)), json::serialize(response));
  }
}

TEST(responses_writer, breaks_visibly_after_every_delta) {
  for (const Answer& answer : kAnswers) {
    for (std::size_t count = 0; count < answer.deltas.size(); ++count) {
      SCOPED_TRACE(std::string(answer.name) + " after " + std::to_string(count));
      const auto writer = make_responses_writer(options());
      std::string bytes;
      for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(writer->add(answer.deltas[i], bytes));
      bytes += writer->ping();
      bytes += writer->fault(make_fault(FaultCode::upstream_reset, "the connection broke"));
      EXPECT_EQ(StrictResponses::check_stream(bytes), "") << bytes;
      EXPECT_EQ(types(bytes).back(), "failed");
      EXPECT_EQ(field(last_response(bytes), "error"),
                R"({"code":"server_error","message":"the connection broke"})");
      EXPECT_EQ(writer->ping(), "");
      EXPECT_EQ(writer->fault(make_fault(FaultCode::internal, "x")), "");
    }
  }
}

TEST(responses_writer, sends_the_events_of_2_7_in_their_order) {
  const Written written =
      write({begin(), reasoning("a"), reasoning("b"), text("c"), call(0, "i", "f"),
             arguments(0, "{"), arguments(0, "}"), call(1, "j", "apply_patch"),
             arguments(1, R"({"input":"p"})"), stop(Stop::tool_use)},
            options());
  const std::vector<std::string> expected = {"created",
                                             "in_progress",
                                             "output_item.added",
                                             "reasoning_summary_part.added",
                                             "reasoning_summary_text.delta",
                                             "reasoning_summary_text.delta",
                                             "reasoning_summary_text.done",
                                             "reasoning_summary_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "content_part.added",
                                             "output_text.delta",
                                             "output_text.done",
                                             "content_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "custom_tool_call_input.delta",
                                             "custom_tool_call_input.done",
                                             "output_item.done",
                                             "completed"};
  EXPECT_EQ(types(written.bytes), expected);
}

TEST(responses_writer, shows_thinking_as_it_was_asked_for) {
  const std::vector<Delta> deltas = {begin(), reasoning("deep"), text("x"), stop(Stop::end_turn)};
  const std::string seal = kSeal.seal("deep", ThinkingSeal::Text::carried);
  struct Case {
    const char* name;
    bool hides, sealed, raw;
    std::string item;
  };
  const Case cases[] = {
      {"summary", false, false, false, R"("summary":[{"type":"summary_text","text":"deep"}])"},
      {"summary and seal", false, true, false,
       R"("summary":[{"type":"summary_text","text":"deep"}],"encrypted_content":")" + seal + "\""},
      {"hidden", true, false, false, R"("summary":[])"},
      {"only the seal", true, true, false, R"("summary":[],"encrypted_content":")" + seal + "\""},
      {"raw", false, false, true,
       R"("summary":[],"content":[{"type":"reasoning_text","text":"deep"}])"},
      {"raw, hidden", true, true, true,
       R"("summary":[],"content":[],"encrypted_content":")" + seal + "\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ResponsesWriterOptions how = options();
    how.hides_thinking = c.hides;
    how.seal = c.sealed ? &kSeal : nullptr;
    how.raw_thinking = c.raw;
    const Written written = write(deltas, how);
    EXPECT_EQ(StrictResponses::check_stream(written.bytes), "") << written.bytes;
    const json::value response = last_response(written.bytes);
    EXPECT_EQ(json::serialize(json::find(response, "output")->as_array()[0]),
              same(R"({"id":"rs_1_0","type":"reasoning","status":"completed",)" + c.item + "}"));
    EXPECT_EQ(c.hides, written.bytes.find("\"deep\"") == std::string::npos);
  }
  // What is sealed comes back.
  EXPECT_EQ(kSeal.open(seal, ""), "deep");
}

TEST(responses_writer, what_an_upstream_signed_is_sealed_with_its_signatures) {
  const std::vector<Delta> deltas = {begin(),
                                     reasoning("deep"),
                                     {.kind = Delta::Kind::signature, .text = "c2ln"},
                                     {.kind = Delta::Kind::redacted, .text = "b3BhcXVl"},
                                     text("x"),
                                     stop(Stop::end_turn)};
  ResponsesWriterOptions how = options();
  how.seal = &kSeal;
  const Written written = write(deltas, how);
  EXPECT_EQ(StrictResponses::check_stream(written.bytes), "") << written.bytes;
  const json::value response = last_response(written.bytes);
  const json::value item = json::find(response, "output")->as_array()[0];
  const std::string seal(json::find_string(item, "encrypted_content"));
  EXPECT_EQ(kSeal.open_blocks(seal), R"({"type":"thinking","thinking":"deep","signature":"c2ln"},)"
                                     R"({"type":"redacted_thinking","data":"b3BhcXVl"})");
  EXPECT_FALSE(kSeal.open(seal, "").has_value());
}

TEST(responses_writer, tells_Codex_how_it_broke) {
  struct Case {
    FaultCode code;
    int wait;
    std::string error;
  };
  const Case cases[] = {
      {FaultCode::rate_limited, 7,
       R"({"code":"rate_limit_exceeded","message":"m; try again in 7s"})"},
      {FaultCode::upstream_overloaded, 0,
       R"({"code":"rate_limit_exceeded","message":"m; try again in 5s"})"},
      {FaultCode::quota_exhausted, 0, R"({"code":"insufficient_quota","message":"m"})"},
      {FaultCode::insufficient_balance, 0, R"({"code":"insufficient_quota","message":"m"})"},
      {FaultCode::context_too_long, 0,
       R"({"code":"context_length_exceeded","message":"maximum context length exceeded: m"})"},
      {FaultCode::content_blocked, 0, R"({"code":"invalid_prompt","message":"m"})"},
      {FaultCode::upstream_timeout, 0, R"({"code":"server_error","message":"m"})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.error);
    Fault fault = make_fault(c.code, "m");
    fault.wait = std::chrono::seconds(c.wait);
    const std::string bytes = make_responses_writer(options())->fault(fault);
    EXPECT_EQ(StrictResponses::check_stream(bytes), "");
    EXPECT_EQ(field(last_response(bytes), "error"), c.error);
  }
}

TEST(responses_writer, refuses_what_it_cannot_say) {
  struct Case {
    const char* name;
    std::vector<Delta> deltas;
  };
  const Case cases[] = {
      {"no end", {begin(), text("x")}},
      {"arguments of no call", {begin(), arguments(0, "{}")}},
      {"calls out of order", {begin(), call(1, "a", "f")}},
      {"a call without a name", {begin(), call(0, "a", "")}},
      {"more arguments than a whole call",
       {begin(), call(0, "a", "f"), arguments(0, "{}"), call(1, "b", "g"), arguments(0, "{}")}},
      {"a shell without a command",
       {begin(), call(0, "a", "shell"), arguments(0, "{}"), stop(Stop::tool_use)}},
      {"text after the end", {begin(), stop(Stop::end_turn), text("x")}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Written written = write(c.deltas, options());
    ASSERT_TRUE(written.fault);
    EXPECT_EQ(written.fault->code, FaultCode::upstream_broken);
    EXPECT_EQ(StrictResponses::check_stream(written.bytes, false), "");
    // The break goes on counting where the client's events end.
    const auto writer = make_responses_writer(options());
    std::string bytes;
    bool added = true;
    for (const Delta& delta : c.deltas) added = added && writer->add(delta, bytes).has_value();
    if (added) EXPECT_FALSE(writer->ending());
    bytes += writer->fault(*written.fault);
    EXPECT_EQ(StrictResponses::check_stream(bytes), "");
  }
}

TEST(responses_writer, echoes_the_request_on_one_line) {
  const auto body = Body::read(
      "{\"model\":\"m\",\"input\":\"x\",\"instructions\":\"be\",\"tools\":[\n{\"type\":"
      "\"function\",\r\n\"name\":\"f\"}],"
      "\"reasoning\":{\"effort\":\"low\"},\"text\":{\"verbosity\":\"low\"},\"temperature\":0.50,"
      "\"user\":null,"
      "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"},\"metadata\":{\"a\":\"b\"},\"max_"
      "output_tokens\":9}",
      {});
  ASSERT_TRUE(body);
  ResponsesWriterOptions how = options();
  how.head.echo = std::make_shared<const ResponsesEcho>(read_responses_echo(*body));
  how.head.stored = true;
  const std::vector<Delta> deltas = {begin(), text("x"), stop(Stop::end_turn), usage()};
  const Written written = write(deltas, how);
  EXPECT_EQ(StrictResponses::check_stream(written.bytes), "");
  const json::value response = last_response(written.bytes);
  EXPECT_EQ(field(response, "instructions"), "\"be\"");
  EXPECT_EQ(field(response, "tools"), R"([{"type":"function","name":"f"}])");
  EXPECT_EQ(field(response, "reasoning"), R"({"effort":"low","summary":null})");
  EXPECT_EQ(field(response, "text"), R"({"format":{"type":"text"},"verbosity":"low"})");
  EXPECT_EQ(field(response, "tool_choice"), R"({"type":"function","name":"f"})");
  EXPECT_EQ(field(response, "metadata"), R"({"a":"b"})");
  EXPECT_EQ(field(response, "max_output_tokens"), "9");
  EXPECT_EQ(field(response, "store"), "true");
  EXPECT_EQ(field(response, "user"), "null");
  EXPECT_NE(written.bytes.find("\"temperature\":0.50,"), std::string::npos);
  EXPECT_EQ(
      field(response, "usage"),
      R"({"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":20,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":120})");

  how.head.echo =
      std::make_shared<const ResponsesEcho>(read_responses_echo(*body, EchoOf::all_but_bulk));
  const Written codex = write(deltas, how);
  EXPECT_EQ(StrictResponses::check_stream(codex.bytes), "");
  EXPECT_EQ(field(last_response(codex.bytes), "tools"), "[]");
  EXPECT_EQ(field(last_response(codex.bytes), "instructions"), "null");
  EXPECT_EQ(field(last_response(codex.bytes), "metadata"), R"({"a":"b"})");
}

TEST(strict_responses, sees_what_is_wrong) {
  const std::string good = write({begin(), reasoning("r"), text("hi"), call(0, "c", "f"),
                                  arguments(0, "{}"), stop(Stop::end_turn), usage()},
                                 options())
                               .bytes;
  ASSERT_EQ(StrictResponses::check_stream(good), "");
  struct Case {
    const char* name;
    std::string from, to;
  };
  const Case cases[] = {
      {"sequence", R"("sequence_number":3)", R"("sequence_number":4)"},
      {"type", R"("type":"response.output_text.done")", R"("type":"response.output_text.xone")"},
      {"text", R"("delta":"hi")", R"("delta":"ho")"},
      {"arguments", R"("delta":"{}")", R"("delta":"[]")"},
      {"index", R"("output_index":1)", R"("output_index":2)"},
      {"status", R"("status":"completed","error")", R"("status":"failed","error")"},
      {"total", R"("total_tokens":120)", R"("total_tokens":121)"},
      {"field", R"("truncation":"disabled",)", ""},
      {"blank line", "\n\nevent: response.completed", "\nevent: response.completed"},
      {"done", "response.output_item.done", "response.output_item.gone"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string bad = good;
    const auto at = bad.find(c.from);
    ASSERT_NE(at, std::string::npos);
    bad.replace(at, c.from.size(), c.to);
    EXPECT_NE(StrictResponses::check_stream(bad), "");
  }
  // No event can be left out.
  for (std::size_t at = 0; at < good.size(); at = good.find("\n\n", at) + 2) {
    const auto next = good.find("\n\n", at) + 2;
    EXPECT_NE(StrictResponses::check_stream(good.substr(0, at) + good.substr(next)), "");
  }
}

}  // namespace
}  // namespace glmgate::protocol
