// Strict readers of what we write, for tests and fuzzing: each checks every rule of its protocol
// that a strict client could break on (wire-protocols 1.6, 1.13, 2.2, 2.3) and returns the first
// violation in words, or nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/dialect.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol::strict {

/// How the bytes end.
enum class Ended : std::uint8_t {
  well,    ///< with the terminal marker
  badly,   ///< with an error event, and without any sign of a good end
  not_yet  ///< with neither: more is to come
};

struct Event {
  std::string_view type;
  std::string_view data;
};

/// Remembers the first violation.
class Claims {
 public:
  bool must(bool holds, std::string_view what) {
    if (!holds && first_.empty()) first_ = what;
    return holds;
  }
  bool fine() const { return first_.empty(); }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

inline const JsonLimits kLimits{.depth = 96, .rigor = JsonRigor::upstream};

inline bool is_word(JsonView value) { return value.is(JsonType::string) && !value.equals(""); }
inline bool is_null(JsonView value) { return value.present() && !value.given(); }
inline bool is_count(JsonView value) { return value.integer().value_or(-1) >= 0; }
inline bool is_one_of(JsonView value, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (value.equals(word)) return true;
  return false;
}
inline bool is_object_text(std::string_view text) {
  const auto tape = JsonTape::scan(text, kLimits);
  return tape && tape->root(text).is(JsonType::object);
}

/// Events of at most one `event:` and exactly one `data:` line, LF only; comments alone.
inline std::vector<Event> split(std::string_view bytes, Claims& claims) {
  std::vector<Event> events;
  while (!bytes.empty() && claims.fine()) {
    const auto end = bytes.find("\n\n");
    if (!claims.must(end != std::string_view::npos, "an event without its blank line")) break;
    std::string_view text = bytes.substr(0, end);
    bytes.remove_prefix(end + 2);
    claims.must(text.find('\r') == std::string_view::npos, "a CR");
    if (text.starts_with(": ")) {
      claims.must(text.find('\n') == std::string_view::npos, "a comment with an event");
      continue;
    }
    Event event;
    if (text.starts_with("event: ")) {
      const auto line = text.find('\n');
      if (!claims.must(line != std::string_view::npos, "an event without data")) break;
      event.type = text.substr(7, line - 7);
      text.remove_prefix(line + 1);
    }
    claims.must(text.starts_with("data: ") && text.size() > 6, "no data line where one belongs");
    claims.must(text.find('\n') == std::string_view::npos, "data on several lines");
    event.data = text.substr(std::min<std::size_t>(6, text.size()));
    events.push_back(event);
  }
  return events;
}

/// An event's data, which must be a JSON object.
class Data {
 public:
  Data(std::string_view text, Claims& claims) {
    auto tape = JsonTape::scan(text, kLimits);
    if (!claims.must(tape.has_value(), "data that is not JSON")) return;
    tape_ = std::move(*tape);
    root_ = tape_.root(text);
    claims.must(root_.is(JsonType::object), "data that is no object");
  }
  JsonView root() const { return root_; }

 private:
  JsonTape tape_;
  JsonView root_;
};

// ---- Anthropic messages

inline void check_messages_usage(JsonView usage, Claims& claims) {
  claims.must(usage.is(JsonType::object), "no usage");
  claims.must(is_count(usage.find("input_tokens")), "input_tokens is no count");
  claims.must(is_count(usage.find("output_tokens")), "output_tokens is no count");
  for (const char* key : {"cache_creation_input_tokens", "cache_read_input_tokens"})
    claims.must(!usage.find(key).present() || is_count(usage.find(key)), "a cache count is none");
}

/// @param of  has stop_reason and stop_sequence.
inline void check_messages_stop(JsonView of, std::size_t tools, Claims& claims) {
  const JsonView reason = of.find("stop_reason");
  const JsonView sequence = of.find("stop_sequence");
  claims.must(is_one_of(reason, {"end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal",
                                 "model_context_window_exceeded", "pause_turn"}),
              "a stop_reason nobody knows");
  claims.must(reason.equals("stop_sequence") ? is_word(sequence) : is_null(sequence),
              "stop_sequence does not fit stop_reason");
  claims.must(!reason.equals("tool_use") || tools > 0, "tool_use without a tool");
  claims.must(!reason.equals("end_turn") || tools == 0, "end_turn with a tool");
}

inline bool is_cut(JsonView of) {
  return is_one_of(of.find("stop_reason"), {"max_tokens", "model_context_window_exceeded"});
}

inline void check_tool_head(JsonView block, std::set<std::string>& ids, Claims& claims) {
  const std::string id = block.find("id").string().value_or("");
  constexpr std::string_view kGood =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  claims.must(!id.empty() && id.find_first_not_of(kGood) == std::string::npos, "a bad tool id");
  claims.must(ids.insert(id).second, "a tool id twice");
  claims.must(is_word(block.find("name")), "a tool without a name");
}

class MessagesStreamCheck {
 public:
  explicit MessagesStreamCheck(Claims& claims) : claims_(claims) {}

