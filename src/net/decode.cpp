#include "net/decode.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "net/http.h"

namespace glmgate::net {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kRatioFrom = 1024 * 1024;
constexpr std::size_t kMostEncodings = 2;
constexpr std::string_view kGzipStart = "\x1f\x8b";
constexpr std::string_view kZstdStart = "\x28\xb5\x2f\xfd";
constexpr int kZstdWindowLog = 23;  // 8 MiB, the most that HTTP's zstd allows (RFC 9659)

std::unexpected<Fault> too_large() {
  return fail(FaultCode::body_too_large, "The body is too large once decoded.");
}

bool over_ratio(std::size_t in, std::size_t out, std::size_t max_ratio) {
  return out > kRatioFrom && out / std::max<std::size_t>(in, 1) >= max_ratio;
}

/// One content coding.
class Layer {
 public:
  struct Step {
    std::size_t taken = 0;
    std::size_t made = 0;
    bool broken = false;
  };
  virtual ~Layer() = default;
  /// Decodes from the front of `in` until it is used up or `out` is full.
  virtual Step step(std::string_view in, std::span<char> out) = 0;
  /// Nothing of a member or frame is open, and at least one has ended.
  bool ended() const { return ended_; }

 protected:
  bool ended_ = false;
};

/// gzip (members one after another), and deflate with its zlib wrapper or without it.
class Inflate final : public Layer {
 public:
  enum class Kind : std::uint8_t { gzip, deflate };
  explicit Inflate(Kind kind) : kind_(kind) {}
  ~Inflate() override {
    if (open_) inflateEnd(&stream_);
  }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  Step step(std::string_view in, std::span<char> out) override {
    Step step;
    while (step.taken < in.size() || full_) {
      const std::string_view rest = in.substr(step.taken);
      if (!ready(rest)) return broken();
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
      const std::size_t offered = std::min<std::size_t>(rest.size(), 1U << 30);
      const std::size_t room = out.size() - step.made;
      stream_.avail_in = static_cast<uInt>(offered);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + step.made);
      stream_.avail_out = static_cast<uInt>(room);
      const int status = ::inflate(&stream_, Z_NO_FLUSH);
      step.taken += offered - stream_.avail_in;
      step.made += room - stream_.avail_out;
      full_ = stream_.avail_out == 0;
      ended_ = status == Z_STREAM_END;
      if (ended_) full_ = false;
      // Z_BUF_ERROR: there was nothing left to hand out after all.
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return broken();
      if (status == Z_BUF_ERROR && !full_) break;
      if (step.made == out.size()) break;
    }
    return step;
  }

 private:
  static Step broken() { return {.taken = 0, .made = 0, .broken = true}; }

  /// Makes the stream ready for `rest`, the bytes that come next.
  bool ready(std::string_view rest) {
    if (ended_) {  // gzip may have several members; anything else after the end is garbage
      if (kind_ != Kind::gzip || inflateReset(&stream_) != Z_OK) return false;
      ended_ = false;
    }
    if (open_) return true;
    int window_bits = 16 + 15;
    if (kind_ == Kind::deflate) {
      // Some senders leave the zlib wrapper out. It begins with the method 8 and a window of at
      // most 7; a raw block that begins so would have padding bits set.
      const auto first = static_cast<unsigned char>(rest.front());
      window_bits = (first & 0x0fU) == 8 && first >> 4 <= 7 ? 15 : -15;
    }
    open_ = inflateInit2(&stream_, window_bits) == Z_OK;
    return open_;
  }

  Kind kind_;
  z_stream stream_{};
  bool open_ = false;
  bool full_ = false;  ///< more may come out without more going in
};

class Unzstd final : public Layer {
 public:
  Unzstd() : stream_(ZSTD_createDCtx()) {
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  }

  Step step(std::string_view in, std::span<char> out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos < output.size && (input.pos < input.size || full_)) {
      const std::size_t before = output.pos;
      const std::size_t left = ZSTD_decompressStream(stream_.get(), &output, &input);
      if (ZSTD_isError(left)) return {.taken = 0, .made = 0, .broken = true};
      ended_ = left == 0;
      full_ = !ended_ && output.pos == output.size;
      if (output.pos == before && input.pos == input.size) break;
    }
    return {.taken = input.pos, .made = output.pos};
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* stream) const { ZSTD_freeDCtx(stream); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> stream_;
  bool full_ = false;
};

