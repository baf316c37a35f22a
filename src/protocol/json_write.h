// Pieces of JSON for translated requests: what passes unchanged is copied as the bytes it came in,
// escapes and all. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "protocol/json_scan.h"

namespace glmgate::protocol {

/// The bytes between the quotes of a string, escapes as they are; empty if `string` is none.
inline std::string_view inside(JsonView string) {
  if (!string.is(JsonType::string)) return {};
  return string.raw().substr(1, string.raw().size() - 2);
}

/// `text` as it stands between the quotes of a JSON string.
std::string escaped(std::string_view text);

/// Appends a JSON text as a JSON string, without the space between its tokens.
void append_quoted_compact(std::string& out, std::string_view json);

/// Appends "key":json, after a comma unless the object has just begun. `key` needs no escapes.
void append_member(std::string& out, std::string_view key, std::string_view json);
/// Appends an element, after a comma unless `list` is empty.
void append_element(std::string& list, std::string_view json);

/// `value` with the last of each key and with whole characters only: what a strict reader takes of
/// what a lenient one took.
std::string strict_json(JsonView value);

/// What a PDF begins with, in base64.
inline constexpr std::string_view kPdfBase64 = "JVBERi";

bool is_utf8(std::string_view bytes);

}  // namespace glmgate::protocol
