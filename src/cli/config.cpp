#include "cli/config.h"

#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts on some malformed keys that it refuses properly a line later.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <malloc.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>

#include "gateway/upstream_key.h"
#include "protocol/models_document.h"

namespace glmgate::cli {
namespace {

using namespace std::chrono_literals;

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::vector<protocol::ModelEntry> entries;
  for (const std::string& each : known) entries.push_back({.id = each});
  return std::string(protocol::find_near_miss(word, entries));
}

/// One table of the file. Every key is asked for by name; what nobody asked for is refused at the
/// end.
class Section {
 public:
  Section(const toml::table& table, std::string path, std::string file)
      : table_(table), path_(std::move(path)), file_(std::move(file)) {}

  bool failed() const { return fault_.has_value(); }
  Fault fault() const { return *fault_; }
  void adopt(const Section& inner) {
    if (!fault_ && inner.fault_) fault_ = inner.fault_;
  }

  std::string full(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }

  void refuse(std::string_view key, const std::string& what, const std::string& hint = {}) {
    if (fault_) return;
    const toml::node* node = table_.get(key);
    const auto line = node != nullptr ? node->source().begin.line : table_.source().begin.line;
    std::string text = file_;
    if (line > 0) text += ":" + std::to_string(line);
    text += ": `" + full(key) + "` " + what;
    if (!hint.empty()) text += "\nhint: " + hint;
    fault_ = make_fault(FaultCode::bad_value, std::move(text), full(key));
  }

