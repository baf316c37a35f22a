// What a Content-Type says, in any case and with any parameters (RFC 9110, 8.3).
#pragma once

#include <algorithm>
#include <string_view>

namespace glmgate::gateway {

/// @param wanted  "text/event-stream", or "multipart/" for all of its kind; in small letters
constexpr bool is_media(std::string_view content_type, std::string_view wanted) {
  while (content_type.starts_with(' ') || content_type.starts_with('\t'))
    content_type.remove_prefix(1);
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ') || content_type.ends_with('\t')) content_type.remove_suffix(1);
  const bool whole = !wanted.ends_with('/');
  if (whole ? content_type.size() != wanted.size() : content_type.size() < wanted.size())
    return false;
  return std::ranges::equal(content_type.substr(0, wanted.size()), wanted, [](char c, char small) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) == small;
  });
}

}  // namespace glmgate::gateway
