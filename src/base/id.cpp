#include "base/id.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace glmgate {
namespace {

constexpr char kAlphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The kernel's words, fetched 2 KiB at a time: an id costs no system call.
std::uint64_t random_word() {
  thread_local std::array<std::uint64_t, 256> pool;
  thread_local std::size_t left = 0;
  if (left == 0) {
    const std::string bytes = random_bytes(sizeof pool);
    std::memcpy(pool.data(), bytes.data(), sizeof pool);
    left = pool.size();
  }
  return std::exchange(pool[--left], 0);  // what was handed out is not kept
}

}  // namespace

std::string random_bytes(std::size_t bytes) {
  std::string out(bytes, '\0');
  std::size_t filled = 0;
  while (filled < bytes) {
    const auto got = getrandom(out.data() + filled, bytes - filled, 0);
    if (got <= 0) {
      std::fputs("glmgate: the kernel gives no random bytes\n", stderr);
      std::abort();
    }
    filled += static_cast<std::size_t>(got);
  }
  return out;
}

std::string random_base62(std::size_t length) {
  std::string out(length, '\0');
  std::uint64_t word = 0;
  int left = 0;  // characters still to be taken from `word`
  for (char& c : out) {
    if (left == 0) {
      word = random_word();
      left = 10;
    }
    c = kAlphabet[word % 62];
    word /= 62;
    --left;
  }
  return out;
}

std::string secret_base62(std::size_t length) {
  std::string out;
  out.reserve(length);
  while (out.size() < length)
    for (const char byte : random_bytes(length)) {
      const auto value = static_cast<unsigned char>(byte);
      if (value < 248 && out.size() < length) out += kAlphabet[value % 62];  // 248 = 4 * 62
    }
  return out;
}

}  // namespace glmgate
