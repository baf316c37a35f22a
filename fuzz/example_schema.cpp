// Any schema has an example, which is JSON and not much larger than the schema; the same dice make
// the same one.
#include "base/json.h"
#include "fuzz.h"
#include "sandbox/schema.h"

namespace glmgate::sandbox {
namespace {

using fuzz::claim;

void run(fuzz::Input input) {
  constexpr std::size_t kWork = 64 * 1024;
  const std::size_t seed = input.choose(256);
  const Result<json::value> schema = json::parse(input.rest());
  if (!schema) return;
  const json::value example = example_of(*schema, Dice(seed), kWork);
  const std::string text = json::serialize(example);
  claim(json::parse(text).has_value(), "an example is JSON");
  claim(text.size() <= 8 * (kWork + 64 * input.rest().size()), "it has a bound");
  claim(example == example_of(*schema, Dice(seed), kWork), "the same dice, the same example");
}

}  // namespace
}  // namespace glmgate::sandbox

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  glmgate::sandbox::run({data, size});
  return 0;
}
