// Any Responses request is refused by name or becomes a chat request that is strict JSON and good:
// with the same model, the same stream, and a tool message for every call.
#include "protocol/responses_to_chat.h"

#include "fuzz.h"
#include "protocol/responses_object.h"
#include "protocol/responses_request.h"
#include "protocol/responses_store.h"

namespace glmgate::protocol {
namespace {

using fuzz::claim;

const ThinkingSeal kSeal([](std::string_view text) {
  return std::string(16, static_cast<char>('a' + text.size() % 26));
});

bool refuses_well(const Fault& fault) {
  return fault.blame == Blame::client && !fault.for_client.empty() &&
         (fault.code == FaultCode::bad_json || !fault.param.empty());
}

void check_messages(JsonView messages) {
  std::size_t calls = 0;
  for (JsonView message = messages.first(); message.present(); message = message.after()) {
    if (message.find("role").equals("tool")) {
      claim(calls > 0, "a tool message has its call");
      --calls;
      continue;
    }
    claim(calls == 0, "all calls are answered at once");
    calls = message.find("tool_calls").size();
  }
  claim(calls == 0, "the last calls too");
}

void check_names(const ToolNames& names) {
  for (const auto& [upstream, tool] : names)
    claim(fit_tool_name(upstream) == upstream && !tool.name.empty(), "a name that fits");
}

void run(fuzz::Input input) {
  auto body = Body::read(std::string(input.rest()), {});
  if (!body) return claim(refuses_well(body.error()), "refused with words");
  const auto facts = read_responses_facts(*body);
  if (!facts) return claim(refuses_well(facts.error()), "refused by name");
  claim(facts->input_estimate > 0 && facts->max_output >= 0, "facts are sane");
  const auto draft = responses_to_chat(*body, {.seal = &kSeal});
  if (!draft) return claim(refuses_well(draft.error()), "not carried, by name");
  for (const std::string& warning : draft->warnings)
    for (const char c : warning) claim(c >= ' ' && c < '\x7f', "a warning fits a header");
  check_names(draft->names);

  const auto chat = Body::read(draft->body, {.depth = 70});
  claim(chat.has_value(), chat ? "" : chat.error().for_client.c_str());
  const auto chat_facts = read_chat_facts(*chat);
  claim(chat_facts.has_value(), chat_facts ? "" : chat_facts.error().for_client.c_str());
  claim(chat_facts->model == facts->model && chat_facts->stream == facts->stream &&
            chat_facts->max_output == facts->max_output &&
            chat_facts->include_usage == (facts->include_usage && facts->stream),
        "the same facts");
  check_messages(chat->root().find("messages"));

  const ResponseHead head{
      .id = "resp_1",
      .model = facts->model,
      .echo = std::make_shared<const ResponsesEcho>(read_responses_echo(*body))};
  const std::string object =
      write_response_object(head, ResponseStatus::in_progress, {}, std::nullopt, {});
  claim(JsonTape::scan(object, {.depth = 70}).has_value(), "the echo is JSON");
  claim(object.find('\n') == std::string::npos, "on one line");
  // What would be stored of it is JSON as well, also when it comes back.
  const std::string stored = stored_input(*body, "resp_1");
  claim(Body::read(with_history(*body, stored), {.depth = 70}).has_value(), "history is JSON");
}

}  // namespace
}  // namespace glmgate::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  glmgate::protocol::run({data, size});
  return 0;
}
