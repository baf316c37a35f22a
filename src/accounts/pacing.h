// How the ledger's writer spreads its work: rows go into the database in pieces, with a pause
// between them, so that a thread that answers requests on the same core never waits long for it.
// Pure.
#pragma once

#include <chrono>
#include <cstddef>

namespace glmgate::accounts {

/// Rows in one transaction.
inline constexpr std::size_t kPieceRows = 64;

/// The longest pause between two pieces.
inline constexpr std::chrono::microseconds kLongestPause{500};

/// The pause after a piece. `free` holds can be had at once, `settled` ones only once they are
/// written. The longest while at least half of both are free, none when a quarter or less is, and
/// in between the shorter the fewer are free: pacing never uses up the holds.
std::chrono::microseconds pause_after_piece(std::size_t free, std::size_t settled);

/// Are there so few free holds that rows should be written now, and not gathered first?
bool is_pressing(std::size_t free, std::size_t settled);

}  // namespace glmgate::accounts
