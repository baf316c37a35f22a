// Compressed bodies: whatever comes in, no more than the cap comes out; and a Decoder fed in pieces
// agrees with the body decoded whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "net/decode.h"

namespace {

using namespace glmgate;

constexpr std::size_t kCap = 4 << 20;
constexpr std::size_t kRatio = 100;

/// Nothing: refused, not at its end, or larger than the cap.
std::optional<std::string> decode_in_steps(std::string_view encoding, std::string_view bytes,
                                           std::size_t step) {
  auto decoder = net::Decoder::open(encoding);
  if (!decoder) return std::nullopt;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    (*decoder)->feed(bytes.substr(at, step));
    while (true) {
      const auto decoded = (*decoder)->next();
      if (!decoded) return std::nullopt;
      if (decoded->empty()) break;
      out += *decoded;
      if (out.size() > kCap) return std::nullopt;
    }
  }
  if (!(*decoder)->at_end()) return std::nullopt;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static constexpr std::string_view kEncodings[] = {"gzip",       "deflate",  "zstd",
                                                    "gzip, zstd", "identity", "br"};
  const std::string_view encoding = kEncodings[data[0] % 6];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string out;
  const auto done = net::decode_all(encoding, bytes, kCap, kRatio, out);
  if (done && out.size() > kCap) std::abort();
  // The ratio may strike a piece earlier: what both accept must be the same, and below the size
  // from which the ratio counts, both accept the same.
  const auto pieces = decode_in_steps(encoding, bytes, data[1] % 32 + 1U);
  if (done && pieces && out != *pieces) std::abort();
  if (data[0] % 6 < 3 && done && out.size() < (1 << 20) && !pieces) std::abort();
  // A zstd frame that says a wrong size and holds nothing is found out only where it comes whole.
  if (!done && pieces && pieces->size() < (1 << 20) && encoding.find("zstd") == std::string::npos)
    std::abort();
  return 0;
}
