#include "protocol/answer_tally.h"

#include "protocol/chat_answer.h"

namespace glmgate::protocol {

void AnswerTally::add(const Delta& delta) {
  note_size(delta);
  switch (delta.kind) {
    case Delta::Kind::begin:
      begun_ = true;
      model_ = delta.name;
      cache_written_ = delta.cache_written;
      if (delta.usage.input > 0)
        usage_ = Usage{.input = delta.usage.input, .cached = delta.usage.cached, .estimated = true};
      break;
    case Delta::Kind::usage:
      usage_ = delta.usage;
      cache_written_ = delta.cache_written;
      break;
    case Delta::Kind::text:
    case Delta::Kind::reasoning:
    case Delta::Kind::refusal:
    case Delta::Kind::arguments:
      text_bytes_ += static_cast<std::int64_t>(delta.text.size());
      if (usage_ && usage_->estimated) usage_->output = estimate_tokens(text_bytes_);
      break;
    default:
      break;
  }
}

void AnswerTally::note_size(const Delta& delta) {
  bytes_ += delta.text.size() + delta.id.size() + delta.name.size();
  switch (delta.kind) {
    case Delta::Kind::text:
    case Delta::Kind::reasoning:
    case Delta::Kind::refusal:
      if (delta.kind != last_) ++pieces_;
      last_ = delta.kind;
      break;
    case Delta::Kind::call:
    case Delta::Kind::signature:
    case Delta::Kind::redacted:
      ++pieces_;
      last_ = delta.kind;
      break;
    default:
      break;
  }
}

Usage AnswerTally::usage_or_estimate(std::int64_t input_estimate) const {
  if (usage_) return *usage_;
  return {.input = input_estimate,
          .cached = 0,
          .output = estimate_tokens(text_bytes_),
          .reasoning = 0,
          .estimated = true};
}

}  // namespace glmgate::protocol
