#include "gateway/setup.h"

#include <algorithm>
#include <set>

#include "net/address.h"

namespace glmgate::gateway {
namespace {

Result<net::Url> read_upstream_url(const UpstreamConfig& config) {
  const std::string where = "upstream." + config.name + ".url";
  const std::string& text =
      config.url.empty() ? std::string(provider(config.provider).url) : config.url;
  if (text.empty())
    return fail(FaultCode::missing_field, "`" + where + "` is needed for an engine", where);
  Result<net::Url> url = net::read_url(text);
  if (!url) return fail(FaultCode::bad_value, "`" + where + "`: " + url.error().for_client, where);
  if (!url->tls && !net::is_loopback_host(url->host) && !config.plain_http)
    return fail(FaultCode::bad_value,
                "`" + where +
                    "` sends keys and prompts in the clear\nhint: use https, or say "
                    "`plain_http = true` if the network in between is yours",
                where);
  return url;
}

/// Where a protocol is spoken behind `base`, the path of an OpenAI-style address.
std::string path_of(protocol::Protocol speaks, const Provider& kind, const std::string& base) {
  using protocol::Protocol;
  const std::string version = base.ends_with("/v1") ? "" : "/v1";
  switch (speaks) {
    case Protocol::anthropic_messages:
      return kind.messages_path.empty() ? base + version + "/messages"
                                        : std::string(kind.messages_path);
    case Protocol::openai_responses:
      return kind.responses_path.empty() ? base + version + "/responses"
                                         : std::string(kind.responses_path);
    default:
      return base + "/chat/completions";
  }
}

/// What the provider speaks, unless `speaks` says otherwise.
Result<std::vector<UpstreamEndpoint>> make_endpoints(const UpstreamConfig& config,
                                                     const std::string& base) {
  using protocol::Protocol;
  const Provider& kind = provider(config.provider);
  std::vector<Protocol> speaks = config.speaks;
  if (speaks.empty()) {
    speaks.push_back(kind.speaks);
    if (!kind.messages_path.empty()) speaks.push_back(Protocol::anthropic_messages);
    if (kind.prefers_responses) speaks.push_back(Protocol::openai_responses);
  }
  std::vector<UpstreamEndpoint> endpoints;
  for (const Protocol each : speaks) {
    if (each == Protocol::anthropic_complete) {
      const std::string where = "upstream." + config.name + ".speaks";
      return fail(FaultCode::bad_value,
                  "`" + where + "` names `" + std::string(protocol::name(each)) +
                      "`, which no upstream is asked in\nhint: \"openai_chat\", \"glm\", "
                      "\"anthropic_messages\" or \"openai_responses\"",
                  where);
    }
    endpoints.push_back({each, path_of(each, kind, base)});
  }
  return endpoints;
}

bool same_endpoint(const UpstreamConfig& a, const UpstreamConfig& b) {
  return a.name == b.name && a.provider == b.provider && a.url == b.url &&
         a.key.reveal() == b.key.reveal() && a.max_concurrency == b.max_concurrency;
}

std::shared_ptr<UpstreamHealth> keep_health(const UpstreamConfig& config, const Setup* before) {
  if (before != nullptr)
    for (const Upstream& old : before->upstreams)
      if (same_endpoint(old.config, config)) {
        old.health->no_plan_until_ms = 0;  // who reloads may have bought one
        return old.health;
      }
  return std::make_shared<UpstreamHealth>(config.max_concurrency);
}

Result<Upstream> make_upstream(UpstreamConfig config, const Setup* before) {
  Result<net::Url> url = read_upstream_url(config);
  if (!url) return fail(url.error());
  Result<std::vector<UpstreamEndpoint>> endpoints = make_endpoints(config, url->path);
  if (!endpoints) return fail(endpoints.error());
  const bool needs_key = config.provider != ProviderKind::engine;
  if (needs_key && config.key.empty()) {
    std::string hint = "\nhint: set `key_env` or `key_file`";
    if (const std::string_view variable = provider(config.provider).key_variables[0];
        !variable.empty())
      hint += ", or the environment variable " + std::string(variable);
    return fail(FaultCode::missing_field, "upstream." + config.name + " has no key" + hint,
                "upstream." + config.name + ".key_env");
  }
  if (config.paid != PaidUse::spill && !provider(config.provider).pay_as_you_go)
    return fail(FaultCode::bad_value,
                "`upstream." + config.name + ".paid` is for the providers zai and zhipu",
                "upstream." + config.name + ".paid");
  if (config.auth == UpstreamAuth::jwt && config.key.reveal().find('.') == std::string::npos)
    return fail(
        FaultCode::bad_value,
        "upstream." + config.name + " has auth = \"jwt\", but its key is not of the form id.secret",
        "upstream." + config.name + ".auth");

  Upstream upstream;
  upstream.endpoints = std::move(*endpoints);
  upstream.url = std::move(*url);
  if (config.auth == UpstreamAuth::bearer && !config.key.empty())
    upstream.authorization = "Bearer " + config.key.reveal();
  upstream.health = keep_health(config, before);
  upstream.config = std::move(config);
  return upstream;
}

}  // namespace

bool Upstream::serves(std::string_view model) const {
  return std::ranges::any_of(config.models,
                             [&](const std::string& pattern) { return matches(pattern, model); });
}

bool Upstream::names(std::string_view model) const {
  return std::ranges::any_of(config.models, [&](const std::string& pattern) {
    return pattern != "*" && matches(pattern, model);
  });
}

bool Setup::sandbox_only() const {
  return std::ranges::all_of(upstreams, [](const Upstream& each) {
    return each.config.provider == ProviderKind::sandbox;
  });
}

std::string list_upstreams(const Setup& setup) {
  std::string text;
  for (const Upstream& each : setup.upstreams) {
    if (!text.empty()) text += ", ";
    text += each.config.name;
    std::string of;
    if (each.config.name != each.kind().name) of = each.kind().name;
    const std::string source = each.config.provider == ProviderKind::engine
                                   ? each.url.authority()
                                   : each.config.key_source;
    if (!source.empty()) of += (of.empty() ? "" : "; ") + source;
    if (each.config.paid == PaidUse::no_plan) of += "; only if it has no plan";
    if (each.config.paid == PaidUse::asked) of += "; only when asked for by name";
    if (!of.empty()) text += " (" + of + ")";
  }
  return text;
}

Result<std::shared_ptr<const Setup>> make_setup(SetupConfig config, const Setup* before) {
  auto setup = std::make_shared<Setup>();
  setup->proxies = net::ProxyRules::from_environment();
  std::set<std::string> names;
  std::vector<std::string> trusted;  // ca_file of setup->tls[i]
  for (UpstreamConfig& each : config.upstreams) {
    names.insert(each.name);
    Result<Upstream> upstream = make_upstream(each, before);
    if (!upstream) return fail(upstream.error());
    if (const auto proxy = setup->proxies.find(upstream->url); !proxy) return fail(proxy.error());
    if (upstream->url.tls) {
      auto at = std::ranges::find(trusted, each.ca_file);
      if (at == trusted.end()) {
        Result<std::unique_ptr<net::TlsContext>> tls = net::TlsContext::for_upstreams(each.ca_file);
        if (!tls) return fail(tls.error());
        setup->tls.push_back(std::move(*tls));
        at = trusted.insert(trusted.end(), each.ca_file);
      }
      upstream->tls = setup->tls[static_cast<std::size_t>(at - trusted.begin())].get();
    }
    setup->upstreams.push_back(std::move(*upstream));
  }
  for (const ServiceConfig& service : config.services)
    for (const std::string& member : service.upstreams)
      if (!names.contains(member))
        return fail(FaultCode::bad_value,
                    "service." + service.name + " names the upstream `" + member +
                        "`, which is not configured",
                    "service." + service.name + ".upstreams");
  setup->prices = accounts::PriceBook(config.prices);
  setup->config = std::move(config);
  return setup;
}

}  // namespace glmgate::gateway
