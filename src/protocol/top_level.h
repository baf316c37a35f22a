// The top level of a request body: its known fields, each found and checked in one walk. Private to
// this room, used by the readers of facts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

enum class Shape : std::uint8_t { text, flag, whole, number, object, special };

/// A top-level field we know. `special` ones have their own check elsewhere.
struct Field {
  std::string_view name;
  Shape shape;
  double least = 0;
  double most = 0;  // no bounds if both are 0
};

/// The known fields, each where the walk found it. What is null was never given.
class TopLevel {
 public:
  /// Fault{bad_value} if a field has the wrong type or value; also if a key matches a known one
  /// except for case: an upstream that ignores case would read what we did not check.
  static Result<TopLevel> read(JsonView root, std::span<const Field> fields);

  JsonView operator[](std::string_view name) const;

 private:
  std::span<const Field> fields_;
  std::vector<JsonView> values_;
};

/// Fault unless `model` is a name.
Result<void> check_model(JsonView model);

/// Objects told apart by a `type` that is a string; absent ones are fine.
Result<void> check_typed_object(std::string_view name, JsonView value);

/// An array of strings; absent is fine.
Result<void> check_strings(std::string_view name, JsonView value);

constexpr std::size_t kMostStops = 64;
constexpr std::size_t kMostStopBytes = 8 * 1024;

/// An array of stop sequences, few enough to be looked for in every answer; absent is fine.
Result<void> check_stops(std::string_view name, JsonView value);

}  // namespace glmgate::protocol