  void read(const Event& event) {
    const Data data(event.data, claims_);
    const JsonView root = data.root();
    if (!claims_.must(root.find("type").equals(event.type) && !event.type.empty(),
                      "the event's name is not its data's type"))
      return;
    claims_.must(!stopped_ && !failed_, "an event behind the end");
    if (event.type == "ping") return;
    if (event.type == "error") return read_error(root);
    if (event.type == "message_start") return read_start(root.find("message"));
    claims_.must(started_, "an event before message_start");
    claims_.must(!told_stop_ || event.type == "message_stop", "an event behind message_delta");
    if (event.type == "content_block_start")
      begin_block(root);
    else if (event.type == "content_block_delta")
      read_delta(root);
    else if (event.type == "content_block_stop")
      end_block(root);
    else if (event.type == "message_delta")
      read_message_delta(root);
    else if (event.type == "message_stop")
      claims_.must(stopped_ = told_stop_, "message_stop without message_delta");
    else
      claims_.must(false, "an event nobody knows");
  }

  void end(Ended ended) {
    claims_.must(stopped_ == (ended == Ended::well), "message_stop where none belongs, or none");
    claims_.must(failed_ == (ended == Ended::badly), "an error where none belongs, or none");
    claims_.must(ended == Ended::well || !told_stop_, "message_delta without a good end");
    claims_.must(ended == Ended::well || !cut_, "arguments that are no object");
  }

 private:
  void read_error(JsonView root) {
    failed_ = true;
    claims_.must(is_word(root.find("error").find("type")), "an error without type");
    claims_.must(is_word(root.find("error").find("message")), "an error without message");
  }

  void read_start(JsonView message) {
    claims_.must(!started_, "message_start twice");
    started_ = true;
    claims_.must(is_word(message.find("id")), "a message without id");
    claims_.must(message.find("type").equals("message"), "a message of another type");
    claims_.must(message.find("role").equals("assistant"), "a message of another role");
    claims_.must(message.find("model").is(JsonType::string), "a message without model");
    claims_.must(message.find("content").raw() == "[]", "message_start with content");
    claims_.must(is_null(message.find("stop_reason")), "message_start with a stop_reason");
    claims_.must(is_null(message.find("stop_sequence")), "message_start with a stop_sequence");
    check_messages_usage(message.find("usage"), claims_);
  }

  void begin_block(JsonView root) {
    claims_.must(open_.empty(), "two blocks open at a time");
    claims_.must(root.find("index").integer() == next_, "a block's index is not the next");
    const JsonView block = root.find("content_block");
    open_ = block.find("type").string().value_or("");
    text_.clear();
    signed_ = false;
    if (open_ == "text") {
      claims_.must(block.find("text").equals(""), "text in a block's start");
    } else if (open_ == "thinking") {
      claims_.must(block.find("thinking").equals(""), "thinking in a block's start");
      claims_.must(block.find("signature").equals(""), "a signature in a block's start");
    } else if (open_ == "tool_use") {
      ++tools_;
      check_tool_head(block, ids_, claims_);
      claims_.must(block.find("input").raw() == "{}", "input in a block's start");
    } else {
      claims_.must(open_ == "redacted_thinking" && is_word(block.find("data")),
                   "a block nobody knows");
    }
  }

  void read_delta(JsonView root) {
    claims_.must(!open_.empty(), "a delta without a block");
    claims_.must(root.find("index").integer() == next_, "a delta for another block");
    const JsonView delta = root.find("delta");
    const std::string type = delta.find("type").string().value_or("");
    claims_.must(!signed_, "a delta behind the signature");
    JsonView piece;
    if (type == "text_delta" && open_ == "text") {
      piece = delta.find("text");
    } else if (type == "thinking_delta" && open_ == "thinking") {
      piece = delta.find("thinking");
    } else if (type == "input_json_delta" && open_ == "tool_use") {
      piece = delta.find("partial_json");
    } else if (type == "signature_delta" && open_ == "thinking") {
      signed_ = true;
      claims_.must(delta.find("signature").is(JsonType::string), "a signature that is no text");
      return;
    } else {
      claims_.must(false, "a delta that does not fit its block");
    }
    claims_.must(is_word(piece), "an empty delta");
    text_ += piece.string().value_or("");
  }

