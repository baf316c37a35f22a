#include "protocol/chat_answer.h"

#include "protocol/answer_parts.h"
#include "protocol/body.h"

namespace glmgate::protocol {

Result<PlainAnswer> read_chat_answer(std::string body, const ChatAnswerOptions& options) {
  auto read = Body::read(std::move(body), {.rigor = JsonRigor::upstream});
  if (!read) {
    Fault fault =
        make_fault(FaultCode::upstream_broken, "the model service gave an answer that is not JSON");
    fault.for_us = std::move(read.error().for_client);
    return fail(std::move(fault));
  }
  const JsonView root = read->root();
  if (is_error_body(root))
    return fail(read_upstream_fault(200, {}, read->bytes(), options.place, options.now));
  const JsonView choices = root.find("choices");
  if (!choices.is(JsonType::array) || !choices.first().is(JsonType::object))
    return fail(FaultCode::upstream_broken, "the model service gave an answer without choices");

  PlainAnswer answer;
  answer.usage = read_usage(root.find("usage"));
  answer.model = root.find("model").string().value_or("");
  for (JsonView choice = choices.first(); choice.present(); choice = choice.after())
    answer.text_bytes += count_text(choice.find("message"));
  if (options.names != nullptr)
    for (JsonView choice = choices.first(); choice.present(); choice = choice.after())
      for (JsonView call = choice.find("message").find("tool_calls").first(); call.present();
           call = call.after())
        for_renamed_call(*options.names, call, [&read](JsonView name, const std::string& own) {
          read->replace(name, own);
        });
  if (options.client != Protocol::glm) {
    if (!root.find("object").given()) read->set("object", "\"chat.completion\"");
    for (JsonView choice = choices.first(); choice.present(); choice = choice.after()) {
      const JsonView reason = choice.find("finish_reason");
      if (!reason.given()) continue;
      const auto word = openai_finish_reason(reason, answer.text_bytes);
      if (!word) return fail(word.error());
      if (!reason.equals(*word)) read->replace(reason, "\"" + std::string(*word) + "\"");
    }
  }
  answer.body = std::move(*read).spliced();
  return answer;
}

std::int64_t estimate_tokens(std::int64_t text_bytes) {
  // wire-protocols 3.15: 3.2 bytes a token, and a CJK character (3 bytes) one token.
  return text_bytes <= 0 ? 0 : (text_bytes * 5 + 15) / 16;
}

}  // namespace glmgate::protocol
