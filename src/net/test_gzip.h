// For tests: compressed bodies.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace glmgate::net::testing {

/// 16 + 15 gzip, 15 zlib, -15 raw. `flush_each`: a sync flush after so many bytes, as streams do.
inline std::string deflated(std::string_view text, int window_bits, std::size_t flush_each = 0) {
  std::string out(compressBound(static_cast<uLong>(text.size())) + 1024 + text.size(), '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  for (std::size_t at = 0; flush_each > 0 && at + flush_each < text.size(); at += flush_each) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data() + at));
    stream.avail_in = static_cast<uInt>(flush_each);
    deflate(&stream, Z_SYNC_FLUSH);
  }
  const std::size_t done = stream.total_in;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data() + done));
  stream.avail_in = static_cast<uInt>(text.size() - done);
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string gzip(std::string_view text) { return deflated(text, 16 + 15); }

}  // namespace glmgate::net::testing