  void end_block(JsonView root) {
    claims_.must(!open_.empty(), "content_block_stop without a block");
    claims_.must(root.find("index").integer() == next_, "content_block_stop for another block");
    if (open_ == "text") claims_.must(!text_.empty(), "an empty text block");
    if (open_ == "thinking") claims_.must(signed_, "a thinking block without signature");
    if (open_ == "tool_use" && !is_object_text(text_)) cut_ = true;
    open_.clear();
    ++next_;
  }

  void read_message_delta(JsonView root) {
    claims_.must(open_.empty(), "message_delta with a block open");
    told_stop_ = true;
    check_messages_stop(root.find("delta"), tools_, claims_);
    check_messages_usage(root.find("usage"), claims_);
    claims_.must(!cut_ || is_cut(root.find("delta")), "arguments that are no object");
  }

  Claims& claims_;
  bool started_ = false;
  bool told_stop_ = false;
  bool stopped_ = false;
  bool failed_ = false;
  bool cut_ = false;
  bool signed_ = false;
  std::int64_t next_ = 0;
  std::size_t tools_ = 0;
  std::string open_;
  std::string text_;
  std::set<std::string> ids_;
};

inline std::string check_messages_stream(std::string_view bytes, Ended ended) {
  Claims claims;
  MessagesStreamCheck check(claims);
  for (const Event& event : split(bytes, claims))
    if (claims.fine()) check.read(event);
  if (claims.fine()) check.end(ended);
  return claims.first();
}

inline std::string check_messages_whole(std::string_view body) {
  Claims claims;
  const Data data(body, claims);
  const JsonView root = data.root();
  if (!claims.fine()) return claims.first();
  claims.must(is_word(root.find("id")), "a message without id");
  claims.must(root.find("type").equals("message"), "a message of another type");
  claims.must(root.find("role").equals("assistant"), "a message of another role");
  claims.must(root.find("model").is(JsonType::string), "a message without model");
  claims.must(root.find("content").is(JsonType::array), "a message without content");
  std::size_t tools = 0;
  std::set<std::string> ids;
  for (JsonView block = root.find("content").first(); block.present(); block = block.after()) {
    const std::string type = block.find("type").string().value_or("");
    if (type == "text") {
      claims.must(is_word(block.find("text")), "an empty text block");
    } else if (type == "thinking") {
      claims.must(block.find("thinking").is(JsonType::string), "thinking that is no text");
      claims.must(block.find("signature").is(JsonType::string), "thinking without signature");
    } else if (type == "tool_use") {
      ++tools;
      check_tool_head(block, ids, claims);
      claims.must(block.find("input").is(JsonType::object), "input that is no object");
    } else {
      claims.must(type == "redacted_thinking" && is_word(block.find("data")),
                  "a block nobody knows");
    }
  }
  check_messages_stop(root, tools, claims);
  check_messages_usage(root.find("usage"), claims);
  return claims.first();
}

// ---- chat, OpenAI's and GLM's

struct ChatRules {
  Protocol client = Protocol::openai_chat;
  bool include_usage = false;
};

inline void check_chat_usage(JsonView usage, Claims& claims) {
  const std::int64_t prompt = usage.find("prompt_tokens").integer().value_or(-1);
  const std::int64_t completion = usage.find("completion_tokens").integer().value_or(-1);
  claims.must(prompt >= 0 && completion >= 0, "usage without counts");
  claims.must(usage.find("total_tokens").integer() == prompt + completion, "a total that is none");
}

inline void check_chat_reason(JsonView reason, std::size_t calls, Protocol client, Claims& claims) {
  const bool native = client == Protocol::glm;
  claims.must(is_one_of(reason, {"stop", "length", "tool_calls"}) ||
                  (!native && reason.equals("content_filter")) ||
                  (native && is_one_of(reason, {"sensitive", "model_context_window_exceeded"})),
              "a finish_reason nobody knows");
  claims.must(!reason.equals("tool_calls") || calls > 0, "tool_calls without a call");
}

inline bool is_custom_call(JsonView call) {
  const JsonView custom = call.find("custom");
  return call.find("type").equals("custom") && is_word(call.find("id")) &&
         is_word(custom.find("name")) && custom.find("input").is(JsonType::string);
}

class ChatStreamCheck {
 public:
  ChatStreamCheck(const ChatRules& rules, Claims& claims) : rules_(rules), claims_(claims) {}

