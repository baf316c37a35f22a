// Any row of Deltas, broken off anywhere: the events pass the strict parser, and the whole form of
// the same row is the streamed form's last response.
#include "protocol/responses_writer.h"

#include <vector>

#include "fuzz.h"
#include "protocol/strict_responses_test.h"

namespace glmgate::protocol {
namespace {

using fuzz::claim;

constexpr std::string_view kTexts[] = {"",
                                       "a",
                                       "{",
                                       "}",
                                       "{}",
                                       "\"",
                                       "\\",
                                       "{\"input\":\"",
                                       "\"}",
                                       "[\"ls\"]",
                                       "\n",
                                       "北",
                                       "null",
                                       "\x01",
                                       "{\"command\":",
                                       "{\"commands\":\"x\"}",
                                       ",",
                                       ":",
                                       "{\"type\":\"a\",\"path\":\"b\"}"};
constexpr std::string_view kNamesUsed[] = {"f",           "",      "custom", "spaced",
                                           "local_shell", "shell", "patch",  "in_space"};
constexpr std::string_view kIds[] = {"", "c1", "c2", "\"\n"};

const ToolNames kNames = {
    {"custom", {ClientTool::Kind::custom, "c", ""}},
    {"in_space", {ClientTool::Kind::custom, "c", "s"}},
    {"spaced", {ClientTool::Kind::namespaced, "t", "s"}},
    {"local_shell", {ClientTool::Kind::local_shell, "local_shell", ""}},
    {"shell", {ClientTool::Kind::shell, "shell", ""}},
    {"patch", {ClientTool::Kind::apply_patch, "apply_patch", ""}},
};

Delta choose_delta(fuzz::Input& input, std::size_t& calls) {
  Delta delta;
  delta.kind = static_cast<Delta::Kind>(input.choose(10));
  delta.text = kTexts[input.choose(std::size(kTexts))];
  if (delta.kind == Delta::Kind::call) {
    delta.call = input.choose(16) == 0 ? input.choose(8) : calls;
    calls += delta.call == calls ? 1 : 0;
    delta.id = kIds[input.choose(std::size(kIds))];
    delta.name = kNamesUsed[input.choose(std::size(kNamesUsed))];
  } else if (delta.kind == Delta::Kind::arguments) {
    delta.call = input.choose(calls + 1);
  } else if (delta.kind == Delta::Kind::stop) {
    delta.stop = static_cast<Stop>(input.choose(7));
  } else if (delta.kind == Delta::Kind::usage || delta.kind == Delta::Kind::begin) {
    delta.usage = {.input = 7, .cached = 3, .output = static_cast<std::int64_t>(input.choose(9))};
  }
  return delta;
}

/// The response in the last event.
std::string_view last_object(std::string_view bytes) {
  const auto at = bytes.rfind("\"response\":{");
  return bytes.substr(at + 11, bytes.size() - at - 11 - 3);
}

void run(fuzz::Input input) {
  static const ThinkingSeal seal([](std::string_view) { return std::string(16, 's'); });
  ResponsesWriterOptions options;
  options.head.id = "resp_1";
  options.head.model = "glm";
  options.names = kNames;
  options.seal = &seal;
  options.hides_thinking = input.choose(2) != 0;
  options.raw_thinking = input.choose(2) != 0;
  const bool breaks = input.choose(4) == 0;

  std::vector<Delta> deltas;
  std::size_t calls = 0;
  while (!input.rest().empty() && deltas.size() < 2000)
    deltas.push_back(choose_delta(input, calls));

  const auto writer = make_responses_writer(options);
  std::string bytes;
  std::optional<Fault> fault;
  for (const Delta& delta : deltas) {
    auto added = writer->add(delta, bytes);
    if (!added) {
      fault = added.error();
      break;
    }
    if (delta.text == "a") bytes += writer->ping();
  }
  if (breaks && !fault) fault = make_fault(FaultCode::upstream_reset, "it broke");
  if (!fault) {
    auto ending = writer->ending();
    if (ending) bytes += *ending;
    if (!ending) fault = ending.error();
  }
  if (fault) {
    claim(fault->blame == Blame::upstream, "no bug of ours");
    bytes += writer->fault(*fault);
  }
  const std::string violation = StrictResponses::check_stream(bytes);
  claim(violation.empty(), violation.c_str());
  if (breaks) return;

  const auto whole = write_responses_answer(options, [&](const OnDelta& on_delta) -> Result<void> {
    for (const Delta& delta : deltas)
      if (auto taken = on_delta(delta); !taken) return taken;
    return {};
  });
  claim(whole.has_value() == !fault, "both forms or none");
  if (!whole) return;
  const std::string wrong = StrictResponses::check_whole(*whole);
  claim(wrong.empty(), wrong.c_str());
  claim(*whole == last_object(bytes), "the same response");
}

}  // namespace
}  // namespace glmgate::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  glmgate::protocol::run({data, size});
  return 0;
}
