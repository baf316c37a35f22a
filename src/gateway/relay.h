// An answer on its way to the client, and into the ledger. The row is settled before the last bytes
// go out: what a client received whole is on the books.
#pragma once

#include <chrono>
#include <cstdint>

#include "gateway/exchange.h"

namespace glmgate::gateway {

/// Sends x.answer and settles x.hold, whichever way it ends. A Fault after the first byte is to
/// be told as a break.
net::awaitable<Result<void>> relay(Exchange& x);

/// How long an upstream's stream may be silent. One that said why it ended, and what it cost, is
/// not waited for long: some never send the marker of the end, and keep the connection open.
enum class Left : std::uint8_t { something, marker };
std::chrono::milliseconds longest_silence(std::chrono::milliseconds idle, Left left);

/// Puts x.cut on the books: what an upstream has begun to say it is paid for (promises L4).
net::awaitable<void> settle_cut(Exchange& x);

}  // namespace glmgate::gateway
