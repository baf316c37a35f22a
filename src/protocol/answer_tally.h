// What the ledger and a writer must know of an answer, added up from its Deltas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/delta.h"

namespace glmgate::protocol {

class AnswerTally {
 public:
  void add(const Delta& delta);

  bool begun() const { return begun_; }
  std::string_view model() const { return model_; }
  /// Of content, reasoning, refusal and arguments.
  std::int64_t text_bytes() const { return text_bytes_; }

  /// The last one reported. While only the prompt's size is known, that and an estimate of what
  /// was said: a stream that is cut then is not taken for an answer of one token.
  const std::optional<Usage>& usage() const { return usage_; }
  /// What a client is told: usage() or an estimate.
  Usage usage_or_estimate(std::int64_t input_estimate) const;
  std::int64_t cache_written() const { return cache_written_; }  ///< of usage()'s input

 private:
  std::optional<Usage> usage_;
  std::string model_;
  std::int64_t text_bytes_ = 0;
  std::int64_t cache_written_ = 0;
  bool begun_ = false;
};

}  // namespace glmgate::protocol
