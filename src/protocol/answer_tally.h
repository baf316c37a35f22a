// What the ledger and a writer must know of an answer, added up from its Deltas.
#pragma once

#include <cstddef>
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

  /// More than anything that is an answer: writers keep much of it until its end.
  bool is_endless() const { return bytes_ > kMostBytes || pieces_ > kMostPieces; }

  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  static constexpr std::size_t kMostPieces = 65'536;

 private:
  void note_size(const Delta& delta);

  std::optional<Usage> usage_;
  std::string model_;
  std::int64_t text_bytes_ = 0;
  std::int64_t cache_written_ = 0;
  bool begun_ = false;
  std::size_t bytes_ = 0;   // of everything, ids and names too
  std::size_t pieces_ = 0;  // texts of one kind, calls, signatures
  Delta::Kind last_ = Delta::Kind::begin;
};

}  // namespace glmgate::protocol
