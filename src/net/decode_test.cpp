#include "net/decode.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <optional>

#include "net/test_gzip.h"

namespace glmgate::net {
namespace {

using namespace testing;

constexpr std::size_t kMuch = 1 << 26;

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * i) + " ";
  text.resize(size);
  return text;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

/// A frame whose window is larger than HTTP allows.
std::string zstd_with_large_window(std::string_view text) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_inBuffer none{nullptr, 0, 0};
  ZSTD_inBuffer from{text.data(), text.size(), 0};
  ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue);
  ZSTD_compressStream2(context, &to, &none, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

struct Good {
  const char* name;
  const char* encoding;
  std::string bytes;
  std::string text;
};

std::vector<Good> good_cases() {
  const std::string text = text_of(200'000);
  return {
      {"gzip", "gzip", gzip(text), text},
      {"GZIP", "GZIP", gzip("x"), "x"},
      {"x-gzip", "x-gzip", gzip(text), text},
      {"gzip of nothing", "gzip", gzip(""), ""},
      {"gzip, two members", "gzip", gzip("one") + gzip("two"), "onetwo"},
      {"gzip, flushed", "gzip", deflated(text, 16 + 15, 700), text},
      {"deflate with its wrapper", "deflate", deflated(text, 15), text},
      {"raw deflate", "deflate", deflated(text, -15), text},
      {"raw deflate of one byte", "deflate", deflated("x", -15), "x"},
      {"zstd", "zstd", zstd(text), text},
      {"zstd, two frames", "zstd", zstd("one") + zstd("two"), "onetwo"},
      {"exactly one buffer", "gzip", gzip(text_of(64 * 1024)), text_of(64 * 1024)},
      {"exactly one buffer of zstd", "zstd", zstd(text_of(64 * 1024)), text_of(64 * 1024)},
  };
}

TEST(decode, gives_the_text_back) {
  for (const Good& c : good_cases()) {
    SCOPED_TRACE(c.name);
    std::string out = "before ";
    const Result<void> done = decode_all(c.encoding, c.bytes, kMuch, 100, out);
    ASSERT_TRUE(done);
    EXPECT_EQ(out, "before " + c.text);
  }
}

TEST(decode, reads_lists_of_two) {
  const struct {
    const char* name;
    const char* encoding;
    std::string bytes;
  } cases[] = {
      {"identity", "identity", "text"},
      {"gzip, then zstd", "gzip, zstd", zstd(gzip("text"))},
      {"with blanks", " deflate\t,gzip ", gzip(deflated("text", 15))},
      {"identity beside gzip", "identity, gzip", gzip("text")},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::string out;
    ASSERT_TRUE(decode_all(c.encoding, c.bytes, kMuch, 100, out));
    EXPECT_EQ(out, "text");
  }
}

struct Bad {
  const char* name;
  const char* encoding;
  std::string bytes;
  FaultCode code;
};

std::vector<Bad> bad_cases() {
  const std::string text = text_of(3000);
  std::string flipped = gzip(text);
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);  // its CRC
  return {
      {"nothing", "gzip", "", FaultCode::bad_encoding},
      {"garbage for gzip", "gzip", text, FaultCode::bad_encoding},
      {"garbage for deflate", "deflate", "\xff\xff\xff\xff", FaultCode::bad_encoding},
      {"garbage for zstd", "zstd", text, FaultCode::bad_encoding},
      {"zlib for gzip", "gzip", deflated(text, 15), FaultCode::bad_encoding},
      {"wrong checksum", "gzip", flipped, FaultCode::bad_encoding},
      {"bytes after gzip", "gzip", gzip(text) + "x", FaultCode::bad_encoding},
      {"zeros after gzip", "gzip", gzip(text) + std::string(8, '\0'), FaultCode::bad_encoding},
      {"bytes after deflate", "deflate", deflated(text, 15) + "x", FaultCode::bad_encoding},
      {"two of deflate", "deflate", deflated(text, 15) + deflated(text, 15),
       FaultCode::bad_encoding},
      {"bytes after raw deflate", "deflate", deflated(text, -15) + "x", FaultCode::bad_encoding},
      {"bytes after zstd", "zstd", zstd(text) + "xxxxx", FaultCode::bad_encoding},
      {"a window larger than allowed", "zstd", zstd_with_large_window(text),
       FaultCode::bad_encoding},
      {"brotli", "br", text, FaultCode::unsupported_encoding},
      {"nothing named", "", text, FaultCode::unsupported_encoding},
      {"an empty entry", "gzip,", gzip(text), FaultCode::unsupported_encoding},
      {"three", "gzip, gzip, gzip", gzip(gzip(gzip(text))), FaultCode::unsupported_encoding},
      {"unknown second", "br, gzip", gzip(text), FaultCode::unsupported_encoding},
      {"gzip bomb", "gzip", gzip(std::string(20 << 20, 'a')), FaultCode::body_too_large},
      {"zstd bomb", "zstd", zstd(std::string(20 << 20, 'a')), FaultCode::body_too_large},
      {"bomb in a bomb", "gzip, gzip", gzip(gzip(std::string(20 << 20, 'a'))),
       FaultCode::body_too_large},
  };
}

TEST(decode, refuses_what_is_not_whole_and_clean) {
  for (const Bad& c : bad_cases()) {
    SCOPED_TRACE(c.name);
    std::string out;
    const Result<void> done = decode_all(c.encoding, c.bytes, kMuch, 100, out);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, c.code);
    EXPECT_TRUE(out.empty());
  }
}

