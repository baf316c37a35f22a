// A value that conforms to a JSON Schema: what the sandbox puts into tool arguments and structured
// answers.
#pragma once

#include <cstddef>

#include "base/json.h"
#include "sandbox/dice.h"

namespace glmgate::sandbox {

constexpr std::size_t kExampleWork = 2 * 1024 * 1024;  // of one answer: some milliseconds

/// An example of `schema`, the same for the same dice. Honoured: type (also a list), enum, const,
/// default, examples, properties, required, additionalProperties, minProperties, dependentRequired,
/// items, prefixItems, contains, minItems, maxItems, uniqueItems, minimum, maximum, their exclusive
/// forms, multipleOf, minLength, maxLength, pattern, the common formats, anyOf, oneOf (first choice
/// that is not null), allOf, local $ref. Not honoured: not, if, remote $ref. Required properties
/// are given; all of them where the schema has no `required`. Nesting ends at 24 levels.
/// @param work  what it may cost, beyond the schema's own size: about as many bytes. A small schema
///              can ask for a huge value; what it does not get is null, or left out.
json::value example_of(const json::value& schema, Dice dice, std::size_t work = kExampleWork);

}  // namespace glmgate::sandbox
