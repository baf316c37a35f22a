// Answers between protocols: a reader of the upstream's, a writer of the client's, and between them
// the stop sequences that the gateway itself looks for. Whole or streamed on either side.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/answer_stream.h"
#include "protocol/answer_tally.h"
#include "protocol/delta.h"
#include "protocol/stop_matcher.h"
#include "protocol/whole_answer.h"

namespace glmgate::protocol {

/// A streamed answer for a client.
class TranslatedStream : public AnswerStream {
 public:
  TranslatedStream(Protocol client, std::unique_ptr<AnswerReader> reader,
                   std::unique_ptr<AnswerWriter> writer, const std::vector<std::string>& stops);

  Result<void> feed(std::string_view bytes, std::string& out) override;
  /// An upstream that answered whole is told to the client here; take_ending() has all of it.
  Result<void> finish() override;
  bool started() const override { return tally_.begun(); }
  /// True as well when a stop sequence hit: what the upstream still has to say is not wanted.
  bool complete() const override { return complete_; }
  bool may_end() const override { return reader_->may_end(); }
  std::string take_ending() override;
  const std::optional<Usage>& usage() const override { return tally_.usage(); }
  std::string_view model() const override { return tally_.model(); }
  std::int64_t text_bytes() const override { return tally_.text_bytes(); }
  std::string ping() override;
  std::string fault(const Fault& fault) override { return writer_->fault(fault); }

 private:
  Result<void> on_delta(const Delta& delta, std::string& out);
  Result<void> end_if_over();

  Protocol client_;
  std::unique_ptr<AnswerReader> reader_;
  std::unique_ptr<AnswerWriter> writer_;
  StopMatcher stops_;
  AnswerTally tally_;  // of what the upstream said, the stop sequence included
  std::string ending_;
  bool complete_ = false;
};

using WriteWhole = std::function<Result<WrittenAnswer>(const WholeAnswer&)>;

/// A whole answer for a client.
class TranslatedWhole {
 public:
  TranslatedWhole(std::unique_ptr<AnswerReader> reader, WriteWhole write,
                  const std::vector<std::string>& stops);

  /// Fault as AnswerReader::feed().
  Result<void> feed(std::string_view bytes);
  /// Nothing more need be read: a stop sequence hit, or the end was seen.
  bool complete() const { return stops_.hit() || reader_->complete(); }
  /// As AnswerStream.
  bool may_end() const { return reader_->may_end(); }
  const std::optional<Usage>& usage() const { return tally_.usage(); }
  std::int64_t text_bytes() const { return tally_.text_bytes(); }
  /// Once, when complete() or when the upstream closed.
  Result<PlainAnswer> finish();

 private:
  OnDelta on_delta();

  std::unique_ptr<AnswerReader> reader_;
  WriteWhole write_;
  StopMatcher stops_;
  AnswerTally tally_;
  WholeAnswer answer_;
};

using ReadWhole = std::function<Result<void>(std::string_view body, const OnDelta&)>;

/// A reader of an upstream that answers whole, for either of the above: keeps the body, and reads
/// it when it has all of it. Fault{upstream_broken} beyond `max_bytes`.
std::unique_ptr<AnswerReader> make_body_reader(ReadWhole read, std::size_t max_bytes);

/// Whole upstream body to whole client body.
Result<PlainAnswer> translate_whole(std::string_view body, const ReadWhole& read,
                                    const WriteWhole& write, const std::vector<std::string>& stops);

}  // namespace glmgate::protocol