TEST(decode, a_body_cut_anywhere_is_refused) {
  const std::string text = text_of(400);
  const Good cases[] = {{"gzip", "gzip", gzip(text), text},
                        {"deflate", "deflate", deflated(text, 15), text},
                        {"raw deflate", "deflate", deflated(text, -15), text},
                        {"zstd", "zstd", zstd(text), text}};
  for (const Good& c : cases)
    for (std::size_t cut = 0; cut < c.bytes.size(); ++cut) {
      SCOPED_TRACE(std::string(c.name) + " cut at " + std::to_string(cut));
      std::string out;
      const Result<void> done = decode_all(c.encoding, c.bytes.substr(0, cut), kMuch, 100, out);
      ASSERT_FALSE(done);
      EXPECT_EQ(done.error().code, FaultCode::bad_encoding);
    }
}

TEST(decode, the_limit_is_exact) {
  const std::string text = text_of(5000);
  for (const std::string& bytes : {gzip(text), zstd(text)}) {
    const char* encoding = bytes[0] == '\x1f' ? "gzip" : "zstd";
    std::string out;
    EXPECT_TRUE(decode_all(encoding, bytes, 5000, 100, out));
    out.clear();
    const Result<void> over = decode_all(encoding, bytes, 4999, 100, out);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, FaultCode::body_too_large);
  }
}

TEST(decode, small_bodies_may_shrink_as_far_as_they_like) {
  const std::string text(1 << 20, 'a');
  std::string out;
  EXPECT_TRUE(decode_all("gzip", gzip(text), kMuch, 100, out));
  EXPECT_EQ(out, text);
}

/// What a Decoder makes of `bytes` in pieces of `step`; nothing: it refused, or did not end.
std::optional<std::string> decode_in_steps(std::string_view encoding, std::string_view bytes,
                                           std::size_t step) {
  Result<std::unique_ptr<Decoder>> decoder = Decoder::open(encoding);
  if (!decoder) return std::nullopt;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    {
      const std::string piece(bytes.substr(at, step));  // gone before the second next()
      (*decoder)->feed(piece);
      const Result<std::string_view> decoded = (*decoder)->next();
      if (!decoded) return std::nullopt;
      out += *decoded;
      if (decoded->empty()) continue;
    }
    while (true) {
      const Result<std::string_view> decoded = (*decoder)->next();
      if (!decoded) return std::nullopt;
      if (decoded->empty()) break;
      out += *decoded;
    }
  }
  if (!(*decoder)->at_end()) return std::nullopt;
  return out;
}

TEST(decoder, reads_the_same_in_pieces_of_any_size) {
  for (const Good& c : good_cases())
    for (const std::size_t step : {1UL, 2UL, 3UL, 17UL, 1000UL, 65536UL, c.bytes.size()}) {
      SCOPED_TRACE(std::string(c.name) + " in steps of " + std::to_string(step));
      const std::optional<std::string> text = decode_in_steps(c.encoding, c.bytes, step);
      ASSERT_TRUE(text);
      EXPECT_EQ(*text, c.text);
    }
}

TEST(decoder, refuses_the_same) {
  for (const Bad& c : bad_cases())
    for (const std::size_t step : {1UL, 1000UL, 65536UL}) {
      if (c.bytes.empty() || c.code == FaultCode::body_too_large) continue;
      SCOPED_TRACE(std::string(c.name) + " in steps of " + std::to_string(step));
      EXPECT_FALSE(decode_in_steps(c.encoding, c.bytes, step));
    }
}

TEST(decoder, hands_out_each_event_as_soon_as_it_is_flushed) {
  const std::string event = "data: {\"n\":1}\n\n";
  const std::string bytes = deflated(event + event + event, 16 + 15, event.size());
  Result<std::unique_ptr<Decoder>> decoder = Decoder::open("gzip");
  ASSERT_TRUE(decoder);
  std::string out;
  std::size_t at = 0;
  while (out.size() < event.size()) {
    ASSERT_LT(at, bytes.size());
    (*decoder)->feed(std::string_view(bytes).substr(at++, 1));
    const Result<std::string_view> decoded = (*decoder)->next();
    ASSERT_TRUE(decoded);
    out += *decoded;
  }
  EXPECT_EQ(out, event);
  EXPECT_LT(at, bytes.size() / 2 + 20);
  EXPECT_FALSE((*decoder)->at_end());
}

TEST(decoder, a_stream_may_repeat_itself) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "data: ha \n\n";
  const std::optional<std::string> decoded = decode_in_steps("gzip", gzip(text), 1000);
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(*decoded == text);
}

TEST(decoder, nothing_at_all_is_an_empty_body) {
  Result<std::unique_ptr<Decoder>> decoder = Decoder::open("gzip");
  ASSERT_TRUE(decoder);
  EXPECT_TRUE((*decoder)->at_end());
}

TEST(sniff_encoding, knows_the_magic_bytes) {
  EXPECT_EQ(sniff_encoding(gzip("x")), "gzip");
  EXPECT_EQ(sniff_encoding(zstd("x")), "zstd");
  EXPECT_EQ(sniff_encoding("{}"), "");
  EXPECT_EQ(sniff_encoding(""), "");
}

}  // namespace
}  // namespace glmgate::net
