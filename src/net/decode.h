// Compressed bodies: gzip, deflate, zstd, within caps.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace glmgate::net {

/// Decodes `in` as `encoding` says ("gzip", "deflate", "zstd", "identity", or two of them with a
/// comma) and appends it to `out`. At most `max_bytes` come out, and past 1 MiB at most `max_ratio`
/// times what went in. Fault: unsupported_encoding, bad_encoding (garbage, truncated, trailing
/// bytes), body_too_large.
Result<void> decode_all(std::string_view encoding, std::string_view in, std::size_t max_bytes,
                        std::size_t max_ratio, std::string& out);

/// "gzip" or "zstd" if `body` begins as these do, else empty: some CDNs leave the header out.
std::string_view sniff_encoding(std::string_view body);

/// True while more of it may still become what sniff_encoding() knows: "", "\x1f", "(\xb5".
bool may_be_encoded(std::string_view start);

/// Undoes one content coding while the body still comes: feed() a piece, then take what next()
/// gives until it is empty.
class Decoder {
 public:
  /// Fault: unsupported_encoding, also for a list of encodings.
  static Result<std::unique_ptr<Decoder>> open(std::string_view encoding);
  ~Decoder();

  /// Only when next() has given everything of the piece before.
  void feed(std::string_view piece);
  /// Decoded bytes, at most 64 KiB, in a buffer of the thread's: gone at the next call. Empty: all
  /// of the piece is decoded. Fault: bad_encoding. There is no cap: an honest stream may repeat
  /// itself without end, and whoever reads it bounds what he keeps.
  Result<std::string_view> next();
  /// True where the encoded body may end: at its very end, or before its first byte.
  bool at_end() const;

 private:
  struct State;
  explicit Decoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace glmgate::net
