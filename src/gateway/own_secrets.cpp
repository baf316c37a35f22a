#include "gateway/own_secrets.h"

#include <algorithm>

#include "base/base64url.h"

namespace glmgate::gateway {
namespace {

constexpr std::string_view kInstead = "[redacted]";
constexpr std::size_t kShortest = 8;  // less is no secret, but may be a word

/// "\u0041": a printable character that needs no escape.
bool has_needless_escape(std::string_view text) {
  for (std::size_t at = 0; (at = text.find("\\u00", at)) != std::string_view::npos; at += 4)
    if (at + 4 < text.size() && text[at + 4] >= '2' && text[at + 4] <= '7') return true;
  return false;
}

}  // namespace

OwnSecrets::OwnSecrets(const Secret& key, std::string_view token) {
  const std::string& whole = key.reveal();
  add(whole);
  if (const std::size_t dot = whole.rfind('.'); dot != std::string::npos)
    add(std::string_view(whole).substr(dot + 1));
  if (!whole.empty())
    for (const std::string& basic : {whole, ":" + whole, whole + ":"}) {
      std::string coded = base64url(basic);
      add(coded);
      std::ranges::replace(coded, '-', '+');
      std::ranges::replace(coded, '_', '/');
      add(coded);
    }
  if (token.starts_with("Bearer ")) token.remove_prefix(7);
  add(token);
  if (const std::size_t dot = token.rfind('.'); dot != std::string_view::npos)
    add(token.substr(dot + 1));
  std::ranges::sort(forms_, std::greater<>(), &std::string::size);
}

void OwnSecrets::add(std::string_view form) {
  if (form.size() >= kShortest) forms_.emplace_back(form);
}

bool OwnSecrets::may_be_in(std::string_view text) const {
  if (forms_.empty()) return false;
  return has_needless_escape(text) || std::ranges::any_of(forms_, [&](const std::string& form) {
           return text.find(form) != std::string_view::npos;
         });
}

void OwnSecrets::remove_from(std::string& text) const {
  for (const std::string& form : forms_) {
    if (text.find(form) == std::string::npos) continue;
    std::string out;
    std::size_t from = 0;
    for (std::size_t at = 0; (at = text.find(form, from)) != std::string::npos;
         from = at + form.size())
      out.append(text, from, at - from).append(kInstead);
    text = out.append(text, from);
  }
}

void OwnSecrets::remove_from(Fault& fault) const {
  for (std::string* text : {&fault.for_client, &fault.for_us, &fault.param}) remove_from(*text);
}

}  // namespace glmgate::gateway
