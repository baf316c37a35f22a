// Strings of an answer that come in pieces, put together at the seams. Private to this room.
#pragma once

#include <string>

#include "protocol/json_scan.h"

namespace glmgate::protocol {

/// Text. A character beyond U+FFFF may be cut between the two halves of its escape, "\ud83d" in one
/// piece and "\ude00" in the next.
class TextPieces {
 public:
  /// The text of the next piece, a JSON string. A first half at its very end waits.
  std::string add(JsonView piece);
  /// What is left of a character whose second half never came: U+FFFD, or nothing.
  std::string end();
  bool waits() const { return !half_.empty(); }

 private:
  std::string half_;  // its escape
};

/// The arguments of one tool call. Some models say `null` for none; that is the same as nothing.
class ArgumentPieces {
 public:
  /// What of the arguments is known to be some, with the next piece.
  std::string add(JsonView piece) { return add(text_.add(piece)); }
  std::string add(std::string piece);
  std::string end();

 private:
  TextPieces text_;
  std::string held_;  // white space, and a beginning of `null`
  bool begun_ = false;
};

}  // namespace glmgate::protocol
