#include "protocol/chat_reader.h"

#include <optional>
#include <string>
#include <utility>

#include "protocol/answer_parts.h"
#include "protocol/answer_pieces.h"
#include "protocol/chat_calls.h"
#include "protocol/json_scan.h"
#include "protocol/sse.h"
#include "protocol/stop_words.h"

namespace glmgate::protocol {
namespace {

/// Turns messages, or the deltas of a stream, into Deltas.
class ChatMessageReader {
 public:
  explicit ChatMessageReader(std::size_t max_waiting) : calls_(max_waiting) {}

  Result<void> read(JsonView message, ChatCalls::Entries entries, const OnDelta& on_delta);
  Result<Stop> read_stop(JsonView reason) const;
  Result<void> end(Stop stop, const OnDelta& on_delta);

 private:
  Result<void> say(Delta::Kind kind, JsonView text, const OnDelta& on_delta);
  Result<void> say_all(Delta::Kind kind, JsonView text, const OnDelta& on_delta);
  Result<void> end_piece(const OnDelta& on_delta);
  Result<void> read_content(JsonView content, const OnDelta& on_delta);
  Result<void> read_part(JsonView part, const OnDelta& on_delta);

  ChatCalls calls_;
  TextPieces pieces_;
  Delta::Kind last_said_ = Delta::Kind::text;  // what the pieces are of
  bool said_something_ = false;
};

Result<void> ChatMessageReader::say(Delta::Kind kind, JsonView text, const OnDelta& on_delta) {
  if (!text.is(JsonType::string) || text.equals("")) return {};
  said_something_ = true;
  if (kind != last_said_)
    if (auto ended = end_piece(on_delta); !ended) return ended;
  last_said_ = kind;
  const std::string piece = pieces_.add(text);
  return piece.empty() ? Result<void>() : on_delta({.kind = kind, .text = piece});
}

/// A text, or a list of texts and of parts with a text.
Result<void> ChatMessageReader::say_all(Delta::Kind kind, JsonView text, const OnDelta& on_delta) {
  if (!text.is(JsonType::array)) return say(kind, text, on_delta);
  Result<void> said;
  for (JsonView part = text.first(); said && part.present(); part = part.after())
    said = say(kind, part.is(JsonType::object) ? part.find("text") : part, on_delta);
  return said;
}

Result<void> ChatMessageReader::end_piece(const OnDelta& on_delta) {
  const std::string rest = pieces_.end();
  return rest.empty() ? Result<void>() : on_delta({.kind = last_said_, .text = rest});
}

Result<void> ChatMessageReader::read_part(JsonView part, const OnDelta& on_delta) {
  if (part.is(JsonType::string)) return say(Delta::Kind::text, part, on_delta);
  const JsonView type = part.find("type");
  if (type.equals("thinking") || type.equals("reasoning")) {
    const JsonView thinking = part.find("thinking");
    return say_all(Delta::Kind::reasoning, thinking.given() ? thinking : part.find("text"),
                   on_delta);
  }
  if (type.equals("refusal")) return say(Delta::Kind::refusal, part.find("refusal"), on_delta);
  return say(Delta::Kind::text, part.find("text"), on_delta);
}

Result<void> ChatMessageReader::read_content(JsonView content, const OnDelta& on_delta) {
  if (!content.is(JsonType::array)) return read_part(content, on_delta);
  for (JsonView part = content.first(); part.present(); part = part.after())
    if (auto read = read_part(part, on_delta); !read) return read;
  return {};
}

Result<void> ChatMessageReader::read(JsonView message, ChatCalls::Entries entries,
                                     const OnDelta& on_delta) {
  JsonView content;
  JsonView refusal;
  JsonView calls;
  JsonView function_call;
  JsonView reasoning;
  JsonView reasoning_content;
  for (JsonView member = message.first(); member.present(); member = member.after()) {
    if (member.key_equals("content"))
      content = member;
    else if (member.key_equals("reasoning_content"))
      reasoning_content = member;
    else if (member.key_equals("reasoning"))
      reasoning = member;
    else if (member.key_equals("tool_calls"))
      calls = member;
    else if (member.key_equals("refusal"))
      refusal = member;
    else if (member.key_equals("function_call"))
      function_call = member;
  }
  // Some hosts send both, with the same text.
  const bool has_own = reasoning_content.is(JsonType::string) && !reasoning_content.equals("");
  auto read = say(Delta::Kind::reasoning, has_own ? reasoning_content : reasoning, on_delta);
  if (read) read = read_content(content, on_delta);
  if (read) read = say(Delta::Kind::refusal, refusal, on_delta);
  if (read && (calls.first().present() || function_call.given())) read = end_piece(on_delta);
  for (JsonView call = calls.first(); read && call.present(); call = call.after())
    read = calls_.read(call, entries, on_delta);
  if (read && function_call.given()) read = calls_.read(function_call, entries, on_delta);
  return read;
}

Result<Stop> ChatMessageReader::read_stop(JsonView reason) const {
  const bool empty = !said_something_ && calls_.begun() == 0;
  const auto word = openai_finish_reason(reason, empty ? 0 : 1);
  if (!word) return fail(word.error());
  if (reason.equals("model_context_window_exceeded")) return Stop::context_window;
  return read_chat_stop(*word);
}

Result<void> ChatMessageReader::end(Stop stop, const OnDelta& on_delta) {
  if (auto ended = end_piece(on_delta); !ended) return ended;
  if (auto ended = calls_.end(stop, on_delta); !ended) return ended;
  return on_delta({.kind = Delta::Kind::stop, .stop = stop});
}

class ChatReader : public AnswerReader {
 public:
  explicit ChatReader(const ChatReaderOptions& options)
      : options_(options), events_(options.max_event_bytes), message_(options.max_event_bytes) {}

