#include "protocol/block_checks.h"
#include "protocol/complaint.h"
#include "protocol/facts.h"
#include "protocol/top_level.h"

namespace glmgate::protocol {
namespace {

constexpr Field kFields[] = {
    {"model", Shape::special},
    {"messages", Shape::special},
    {"system", Shape::special},
    {"tools", Shape::special},
    {"tool_choice", Shape::special},
    {"stop_sequences", Shape::special},
    {"thinking", Shape::special},
    {"output_config", Shape::special},
    {"output_format", Shape::special},
    {"metadata", Shape::object},
    {"thread", Shape::object},
    {"stream", Shape::flag},
    {"max_tokens", Shape::whole, 0, 9e15},
    {"temperature", Shape::number, 0, 1},
    {"top_p", Shape::number, 0, 1},
    {"top_k", Shape::whole, 0, 9e15},
};

Result<void> check_tool_choice(JsonView choice) {
  if (!choice.given()) return {};
  if (!choice.is(JsonType::object)) return wrong("tool_choice", "an object with a type");
  const JsonView type = choice.find("type");
  if (!type.given()) return missing("tool_choice.type");
  const JsonView single = choice.find("disable_parallel_tool_use");
  if (single.given() && !single.boolean())
    return wrong("tool_choice.disable_parallel_tool_use", "true or false");
  if (type.equals("tool")) {
    const JsonView name = choice.find("name");
    if (!name.given()) return missing("tool_choice.name");
    if (!name.is(JsonType::string) || name.equals("")) return wrong("tool_choice.name", "a name");
    return {};
  }
  for (const std::string_view known : {"auto", "any", "none"})
    if (type.equals(known)) return {};
  return wrong("tool_choice.type", "auto, any, tool or none");
}

Result<void> check_thinking(JsonView thinking) {
  if (auto checked = check_typed_object("thinking", thinking); !checked || !thinking.given())
    return checked;
  if (!thinking.find("type").given()) return missing("thinking.type");
  const JsonView budget = thinking.find("budget_tokens");
  if (budget.given() && budget.integer().value_or(-1) < 0)
    return wrong("thinking.budget_tokens", "a whole number");
  return {};
}

/// `output_config.format`, or `output_format` as it was called before.
Result<void> check_format(const std::string& name, JsonView format) {
  if (auto checked = check_typed_object(name, format); !checked || !format.given()) return checked;
  if (!format.find("type").equals("json_schema")) return {};
  const JsonView schema = format.find("schema");
  if (!schema.given()) return missing(name + ".schema");
  if (!schema.is(JsonType::object)) return wrong(name + ".schema", "an object");
  return {};
}

Result<void> check_output(const TopLevel& top) {
  const JsonView config = top["output_config"];
  if (config.given() && !config.is(JsonType::object)) return wrong("output_config", "an object");
  const JsonView effort = config.find("effort");
  if (effort.given() && !effort.is(JsonType::string))
    return wrong("output_config.effort", "a string");
  if (auto checked = check_format("output_config.format", config.find("format")); !checked)
    return checked;
  return check_format("output_format", top["output_format"]);
}

Result<void> check_user(JsonView metadata) {
  const JsonView user = metadata.find("user_id");
  if (user.given() && !user.is(JsonType::string)) return wrong("metadata.user_id", "a string");
  return {};
}

Result<void> check_special(const TopLevel& top, Sums& sums) {
  if (auto checked = check_model(top["model"]); !checked) return checked;
  // What a thread goes on from is the upstream's: results may stand without their calls.
  const bool goes_on = top["thread"].find("type").equals("continue");
  const Pairing pairing = goes_on ? Pairing::elsewhere : Pairing::checked;
  if (auto checked = check_turns(top["messages"], pairing, sums); !checked) return checked;
  if (auto checked = check_system(top["system"], sums); !checked) return checked;
  if (auto checked = check_anthropic_tools(top["tools"], sums); !checked) return checked;
  if (auto checked = check_tool_choice(top["tool_choice"]); !checked) return checked;
  if (auto checked = check_stops("stop_sequences", top["stop_sequences"]); !checked) return checked;
  if (auto checked = check_thinking(top["thinking"]); !checked) return checked;
  if (auto checked = check_output(top); !checked) return checked;
  return check_user(top["metadata"]);
}

enum class MaxTokens : std::uint8_t { required, unused };

Result<Facts> read_facts(const Body& body, MaxTokens max_tokens, const Vocabulary* vocabulary) {
  const auto top = TopLevel::read(body.root(), kFields);
  if (!top) return fail(top.error());
  Sums sums{.vocabulary = vocabulary};
  if (auto checked = check_special(*top, sums); !checked) return fail(std::move(checked.error()));
  if (max_tokens == MaxTokens::required && !(*top)["max_tokens"].given())
    return missing("max_tokens");
  Facts facts;
  facts.model = *(*top)["model"].string();
  facts.stream = (*top)["stream"].boolean().value_or(false);
  facts.max_output = (*top)["max_tokens"].integer().value_or(0);
  facts.input_estimate = estimate_prompt(sums);
  facts.has_tools = (*top)["tools"].first().present();
  facts.has_images = sums.images > 0;
  return facts;
}

}  // namespace

Result<Facts> read_messages_facts(const Body& body, const Vocabulary* vocabulary) {
  return read_facts(body, MaxTokens::required, vocabulary);
}

Result<Facts> read_count_tokens_facts(const Body& body, const Vocabulary* vocabulary) {
  return read_facts(body, MaxTokens::unused, vocabulary);
}

}  // namespace glmgate::protocol
