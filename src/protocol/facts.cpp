#include "protocol/facts.h"

#include "protocol/complaint.h"
#include "protocol/message_checks.h"
#include "protocol/top_level.h"

namespace glmgate::protocol {
namespace {

/// The top-level fields we know.
constexpr Field kFields[] = {
    {"model", Shape::special},
    {"messages", Shape::special},
    {"input", Shape::special},
    {"tools", Shape::special},
    {"functions", Shape::special},
    {"stop", Shape::special},
    {"tool_choice", Shape::special},
    {"function_call", Shape::special},
    {"n", Shape::special},
    {"audio", Shape::special},
    {"modalities", Shape::special},
    {"response_format", Shape::special},
    {"thinking", Shape::special},
    {"stream_options", Shape::special},
    {"stream", Shape::flag},
    {"max_tokens", Shape::whole, 1, 9e15},
    {"max_completion_tokens", Shape::whole, 1, 9e15},
    {"temperature", Shape::number, 0, 2},
    {"top_p", Shape::number, 0, 1},
    {"presence_penalty", Shape::number, -2, 2},
    {"frequency_penalty", Shape::number, -2, 2},
    {"seed", Shape::whole},
    {"logprobs", Shape::flag},
    {"top_logprobs", Shape::whole, 0, 20},
    {"logit_bias", Shape::object},
    {"parallel_tool_calls", Shape::flag},
    {"reasoning_effort", Shape::text},
    {"reasoning", Shape::object},
    {"enable_thinking", Shape::flag},
    {"do_sample", Shape::flag},
    {"tool_stream", Shape::flag},
    {"user", Shape::text},
    {"user_id", Shape::text},
    {"request_id", Shape::text},
    {"store", Shape::flag},
    {"metadata", Shape::object},
};

/// GLM takes fewer words: fit_chat_request().
Result<void> check_stop(JsonView stop) {
  if (!stop.given()) return {};
  if (stop.is(JsonType::string)) {
    if (stop.text_bytes() <= kMostStopBytes) return {};
    return wrong("stop", "at most " + std::to_string(kMostStopBytes) + " bytes long");
  }
  if (!stop.is(JsonType::array)) return wrong("stop", "a string or an array of strings");
  return check_stops("stop", stop);
}

Result<void> check_choice(std::string_view name, JsonView choice) {
  if (!choice.given()) return {};
  if (choice.is(JsonType::string)) {
    for (const std::string_view word : {"none", "auto", "required", "any"})
      if (choice.equals(word)) return {};
    return wrong(std::string(name), "none, auto, required, or an object");
  }
  if (!choice.is(JsonType::object)) return wrong(std::string(name), "a string or an object");
  return {};
}

Result<void> check_response_format(JsonView format) {
  if (auto checked = check_typed_object("response_format", format); !checked || !format.given())
    return checked;
  if (!format.find("type").given()) return missing("response_format.type");
  const JsonView schema = format.find("json_schema");
  if (format.find("type").equals("json_schema") && !schema.is(JsonType::object)) {
    if (!schema.given()) return missing("response_format.json_schema");
    return wrong("response_format.json_schema", "an object");
  }
  return {};
}

Result<void> check_one_answer(JsonView n) {
  if (!n.given()) return {};
  const auto count = n.integer();
  if (!count || *count < 1) return wrong("n", "a whole number of at least 1");
  if (*count > 1)
    return unsupported("n", "greater than 1 is not supported: ask once for each answer");
  return {};
}

Result<void> check_no_audio(const TopLevel& top) {
  if (top["audio"].given()) return unsupported("audio", "output is not supported");
  for (JsonView mode = top["modalities"].first(); mode.present(); mode = mode.after())
    if (mode.equals("audio")) return unsupported("modalities", "with audio is not supported");
  return {};
}

Result<void> check_special(const TopLevel& top, Sums& sums) {
  if (auto checked = check_model(top["model"]); !checked) return checked;
  if (!top["messages"].given()) {
    if (top["input"].given())
      return unsupported("input", "is not served on this path: send messages");
    return missing("messages");
  }
  if (auto checked = check_messages(top["messages"], sums); !checked) return checked;
  if (auto checked = check_tools(top["tools"], sums); !checked) return checked;
  if (auto checked = check_functions(top["functions"], sums); !checked) return checked;
  if (auto checked = check_stop(top["stop"]); !checked) return checked;
  if (auto checked = check_choice("tool_choice", top["tool_choice"]); !checked) return checked;
  if (auto checked = check_choice("function_call", top["function_call"]); !checked) return checked;
  if (auto checked = check_one_answer(top["n"]); !checked) return checked;
  if (auto checked = check_no_audio(top); !checked) return checked;
  if (auto checked = check_response_format(top["response_format"]); !checked) return checked;
  if (auto checked = check_typed_object("thinking", top["thinking"]); !checked) return checked;
  const JsonView options = top["stream_options"];
  if (options.given() && !options.is(JsonType::object)) return wrong("stream_options", "an object");
  const JsonView include = options.find("include_usage");
  if (include.given() && !include.boolean())
    return wrong("stream_options.include_usage", "true or false");
  return {};
}

}  // namespace

Result<Facts> read_chat_facts(const Body& body, const Vocabulary* vocabulary) {
  const auto top = TopLevel::read(body.root(), kFields);
  if (!top) return fail(top.error());
  Sums sums{.vocabulary = vocabulary};
  if (auto checked = check_special(*top, sums); !checked) return fail(std::move(checked.error()));
  Facts facts;
  facts.model = *(*top)["model"].string();
  facts.stream = (*top)["stream"].boolean().value_or(false);
  facts.include_usage = (*top)["stream_options"].find("include_usage").boolean().value_or(false);
  const auto completion = (*top)["max_completion_tokens"].integer();
  facts.max_output = completion ? *completion : (*top)["max_tokens"].integer().value_or(0);
  facts.input_estimate = estimate_prompt(sums);
  facts.has_tools = (*top)["tools"].first().present() || (*top)["functions"].first().present();
  facts.has_images = sums.images > 0;
  return facts;
}

}  // namespace glmgate::protocol
