#include "protocol/chat_writer.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "protocol/answer_parts.h"
#include "protocol/answer_tally.h"
#include "protocol/call_ids.h"
#include "protocol/chat_answer.h"
#include "protocol/custom_input.h"
#include "protocol/stop_words.h"

namespace glmgate::protocol {
namespace {

bool is_native(const ChatWriterOptions& options) { return options.client == Protocol::glm; }

/// `"key":"text"`.
std::string member(std::string_view key, std::string_view text) {
  std::string out = "\"";
  (out += key) += "\":";
  return out += json::quote(text);
}

std::string head(const ChatWriterOptions& options, std::string_view object) {
  return "{" + member("id", options.id) + "," + member("object", object) +
         ",\"created\":" + std::to_string(options.created) + "," + member("model", options.model);
}

std::string usage_of(const AnswerTally& tally, const ChatWriterOptions& options) {
  return write_chat_usage(tally.usage_or_estimate(options.input_estimate),
                          is_native(options) ? 0 : tally.cache_written());
}

std::string reason_of(Stop stop, bool has_calls, const ChatWriterOptions& options) {
  return json::quote(stop_word(options.client, agreed_stop(stop, has_calls)));
}

std::string_view name_of(std::string_view name, const ChatWriterOptions& options) {
  return options.names == nullptr ? name : client_tool_name(*options.names, name);
}

std::string call_head(std::string_view id, std::string_view name, std::string_view arguments) {
  return member("id", id) + R"(,"type":"function","function":{)" + member("name", name) + "," +
         member("arguments", arguments) + "}";
}

/// Whether the client declared this tool as a custom one. GLM's own dialect knows none.
bool is_custom(std::string_view name, const ChatWriterOptions& options) {
  if (options.names == nullptr || is_native(options)) return false;
  const auto found = options.names->find(name);
  return found != options.names->end() && found->second.kind == ClientTool::Kind::custom;
}

std::string custom_call(std::string_view id, std::string_view name, const std::string& arguments) {
  return member("id", id) + R"(,"type":"custom","custom":{)" + member("name", name) + "," +
         member("input", custom_input(arguments)) + "}";
}

/// An entry of `thinking_blocks`.
std::string thinking_block(std::string_view thinking, std::string_view signature) {
  return R"({"type":"thinking",)" + member("thinking", thinking) + "," +
         member("signature", signature) + "}";
}

std::string redacted_block(std::string_view data) {
  return R"({"type":"redacted_thinking",)" + member("data", data) + "}";
}

void append_listed(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

class ChatWriter : public AnswerWriter {
 public:
  explicit ChatWriter(ChatWriterOptions options)
      : options_(std::move(options)),
        ids_("call_", options_.id),
        head_("data: " + head(options_, "chat.completion.chunk") + R"(,"choices":[)") {
    if (is_native(options_)) options_.include_usage = false;  // the vendor has no such chunk
  }

  Result<void> add(const Delta& delta, std::string& out) override;
  Result<std::string> ending() override;
  std::string fault(const Fault& fault) override {
    return write_chat_stream_fault(options_.client, fault);
  }

 private:
  void add_chunk(std::string_view delta, std::string& out) const;
  /// A call of the answer. What runs a custom tool must not see half of its input: such a call
  /// goes out in one piece, once it is whole.
  struct Call {
    enum class Kind : std::uint8_t { function, custom_waiting, custom_sent };
    Kind kind = Kind::function;
    std::size_t index = 0;  // in the client's list, once it is in it
    bool has_arguments = false;
    std::string id;
    std::string name;
    std::string arguments;
    ObjectEnd end;
  };
  void begin_call(const Delta& delta, std::string& out);
  Result<void> add_arguments(const Delta& delta, std::string& out);
  void send_arguments(const Call& call, std::string_view text, std::string& out) const;
  void send_custom(Call& call, std::string& out);
  void finish_chunk(std::string& out) const;

  ChatWriterOptions options_;
  CallIds ids_;
  std::string head_;  // of every chunk
  AnswerTally tally_;
  std::vector<Call> calls_;
  std::size_t calls_sent_ = 0;
  std::string thinking_;  // since the last signature
  std::string thinking_blocks_;
  std::optional<Stop> stop_;
};

void ChatWriter::add_chunk(std::string_view delta, std::string& out) const {
  (((out += head_) += R"({"index":0,"delta":{)") += delta) += "}";
  if (!is_native(options_)) out += R"(,"logprobs":null,"finish_reason":null)";
  out += "}]";
  if (options_.include_usage) out += R"(,"usage":null)";
  out += "}\n\n";
}

void ChatWriter::begin_call(const Delta& delta, std::string& out) {
  Call& call = calls_.emplace_back();
  call.id = ids_.own(delta.id);
  call.name = name_of(delta.name, options_);
  if (is_custom(delta.name, options_)) {
    call.kind = Call::Kind::custom_waiting;
    return;
  }
  call.index = calls_sent_++;
  add_chunk(R"("tool_calls":[{"index":)" + std::to_string(call.index) + "," +
                call_head(call.id, call.name, "") + "}]",
            out);
}

void ChatWriter::send_arguments(const Call& call, std::string_view text, std::string& out) const {
  add_chunk(R"("tool_calls":[{"index":)" + std::to_string(call.index) + R"(,"function":{)" +
                member("arguments", text) + "}}]",
            out);
}

void ChatWriter::send_custom(Call& call, std::string& out) {
  call.kind = Call::Kind::custom_sent;
  call.index = calls_sent_++;
  add_chunk(R"("tool_calls":[{"index":)" + std::to_string(call.index) + "," +
                custom_call(call.id, call.name, call.arguments) + "}]",
            out);
  std::string().swap(call.arguments);
}

Result<void> ChatWriter::add_arguments(const Delta& delta, std::string& out) {
  if (delta.call >= calls_.size()) return broken("the model service gave arguments to no tool");
  Call& call = calls_[delta.call];
  call.has_arguments = true;
  if (call.kind == Call::Kind::function) {
    send_arguments(call, delta.text, out);
    return {};
  }
  if (call.kind == Call::Kind::custom_sent)
    return trimmed(delta.text).empty()
               ? Result<void>()
               : broken("the model service went on with a tool call that was complete");
  call.arguments += delta.text;
  call.end.feed(delta.text);
  if (call.end.seen()) send_custom(call, out);
  return {};
}

Result<void> ChatWriter::add(const Delta& delta, std::string& out) {
  tally_.add(delta);
  if (tally_.text_bytes() > WholeAnswer::kMostBytes)
    return broken("the model service did not end its answer");
  switch (delta.kind) {
    case Delta::Kind::begin:
      add_chunk(R"("role":"assistant","content":"")", out);
      break;
    case Delta::Kind::text:
      if (!delta.text.empty()) add_chunk(member("content", delta.text), out);
      break;
    case Delta::Kind::refusal:
      if (!delta.text.empty())
        add_chunk(member(is_native(options_) ? "content" : "refusal", delta.text), out);
      break;
    case Delta::Kind::reasoning:
      if (delta.text.empty()) break;
      thinking_ += delta.text;
      add_chunk(member("reasoning_content", delta.text), out);
      break;
    case Delta::Kind::signature:
      append_listed(thinking_blocks_, thinking_block(thinking_, delta.text));
      thinking_.clear();
      break;
    case Delta::Kind::redacted:
      append_listed(thinking_blocks_, redacted_block(delta.text));
      break;
    case Delta::Kind::call:
      begin_call(delta, out);
      break;
    case Delta::Kind::arguments:
      return delta.text.empty() ? Result<void>() : add_arguments(delta, out);
    case Delta::Kind::usage:
      break;
    case Delta::Kind::stop:
      stop_ = delta.stop;
      break;
  }
  return {};
}

void ChatWriter::finish_chunk(std::string& out) const {
  const std::string reason = reason_of(stop_.value_or(Stop::end_turn), calls_sent_ > 0, options_);
  out += head_ + R"({"index":0,"delta":{)";
  if (is_native(options_)) {
    out += R"("role":"assistant","content":""},"finish_reason":)" + reason + R"(}],"usage":)" +
           usage_of(tally_, options_) + "}\n\n";
    return;
  }
  if (!thinking_blocks_.empty()) out += R"("thinking_blocks":[)" + thinking_blocks_ + "]";
  out += R"(},"logprobs":null,"finish_reason":)" + reason + "}]";
  if (options_.include_usage) out += R"(,"usage":null)";
  out += "}\n\n";
}

Result<std::string> ChatWriter::ending() {
  std::string out;
  for (Call& call : calls_) {
    if (call.kind == Call::Kind::function && !call.has_arguments) send_arguments(call, "{}", out);
    if (call.kind == Call::Kind::custom_waiting && !is_cut_short(stop_.value_or(Stop::end_turn)))
      send_custom(call, out);
  }
  finish_chunk(out);
  if (options_.include_usage) out += head_ + R"(],"usage":)" + usage_of(tally_, options_) + "}\n\n";
  return out + "data: [DONE]\n\n";
}

/// What the parts of an answer are in a chat message.
struct Message {
  std::string content;
  std::string reasoning;
  std::string refusal;
  std::string thinking_blocks;
  std::string calls;
  std::size_t call_count = 0;
  std::vector<std::string> warnings;
};

/// A call, or nothing: a custom one that was cut short would be run with half of its input.
std::optional<std::string> whole_call(const WholeAnswer::Part& part, Stop stop, CallIds& ids,
                                      const ChatWriterOptions& options) {
  const std::string_view name = name_of(part.name, options);
  if (!is_custom(part.name, options))
    return call_head(ids.own(part.id), name,
                     part.text.empty() ? std::string_view("{}") : part.text);
  ObjectEnd end;
  end.feed(part.text);
  if (is_cut_short(stop) && !end.seen()) return std::nullopt;
  return custom_call(ids.own(part.id), name, part.text);
}

Message gather(const WholeAnswer& answer, const ChatWriterOptions& options) {
  using Kind = WholeAnswer::Part::Kind;
  Message out;
  CallIds ids("call_", options.id);
  for (const WholeAnswer::Part& part : answer.parts) {
    switch (part.kind) {
      case Kind::text:
        out.content += part.text;
        break;
      case Kind::refusal:
        (is_native(options) ? out.content : out.refusal) += part.text;
        break;
      case Kind::reasoning:
        out.reasoning += part.text;
        if (!part.signature.empty())
          append_listed(out.thinking_blocks, thinking_block(part.text, part.signature));
        break;
      case Kind::redacted:
        append_listed(out.thinking_blocks, redacted_block(part.text));
        break;
      case Kind::call: {
        const auto written = whole_call(part, answer.stop, ids, options);
        if (!written) {
          out.warnings.emplace_back("dropped; field=choices[0].message.tool_calls");
          break;
        }
        std::string call = "{";
        if (is_native(options)) call += "\"index\":" + std::to_string(out.call_count) + ",";
        append_listed(out.calls, call + *written + "}");
        ++out.call_count;
        break;
      }
    }
  }
  return out;
}

}  // namespace

std::unique_ptr<AnswerWriter> make_chat_writer(ChatWriterOptions options) {
  return std::make_unique<ChatWriter>(std::move(options));
}

Result<WrittenAnswer> write_chat_answer(const WholeAnswer& answer,
                                        const ChatWriterOptions& options) {
  Message message = gather(answer, options);
  WrittenAnswer out;
  out.warnings = std::move(message.warnings);
  std::string& body = out.body;
  body = head(options, "chat.completion") +
         R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)";
  const bool only_else = message.content.empty() && !is_native(options) &&
                         (message.call_count > 0 || !message.refusal.empty());
  body += only_else ? "null" : json::quote(message.content);
  if (!is_native(options))
    body += ",\"refusal\":" + (message.refusal.empty() ? "null" : json::quote(message.refusal));
  if (!message.reasoning.empty()) body += "," + member("reasoning_content", message.reasoning);
  if (!message.thinking_blocks.empty() && !is_native(options))
    body += R"(,"thinking_blocks":[)" + message.thinking_blocks + "]";
  if (message.call_count > 0) body += R"(,"tool_calls":[)" + message.calls + "]";
  body += "}";
  if (!is_native(options)) body += R"(,"logprobs":null)";
  body += R"(,"finish_reason":)" + reason_of(answer.stop, message.call_count > 0, options) +
          R"(}],"usage":)" + usage_of(answer.tally, options) + "}";
  return out;
}

}  // namespace glmgate::protocol
