#include "protocol/messages_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "protocol/answer_parts.h"
#include "protocol/answer_pieces.h"
#include "protocol/json_scan.h"
#include "protocol/messages_parts.h"
#include "protocol/sse.h"
#include "protocol/stop_words.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kMostOpen = 256;  // one is the rule; keeps the search for a block short

/// A block that was begun and not ended.
struct Block {
  enum class Kind : std::uint8_t { text, thinking, tool, other };
  std::int64_t index = 0;
  Kind kind = Kind::other;
  TextPieces pieces;  // of a text or a thinking
  std::string signature;
  std::size_t call = 0;      // of a tool
  ArgumentPieces arguments;  // of a tool
  bool is_object = false;    // of a tool: its arguments begin as one
  std::string whole_input;   // of a tool: as its beginning had it
  bool has_pieces = false;   // of a tool: and then it does not count
};

/// Arguments as text from `input`: an object. Z.AI has been seen to send it as text, and nothing as
/// an empty array (glm-api 4.2).
Result<std::string> read_input(JsonView input) {
  if (!input.given() || !input.first().present()) {
    if (input.is(JsonType::string)) return *input.string();
    if (input.is(JsonType::number) || input.is(JsonType::boolean))
      return broken("the model service gave invalid tool arguments");
    return std::string();
  }
  if (!input.is(JsonType::object)) return broken("the model service gave invalid tool arguments");
  return std::string(input.raw());
}

/// Turns content blocks and what is told around them into Deltas.
class MessagesContentReader {
 public:
  Result<void> begin(JsonView message, const OnDelta& on_delta);
  Result<void> begin_block(std::int64_t index, JsonView block, const OnDelta& on_delta);
  Result<void> read_delta(std::int64_t index, JsonView delta, const OnDelta& on_delta);
  Result<void> end_block(std::int64_t index, const OnDelta& on_delta);
  Result<void> report(JsonView usage, const OnDelta& on_delta);
  void note_stop(JsonView of);
  Result<void> end(const OnDelta& on_delta);

  bool begun() const { return begun_; }

 private:
  Block* find(std::int64_t index);
  Result<void> begin_tool(Block& block, JsonView head, const OnDelta& on_delta);
  Result<void> end_block(Block& block, const OnDelta& on_delta);
  Result<void> say(Delta::Kind kind, TextPieces& pieces, JsonView text, const OnDelta& on_delta);
  Result<void> end_piece(Delta::Kind kind, TextPieces& pieces, const OnDelta& on_delta);
  Result<void> add_arguments(Block& block, std::string_view text, const OnDelta& on_delta);

  std::vector<Block> open_;
  TextPieces loose_;  // of text outside of blocks
  MessagesUsage usage_;
  std::size_t calls_ = 0;
  bool begun_ = false;
  bool said_something_ = false;
  std::optional<Stop> stop_;
  std::string stop_sequence_;
};

Result<void> MessagesContentReader::begin(JsonView message, const OnDelta& on_delta) {
  if (begun_) return {};
  begun_ = true;
  usage_.merge(message.find("usage"));
  const std::string model = message.find("model").string().value_or("");
  Delta delta{.kind = Delta::Kind::begin, .name = model};
  if (const auto total = usage_.total()) {
    delta.usage.input = total->input;
    delta.usage.cached = total->cached;
    delta.cache_written = usage_.cache_written();
  }
  return on_delta(delta);
}

Result<void> MessagesContentReader::say(Delta::Kind kind, TextPieces& pieces, JsonView text,
                                        const OnDelta& on_delta) {
  if (!text.is(JsonType::string) || text.equals("")) return {};
  said_something_ = true;
  const std::string piece = pieces.add(text);
  return piece.empty() ? Result<void>() : on_delta({.kind = kind, .text = piece});
}

Result<void> MessagesContentReader::end_piece(Delta::Kind kind, TextPieces& pieces,
                                              const OnDelta& on_delta) {
  const std::string rest = pieces.end();
  return rest.empty() ? Result<void>() : on_delta({.kind = kind, .text = rest});
}

/// What is no object is refused as it begins: the whole form of the same call is (read_input()).
Result<void> MessagesContentReader::add_arguments(Block& block, std::string_view text,
                                                  const OnDelta& on_delta) {
  if (text.empty()) return {};
  if (const std::string_view said = trimmed(text); !block.is_object && !said.empty()) {
    if (!said.starts_with('{')) return broken("the model service gave invalid tool arguments");
    block.is_object = true;
  }
  return on_delta({.kind = Delta::Kind::arguments, .text = text, .call = block.call});
}

