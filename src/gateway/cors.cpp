#include "gateway/cors.h"

#include <algorithm>
#include <cctype>

#include "gateway/aliases.h"

namespace glmgate::gateway {
namespace {

constexpr std::size_t kLongestOrigin = 512;
constexpr std::size_t kLongestAsked = 4096;  // names of headers

// What SDKs read of an answer: ids, limits, waits, and our own.
constexpr std::string_view kExposed =
    "x-request-id, request-id, retry-after, retry-after-ms, x-should-retry, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, "
    "anthropic-ratelimit-requests-limit, anthropic-ratelimit-requests-remaining, "
    "anthropic-ratelimit-requests-reset, anthropic-ratelimit-tokens-limit, "
    "anthropic-ratelimit-tokens-remaining, anthropic-ratelimit-tokens-reset, glmgate-upstream, "
    "glmgate-model, glmgate-attempts, glmgate-overhead-ms, glmgate-warning, glmgate-sandbox";

/// What Access-Control-Allow-Origin says to this origin; empty: it is not allowed.
std::string_view find_origin(std::string_view origin, std::span<const std::string> allowed) {
  if (origin.empty() || origin.size() > kLongestOrigin) return {};
  for (const std::string& pattern : allowed) {
    if (pattern == "*") return "*";
    if (matches(pattern, origin)) return origin;
  }
  return {};
}

/// A list of header names, and nothing else.
bool is_name_list(std::string_view text) {
  return text.size() <= kLongestAsked && std::ranges::all_of(text, [](char c) {
           return c == ',' || c == ' ' || c == '-' || c == '_' ||
                  std::isalnum(static_cast<unsigned char>(c)) != 0;
         });
}

}  // namespace

bool is_origin_pattern(std::string_view pattern) {
  if (pattern == "*") return true;
  const std::size_t scheme = pattern.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return false;
  const std::string_view host = pattern.substr(scheme + 3);
  return !host.empty() && pattern.size() <= kLongestOrigin &&
         std::ranges::none_of(host, [](char c) {
           return c == '/' || c == '?' || c == '#' || c == '@' || c <= ' ' ||
                  (c >= 'A' && c <= 'Z');
         });
}

void add_cors(net::Headers& answer, const net::Headers& request,
              std::span<const std::string> allowed) {
  if (allowed.empty()) return;
  answer.add("vary", "Origin");
  const std::string_view origin = find_origin(request.find("origin"), allowed);
  if (origin.empty()) return;
  answer.add("access-control-allow-origin", origin);
  answer.add("access-control-expose-headers", kExposed);
}

bool is_preflight(std::string_view method, const net::Headers& request) {
  return method == "OPTIONS" && request.has("origin") &&
         request.has("access-control-request-method");
}

std::optional<net::Headers> answer_preflight(const net::Headers& request,
                                             std::span<const std::string> allowed) {
  const std::string_view origin = find_origin(request.find("origin"), allowed);
  if (origin.empty()) return std::nullopt;
  net::Headers answer;
  answer.add("vary", "Origin, Access-Control-Request-Headers");
  answer.add("access-control-allow-origin", origin);
  answer.add("access-control-allow-methods", "GET, HEAD, POST, DELETE, OPTIONS");
  const std::string_view names = request.find("access-control-request-headers");
  if (!names.empty() && is_name_list(names)) answer.add("access-control-allow-headers", names);
  // A page of the web that calls a gateway on this machine or in this house.
  if (request.find("access-control-request-private-network") == "true")
    answer.add("access-control-allow-private-network", "true");
  answer.add("access-control-max-age", "7200");
  return answer;
}

}  // namespace glmgate::gateway
