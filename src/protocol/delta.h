// An answer as a row of happenings. Each protocol has one reader (its bytes to Deltas) and one
// writer (Deltas to its bytes): where client and upstream speak differently, an answer goes through
// here, streamed or whole (wire-protocols 3.3 to 3.7, 3.10, 3.13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "base/usage.h"

namespace glmgate::protocol {

/// Why an answer ended.
enum class Stop : std::uint8_t {
  end_turn,
  max_tokens,
  stop_sequence,
  tool_use,
  refusal,         ///< content filter, GLM's `sensitive`
  context_window,  ///< ran into the end of the model's window
  pause            ///< a server tool's loop paused
};

/// Views are valid during the call that hands the Delta over.
struct Delta {
  enum class Kind : std::uint8_t {
    begin,      ///< first, once; `name`: the model as the upstream names it; `usage.input` and
                ///< `cached` if it told the prompt's size already
    text,       ///< `text`: a piece of what is said
    reasoning,  ///< `text`: a piece of the thinking
    signature,  ///< `text`: the upstream's own signature of the thinking before it, whole
    redacted,   ///< `text`: thinking that only its maker can read, whole
    refusal,    ///< `text`: a piece of a refusal in words
    call,       ///< a tool call begins: `call`, `id` (may be empty), `name` (never empty)
    arguments,  ///< `call`, `text`: a piece of its arguments, JSON text; calls may interleave
    usage,      ///< `usage`: what is known now, whole; replaces earlier ones
    stop        ///< last, once; `stop`, `text`: the stop sequence that hit, if known
  };
  Kind kind = Kind::begin;
  std::string_view text;
  std::size_t call = 0;  ///< which of the answer's tool calls, from 0, in order of beginning
  std::string_view id;
  std::string_view name;
  Stop stop = Stop::end_turn;
  Usage usage;
  std::int64_t cache_written = 0;  ///< with `usage`: of its input, what was put into a cache
};

using OnDelta = std::function<Result<void>(const Delta&)>;

/// An upstream's streamed answer, read.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;

  /// Bytes in pieces of any size. A Fault means that the stream is broken or that the upstream
  /// reported an error in it: it did not end. A Fault of `on_delta` ends the reading and is
  /// returned.
  virtual Result<void> feed(std::string_view bytes, const OnDelta& on_delta) = 0;
  /// The upstream closed. Fault{upstream_broken} unless the answer was complete.
  virtual Result<void> finish(const OnDelta& on_delta) = 0;
  /// The terminal marker was seen; later bytes are ignored.
  virtual bool complete() const = 0;
  /// Why the answer ended was said: without its terminal marker it is complete too.
  virtual bool may_end() const { return false; }
};

/// A client's streamed answer, written.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  /// Appends whole events to `out`. Fault{upstream_broken} for what cannot be said in this
  /// protocol, e.g. arguments that are no JSON object. `stop` is held back for ending().
  virtual Result<void> add(const Delta& delta, std::string& out) = 0;
  /// The events from the end of the last block on, terminal marker included. Once, after
  /// `stop`. Fault as add().
  virtual Result<std::string> ending() = 0;
  /// An event to be sent in silence, where comments do not keep clients waiting; empty: none.
  virtual std::string ping() { return {}; }
  /// Visible break of a stream that has begun, in the client's dialect; nothing follows it.
  virtual std::string fault(const Fault& fault) = 0;
};

}  // namespace glmgate::protocol