  const toml::node* node(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  void text(std::string_view key, std::string& into) {
    if (const toml::node* found = node(key)) {
      if (const auto value = found->value_exact<std::string>())
        into = *value;
      else
        refuse(key, "must be a string");
    }
  }

  void flag(std::string_view key, bool& into) {
    if (const toml::node* found = node(key)) {
      if (const auto value = found->value_exact<bool>())
        into = *value;
      else
        refuse(key, "must be true or false");
    }
  }

  template <typename T>
  void integer(std::string_view key, T& into, std::int64_t least, std::int64_t most) {
    if (const toml::node* found = node(key)) {
      const auto value = found->value_exact<std::int64_t>();
      if (value && *value >= least && *value <= most)
        into = static_cast<T>(*value);
      else
        refuse(key, "must be a whole number from " + std::to_string(least) + " to " +
                        std::to_string(most));
    }
  }

  void duration(std::string_view key, std::chrono::milliseconds& into) {
    std::string written;
    const bool given = table_.contains(key);
    text(key, written);
    if (!given || failed()) return;
    const Result<std::chrono::milliseconds> value = read_duration(written);
    if (value)
      into = *value;
    else
      refuse(key, value.error().for_client);
  }

  void size(std::string_view key, std::size_t& into) {
    std::string written;
    const bool given = table_.contains(key);
    text(key, written);
    if (!given || failed()) return;
    const Result<std::size_t> value = read_size(written);
    if (value)
      into = *value;
    else
      refuse(key, value.error().for_client);
  }

  void texts(std::string_view key, std::vector<std::string>& into) {
    const toml::node* found = node(key);
    if (found == nullptr) return;
    const toml::array* list = found->as_array();
    std::vector<std::string> values;
    if (list != nullptr)
      for (const toml::node& each : *list)
        if (const auto value = each.value_exact<std::string>()) values.push_back(*value);
    if (list == nullptr || values.size() != list->size() || values.empty())
      refuse(key, "must be a list of strings, like [\"glm-4.7\"]");
    else
      into = std::move(values);
  }

  template <typename T>
  void choice(std::string_view key, T& into,
              const std::function<std::optional<T>(std::string_view)>& find,
              const std::vector<std::string>& words) {
    std::string written;
    const bool given = table_.contains(key);
    text(key, written);
    if (!given || failed()) return;
    if (const std::optional<T> value = find(written)) {
      into = *value;
      return;
    }
    std::string list;
    for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
    refuse(key, "is `" + written + "`, which is not one of: " + list);
  }

  /// Takes every key there is, in the order of the file; their values are strings.
  void every_text(const std::function<void(const std::string&, std::string)>& take) {
    std::vector<std::pair<std::string, const toml::node*>> ordered;
    for (const auto& [name, value] : table_) ordered.emplace_back(std::string(name.str()), &value);
    std::ranges::stable_sort(ordered, {},
                             [](const auto& entry) { return entry.second->source().begin.line; });
    for (const auto& [name, value] : ordered) {
      std::string written;
      text(name, written);
      if (!failed()) take(name, std::move(written));
    }
  }

  /// Runs `read` on each sub-table of the table `key`, with its name.
  void each(std::string_view key, const std::function<void(Section&, const std::string&)>& read) {
    const toml::node* found = node(key);
    if (found == nullptr) return;
    const toml::table* tables = found->as_table();
    if (tables == nullptr) return refuse(key, "must be a table, like [" + full(key) + ".name]");
    // In the order of the file: upstreams are tried in that order.
    std::vector<std::pair<std::string, const toml::table*>> ordered;
    for (const auto& [name, value] : *tables) {
      if (!value.is_table())
        return refuse(key,
                      "must hold tables, like [" + full(key) + "." + std::string(name.str()) + "]");
      ordered.emplace_back(std::string(name.str()), value.as_table());
    }
    std::ranges::stable_sort(ordered, {},
                             [](const auto& entry) { return entry.second->source().begin.line; });
    for (const auto& [name, table] : ordered) {
      Section inner(*table, full(key) + "." + name, file_);
      read(inner, name);
      inner.finish();
      adopt(inner);
    }
  }

  void table(std::string_view key, const std::function<void(Section&)>& read) {
    const toml::node* found = node(key);
    if (found == nullptr) return;
    const toml::table* inner_table = found->as_table();
    if (inner_table == nullptr) return refuse(key, "must be a table, like [" + full(key) + "]");
    Section inner(*inner_table, full(key), file_);
    read(inner);
    inner.finish();
    adopt(inner);
  }

  /// Refuses the first key that nothing asked for.
  void finish() {
    for (const auto& [key, value] : table_) {
      const std::string word(key.str());
      if (std::ranges::find(known_, word) != known_.end()) continue;
      const std::string near = nearest(word, known_);
      refuse(word, "is not a key of the configuration",
             near.empty() ? "" : "did you mean `" + full(near) + "`?");
      return;
    }
  }

 private:
  const toml::table& table_;
  std::string path_;
  std::string file_;
  std::vector<std::string> known_;
  std::optional<Fault> fault_;
};

std::string trimmed(std::string text) {
  const auto is_space = [](unsigned char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
  };
  while (!text.empty() && is_space(static_cast<unsigned char>(text.back()))) text.pop_back();
  text.erase(text.begin(), std::ranges::find_if_not(text, is_space));
  return text;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  if (!file || !(content << file.rdbuf()))
    return fail(FaultCode::bad_value,
                "cannot read " + path + "\nhint: does it exist, and may this user read it?");
  return content.str();
}

std::optional<gateway::PaidUse> find_paid_use(std::string_view word) {
  if (word == "spill") return gateway::PaidUse::spill;
  if (word == "no-plan") return gateway::PaidUse::no_plan;
  if (word == "asked") return gateway::PaidUse::asked;
  return std::nullopt;
}

/// The key as it was written, without what came along by mistake.
void take_key(gateway::UpstreamConfig& upstream, std::string_view written, std::string source) {
  gateway::UpstreamKey key = gateway::read_upstream_key(written, upstream.provider);
  upstream.key = std::move(key.key);
  upstream.key_source = std::move(source);
  for (const std::string& note : key.notes)
    upstream.key_notes.push_back("the key in " + upstream.key_source + " " + note);
}

void read_upstream_key(Section& section, gateway::UpstreamConfig& upstream) {
  std::string variable;
  std::string file;
  section.text("key_env", variable);
  section.text("key_file", file);
  if (!variable.empty() && !file.empty())
    section.refuse("key_file", "stands beside key_env", "keep one of them");
  if (!variable.empty()) {
    const char* value = std::getenv(variable.c_str());
    if (value != nullptr && *value != '\0')
      take_key(upstream, value, variable);
    else if (upstream.provider != gateway::ProviderKind::engine)
      section.refuse("key_env", "names " + variable + ", which is not set",
                     "export " + variable + "=...");
  } else if (!file.empty()) {
    const Result<std::string> content = read_file(file);
    if (!content || trimmed(*content).empty())
      section.refuse("key_file", content ? "is an empty file" : content.error().for_client);
    else
      take_key(upstream, *content, file);
  } else if (const auto found =
                 gateway::find_key_in_environment(gateway::provider(upstream.provider))) {
    take_key(upstream, found->value, std::string(found->variable));
  }
}

void read_upstream(Section& section, const std::string& name, gateway::SetupConfig& setup) {
  gateway::UpstreamConfig upstream;
  upstream.name = name;
  std::vector<std::string> provider_names;
  for (const gateway::Provider& each : gateway::providers()) provider_names.emplace_back(each.name);
  section.choice<gateway::ProviderKind>(
      "provider", upstream.provider,
      [](std::string_view word) -> std::optional<gateway::ProviderKind> {
        const gateway::Provider* found = gateway::find_provider(word);
        return found == nullptr ? std::nullopt : std::optional(found->kind);
      },
      provider_names);
  section.text("url", upstream.url);
  std::vector<std::string> speaks;
  section.texts("speaks", speaks);
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
  section.texts("models", upstream.models);
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

void read_money(Section& section, std::string_view key, std::optional<std::int64_t>& into) {
  std::string written;
  section.text(key, written);
  if (written.empty()) return;
  into = read_micro(written);
  if (!into) section.refuse(key, "must be a decimal in quotes, like \"0.60\"");
}

void read_price(Section& section, const std::string& model, gateway::SetupConfig& setup) {
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
  section.text("weight", weight);
  if (!weight.empty()) {
    const std::optional<std::int64_t> micro = read_micro(weight);
    if (micro && *micro % 1000 == 0)
      price.weight_milli = *micro / 1000;
    else
      section.refuse("weight", "must be a decimal with at most three places, like \"0.5\"");
  }
  if (const toml::node* from = section.node("from")) {
    if (const auto date = from->value_exact<toml::date>()) {
      const std::chrono::sys_days day{std::chrono::year(date->year) /
                                      std::chrono::month(date->month) /
                                      std::chrono::day(date->day)};
      price.from =
          std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch()).count();
    } else {
      section.refuse("from", "must be a date, like 2026-11-20");
    }
  }
  setup.prices.push_back(std::move(price));
}

void read_vocabulary(Section& section, gateway::SetupConfig& setup) {
  std::string path;
  section.text("vocabulary", path);
  if (path.empty()) return;
  Result<std::string> content = read_file(path);
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
  section.integer("workers", config.workers, 0, 1024);
  section.flag("public_in_clear", config.public_in_clear);
  section.text("tls_certificate", config.tls_certificate);
  section.text("tls_key", config.tls_key);
  section.duration("header_timeout", server.header_timeout);
  section.duration("body_timeout", server.body_timeout);
  section.size("body_floor", server.body_floor);
  section.duration("keep_alive", server.keep_alive);
  section.duration("write_stall", server.write_stall);
  section.duration("drain_timeout", config.drain_timeout);
  section.integer("max_connections", server.max_connections, 1, 10'000'000);
  section.integer("max_connections_per_address", server.max_connections_per_address, 1, 10'000'000);
  section.size("max_body_memory", server.max_body_memory);
  section.size("max_body", server.limits.body_bytes);
  section.size("max_head", server.limits.head_bytes);
  section.size("max_request_line", server.limits.request_line_bytes);
  section.integer("max_fields", server.limits.fields, 1, 10'000);
  section.integer("max_decoded_ratio", server.limits.decoded_ratio, 1, 100'000);
  section.size("max_chunk_line", server.limits.chunk_line_bytes);
  section.size("max_trailers", server.limits.trailer_bytes);
}

void read_root(Section& root, Config& config) {
  root.text("listen", config.listen);
  root.text("data", config.data);
  root.flag("sandbox_only", config.sandbox);
  root.table("server", [&](Section& section) { read_server(section, config); });
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
    section.texts("upstreams", service.upstreams);
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

/// "12" and "ms" of "12ms".
Result<std::pair<std::int64_t, std::string_view>> split_unit(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0)
    return fail(FaultCode::bad_value, "does not begin with a number");
  return std::pair(count, text.substr(static_cast<std::size_t>(end - text.data())));
}

void apply_environment(Config& config, std::optional<Fault>& fault) {
  const auto variable = [](const char* name) -> std::string_view {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view(value);
  };
  if (const auto listen = variable("GLMGATE_LISTEN"); !listen.empty()) config.listen = listen;
  if (const auto data = variable("GLMGATE_DATA"); !data.empty()) config.data = data;
  if (const auto workers = variable("GLMGATE_WORKERS"); !workers.empty()) {
    const auto [end, error] =
        std::from_chars(workers.data(), workers.data() + workers.size(), config.workers);
    if (error != std::errc{} || end != workers.data() + workers.size())
      fault = make_fault(FaultCode::bad_value, "GLMGATE_WORKERS must be a whole number");
  }
  if (const auto level = variable("GLMGATE_LOG"); !level.empty()) {
    if (const auto found = log::find_level(level))
      config.log_level = *found;
    else
      fault = make_fault(FaultCode::bad_value, "GLMGATE_LOG must be debug, info, warn or error");
  }
}

/// What toml++ 3.3 must not be given, though TOML forbids it anyway: control bytes, and other than
/// ASCII outside strings and comments (it trips over both). Nothing if all is well.
const char* find_foreign_byte(std::string_view text) {
  char quote = 0;
  bool in_comment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f)
      return "holds a control byte: is it a text file?";
    if (byte >= 0x80 && quote == 0 && !in_comment)
      return "holds a character other than ASCII outside of quotes";
    if (c == '\n') in_comment = false;
    if (in_comment) continue;
    if (quote != 0) {
      if (c == '\\' && quote == '"')
        ++i;
      else if (c == quote)
        quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      in_comment = true;
    }
  }
  return nullptr;
}

}  // namespace

Result<std::chrono::milliseconds> read_duration(std::string_view text) {
  const auto split = split_unit(text);
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1},        {"s", 1'000},      {"m", 60'000},
      {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
  if (split)
    for (const auto& [unit, factor] : kUnits)
      if (split->second == unit && split->first <= 10 * 365 * 86'400'000LL / factor)
        return std::chrono::milliseconds(split->first * factor);
  return fail(FaultCode::bad_value,
              "is `" + std::string(text) + "`, not a duration like \"250ms\", \"5s\" or \"10m\"");
}

Result<std::size_t> read_size(std::string_view text) {
  const auto split = split_unit(text);
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  if (split)
    for (const auto& [unit, factor] : kUnits)
      if (split->second == unit && split->first <= (1LL << 40) / factor)
        return static_cast<std::size_t>(split->first * factor);
  return fail(FaultCode::bad_value,
              "is `" + std::string(text) + "`, not a size like \"64KiB\" or \"32MiB\"");
}

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
  if (const char* trouble = find_foreign_byte(text); trouble != nullptr)
    return fail(FaultCode::bad_value, name + " " + trouble);
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(FaultCode::bad_value, name + ":" + std::to_string(error.source().begin.line) +
                                          ": " + std::string(error.description()));
  }
  Config config;
  Section root(parsed.table(), "", name);
  read_root(root, config);
  if (root.failed()) return fail(root.fault());
  return config;
}

Result<Config> load_config(const std::string& path) {
  Config config;
  if (!path.empty()) {
    const Result<std::string> text = read_file(path);
    if (!text) return fail(text.error());
    Result<Config> read = read_config(*text, path);
    if (!read) return read;
    config = std::move(*read);
  }
  std::optional<Fault> fault;
  apply_environment(config, fault);
  if (fault) return fail(*fault);
  if (config.setup.upstreams.empty() && !config.sandbox) {
    const char* const word = std::getenv("GLMGATE_PAID");
    const auto paid = word == nullptr ? std::nullopt : find_paid_use(word);
    if (word != nullptr && *word != '\0' && !paid)
      return fail(FaultCode::bad_value, "GLMGATE_PAID must be spill, no-plan or asked");
    config.setup.upstreams = upstreams_from_environment(paid);
  }
  return config;
}

}  // namespace glmgate::cli