  Result<void> feed(std::string_view bytes, const OnDelta& on_delta) override {
    if (complete_) return {};
    return events_.feed(bytes, [&](const SseEvent& event) { return on_event(event, on_delta); });
  }
  Result<void> finish(const OnDelta& on_delta) override;
  bool complete() const override { return complete_; }
  bool may_end() const override { return stop_.has_value(); }

 private:
  Result<void> on_event(const SseEvent& event, const OnDelta& on_delta);
  Result<void> on_chunk(JsonView root, const OnDelta& on_delta);
  Result<void> on_choice(JsonView choice, const OnDelta& on_delta);
  Result<void> end(const OnDelta& on_delta);

  ChatReaderOptions options_;
  SseReader events_;
  JsonTape tape_;
  ChatMessageReader message_;
  std::optional<Stop> stop_;
  bool begun_ = false;
  bool unreadable_ = false;
  bool stray_ = false;  // an object came that is no piece of an answer
  bool complete_ = false;
};

Result<void> ChatReader::finish(const OnDelta& on_delta) {
  if (complete_) return {};
  auto read = events_.finish([&](const SseEvent& event) { return on_event(event, on_delta); });
  // What was cut off behind the end does not matter, such as half of [DONE].
  if (!read && !(stop_ && unreadable_)) return read;
  if (complete_) return {};
  if (!stop_) return broken("the model service ended its answer before it was complete");
  return end(on_delta);
}

Result<void> ChatReader::on_event(const SseEvent& event, const OnDelta& on_delta) {
  if (complete_) return {};
  const std::string_view data = trimmed(event.data);
  if (data.empty()) return {};
  if (data.starts_with("[DONE]")) {
    if (!begun_) return broken("the model service ended its answer before it began");
    if (stray_ && !stop_) return ended_by_stray();
    return end(on_delta);
  }
  const auto root = scan_event(tape_, data);
  if (!root) {
    unreadable_ = true;
    return fail(root.error());
  }
  if (event.type == "error" || is_error_body(*root))
    return fail(read_upstream_fault(200, {}, data, options_.place, options_.now));
  return on_chunk(*root, on_delta);
}

Result<void> ChatReader::on_chunk(JsonView root, const OnDelta& on_delta) {
  const JsonView choices = root.find("choices");
  const JsonView usage = root.find("usage");
  stray_ = stray_ || (!choices.present() && !usage.present());
  if (!begun_) {
    if (!choices.first().present() && !usage.given()) return {};
    begun_ = true;
    const std::string model = root.find("model").string().value_or("");
    if (auto told = on_delta({.kind = Delta::Kind::begin, .name = model}); !told) return told;
  }
  // Before the text: if that ends the answer early, what it cost so far is known.
  if (const auto reported = read_usage(usage))
    if (auto told = on_delta({.kind = Delta::Kind::usage, .usage = *reported}); !told) return told;
  for (JsonView choice = choices.first(); choice.present(); choice = choice.after())
    if (auto read = on_choice(choice, on_delta); !read) return read;
  return {};
}

Result<void> ChatReader::on_choice(JsonView choice, const OnDelta& on_delta) {
  if (choice.find("index").integer().value_or(0) != 0) return {};
  auto read = message_.read(choice.find("delta"), ChatCalls::Entries::fragments, on_delta);
  if (!read) return read;
  const JsonView reason = choice.find("finish_reason");
  if (!reason.given()) return {};
  const auto stop = message_.read_stop(reason);
  if (!stop) return fail(stop.error());
  if (!stop_) stop_ = *stop;
  return {};
}

Result<void> ChatReader::end(const OnDelta& on_delta) {
  complete_ = true;
  return message_.end(stop_.value_or(Stop::end_turn), on_delta);
}

}  // namespace

std::unique_ptr<AnswerReader> make_chat_reader(const ChatReaderOptions& options) {
  return std::make_unique<ChatReader>(options);
}

Result<void> read_whole_chat(std::string_view body, const ChatReaderOptions& options,
                             const OnDelta& on_delta) {
  const auto tape = JsonTape::scan(body, {.rigor = JsonRigor::upstream});
  if (!tape)
    return broken("the model service gave an answer that is not JSON", tape.error().for_client);
  const JsonView root = tape->root(body);
  if (is_error_body(root))
    return fail(read_upstream_fault(200, {}, body, options.place, options.now));
  const JsonView choices = root.find("choices");
  const JsonView choice = choices.first();
  if (!choices.is(JsonType::array) || !choice.is(JsonType::object))
    return broken("the model service gave an answer without choices");

  const std::string model = root.find("model").string().value_or("");
  if (auto told = on_delta({.kind = Delta::Kind::begin, .name = model}); !told) return told;
  if (const auto usage = read_usage(root.find("usage")))
    if (auto told = on_delta({.kind = Delta::Kind::usage, .usage = *usage}); !told) return told;
  ChatMessageReader message(body.size());
  auto read = message.read(choice.find("message"), ChatCalls::Entries::whole, on_delta);
  if (!read) return read;
  const JsonView reason = choice.find("finish_reason");
  if (!reason.given()) return message.end(Stop::end_turn, on_delta);
  const auto stop = message.read_stop(reason);
  if (!stop) return fail(stop.error());
  return message.end(*stop, on_delta);
}

}  // namespace glmgate::protocol
