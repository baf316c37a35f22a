#include "cli/config.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "cli/config_section.h"
#include "cli/environment.h"
#include "cli/redact.h"
#include "cli/text_file.h"
#include "gateway/cors.h"
#include "gateway/upstream_key.h"

namespace glmgate::cli {
namespace {

constexpr std::size_t kMostConfigBytes = 4 * 1024 * 1024;
constexpr std::size_t kMostKeyBytes = 64 * 1024;
constexpr std::size_t kMostVocabularyBytes = 256 * 1024 * 1024;

/// Where people write the key itself: told without the value.
bool refuse_pasted_key(Section& section, const char* key, const std::string& written) {
  const bool names_variable = std::string_view(key) == "key_env";
  if (names_variable ? is_variable_name(written) && !looks_like_key(written)
                     : redacted(written) == written)
    return false;
  section.refuse(
      key,
      std::string("takes the ") + (names_variable ? "NAME of a variable" : "path of a file") +
          "; this looks like the key itself",
      names_variable ? "export ZAI_API_KEY=... in the environment, and write key_env = "
                       "\"ZAI_API_KEY\""
                     : "put the key into a file that only this user can read, and name that file");
  return true;
}

/// The key as it was written, without what came along by mistake.
void take_key(gateway::UpstreamConfig& upstream, std::string_view written, std::string source) {
  gateway::UpstreamKey key = gateway::read_upstream_key(written, upstream.provider);
  upstream.key = std::move(key.key);
  upstream.key_source = std::move(source);
  for (const std::string& note : key.notes)
    upstream.key_notes.push_back("the key in " + upstream.key_source + " " + note);
}

void read_key_variable(Section& section, const std::string& variable,
                       gateway::UpstreamConfig& upstream) {
  if (refuse_pasted_key(section, "key_env", variable)) return;
  const char* value = std::getenv(variable.c_str());
  if (value != nullptr && *value != '\0') {
    take_key(upstream, value, variable);
  } else if (upstream.provider != gateway::ProviderKind::engine) {
    // A short key may pass for a name; names are in capitals by custom, and only those are shown.
    if (std::ranges::any_of(variable, [](char c) { return c >= 'a' && c <= 'z'; }))
      section.refuse("key_env", "names a variable which is not set",
                     "it takes the NAME of a variable, like \"ZAI_API_KEY\", never the key itself");
    else
      section.refuse("key_env", "names " + variable + ", which is not set",
                     "export " + variable + "=...");
  }
}

void read_key_file(Section& section, const std::string& file, gateway::UpstreamConfig& upstream) {
  if (refuse_pasted_key(section, "key_file", file)) return;
  const Result<std::string> content = read_text_file(file, kMostKeyBytes);
  if (!content || trimmed(*content).empty())
    section.refuse("key_file", content ? "is an empty file" : content.error().for_client);
  else
    take_key(upstream, *content, file);
}

std::optional<gateway::PaidUse> find_paid_use(std::string_view word) {
  if (word == "spill") return gateway::PaidUse::spill;
  if (word == "no-plan") return gateway::PaidUse::no_plan;
  if (word == "asked") return gateway::PaidUse::asked;
  return std::nullopt;
}

void read_upstream_key(Section& section, gateway::UpstreamConfig& upstream) {
  std::string variable;
  std::string file;
  section.text("key_env", variable, "ZAI_API_KEY");
  section.text("key_file", file, "zai.key");
  for (const char* word : {"key", "api_key", "apikey", "api-key", "apiKey", "token", "auth_token",
                           "access_token", "secret", "password"})
    section.mistaken(word,
                     "keys stay out of the file: key_env = \"ZAI_API_KEY\" names the variable that "
                     "holds it, key_file = \"PATH\" the file");
  if (!variable.empty() && !file.empty())
    section.refuse("key_file", "stands beside key_env", "keep one of them");
  if (!variable.empty()) {
    read_key_variable(section, variable, upstream);
  } else if (!file.empty()) {
    read_key_file(section, file, upstream);
  } else if (const auto found =
                 gateway::find_key_in_environment(gateway::provider(upstream.provider))) {
    take_key(upstream, found->value, std::string(found->variable));
  }
}

/// A name goes into the log, the books (48 bytes), paths and `provider/model`.
void check_name(Section& section, std::string_view key, const std::string& name) {
  constexpr std::size_t kLongest = 48;
  const bool odd = std::ranges::any_of(name, [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/' || c == '"' || c == '%' ||
           c == '?' || c == '#';
  });
  if (name.empty() || name.size() > kLongest || odd || looks_like_key(name) ||
      printable(name) != name)
    section.refuse_itself(
        "has a name that cannot be used",
        "letters, digits, - and _; at most 48 bytes: [" + std::string(key) + ".main]");
}

void read_upstream(Section& section, const std::string& name, gateway::SetupConfig& setup) {
  gateway::UpstreamConfig upstream;
  upstream.name = name;
  check_name(section, "upstream", name);
  std::vector<std::string> provider_names;
  for (const gateway::Provider& each : gateway::providers()) provider_names.emplace_back(each.name);
  section.choice<gateway::ProviderKind>(
      "provider", upstream.provider,
      [](std::string_view word) -> std::optional<gateway::ProviderKind> {
        const gateway::Provider* found = gateway::find_provider(word);
        return found == nullptr ? std::nullopt : std::optional(found->kind);
      },
      provider_names);
  section.text("url", upstream.url, "http://127.0.0.1:9000/v1");
  for (const char* word : {"base_url", "api_base", "baseURL", "endpoint", "address", "host"})
    section.mistaken(word, "did you mean `" + section.full("url") + "`?");
  for (const char* word : {"timeout", "request_timeout", "read_timeout"})
    section.mistaken(word, "connect_timeout, first_byte_timeout and idle_timeout, like \"60s\"");
  section.mistaken("model", "did you mean `" + section.full("models") + "`, a list?");
  std::vector<std::string> speaks;
  section.texts("speaks", speaks, "openai_chat",
                [](std::string_view word) { return protocol::find_protocol(word).has_value(); });
  for (const std::string& word : speaks) {
    if (const auto protocol = protocol::find_protocol(word))
      upstream.speaks.push_back(*protocol);
    else
      section.refuse("speaks", "names `" + word + "`",
                     "use openai_chat, anthropic_messages, openai_responses or glm");
  }
  section.choice<gateway::UpstreamAuth>(
      "auth", upstream.auth,
      [](std::string_view word) -> std::optional<gateway::UpstreamAuth> {
        if (word == "bearer") return gateway::UpstreamAuth::bearer;
        if (word == "jwt") return gateway::UpstreamAuth::jwt;
        return std::nullopt;
      },
      {"bearer", "jwt"});
  read_upstream_key(section, upstream);
  section.choice<gateway::PaidUse>("paid", upstream.paid, find_paid_use,
                                   {"spill", "no-plan", "asked"});
  section.texts("models", upstream.models, "glm-4.7");
  section.integer("max_concurrency", upstream.max_concurrency, 0, 1'000'000);
  section.duration("connect_timeout", upstream.patience.connect);
  std::chrono::milliseconds first_byte{0};
  section.duration("first_byte_timeout", first_byte);
  if (first_byte.count() > 0) upstream.patience.first_byte = upstream.plain_answer = first_byte;
  section.duration("idle_timeout", upstream.patience.idle);
  section.flag("plain_http", upstream.plain_http);
  section.text("ca_file", upstream.ca_file);
  setup.upstreams.push_back(std::move(upstream));
}

/// How a number written without quotes would be written with them: "0.60" of 0.6.
std::string two_places(const ConfigNode* value) {
  if (value == nullptr) return {};
  const std::size_t point = value->text.find('.');
  if (point == std::string::npos || value->text.size() - point != 2) return value->text;
  return value->text + "0";
}

/// [price.glm-4.7] is the table "glm-4" with a table "7" in it: tells how to write it.
bool refuse_dotted_model(Section& section, const std::string& model) {
  std::string whole = model;
  const ConfigNode* inner = &section.whole();
  std::string first;
  while (!inner->children.empty() && inner->children.front().is(ConfigNode::Kind::table)) {
    inner = &inner->children.front();
    if (first.empty()) first = inner->name;
    whole += "." + inner->name;
  }
  if (first.empty()) return false;
  section.refuse(first, "is a table within a price: the model's name has a dot in it",
                 "put the name in quotes: [price.\"" + whole + "\"]");
  return true;
}

void read_money(Section& section, std::string_view key, std::optional<std::int64_t>& into) {
  std::string written;
  section.text(key, written, two_places(section.whole().find(key)));
  if (written.empty()) return;
  into = read_micro(written);
  if (!into) section.refuse(key, "must be a decimal in quotes, like \"0.60\"");
}

void read_price(Section& section, const std::string& model, gateway::SetupConfig& setup) {
  if (refuse_dotted_model(section, model)) return;
  accounts::PriceOverride price;
  price.model = model;
  std::optional<std::int64_t> input;
  std::optional<std::int64_t> cached;
  std::optional<std::int64_t> output;
  read_money(section, "input", input);
  read_money(section, "cached", cached);
  read_money(section, "output", output);
  if (input || output || cached) {
    if (!input || !output)
      section.refuse("input", "and `output` are needed together", "prices are per million tokens");
    price.price = TokenPrice{.input = input.value_or(0),
                             .cached = cached.value_or(input.value_or(0)),
                             .output = output.value_or(0)};
  }
  section.choice<Currency>("currency", price.currency, find_currency, {"USD", "CNY"});
  std::string weight;
  section.text("weight", weight, two_places(section.whole().find("weight")));
  if (!weight.empty()) {
    const std::optional<std::int64_t> micro = read_micro(weight);
    if (micro && *micro % 1000 == 0)
      price.weight_milli = *micro / 1000;
    else
      section.refuse("weight", "must be a decimal with at most three places, like \"0.5\"");
  }
  if (const ConfigNode* from = section.node("from")) {
    if (from->is(ConfigNode::Kind::date))
      price.from = std::chrono::milliseconds(from->date.time_since_epoch()).count();
    else
      section.refuse("from", "must be a date, like 2026-11-20", "without quotes");
  }
  setup.prices.push_back(std::move(price));
}

void read_vocabulary(Section& section, gateway::SetupConfig& setup) {
  std::string path;
  section.text("vocabulary", path);
  if (path.empty()) return;
  Result<std::string> content = read_text_file(path, kMostVocabularyBytes);
  if (!content) return section.refuse("vocabulary", content.error().for_client);
  Result<protocol::Vocabulary> vocabulary = protocol::Vocabulary::read(*content);
  content = std::string();
  if (!vocabulary)
    return section.refuse("vocabulary", "names " + path + ": " + vocabulary.error().for_client,
                          "it takes the tokenizer.json that is published beside a model");
  setup.vocabulary = std::make_shared<const protocol::Vocabulary>(std::move(*vocabulary));
  malloc_trim(0);  // the file and what was read of it are many times as large
}

void read_server(Section& section, Config& config) {
  net::ServerOptions& server = config.server;
  section.integer("workers", config.workers, 0, kMostWorkers);
  section.flag("public_in_clear", config.public_in_clear);
  section.text("tls_certificate", config.tls_certificate);
  section.text("tls_key", config.tls_key);
  section.texts("allow_origins", config.setup.allow_origins, "https://app.example");
  for (const std::string& origin : config.setup.allow_origins)
    if (!gateway::is_origin_pattern(origin))
      section.refuse("allow_origins", "names `" + origin + "`, which is no origin",
                     "write \"https://app.example\", \"http://localhost:*\" or \"*\": no path, no "
                     "slash at the end");
  section.duration("header_timeout", server.header_timeout);
  section.duration("body_timeout", server.body_timeout);
  section.size("body_floor", server.body_floor);
  section.duration("keep_alive", server.keep_alive);
  section.duration("write_stall", server.write_stall);
  section.duration("drain_delay", config.drain_delay);
  section.duration("drain_timeout", config.drain_timeout);
  section.integer("max_connections", server.max_connections, 1, 10'000'000);
  section.integer("max_connections_per_address", server.max_connections_per_address, 1, 10'000'000);
  section.size("max_body_memory", server.max_body_memory);
  section.size("max_body", server.limits.body_bytes);
  config.setup.body_bytes = server.limits.body_bytes;
  section.size("max_head", server.limits.head_bytes);
  section.size("max_request_line", server.limits.request_line_bytes);
  section.integer("max_fields", server.limits.fields, 1, 10'000);
  section.integer("max_decoded_ratio", server.limits.decoded_ratio, 1, 100'000);
  section.size("max_chunk_line", server.limits.chunk_line_bytes);
  section.size("max_trailers", server.limits.trailer_bytes);
}

void read_metrics(Section& section, Config& config) {
  section.text("listen", config.metrics_listen);
  section.flag("open", config.setup.metrics.open);
  std::string variable;
  std::string file;
  section.text("token_env", variable, "GLMGATE_METRICS_TOKEN");
  section.text("token_file", file, "metrics.token");
  section.mistaken("token",
                   "tokens stay out of the file: token_env names the variable that holds "
                   "it, token_file the file");
  Secret& token = config.setup.metrics.token;
  if (!variable.empty()) {
    const char* const value = is_variable_name(variable) ? std::getenv(variable.c_str()) : nullptr;
    if (value != nullptr) token = Secret(trimmed(value));
    if (token.empty()) section.refuse("token_env", "names a variable that is not set");
  } else if (!file.empty()) {
    const Result<std::string> content = read_text_file(file, kMostKeyBytes);
    if (content) token = Secret(trimmed(*content));
    if (token.empty())
      section.refuse("token_file", content ? "is an empty file" : content.error().for_client);
  }
}

void read_root(Section& root, Config& config) {
  root.text("listen", config.listen, "127.0.0.1:4560");
  root.text("data", config.data);
  root.flag("sandbox_only", config.sandbox);
  root.table("server", [&](Section& section) { read_server(section, config); });
  root.table("metrics", [&](Section& section) { read_metrics(section, config); });
  root.table("ledger", [&](Section& section) {
    section.choice<accounts::Durability>(
        "durability", config.durability,
        [](std::string_view word) -> std::optional<accounts::Durability> {
          if (word == "process") return accounts::Durability::process;
          if (word == "power") return accounts::Durability::power;
          return std::nullopt;
        },
        {"process", "power"});
    section.integer("max_holds", config.max_holds, 64, 1'000'000);
  });
  root.table("log", [&](Section& section) {
    section.choice<log::Format>("format", config.log_format, log::find_format, {"logfmt", "json"});
    section.choice<log::Level>("level", config.log_level, log::find_level,
                               {"debug", "info", "warn", "error"});
  });
  root.table("sandbox", [&](Section& section) {
    section.integer("seed", config.sandbox_settings.seed, 0, INT64_MAX);
    section.duration("first_token", config.sandbox_settings.first_token);
    section.integer("tokens_per_second", config.sandbox_settings.tokens_per_second, 0, 1'000'000);
  });
  root.table("stream", [&](Section& section) {
    section.duration("heartbeat", config.setup.heartbeat);
    section.size("max_event", config.setup.event_bytes);
    section.size("max_answer", config.setup.answer_bytes);
  });
  root.table("tokens", [&](Section& section) { read_vocabulary(section, config.setup); });
  root.table("responses", [&](Section& section) {
    bool store = false;
    protocol::ResponsesStoreLimits limits;
    section.flag("store", store);
    section.duration("keep", limits.keep);
    section.size("key_bytes", limits.tenant_bytes);
    section.size("total_bytes", limits.total_bytes);
    if (store) config.setup.keep_responses = limits;
  });
  root.each("upstream", [&](Section& section, const std::string& name) {
    read_upstream(section, name, config.setup);
  });
  root.each("service", [&](Section& section, const std::string& name) {
    gateway::ServiceConfig service{.name = name, .upstreams = {}};
    check_name(section, "service", name);
    section.texts("upstreams", service.upstreams, "plan");
    if (service.upstreams.empty()) section.refuse("upstreams", "is needed");
    config.setup.services.push_back(std::move(service));
  });
  root.table("models", [&](Section& section) {
    section.every_text([&](const std::string& pattern, std::string model) {
      config.setup.aliases.push_back({pattern, std::move(model)});
    });
  });
  root.each("price", [&](Section& section, const std::string& model) {
    read_price(section, model, config.setup);
  });
  root.finish();
}

}  // namespace

std::vector<gateway::UpstreamConfig> upstreams_from_environment(
    std::optional<gateway::PaidUse> paid) {
  using gateway::ProviderKind;
  std::vector<gateway::UpstreamConfig> upstreams;
  const auto add = [&](ProviderKind kind, const gateway::FoundKey& key) {
    gateway::UpstreamConfig upstream;
    upstream.name = gateway::provider(kind).name;
    upstream.provider = kind;
    take_key(upstream, key.value, std::string(key.variable));
    upstreams.push_back(std::move(upstream));
  };
  struct Pair {
    ProviderKind plan;
    ProviderKind general;
  };
  constexpr Pair kRegions[] = {{ProviderKind::zai_coding, ProviderKind::zai},
                               {ProviderKind::zhipu_coding, ProviderKind::zhipu}};
  const auto find = [](ProviderKind kind) {
    return gateway::find_key_in_environment(gateway::provider(kind));
  };
  for (const Pair& region : kRegions)
    if (const auto plan = find(region.plan)) add(region.plan, *plan);
  for (const Pair& region : kRegions) {
    const auto pay = find(region.general);
    if (!pay) continue;
    add(region.general, *pay);
    // Two keys say that both shall be used; one says nothing about money.
    const auto plan = std::ranges::find(upstreams, region.plan, &gateway::UpstreamConfig::provider);
    const bool one_key = plan->key.reveal() == upstreams.back().key.reveal();
    upstreams.back().paid =
        paid.value_or(one_key ? gateway::PaidUse::no_plan : gateway::PaidUse::spill);
  }
  return upstreams;
}

Result<Config> read_config(std::string_view text, const std::string& name) {
  const Result<ConfigNode> tree = read_config_tree(text, name);
  if (!tree) return fail(tree.error());
  Config config;
  Section root(*tree, "", name);
  read_root(root, config);
  if (root.failed()) return fail(root.fault());
  for (const ConfigNode& each : tree->children)
    if (each.name == "upstream" || each.name == "service")
      for (const ConfigNode& table : each.children)
        config.places[each.name + "." + table.name] = name + ":" + std::to_string(table.line);
  if (const ConfigNode* metrics = tree->find("metrics"))
    if (const ConfigNode* token = metrics->find("token_env"))
      config.key_variables.insert(token->text);
  if (const ConfigNode* upstreams = tree->find("upstream"))
    for (const ConfigNode& each : upstreams->children)
      if (const ConfigNode* key = each.find("key_env")) config.key_variables.insert(key->text);
  return config;
}

Result<Config> load_config(const std::string& path) {
  Config config;
  if (!path.empty()) {
    const Result<std::string> text = read_text_file(path, kMostConfigBytes);
    if (!text) return fail(redacted(text.error()));
    Result<Config> read = read_config(*text, path);
    if (!read) return read;
    config = std::move(*read);
  }
  if (Result<void> applied = apply_environment(config); !applied) return fail(applied.error());
  if (config.setup.upstreams.empty() && !config.sandbox) {
    const char* const word = std::getenv("GLMGATE_PAID");
    const auto paid = word == nullptr ? std::nullopt : find_paid_use(word);
    if (word != nullptr && *word != '\0' && !paid)
      return fail(FaultCode::bad_value, "GLMGATE_PAID must be spill, no-plan or asked");
    config.setup.upstreams = upstreams_from_environment(paid);
  }
  return config;
}

Result<std::string> read_data_key(const std::string& path) {
  const Result<std::string> text = read_text_file(path, kMostConfigBytes);
  if (!text) return fail(redacted(text.error()));
  const Result<ConfigNode> tree = read_config_tree(*text, path);
  if (!tree) return fail(tree.error());
  const ConfigNode* data = tree->find("data");
  return data != nullptr && data->is(ConfigNode::Kind::text) ? data->text : std::string();
}

}  // namespace glmgate::cli