Block* MessagesContentReader::find(std::int64_t index) {
  const auto found = std::find_if(open_.begin(), open_.end(),
                                  [&](const Block& block) { return block.index == index; });
  return found == open_.end() ? nullptr : &*found;
}

Result<void> MessagesContentReader::begin_block(std::int64_t index, JsonView head,
                                                const OnDelta& on_delta) {
  if (find(index) != nullptr)  // its end was left out
    if (auto ended = end_block(index, on_delta); !ended) return ended;
  if (open_.size() == kMostOpen) return broken("the model service did not end its answer's blocks");
  Block& block = open_.emplace_back();
  block.index = index;
  const JsonView type = head.find("type");
  if (type.equals("text")) {
    block.kind = Block::Kind::text;
    return say(Delta::Kind::text, block.pieces, head.find("text"), on_delta);
  }
  if (type.equals("thinking")) {
    block.kind = Block::Kind::thinking;
    block.signature = head.find("signature").string().value_or("");
    return say(Delta::Kind::reasoning, block.pieces, head.find("thinking"), on_delta);
  }
  if (type.equals("redacted_thinking"))
    return say(Delta::Kind::redacted, block.pieces, head.find("data"), on_delta);
  if (type.equals("tool_use")) return begin_tool(block, head, on_delta);
  return {};  // of a tool that the upstream ran itself, or of a kind nobody knows yet
}

Result<void> MessagesContentReader::begin_tool(Block& block, JsonView head,
                                               const OnDelta& on_delta) {
  block.kind = Block::Kind::tool;
  block.call = calls_++;
  const std::string id = head.find("id").string().value_or("");
  const std::string name = head.find("name").string().value_or("");
  if (name.empty()) return broken("the model service called a tool without a name");
  auto input = read_input(head.find("input"));
  if (!input) return fail(std::move(input.error()));
  block.whole_input = std::move(*input);
  return on_delta({.kind = Delta::Kind::call, .call = block.call, .id = id, .name = name});
}

Result<void> MessagesContentReader::read_delta(std::int64_t index, JsonView delta,
                                               const OnDelta& on_delta) {
  Block* const block = find(index);
  if (block == nullptr) {
    // Some hosts begin a text without saying so.
    if (delta.find("type").equals("text_delta"))
      return say(Delta::Kind::text, loose_, delta.find("text"), on_delta);
    if (delta.find("type").equals("input_json_delta"))
      return broken("the model service gave arguments to no tool");
    return {};
  }
  switch (block->kind) {
    case Block::Kind::text:
      return say(Delta::Kind::text, block->pieces, delta.find("text"), on_delta);
    case Block::Kind::thinking:
      if (const auto signature = delta.find("signature").string()) block->signature = *signature;
      return say(Delta::Kind::reasoning, block->pieces, delta.find("thinking"), on_delta);
    case Block::Kind::tool: {
      const JsonView piece = delta.find("partial_json");
      if (!piece.is(JsonType::string) || piece.equals("")) return {};
      block->has_pieces = true;
      return add_arguments(*block, block->arguments.add(piece), on_delta);
    }
    case Block::Kind::other:
      break;
  }
  return {};
}

Result<void> MessagesContentReader::end_block(Block& block, const OnDelta& on_delta) {
  if (block.kind == Block::Kind::tool) {
    auto told = block.has_pieces
                    ? Result<void>()
                    : add_arguments(block, block.arguments.add(block.whole_input), on_delta);
    return told ? add_arguments(block, block.arguments.end(), on_delta) : told;
  }
  const bool is_thinking = block.kind == Block::Kind::thinking;
  auto told =
      end_piece(is_thinking ? Delta::Kind::reasoning : Delta::Kind::text, block.pieces, on_delta);
  if (!told || !is_thinking || block.signature.empty()) return told;
  return on_delta({.kind = Delta::Kind::signature, .text = block.signature});
}

Result<void> MessagesContentReader::end_block(std::int64_t index, const OnDelta& on_delta) {
  Block* const block = find(index);
  if (block == nullptr) return {};
  auto ended = end_block(*block, on_delta);
  open_.erase(open_.begin() + (block - open_.data()));
  return ended;
}

Result<void> MessagesContentReader::report(JsonView usage, const OnDelta& on_delta) {
  usage_.merge(usage);
  const auto total = usage_.total();
  if (!usage.given() || !total) return {};
  return on_delta(
      {.kind = Delta::Kind::usage, .usage = *total, .cache_written = usage_.cache_written()});
}

