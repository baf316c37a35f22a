#include "accounts/foreign_keys.h"

#include <algorithm>

namespace glmgate::accounts {
namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kSecretLetters = 16;
constexpr std::string_view kInstead =
    " The gateway keeps the providers' keys to itself: use one of its own, made with `glmgate keys "
    "create --user NAME`; it begins with sk-k.";

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Vendor {
  std::string_view prefix;
  std::string_view name;
};
// A longer prefix stands before what it begins with.
constexpr Vendor kVendors[] = {
    {"sk-ant-", "Anthropic"},  {"sk-or-", "OpenRouter"}, {"sk-proj-", "OpenAI"},
    {"sk-svcacct-", "OpenAI"}, {"sk-admin-", "OpenAI"},  {"sk-lf-", "Langfuse"},
    {"pk-lf-", "Langfuse"},    {"AIza", "Google"},       {"gsk_", "Groq"},
    {"xai-", "xAI"},           {"hf_", "Hugging Face"},  {"nvapi-", "NVIDIA"},
    {"pplx-", "Perplexity"},   {"r8_", "Replicate"},     {"fw_", "Fireworks"},
    {"ghp_", "GitHub"},        {"gho_", "GitHub"},       {"github_pat_", "GitHub"},
    {"tgp_v1_", "Together"},   {"csk-", "Cerebras"},     {"AKIA", "AWS"},
};

/// What examples and tools write where a key belongs.
constexpr std::string_view kPlaceholders[] = {
    "your-api-key", "your_api_key", "yourapikey",  "your-key", "your_key", "api-key",
    "api_key",      "apikey",       "key",         "none",     "null",     "undefined",
    "empty",        "dummy",        "placeholder", "changeme", "xxx",      "test",
    "not-needed",   "no-key",       "sk-",         "sk-...",   "sk-xxx",   "sk-key",
    "anything",     "ollama",       "lm-studio",   "token",    "<key>",    "no-key-required",
};

bool is_placeholder(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  if (text.size() > kLongest) return false;
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  if (small.starts_with("your-") || small.starts_with("your_") || small.starts_with('$') ||
      small.starts_with('<') || small.starts_with('{'))
    return true;
  if (small.size() > 4 && small.find_first_not_of("sk-x*.") == std::string::npos) return true;
  return std::ranges::find(kPlaceholders, small) != std::end(kPlaceholders);
}

}  // namespace

bool is_glm_key_id(std::string_view text) {
  return text.size() == kIdDigits && std::ranges::all_of(text, is_hex);
}

bool is_glm_key(std::string_view text) {
  return text.size() == kIdDigits + 1 + kSecretLetters &&
         is_glm_key_id(text.substr(0, kIdDigits)) && text[kIdDigits] == '.' &&
         std::ranges::all_of(text.substr(kIdDigits + 1), is_alnum);
}

std::string tell_foreign_key(std::string_view presented) {
  while (presented.starts_with('"') || presented.starts_with('\'')) presented.remove_prefix(1);
  while (presented.ends_with('"') || presented.ends_with('\'')) presented.remove_suffix(1);
  if (is_glm_key(presented) || is_glm_key_id(presented))
    return "This is a key of Z.AI or Zhipu, not of this gateway." + std::string(kInstead);
  for (const Vendor& vendor : kVendors)
    if (presented.starts_with(vendor.prefix) && presented.size() > vendor.prefix.size() + 4)
      return "This is a key of " + std::string(vendor.name) + ", not of this gateway." +
             std::string(kInstead);
  if (is_placeholder(presented))
    return "This is a placeholder, not a key: the variable or setting that should hold the key was "
           "not filled in. Keys are made with `glmgate keys create --user NAME`.";
  return {};
}

}  // namespace glmgate::accounts
