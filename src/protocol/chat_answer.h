// Chat answers on their way from a chat upstream to a chat client: the bytes pass, a few words are
// spliced, and what the ledger must know is read on the way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/usage.h"
#include "protocol/answer_stream.h"
#include "protocol/dialect.h"
#include "protocol/fault_wire.h"
#include "protocol/json_scan.h"
#include "protocol/sse.h"
#include "protocol/tool_names.h"

namespace glmgate::protocol {

struct ChatAnswerOptions {
  Protocol client = Protocol::openai_chat;  ///< openai_chat: OpenAI's finish reasons only; glm:
                                            ///< bytes as they came
  Protocol upstream = Protocol::glm;
  bool include_usage =
      false;  ///< the client asked for the extra usage chunk; glm clients never get one
  std::int64_t input_estimate = 0;   ///< for that chunk, if the upstream tells no usage
  UpstreamPlace place = {};          ///< for the hints of an error inside a 200 answer
  UtcMillis now = 0;                 ///< for its reset times; 0: they are not read
  const ToolNames* names = nullptr;  ///< tools that go by another name upstream; null: none does
};

/// Reads a 200 answer. Fault{upstream...} if it is not a chat completion: an error body under 200
/// (U2), not JSON, no choices, or finish_reason network_error on an OpenAI path.
Result<PlainAnswer> read_chat_answer(std::string body, const ChatAnswerOptions& options);

/// A streamed answer. The ending begins with the finish chunk.
class ChatStream : public AnswerStream {
 public:
  ChatStream(const ChatAnswerOptions& options, std::size_t max_event_bytes);

  Result<void> feed(std::string_view bytes, std::string& out) override;
  Result<void> finish() override;  ///< complete: a finish_reason was seen, or [DONE]
  bool started() const override;
  bool complete() const override;
  bool may_end() const override;
  std::string take_ending() override;  ///< finish chunk, usage chunk, [DONE]
  const std::optional<Usage>& usage() const override;
  std::string_view model() const override;
  std::int64_t text_bytes() const override;
  std::string ping() override;
  std::string fault(const Fault& fault) override;

 private:
  /// A piece of an event's data that is written differently.
  struct Edit {
    std::size_t begin;
    std::size_t end;
    std::string text;
  };
  Result<void> on_event(const SseEvent& event, std::string& out);
  Result<void> on_chunk(JsonView root, std::string_view data, std::string& out);
  Result<void> on_choices(JsonView choices, bool& finishes);
  void rename_calls(JsonView delta);
  void hold_finish_chunk(JsonView root, std::string_view data, JsonView usage);
  void append_event(std::string& out, std::string_view data) const;
  std::string estimated_usage() const;

  ChatAnswerOptions options_;
  SseReader reader_;
  std::size_t limit_;
  std::string one_line_;     // the event at hand, if it came on several lines
  JsonTape tape_;            // of it
  std::vector<Edit> edits_;  // to it
  std::optional<Usage> usage_;
  std::string model_;
  std::int64_t text_bytes_ = 0;
  bool started_ = false;
  bool finish_seen_ = false;
  bool stray_ = false;  // an object came that is no piece of an answer
  bool complete_ = false;

  // The ending, as far as it came. The places are offsets into it.
  std::string ending_;
  std::size_t usage_begin_ = 0;  // where the finish chunk's usage stands, or is to be put
  std::size_t usage_end_ = 0;
  std::string usage_head_;   // what a usage chunk of our own begins with
  std::string usage_text_;   // the last usage reported, as written
  std::string usage_chunk_;  // the upstream's own, kept back until its place is known
};

/// Tokens that `bytes` of relayed text amount to, for a stream that was cut before usage came
/// (promises L4).
std::int64_t estimate_tokens(std::int64_t text_bytes);

/// `data: {"error":...}\n\n` for a stream that broke after its first byte, in the client's dialect;
/// `event: error` for Anthropic's. Never followed by [DONE] or message_stop.
std::string write_chat_stream_fault(Protocol client, const Fault& fault);

}  // namespace glmgate::protocol
