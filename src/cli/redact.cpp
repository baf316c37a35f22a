#include "cli/redact.h"

#include <algorithm>
#include <array>
#include <functional>

namespace glmgate::cli {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word_char(char c) {
  return is_digit(c) || is_letter(c) || c == '_' || c == '-' || c == '.' || c == '+' || c == '=';
}

/// Letters and digits, mixed, at least this many in a row: no name that people choose.
constexpr std::size_t kLongRun = 20;

bool has_mixed_run(std::string_view word) {
  std::size_t length = 0;
  bool digit = false;
  bool letter = false;
  for (const char c : word) {
    if (!is_digit(c) && !is_letter(c)) {
      length = 0;
      digit = letter = false;
      continue;
    }
    ++length;
    digit = digit || is_digit(c);
    letter = letter || is_letter(c);
    if (length >= kLongRun && digit && letter) return true;
  }
  return false;
}

/// The shapes that are keys even as a part of a path.
bool is_known_key(std::string_view word) {
  if (word.starts_with("sk-")) return word.size() >= 16;
  const std::size_t dot = word.find('.');
  return dot == 32 && word.size() >= 44 && has_mixed_run(word.substr(0, dot));
}

/// Replaces what `replacement` says of each [begin, end) that holds a secret.
std::string replace_secrets(std::string_view text,
                            const std::function<std::string(std::size_t)>& replacement) {
  std::string out;
  std::size_t at = 0;
  const auto hide = [&](std::size_t end) {
    out += replacement(end - at);
    at = end;
  };
  while (at < text.size()) {
    if (text.substr(at).starts_with("://")) {
      out += "://";
      at += 3;
      const std::size_t end = std::min(text.find_first_of(" \t\n\"'`<>", at), text.size());
      const std::size_t sign = text.substr(at, end - at).rfind('@');
      if (sign != std::string_view::npos) hide(at + sign);
      continue;
    }
    if (!is_word_char(text[at])) {
      out += text[at++];
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_word_char(text[end])) ++end;
    // `name=value` is two words, and a sentence's full stop is none of the word.
    const std::size_t equals = text.substr(at, end - at).find('=');
    if (equals != std::string_view::npos && equals > 0) end = at + equals;
    const std::string_view word = text.substr(at, end - at);
    const bool in_path = (at > 0 && text[at - 1] == '/') || (end < text.size() && text[end] == '/');
    if (in_path ? is_known_key(word) : looks_like_key(word)) {
      hide(end);
    } else {
      out += word;
      at = end;
    }
    if (at < text.size() && text[at] == '=') out += text[at++];
  }
  return out;
}

/// Bytes of the UTF-8 character that begins here; 0 if none does.
std::size_t character_at(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0U;
  const bool odd = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                   (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f) ||
                   (lead == 0xc2 && second < 0xa0);  // C1: terminals obey those too
  return odd ? 0 : length;
}

}  // namespace

bool looks_like_key(std::string_view word) {
  while (word.ends_with('.')) word.remove_suffix(1);
  return is_known_key(word) || (word.starts_with("eyJ") && word.size() >= 30) ||
         has_mixed_run(word);
}

bool is_variable_name(std::string_view word) {
  if (word.empty() || is_digit(word.front())) return false;
  return std::ranges::all_of(word, [](char c) { return is_digit(c) || is_letter(c) || c == '_'; });
}

std::string redacted(std::string_view text) {
  return replace_secrets(text, [](std::size_t) { return std::string("[hidden]"); });
}

Fault redacted(Fault fault) {
  fault.for_client = redacted(fault.for_client);
  fault.for_us = redacted(fault.for_us);
  return fault;
}

std::string masked_line(std::string_view line) {
  std::string shown =
      replace_secrets(line, [](std::size_t size) { return std::string(size, '*'); });
  const std::size_t sign = shown.find_first_of("=:");
  if (sign == std::string::npos) return shown;
  std::string name = shown.substr(0, sign);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  constexpr std::array kSecretWords = {"key", "token", "secret", "password", "authorization"};
  if (std::ranges::none_of(kSecretWords,
                           [&](const char* word) { return name.find(word) != std::string::npos; }))
    return shown;
  const std::size_t begin = std::min(shown.find_first_not_of(" \t\"'", sign + 1), shown.size());
  const std::size_t end = std::min(shown.find_first_of(" \t\"',\r", begin), shown.size());
  const std::string value = shown.substr(begin, end - begin);
  const bool names_something =
      value.starts_with('/') || value.starts_with("./") || value.starts_with("../") ||
      (is_variable_name(value) &&
       std::ranges::none_of(value, [](char c) { return c >= 'a' && c <= 'z'; }));
  if (!names_something) shown.replace(begin, end - begin, end - begin, '*');
  return shown;
}

std::string printable(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_at(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0 || (byte < 0x20 && byte != '\n') || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace glmgate::cli
