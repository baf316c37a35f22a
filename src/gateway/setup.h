// What the configuration says about upstreams, prices and services, made ready to use. A Setup
// never changes: reload makes another one, and running requests keep theirs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accounts/prices.h"
#include "base/secret.h"
#include "gateway/aliases.h"
#include "gateway/model_list.h"
#include "gateway/providers.h"
#include "gateway/retry.h"
#include "gateway/slots.h"
#include "net/client.h"
#include "protocol/dialect.h"
#include "protocol/responses_store.h"
#include "protocol/vocabulary.h"

namespace glmgate::gateway {

enum class UpstreamAuth : std::uint8_t { bearer, jwt };

/// When a pay-as-you-go upstream may be asked: money is not spent by surprise.
enum class PaidUse : std::uint8_t {
  spill,    ///< in its turn, also for what a plan before it does not serve any more
  no_plan,  ///< in its turn, while every plan that could serve says that its key has none
  asked     ///< by its own name only: `zai/glm-4.7`, /s/zai/
};

/// [upstream.NAME]: the fields are the config's keys.
struct UpstreamConfig {
  std::string name;
  ProviderKind provider = ProviderKind::engine;
  std::string url;                         ///< base; the four GLM providers know their own
  std::vector<protocol::Protocol> speaks;  ///< empty: what the provider speaks
  Secret key;  ///< from key_env, key_file or the provider's variables; may be empty for engine
  std::string key_source;              ///< the variable's or file's name
  std::vector<std::string> key_notes;  ///< what is odd about the key, without it (upstream_key.h)
  PaidUse paid = PaidUse::spill;       ///< of zai and zhipu
  UpstreamAuth auth =
      UpstreamAuth::bearer;              ///< jwt: a short HS256 token made from an `id.secret` key
  std::vector<std::string> models{"*"};  ///< what it serves; "*" and "glm-*" match
  std::uint32_t max_concurrency = 0;     ///< requests at once; 0: no limit
  net::Patience patience;                ///< connect_timeout, first_byte_timeout, idle_timeout
  std::chrono::milliseconds plain_answer{
      600'000};             ///< first byte of an answer that is not streamed: it comes whole, after
                            ///< all thinking; first_byte_timeout, if given, holds for it too
  bool plain_http = false;  ///< allows http:// to a host that is not loopback
  std::string ca_file;      ///< PEM; empty: the system's certificates
};

/// [service.NAME]: a named set of upstreams, served under /s/NAME/.
struct ServiceConfig {
  std::string name;
  std::vector<std::string> upstreams;
};

/// [metrics]: who may read them where clients are served. This machine alone, unless told
/// otherwise.
struct MetricsAccess {
  bool open = false;  ///< everyone
  Secret token;       ///< if there is one: who shows it, from anywhere; nobody else
};

/// What of the configuration may change while running.
struct SetupConfig {
  std::vector<UpstreamConfig> upstreams;  ///< in order of preference
  std::vector<ServiceConfig> services;
  std::vector<ModelAlias> aliases;
  std::vector<accounts::PriceOverride> prices;
  std::vector<std::string> allow_origins;  ///< whose pages may call us: CORS
  MetricsAccess metrics;
  std::chrono::milliseconds heartbeat{15'000};  ///< ": ping" after so much silence on /v1 streams
  std::size_t event_bytes = 16 * 1024 * 1024;   ///< longest upstream event
  std::shared_ptr<const protocol::Vocabulary> vocabulary;  ///< counts prompts; nullptr: estimates
  std::optional<protocol::ResponsesStoreLimits> keep_responses;  ///< as it is when we start
  std::size_t answer_bytes = 64 * 1024 * 1024;                   ///< longest plain answer
};

/// How an upstream is doing; shared by all workers and kept across reloads that leave the upstream
/// as it was.
struct UpstreamHealth {
  explicit UpstreamHealth(std::uint32_t slots_at_once) : slots(slots_at_once) {}
  Slots slots;
  RetryBudget retries;
  std::atomic<std::int64_t> resting_until_ms{
      0};  ///< UTC; passed over while another upstream can serve
  std::atomic<std::int64_t> no_plan_until_ms{
      0};            ///< UTC; a plan's address said that this key has no plan
  ModelList models;  ///< an engine's own
  // Counters of tokens that did not count (count.h).
  std::atomic<std::int64_t> count_tokens_rests_until_ms{0};
  std::atomic<std::int64_t> tokenizer_rests_until_ms{0};
};

/// One way into an upstream.
struct UpstreamEndpoint {
  protocol::Protocol speaks = protocol::Protocol::glm;
  std::string path;  ///< "/api/paas/v4/chat/completions"
};

struct Upstream {
  UpstreamConfig config;
  net::Url url;
  net::TlsContext* tls = nullptr;  ///< owned by the Setup
  std::shared_ptr<UpstreamHealth> health;
  std::vector<UpstreamEndpoint> endpoints;  ///< never empty
  std::string authorization;                ///< "Bearer ..." if auth is bearer and there is a key

  const Provider& kind() const { return provider(config.provider); }
  bool serves(std::string_view model) const;
  bool names(std::string_view model) const;  ///< serves it by more than "*"
};

struct Setup {
  SetupConfig config;
  std::vector<Upstream> upstreams;
  accounts::PriceBook prices;
  net::ProxyRules proxies;
  std::vector<std::unique_ptr<net::TlsContext>> tls;  ///< one per trust

  /// True if the built-in sandbox is all there is.
  bool sandbox_only() const;
};

/// "zai-coding (ZAI_API_KEY), zai (ZAI_API_KEY; only if it has no plan)": for people.
std::string list_upstreams(const Setup& setup);

/// Checks and prepares. The Fault names the upstream and the key. `before`: the setup being
/// replaced, or nullptr.
Result<std::shared_ptr<const Setup>> make_setup(SetupConfig config, const Setup* before);

}  // namespace glmgate::gateway