  void read(const Event& event) {
    claims_.must(event.type.empty(), "an event with a name");
    claims_.must(!done_ && !failed_, "an event behind the end");
    if (event.data == "[DONE]") {
      claims_.must(finished_, "[DONE] without a finish_reason");
      done_ = true;
      return;
    }
    const Data data(event.data, claims_);
    const JsonView root = data.root();
    if (!claims_.fine()) return;
    if (root.find("error").present()) {
      failed_ = true;
      claims_.must(is_word(root.find("error").find("message")), "an error without message");
      return;
    }
    read_chunk(root);
  }

  void end(Ended ended) {
    claims_.must(done_ == (ended == Ended::well), "[DONE] where none belongs, or none");
    claims_.must(failed_ == (ended == Ended::badly), "an error where none belongs, or none");
    claims_.must(ended == Ended::well || !finished_, "a finish_reason without a good end");
    if (ended != Ended::well) return;
    for (const std::size_t bytes : argument_bytes_)
      claims_.must(bytes > 0, "a call without arguments");
    claims_.must(usage_seen_ || (!rules_.include_usage && rules_.client != Protocol::glm),
                 "no usage");
  }

 private:
  void read_chunk(JsonView root) {
    std::string head;
    for (const char* key : {"id", "object", "created", "model"}) head += root.find(key).raw();
    claims_.must(is_word(root.find("id")) && root.find("model").is(JsonType::string) &&
                     is_count(root.find("created")),
                 "a chunk without id, model or created");
    claims_.must(root.find("object").equals("chat.completion.chunk"), "a chunk of another object");
    claims_.must(head_.empty() || head_ == head, "chunks with different heads");
    head_ = head;
    const JsonView choice = root.find("choices").first();
    const JsonView usage = root.find("usage");
    if (!choice.present()) {
      claims_.must(rules_.include_usage && rules_.client == Protocol::openai_chat && finished_ &&
                       !usage_seen_ && root.find("choices").is(JsonType::array),
                   "a chunk without choices");
      usage_seen_ = true;
      check_chat_usage(usage, claims_);
      return;
    }
    claims_.must(!choice.after().present() && choice.find("index").integer() == 0,
                 "choices that are not one");
    claims_.must(!finished_, "a chunk behind the finish_reason");
    const JsonView reason = choice.find("finish_reason");
    finished_ = reason.given();
    if (rules_.client == Protocol::glm) {
      if (finished_) check_chat_usage(usage, claims_);
      claims_.must(finished_ || !usage.given(), "usage before the finish chunk");
      usage_seen_ = finished_;
    } else {
      claims_.must(is_null(reason) || finished_, "a choice without finish_reason");
      claims_.must(rules_.include_usage ? is_null(usage) : !usage.present(),
                   "usage where none belongs, or none");
    }
    read_delta(choice.find("delta"));
    if (finished_) check_chat_reason(reason, argument_bytes_.size(), rules_.client, claims_);
  }

  void read_delta(JsonView delta) {
    claims_.must(delta.is(JsonType::object), "a choice without delta");
    if (first_)
      claims_.must(delta.find("role").equals("assistant") && delta.find("content").present(),
                   "a first chunk without role or content");
    for (const char* key : {"content", "reasoning_content", "refusal"}) {
      const JsonView text = delta.find(key);
      const bool may_be_empty = first_ || (finished_ && rules_.client == Protocol::glm);
      claims_.must(!text.present() || is_word(text) || may_be_empty, "an empty piece of text");
    }
    first_ = false;
    const JsonView calls = delta.find("tool_calls");
    claims_.must(!calls.present() || calls.first().present(), "tool_calls without one");
    for (JsonView call = calls.first(); call.present(); call = call.after()) read_call(call);
  }

  void read_call(JsonView call) {
    const auto index = static_cast<std::size_t>(call.find("index").integer().value_or(-1));
    const JsonView function = call.find("function");
    if (call.find("type").equals("custom")) return read_custom(call, index);
    claims_.must(function.find("arguments").is(JsonType::string), "a fragment without arguments");
    if (index == argument_bytes_.size()) {
      argument_bytes_.push_back(0);
      claims_.must(is_word(call.find("id")) && is_word(function.find("name")) &&
                       call.find("type").equals("function"),
                   "a call without id, type or name");
      claims_.must(ids_.insert(call.find("id").string().value_or("")).second, "a call id twice");
    } else {
      if (!claims_.must(index < argument_bytes_.size(), "a call's index is not the next")) return;
      claims_.must(!call.find("id").present() && !function.find("name").present(),
                   "id or name again");
    }
    argument_bytes_[index] += function.find("arguments").text_bytes();
  }

