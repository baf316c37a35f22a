// Pieces of an Anthropic message that the stream and the whole have in common. Private to this
// room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/usage.h"
#include "protocol/delta.h"
#include "protocol/fault_wire.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

/// What an upstream reports of tokens in message_start and message_delta: totals so far, not
/// differences.
class MessagesUsage {
 public:
  /// A count that is absent, null or none at all leaves the earlier one.
  void merge(JsonView usage);
  /// Nothing while all is zero: Z.AI's message_start has zeros that are not data.
  std::optional<Usage> total() const;
  std::int64_t cache_written() const { return cache_creation_; }  ///< of the total's input

 private:
  std::int64_t input_ = 0;  // not cached
  std::int64_t cache_read_ = 0;
  std::int64_t cache_creation_ = 0;
  std::int64_t output_ = 0;
  std::int64_t thinking_ = 0;
};

/// A whole answer. Fault{upstream...} if it is no message, or an error.
Result<JsonTape> scan_message(std::string_view body, const UpstreamPlace& place, UtcMillis now);

/// The text in a content block or in a delta of one: what the model said, thought, or gave a tool.
std::int64_t count_messages_text(JsonView block);

/// `input` without what was cached: total prompt = input + cache_read (wire-protocols 3.11).
std::string messages_usage(const Usage& usage);

/// `"stop_reason":...,"stop_sequence":...` and, for a refusal, `"stop_details"`.
/// @param stop_sequence  that hit; only with Stop::stop_sequence, and then never empty.
std::string messages_stop(Stop stop, std::string_view stop_sequence);

}  // namespace glmgate::protocol
