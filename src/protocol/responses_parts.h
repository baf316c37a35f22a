// Parts of contents in a Responses request, in chat's words. Texts are copied as they are written,
// escapes and all. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

/// What stands between the quotes; empty for what is no string.
inline std::string_view between_quotes(JsonView string) {
  return string.is(JsonType::string) ? string.raw().substr(1, string.raw().size() - 2)
                                     : std::string_view();
}

inline bool is_image(JsonView part) {
  return part.find("type").equals("input_image") || part.find("type").equals("image_url");
}

/// A tool of chat's, or a flat one, that leaves its type to be guessed.
inline bool is_untyped_function(JsonView tool) {
  return !tool.find("type").given() && (tool.find("function").given() || tool.find("name").given());
}

/// {"type":"image_url",...} of an image.
std::string chat_image(JsonView part);

/// A file that says it is a PDF, or that begins as one.
bool is_pdf(JsonView part);
/// {"type":"file",...} of a PDF.
std::string chat_pdf(JsonView part);

/// The text of a part that is no image, as it stands between quotes: of a file, its decoded text
/// behind its name. Fault{unsupported_field} with a path from the part on, if it is no text.
Result<std::string> part_text(JsonView part);

}  // namespace glmgate::protocol
