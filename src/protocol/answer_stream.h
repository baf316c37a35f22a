// A streamed answer on its way from an upstream to a client, as the relay drives it. From the end
// on, output is held back as the *ending*, so that the ledger can be written before the client sees
// the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/usage.h"
#include "protocol/dialect.h"

namespace glmgate::protocol {

/// A whole, unstreamed answer.
struct PlainAnswer {
  std::string body;             ///< what the client gets
  std::optional<Usage> usage;   ///< nothing if the upstream reported none (or nonsense)
  std::string model;            ///< as the upstream names it; empty if it does not
  std::int64_t text_bytes = 0;  ///< bytes of content, reasoning and arguments: for an estimate
  std::vector<std::string> warnings = {};  ///< "<what>; field=<path>" (chat_request.h)
};

/// What a client of this protocol may get in silence, between events; empty: nothing.
std::string_view ping_of(Protocol client);

class AnswerStream {
 public:
  virtual ~AnswerStream() = default;

  /// Appends to `out` what the client gets for these bytes: whole events only. A Fault means the
  /// stream is broken or the upstream reported an error: nothing more may be relayed, and it did
  /// not end.
  virtual Result<void> feed(std::string_view bytes, std::string& out) = 0;

  /// The upstream closed. Fault{upstream_broken} unless the answer was complete.
  virtual Result<void> finish() = 0;

  virtual bool started() const = 0;   ///< a first event with an answer in it was seen: 200 may be
                                      ///< sent
  virtual bool complete() const = 0;  ///< the end was seen; later bytes are ignored
  /// Why the answer ended was said, and only its terminal marker is missing: finish() succeeds.
  virtual bool may_end() const { return false; }
  /// What was held back. To be sent once, after settling, when complete() or after finish().
  virtual std::string take_ending() = 0;

  virtual const std::optional<Usage>& usage() const = 0;  ///< the last one reported
  virtual std::string_view model() const = 0;             ///< as the upstream names it
  virtual std::int64_t text_bytes() const = 0;            ///< so far: content, reasoning, arguments

  /// What is sent now, between events, in silence; empty: nothing may be.
  virtual std::string ping() = 0;
  /// Visible break of the stream after its first byte, in the client's dialect; nothing follows.
  virtual std::string fault(const Fault& fault) = 0;
};

}  // namespace glmgate::protocol
