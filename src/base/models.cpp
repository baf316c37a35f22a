#include "base/models.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>

#include "base/embedded.h"
#include "base/json.h"

namespace glmgate {
namespace {

[[noreturn]] void broken(std::string_view what) {
  std::fprintf(stderr, "glmgate: embedded models.json: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::abort();
}

const json::value& member(const json::value& of, std::string_view key) {
  const json::value* found = json::find(of, key);
  if (found == nullptr) broken(key);
  return *found;
}

std::int64_t integer_or_zero(const json::value& v) { return v.is_int64() ? v.get_int64() : 0; }

/// A decimal of the file in thousandths or millionths: exact, because the file has few decimals.
std::int64_t scaled(const json::value& v, double by) {
  return std::llround(v.to_number<double>() * by);
}

std::optional<TokenPrice> read_price(const json::value& v) {
  const json::value& input = member(v, "input");
  if (input.is_null()) return std::nullopt;
  TokenPrice price{.input = scaled(input, 1e6)};
  const json::value& cached = member(v, "cached_input");
  price.cached = cached.is_null() ? price.input : scaled(cached, 1e6);
  const json::value& output = member(v, "output");
  price.output = output.is_null() ? 0 : scaled(output, 1e6);
  return price;
}

/// "input<32K and output>=0.2K" into bounds.
void read_bounds(std::string_view when, PriceTier& tier) {
  while (!when.empty()) {
    const auto split = when.find(" and ");
    std::string_view clause = when.substr(0, split);
    when = split == std::string_view::npos ? std::string_view{} : when.substr(split + 5);
    const bool on_input = clause.starts_with("input");
    if (!on_input && !clause.starts_with("output")) broken(clause);
    clause.remove_prefix(on_input ? 5 : 6);
    const bool from = clause.starts_with(">=");
    if (!from && !clause.starts_with("<")) broken(clause);
    clause.remove_prefix(from ? 2 : 1);
    if (!clause.ends_with('K')) broken(clause);
    const auto tokens = static_cast<std::int64_t>(
        std::llround(std::strtod(std::string(clause).c_str(), nullptr) * 1000));
    if (on_input) {
      (from ? tier.input_from : tier.input_below) = tokens;
    } else {
      (from ? tier.output_from : tier.output_below) = tokens;
    }
  }
}

std::vector<PriceTier> read_tiers(const json::value& v) {
  std::vector<PriceTier> tiers;
  for (const json::value& entry : member(v, "tiers").as_array()) {
    const std::optional<TokenPrice> price = read_price(entry);
    if (!price) continue;
    PriceTier tier{.price = *price};
    read_bounds(json::find_string(entry, "when"), tier);
    tiers.push_back(tier);
  }
  if (tiers.empty())
    if (const std::optional<TokenPrice> flat = read_price(v)) tiers.push_back({.price = *flat});
  return tiers;
}

ThinkingMode read_thinking(std::string_view mode) {
  if (mode == "forced_no_disable") return ThinkingMode::forced;
  if (mode == "compulsory") return ThinkingMode::compulsory;
  if (mode == "auto") return ThinkingMode::automatic;
  if (mode == "none") return ThinkingMode::none;
  return ThinkingMode::unknown;
}

bool lists(const json::value& array, std::string_view word) {
  for (const json::value& entry : array.as_array())
    if (entry.as_string() == json::string_view(word.data(), word.size())) return true;
  return false;
}

/// "2026-08-18" to Unix seconds at midnight UTC; 0 if null.
std::int64_t read_date(std::string_view date) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (std::sscanf(std::string(date).c_str(), "%4d-%2u-%2u", &year, &month, &day) != 3) return 0;
  const std::chrono::sys_days at{std::chrono::year(year) / std::chrono::month(month) /
                                 std::chrono::day(day)};
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

Model read_model(const json::value& v) {
  Model model;
  model.id = json::find_string(v, "id");
  model.display_name = json::find_string(v, "display_name", model.id);
  model.kind = json::find_string(v, "kind");
  model.on_zai = lists(member(v, "platforms"), "zai");
  model.on_zhipu = lists(member(v, "platforms"), "zhipu");
  if (const json::value& plan = member(v, "coding_plan"); plan.is_bool())
    model.in_coding_plan = plan.get_bool();
  model.takes_images = lists(member(member(v, "modalities"), "input"), "image");
  model.context_window = integer_or_zero(member(v, "context_window"));
  model.max_output = integer_or_zero(member(v, "max_output"));
  model.default_max_tokens = integer_or_zero(member(v, "default_max_tokens"));
  model.thinking = read_thinking(json::find_string(member(v, "thinking"), "mode"));
  model.knows_reasoning_effort = lists(member(v, "capabilities"), "reasoning_effort");
  model.streams_arguments = lists(member(v, "capabilities"), "tool_stream");
  model.usd = read_price(member(v, "price_usd_per_mtok"));
  model.cny = read_tiers(member(v, "price_cny_per_mtok"));
  model.weight_milli = scaled(member(v, "weight"), 1e3);
  model.released = read_date(json::find_string(v, "released"));
  model.status = json::find_string(v, "status");
  return model;
}

std::vector<Model> read_catalogue() {
  const Result<json::value> file = json::parse(data::kModelsJson);
  if (!file) broken(file.error().for_client);
  std::vector<Model> models;
  for (const json::value& entry : member(*file, "models").as_array())
    models.push_back(read_model(entry));
  return models;
}

}  // namespace

std::span<const Model> model_catalogue() {
  static const std::vector<Model> models = read_catalogue();
  return models;
}

const Model* find_model(std::string_view id) {
  static const auto index = [] {
    std::unordered_map<std::string_view, const Model*> by_id;
    for (const Model& model : model_catalogue()) by_id.emplace(model.id, &model);
    return by_id;
  }();
  const auto found = index.find(id);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace glmgate