  /// A custom tool's call comes in one piece.
  void read_custom(JsonView call, std::size_t index) {
    claims_.must(index == argument_bytes_.size(), "a call's index is not the next");
    claims_.must(is_custom_call(call), "a custom call without id, name or input");
    claims_.must(ids_.insert(call.find("id").string().value_or("")).second, "a call id twice");
    argument_bytes_.push_back(1);
  }

  ChatRules rules_;
  Claims& claims_;
  std::string head_;
  std::vector<std::size_t> argument_bytes_;  // of each call
  std::set<std::string> ids_;
  bool first_ = true;
  bool finished_ = false;
  bool usage_seen_ = false;
  bool done_ = false;
  bool failed_ = false;
};

inline std::string check_chat_stream(std::string_view bytes, Ended ended, const ChatRules& rules) {
  Claims claims;
  ChatStreamCheck check(rules, claims);
  for (const Event& event : split(bytes, claims))
    if (claims.fine()) check.read(event);
  if (claims.fine()) check.end(ended);
  return claims.first();
}

inline std::string check_chat_whole(std::string_view body, Protocol client) {
  Claims claims;
  const Data data(body, claims);
  const JsonView root = data.root();
  if (!claims.fine()) return claims.first();
  claims.must(is_word(root.find("id")) && root.find("model").is(JsonType::string) &&
                  is_count(root.find("created")),
              "a completion without id, model or created");
  claims.must(root.find("object").equals("chat.completion"), "a completion of another object");
  const JsonView choice = root.find("choices").first();
  claims.must(choice.present() && !choice.after().present() && choice.find("index").integer() == 0,
              "choices that are not one");
  const JsonView message = choice.find("message");
  claims.must(message.find("role").equals("assistant"), "a message of another role");
  const JsonView content = message.find("content");
  claims.must(content.is(JsonType::string) || is_null(content), "a message without content");
  const JsonView calls = message.find("tool_calls");
  claims.must(!calls.present() || calls.first().present(), "tool_calls without one");
  std::size_t count = 0;
  std::set<std::string> ids;
  for (JsonView call = calls.first(); call.present(); call = call.after()) {
    ++count;
    claims.must(ids.insert(call.find("id").string().value_or("")).second, "a call id twice");
    if (is_custom_call(call)) continue;
    claims.must(is_word(call.find("id")) && call.find("type").equals("function") &&
                    is_word(call.find("function").find("name")),
                "a call without id, type or name");
    claims.must(is_word(call.find("function").find("arguments")), "a call without arguments");
  }
  check_chat_reason(choice.find("finish_reason"), count, client, claims);
  check_chat_usage(root.find("usage"), claims);
  return claims.first();
}

// ---- Anthropic's legacy completions

inline void check_completion(JsonView root, bool last, Claims& claims) {
  claims.must(root.find("type").equals("completion"), "a completion of another type");
  claims.must(is_word(root.find("id")) && root.find("model").is(JsonType::string),
              "a completion without id or model");
  claims.must(root.find("completion").is(JsonType::string), "a completion without text");
  const JsonView reason = root.find("stop_reason");
  claims.must(last ? is_one_of(reason, {"stop_sequence", "max_tokens"}) : is_null(reason),
              "stop_reason where none belongs, or none");
  const JsonView stop = root.find("stop");
  claims.must(is_null(stop) || (last && is_word(stop)), "a stop where none belongs, or none");
}

inline std::string check_complete_stream(std::string_view bytes, Ended ended) {
  Claims claims;
  bool stopped = false;
  bool failed = false;
  for (const Event& event : split(bytes, claims)) {
    if (!claims.fine()) break;
    const Data data(event.data, claims);
    if (!claims.must(data.root().find("type").equals(event.type) && !event.type.empty(),
                     "the event's name is not its data's type"))
      break;
    claims.must(!stopped && !failed, "an event behind the end");
    if (event.type == "ping") continue;
    if (event.type == "error") {
      failed = true;
      claims.must(is_word(data.root().find("error").find("message")), "an error without message");
      continue;
    }
    stopped = data.root().find("stop_reason").given();
    check_completion(data.root(), stopped, claims);
  }
  claims.must(stopped == (ended == Ended::well), "a stop_reason where none belongs, or none");
  claims.must(failed == (ended == Ended::badly), "an error where none belongs, or none");
  return claims.first();
}

inline std::string check_complete_whole(std::string_view body) {
  Claims claims;
  const Data data(body, claims);
  if (claims.fine()) check_completion(data.root(), true, claims);
  return claims.first();
}

}  // namespace glmgate::protocol::strict
