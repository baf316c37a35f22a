#include "gateway/upstream_key.h"

#include <algorithm>
#include <cctype>

namespace glmgate::gateway {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Vendor {
  std::string_view prefix;
  std::string_view name;
};
// Longest first where one begins like another.
constexpr Vendor kVendors[] = {
    {"sk-ant-", "Anthropic"},  {"sk-or-", "OpenRouter"}, {"sk-proj-", "OpenAI"},
    {"sk-svcacct-", "OpenAI"}, {"AIza", "Google"},       {"gsk_", "Groq"},
    {"xai-", "xAI"},           {"hf_", "Hugging Face"},  {"nvapi-", "NVIDIA"},
    {"pplx-", "Perplexity"},   {"fw_", "Fireworks"},     {"r8_", "Replicate"},
    {"ghp_", "GitHub"},        {"AKIA", "AWS"},
};

constexpr std::string_view kPlaceholders[] = {"your",        "xxx",     "changeme", "change-me",
                                              "placeholder", "example", "api-key",  "api_key",
                                              "...",         "<",       "${"};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool trim(std::string_view& text) {
  const std::size_t before = text.size();
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text.size() != before;
}

bool take_quotes(std::string_view& text) {
  if (text.size() < 2 || text.front() != text.back()) return false;
  if (text.front() != '"' && text.front() != '\'' && text.front() != '`') return false;
  text = text.substr(1, text.size() - 2);
  return true;
}

bool take_scheme(std::string_view& text) {
  constexpr std::string_view kScheme = "bearer ";
  if (text.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(text[i])) != kScheme[i]) return false;
  text.remove_prefix(kScheme.size());
  return true;
}

/// `id.secret`, of letters and digits.
bool looks_like_glm(std::string_view key) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos || dot < 8 || key.size() - dot < 8) return false;
  return std::ranges::count(key, '.') == 1 && std::ranges::all_of(key, [](char c) {
           return c == '.' || c == '-' || c == '_' ||
                  std::isalnum(static_cast<unsigned char>(c)) != 0;
         });
}

std::string oddity(std::string_view key) {
  for (const Vendor& vendor : kVendors)
    if (key.starts_with(vendor.prefix))
      return "looks like one of " + std::string(vendor.name) + "; GLM's look like id.secret";
  if (key.starts_with("sk-"))
    return "begins with sk-, as glmgate's own and OpenAI's do; GLM's look like id.secret";
  std::string lower(key);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view word : kPlaceholders)
    if (lower.find(word) != std::string::npos) return "looks like a placeholder";
  return looks_like_glm(key) ? "" : "does not look like one of GLM's, which read id.secret";
}

}  // namespace

UpstreamKey read_upstream_key(std::string_view written, ProviderKind provider) {
  UpstreamKey read;
  if (written.starts_with(kByteOrderMark)) {
    written.remove_prefix(kByteOrderMark.size());
    read.notes.emplace_back("began with a byte order mark, which was taken off");
  }
  // The line end of a file, or of `$(cat file)`, is no mistake.
  while (!written.empty() && (written.back() == '\n' || written.back() == '\r'))
    written.remove_suffix(1);
  bool blanks = trim(written);
  if (take_quotes(written)) {
    blanks |= trim(written);
    read.notes.emplace_back("stood in quotes, which were taken off");
  }
  if (take_scheme(written)) {
    trim(written);
    read.notes.emplace_back("began with `Bearer `, which was taken off");
  }
  if (blanks) read.notes.emplace_back("had blanks around it, which were taken off");
  const bool vendors_own =
      provider != ProviderKind::engine && provider != ProviderKind::sandbox && !written.empty();
  if (vendors_own)
    if (std::string odd = oddity(written); !odd.empty()) read.notes.push_back(std::move(odd));
  read.key = Secret(std::string(written));
  return read;
}

}  // namespace glmgate::gateway
