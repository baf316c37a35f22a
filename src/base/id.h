// Random names. None of them can be guessed; none of them is a credential.
#pragma once

#include <cstddef>
#include <string>

namespace glmgate {

/// `bytes` bytes from the kernel's generator. Aborts if there is none: nothing safe can be done
/// without it.
std::string random_bytes(std::size_t bytes);

/// `length` characters of [0-9A-Za-z], about 5.95 bits each, from the kernel's generator by way of
/// a pool per thread: for request and message ids. Slightly biased: not for keys.
std::string random_base62(std::size_t length);

/// The same from the kernel's generator, without bias: for keys.
std::string secret_base62(std::size_t length);

}  // namespace glmgate