Result<std::unique_ptr<Layer>> open_layer(std::string_view encoding) {
  std::unique_ptr<Layer> layer;
  if (same_name(encoding, "gzip") || same_name(encoding, "x-gzip"))
    layer = std::make_unique<Inflate>(Inflate::Kind::gzip);
  else if (same_name(encoding, "deflate"))
    layer = std::make_unique<Inflate>(Inflate::Kind::deflate);
  else if (same_name(encoding, "zstd"))
    layer = std::make_unique<Unzstd>();
  else
    return fail(FaultCode::unsupported_encoding, "`content-encoding` may be gzip, deflate or zstd.",
                "content-encoding");
  return layer;
}

std::unexpected<Fault> garbage(std::string_view encoding) {
  return fail(FaultCode::bad_encoding, "The body is not valid " + std::string(encoding) + ".");
}

struct Caps {
  std::size_t bytes;
  std::size_t ratio;
  std::size_t in;  ///< of the outermost coding: two layers do not multiply the ratio
};

Result<std::string> decode_one(std::string_view encoding, std::string_view in, const Caps& caps) {
  Result<std::unique_ptr<Layer>> layer = open_layer(encoding);
  if (!layer) return fail(std::move(layer.error()));
  std::string out;
  std::vector<char> piece(kPiece);
  while (true) {
    const Layer::Step step = (*layer)->step(in, piece);
    if (step.broken) return garbage(encoding);
    in.remove_prefix(step.taken);
    out.append(piece.data(), step.made);
    if (out.size() > caps.bytes || over_ratio(caps.in, out.size(), caps.ratio)) return too_large();
    if (in.empty() && step.made < piece.size()) break;
  }
  if (!(*layer)->ended()) return garbage(encoding);
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace

Result<void> decode_all(std::string_view encoding, std::string_view in, std::size_t max_bytes,
                        std::size_t max_ratio, std::string& out) {
  std::vector<std::string_view> layers;
  while (true) {
    const std::size_t comma = encoding.find(',');
    const std::string_view layer = trim(encoding.substr(0, comma));
    if (!same_name(layer, "identity")) layers.push_back(layer);
    if (comma == std::string_view::npos) break;
    encoding = encoding.substr(comma + 1);
  }
  if (layers.size() > kMostEncodings)
    return fail(FaultCode::unsupported_encoding, "The body is encoded too many times.",
                "content-encoding");
  const Caps caps{.bytes = max_bytes, .ratio = max_ratio, .in = in.size()};
  std::string decoded;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    Result<std::string> next = decode_one(*layer, in, caps);
    if (!next) return fail(std::move(next.error()));
    decoded = std::move(*next);
    in = decoded;
  }
  if (in.size() > max_bytes) return too_large();
  if (out.empty() && !layers.empty())
    out = std::move(decoded);
  else
    out += in;
  return {};
}

std::string_view sniff_encoding(std::string_view body) {
  if (body.starts_with(kGzipStart)) return "gzip";
  if (body.starts_with(kZstdStart)) return "zstd";
  return {};
}

bool may_be_encoded(std::string_view start) {
  return kGzipStart.starts_with(start) || kZstdStart.starts_with(start);
}

struct Decoder::State {
  std::unique_ptr<Layer> layer;
  std::string encoding;
  std::string_view piece;  ///< what of the fed piece is not decoded yet
  std::string kept;        ///< holds it once next() has returned with some of it left
  bool begun = false;
};

Decoder::Decoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Decoder::~Decoder() = default;

Result<std::unique_ptr<Decoder>> Decoder::open(std::string_view encoding) {
  Result<std::unique_ptr<Layer>> layer = open_layer(trim(encoding));
  if (!layer) return fail(std::move(layer.error()));
  auto state = std::make_unique<State>();
  state->layer = std::move(*layer);
  state->encoding = trim(encoding);
  return std::unique_ptr<Decoder>(new Decoder(std::move(state)));
}

void Decoder::feed(std::string_view piece) {
  state_->piece = piece;
  state_->begun = state_->begun || !piece.empty();
}

Result<std::string_view> Decoder::next() {
  static thread_local std::array<char, kPiece> buffer;
  State& state = *state_;
  const Layer::Step step = state.layer->step(state.piece, buffer);
  if (step.broken) return garbage(state.encoding);
  state.piece.remove_prefix(step.taken);
  // The caller's bytes are gone when it asks again; few pieces leave any.
  std::string rest(state.piece);
  state.kept = std::move(rest);
  state.piece = state.kept;
  return std::string_view(buffer.data(), step.made);
}

bool Decoder::at_end() const {
  return state_->piece.empty() && (!state_->begun || state_->layer->ended());
}

}  // namespace glmgate::net
