#include "protocol/translated_stream.h"

#include <utility>

#include "protocol/answer_parts.h"

namespace glmgate::protocol {
namespace {

/// Ends the reading when a stop sequence hit: what stands behind it, errors too, is not looked at,
/// so that it does not matter where the bytes were cut.
Result<void> enough() { return fail(FaultCode::internal, "a stop sequence hit"); }

std::unexpected<Fault> endless() { return broken("the model service did not end its answer"); }

class BodyReader : public AnswerReader {
 public:
  BodyReader(ReadWhole read, std::size_t max_bytes) : read_(std::move(read)), limit_(max_bytes) {}

  Result<void> feed(std::string_view bytes, const OnDelta&) override {
    if (bytes.size() > limit_ - body_.size())
      return broken("the model service's answer is too large");
    body_ += bytes;
    return {};
  }
  Result<void> finish(const OnDelta& on_delta) override {
    if (complete_) return {};
    auto read = read_(body_, on_delta);
    complete_ = read.has_value();
    return read;
  }
  bool complete() const override { return complete_; }

 private:
  ReadWhole read_;
  std::size_t limit_;
  std::string body_;
  bool complete_ = false;
};

PlainAnswer plain(WrittenAnswer written, const AnswerTally& tally) {
  return {.body = std::move(written.body),
          .usage = tally.usage(),
          .model = std::string(tally.model()),
          .text_bytes = tally.text_bytes(),
          .warnings = std::move(written.warnings)};
}

}  // namespace

TranslatedStream::TranslatedStream(Protocol client, std::unique_ptr<AnswerReader> reader,
                                   std::unique_ptr<AnswerWriter> writer,
                                   const std::vector<std::string>& stops)
    : client_(client), reader_(std::move(reader)), writer_(std::move(writer)), stops_(stops) {}

Result<void> TranslatedStream::on_delta(const Delta& delta, std::string& out) {
  tally_.add(delta);
  if (tally_.is_endless()) return endless();
  auto told = stops_.add(delta, [&](const Delta& kept) { return writer_->add(kept, out); });
  if (!told) return told;
  return stops_.hit() ? enough() : Result<void>();
}

Result<void> TranslatedStream::end_if_over() {
  if (complete_ || (!stops_.hit() && !reader_->complete())) return {};
  auto ending = writer_->ending();
  if (!ending) return fail(std::move(ending.error()));
  ending_ += *ending;
  complete_ = true;
  return {};
}

Result<void> TranslatedStream::feed(std::string_view bytes, std::string& out) {
  if (complete_) return {};
  auto read = reader_->feed(bytes, [&](const Delta& delta) { return on_delta(delta, out); });
  if (!read && !stops_.hit()) return read;
  return end_if_over();
}

Result<void> TranslatedStream::finish() {
  if (complete_) return {};
  auto read = reader_->finish([this](const Delta& delta) { return on_delta(delta, ending_); });
  if (!read && !stops_.hit()) return read;
  return end_if_over();
}

std::string TranslatedStream::ping() {
  std::string own = writer_->ping();
  return own.empty() ? std::string(ping_of(client_)) : own;
}

std::string TranslatedStream::take_ending() {
  return complete_ ? std::exchange(ending_, {}) : std::string();
}

TranslatedWhole::TranslatedWhole(std::unique_ptr<AnswerReader> reader, WriteWhole write,
                                 const std::vector<std::string>& stops)
    : reader_(std::move(reader)), write_(std::move(write)), stops_(stops) {}

OnDelta TranslatedWhole::on_delta() {
  return [this](const Delta& delta) -> Result<void> {
    tally_.add(delta);
    if (tally_.is_endless()) return endless();
    auto told = stops_.add(delta, [this](const Delta& kept) { return answer_.add(kept); });
    if (!told) return told;
    return stops_.hit() ? enough() : Result<void>();
  };
}

Result<void> TranslatedWhole::feed(std::string_view bytes) {
  if (complete()) return {};
  auto read = reader_->feed(bytes, on_delta());
  if (!read && !stops_.hit()) return read;
  return {};
}

Result<PlainAnswer> TranslatedWhole::finish() {
  if (!complete()) {
    auto read = reader_->finish(on_delta());
    if (!read && !stops_.hit()) return fail(std::move(read.error()));
  }
  auto written = write_(answer_);
  if (!written) return fail(std::move(written.error()));
  return plain(std::move(*written), tally_);
}

std::unique_ptr<AnswerReader> make_body_reader(ReadWhole read, std::size_t max_bytes) {
  return std::make_unique<BodyReader>(std::move(read), max_bytes);
}

Result<PlainAnswer> translate_whole(std::string_view body, const ReadWhole& read,
                                    const WriteWhole& write,
                                    const std::vector<std::string>& stops) {
  TranslatedWhole whole(make_body_reader(read, body.size()), write, stops);
  if (auto fed = whole.feed(body); !fed) return fail(std::move(fed.error()));
  return whole.finish();
}

}  // namespace glmgate::protocol
