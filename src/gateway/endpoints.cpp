#include "gateway/endpoints.h"

#include <optional>
#include <span>

namespace glmgate::gateway {
namespace {

using protocol::Protocol;

/// Prefixes, longest first: what stands before the endpoint's own words.
struct Prefix {
  std::string_view path;
  Protocol dialect;
};
constexpr Prefix kPrefixes[] = {
    {"/api/coding/paas/v4", Protocol::glm},
    {"/api/paas/v4", Protocol::glm},
    {"/api/anthropic", Protocol::anthropic_messages},
    {"/api/v1", Protocol::openai_chat},
    {"/v1", Protocol::openai_chat},
};

struct Endpoint {
  std::string_view method;
  std::string_view path;
  Serve serve;
  std::optional<Protocol> dialect = {};  ///< if the path says it, whatever the prefix
  std::size_t id_at = path.find("{id}");
};

/// After the prefix and any `/v1` have been taken off.
constexpr Endpoint kEndpoints[] = {
    {"POST", "/chat/completions", Serve::ask},
    {"POST", "/messages", Serve::ask, Protocol::anthropic_messages},
    {"POST", "/messages/count_tokens", Serve::count, Protocol::anthropic_messages},
    {"POST", "/complete", Serve::ask, Protocol::anthropic_complete},
    {"POST", "/responses", Serve::ask, Protocol::openai_responses},
    {"GET", "/models", Serve::models},
    {"GET", "/models/{id}", Serve::model},
    {"GET", "/responses/{id}/input_items", Serve::response_items, Protocol::openai_responses},
    {"GET", "/responses/{id}", Serve::response, Protocol::openai_responses},
    {"DELETE", "/responses/{id}", Serve::forget_response, Protocol::openai_responses},
};

/// Exact paths, without a prefix.
constexpr Endpoint kPlainEndpoints[] = {
    {"GET", "/healthz", Serve::health},
    {"GET", "/health", Serve::health},
    {"GET", "/health/liveliness", Serve::health},
    {"GET", "/readyz", Serve::ready},
    {"GET", "/health/readiness", Serve::ready},
    {"GET", "/metrics", Serve::metrics},
    {"GET", "/", Serve::root},
};

bool take(std::string_view& path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  if (path.size() > prefix.size() && path[prefix.size()] != '/') return false;
  path.remove_prefix(prefix.size());
  return true;
}

bool fits(std::string_view method, std::string_view wanted) {
  return method == wanted || (method == "HEAD" && wanted == "GET");
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Percent-decoding; nothing if malformed or if a control byte would come out.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex(text[i + 1]);
      const int low = hex(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

/// What stands for "{id}", which is anything but nothing: ids may hold slashes ("zai/glm-4.7").
/// Empty if the pattern has none; nothing if `path` does not match.
std::optional<std::string_view> match_path(const Endpoint& endpoint, std::string_view path) {
  if (endpoint.id_at == std::string_view::npos)
    return path == endpoint.path ? std::optional<std::string_view>("") : std::nullopt;
  const std::string_view before = endpoint.path.substr(0, endpoint.id_at);
  const std::string_view behind = endpoint.path.substr(endpoint.id_at + 4);
  if (path.size() <= before.size() + behind.size() || !path.starts_with(before) ||
      !path.ends_with(behind))
    return std::nullopt;
  return path.substr(before.size(), path.size() - before.size() - behind.size());
}

/// An endpoint of the right path and the wrong method is kept until a right one is found.
void match(Target& target, std::string_view method, std::string_view path,
           std::span<const Endpoint> endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    const std::optional<std::string_view> written = match_path(endpoint, path);
    if (!written) continue;
    std::optional<std::string> id = decode(*written);
    if (!id) continue;
    target.serve = endpoint.serve;
    target.pattern = endpoint.path;
    target.id = std::move(*id);
    if (endpoint.dialect) target.dialect = *endpoint.dialect;
    target.wrong_method = !fits(method, endpoint.method);
    if (!target.wrong_method) return;
    if (!target.allow.empty()) target.allow += ", ";
    target.allow += endpoint.method == "GET" ? "GET, HEAD" : endpoint.method;
  }
}

/// What follows "/s/<service>"; nothing if nothing does.
std::string_view take_service(std::string_view path, std::string& service) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (!take(path, "/s")) return path;
  const std::size_t slash = path.find('/', 1);
  if (path.size() < 2 || slash == std::string_view::npos) return {};
  service = path.substr(1, slash - 1);
  return path.substr(slash);
}

/// What follows the prefix and any `/v1`: a base URL that already ends in /v1 is joined with /v1
/// once more.
std::string_view take_prefixes(std::string_view path, Target& target) {
  for (const Prefix& prefix : kPrefixes)
    if (take(path, prefix.path)) {
      target.dialect = prefix.dialect;
      target.prefix = prefix.path;
      break;
    }
  while (take(path, "/v1")) {
  }
  return path;
}

}  // namespace

Target find_target(std::string_view method, std::string_view path) {
  Target target;
  match(target, method, path, kPlainEndpoints);
  if (target.serve != Serve::nothing) return target;

  path = take_service(path, target.service);
  if (path.empty()) return target;
  path = take_prefixes(path, target);
  match(target, method, path, kEndpoints);
  return target;
}

std::string_view endpoint_of(std::string_view path) {
  Target target;
  return take_prefixes(take_service(path, target.service), target);
}

std::vector<std::string_view> endpoint_paths() {
  std::vector<std::string_view> paths;
  for (const Endpoint& endpoint : kEndpoints)
    if (endpoint.id_at == std::string_view::npos) paths.push_back(endpoint.path);
  return paths;
}

}  // namespace glmgate::gateway