/// The last one that is not null counts.
void MessagesContentReader::note_stop(JsonView of) {
  if (const auto reason = of.find("stop_reason").string()) stop_ = read_messages_stop(*reason);
  if (const auto hit = of.find("stop_sequence").string()) stop_sequence_ = *hit;
}

Result<void> MessagesContentReader::end(const OnDelta& on_delta) {
  for (Block& block : open_)
    if (auto ended = end_block(block, on_delta); !ended) return ended;
  open_.clear();
  if (auto ended = end_piece(Delta::Kind::text, loose_, on_delta); !ended) return ended;
  const Stop stop = stop_.value_or(Stop::end_turn);
  if (stop == Stop::context_window && !said_something_ && calls_ == 0)
    return fail(FaultCode::context_too_long, "the prompt does not fit the model's context");
  return on_delta({.kind = Delta::Kind::stop, .text = stop_sequence_, .stop = stop});
}

class MessagesReader : public AnswerReader {
 public:
  explicit MessagesReader(const MessagesReaderOptions& options)
      : options_(options), events_(options.max_event_bytes) {}

  Result<void> feed(std::string_view bytes, const OnDelta& on_delta) override {
    if (complete_) return {};
    return events_.feed(bytes, [&](const SseEvent& event) { return on_event(event, on_delta); });
  }
  Result<void> finish(const OnDelta& on_delta) override {
    if (complete_) return {};
    auto read = events_.finish([&](const SseEvent& event) { return on_event(event, on_delta); });
    if (!read) return read;
    if (complete_) return {};
    return broken("the model service ended its answer before it was complete");
  }
  bool complete() const override { return complete_; }

 private:
  Result<void> on_event(const SseEvent& event, const OnDelta& on_delta);
  Result<void> on_data(std::string_view type, JsonView root, const OnDelta& on_delta);

  MessagesReaderOptions options_;
  SseReader events_;
  JsonTape tape_;
  MessagesContentReader content_;
  bool complete_ = false;
};

Result<void> MessagesReader::on_event(const SseEvent& event, const OnDelta& on_delta) {
  if (complete_) return {};
  const std::string_view data = trimmed(event.data);
  if (data.empty() || data.starts_with("[DONE]")) return {};
  const auto root = scan_event(tape_, data);
  if (!root) return fail(root.error());
  const std::string type = root->find("type").string().value_or(std::string(event.type));
  // An event that names its type is what it says, whatever else is in it.
  const bool is_error = event.type == "error" || type == "error" ||
                        (!root->find("type").given() && is_error_body(*root));
  if (is_error) return fail(read_upstream_fault(200, {}, data, options_.place, options_.now));
  return on_data(type, *root, on_delta);
}

Result<void> MessagesReader::on_data(std::string_view type, JsonView root,
                                     const OnDelta& on_delta) {
  if (type == "ping") return {};
  if (type == "message_start") return content_.begin(root.find("message"), on_delta);
  const bool is_block = type.starts_with("content_block_");
  if (!is_block && type != "message_delta" && type != "message_stop") return {};  // unknown
  if (auto begun = content_.begin({}, on_delta); !begun) return begun;
  const std::int64_t index = root.find("index").integer().value_or(0);
  if (type == "content_block_start")
    return content_.begin_block(index, root.find("content_block"), on_delta);
  if (type == "content_block_delta")
    return content_.read_delta(index, root.find("delta"), on_delta);
  if (type == "content_block_stop") return content_.end_block(index, on_delta);
  if (type == "message_delta") {
    content_.note_stop(root.find("delta"));
    return content_.report(root.find("usage"), on_delta);
  }
  if (type != "message_stop") return {};
  complete_ = true;
  return content_.end(on_delta);
}

}  // namespace

std::unique_ptr<AnswerReader> make_messages_reader(const MessagesReaderOptions& options) {
  return std::make_unique<MessagesReader>(options);
}

Result<void> read_whole_messages(std::string_view body, const MessagesReaderOptions& options,
                                 const OnDelta& on_delta) {
  const auto tape = scan_message(body, options.place, options.now);
  if (!tape) return fail(tape.error());
  const JsonView root = tape->root(body);
  const JsonView content = root.find("content");

  MessagesContentReader reader;
  if (auto begun = reader.begin(root, on_delta); !begun) return begun;
  if (auto told = reader.report(root.find("usage"), on_delta); !told) return told;
  for (JsonView block = content.first(); block.present(); block = block.after()) {
    auto read = reader.begin_block(0, block, on_delta);
    if (read) read = reader.end_block(0, on_delta);
    if (!read) return read;
  }
  reader.note_stop(root);
  return reader.end(on_delta);
}

}  // namespace glmgate::protocol
