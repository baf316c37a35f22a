#include "protocol/models_document.h"

#include <algorithm>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kFarthestMiss = 3;
constexpr std::size_t kMostListed = 1000;
constexpr std::size_t kLongestId = 160;  // what the ledger keeps

/// Edits (insert, delete, change) from `a` to `b`, letters alike in any case; more than `most`
/// counts as most + 1.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (a.size() > b.size() + most || b.size() > a.size() + most) return most + 1;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return std::min(row.back(), most + 1);
}

std::span<const ModelEntry> choose_page(std::span<const ModelEntry> models,
                                        const ModelsPage& page) {
  const auto place = [&](std::string_view id) {
    return static_cast<std::size_t>(std::find_if(models.begin(), models.end(),
                                                 [&](const ModelEntry& m) { return m.id == id; }) -
                                    models.begin());
  };
  if (!page.after_id.empty())  // what follows an unknown id is nothing
    models = models.subspan(std::min(place(page.after_id) + 1, models.size()));
  if (!page.before_id.empty()) {
    const std::size_t end = place(page.before_id);
    models = models.first(end == models.size() ? 0 : end);
  }
  if (!page.limit) return models;
  const std::size_t limit = std::min(
      static_cast<std::size_t>(std::clamp<std::int64_t>(*page.limit, 1, 1000)), models.size());
  return page.before_id.empty() ? models.first(limit) : models.last(limit);
}

/// Whether more lies beyond the page in the direction it was turned.
bool has_more(std::span<const ModelEntry> models, std::span<const ModelEntry> shown,
              const ModelsPage& page) {
  if (shown.empty()) return false;
  return page.before_id.empty() ? &shown.back() != &models.back()
                                : &shown.front() != &models.front();
}

bool is_name(std::string_view id) {
  return !id.empty() && id.size() <= kLongestId && std::ranges::all_of(id, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
}

ModelEntry read_entry(JsonView listed) {
  ModelEntry entry;
  for (const std::string_view key : {"id", "model", "name"})
    if (entry.id.empty()) entry.id = listed.find(key).string().value_or("");
  entry.display_name = listed.find("display_name").string().value_or("");
  if (!is_name(entry.id)) entry.id.clear();
  if (entry.display_name.size() > kLongestId) entry.display_name.clear();
  entry.created = std::max<std::int64_t>(listed.find("created").integer().value_or(0), 0);
  if (entry.created > 4'102'444'800) entry.created = 0;  // past 2100: other units than seconds
  for (const std::string_view key : {"max_model_len", "max_input_tokens", "context_length"})
    if (entry.context_window == 0)
      entry.context_window = std::max<std::int64_t>(listed.find(key).integer().value_or(0), 0);
  return entry;
}

}  // namespace

std::optional<std::vector<ModelEntry>> read_models(std::string_view body) {
  const auto tape = JsonTape::scan(body, {.rigor = JsonRigor::upstream});
  if (!tape) return std::nullopt;
  const JsonView root = tape->root(body);
  JsonView list = root;
  if (root.is(JsonType::object))
    list = root.find("data").is(JsonType::array) ? root.find("data") : root.find("models");
  if (!list.is(JsonType::array)) return std::nullopt;
  std::vector<ModelEntry> models;
  for (JsonView each = list.first(); each.present() && models.size() < kMostListed;
       each = each.after())
    if (ModelEntry entry = read_entry(each); !entry.id.empty()) models.push_back(std::move(entry));
  return models;
}

std::string write_model(const ModelEntry& model) {
  const std::string name = model.display_name.empty() ? model.id : model.display_name;
  std::string out =
      R"({"id":)" + json::quote(model.id) + R"(,"object":"model","type":"model","created":)" +
      std::to_string(model.created) + R"(,"created_at":")" + rfc3339(model.created * 1000) +
      R"(","owned_by":)" + json::quote(model.owned_by) + R"(,"display_name":)" + json::quote(name);
  if (model.context_window > 0)
    out += R"(,"max_input_tokens":)" + std::to_string(model.context_window);
  if (model.max_output > 0) out += R"(,"max_tokens":)" + std::to_string(model.max_output);
  return out + "}";
}

std::string write_models(std::span<const ModelEntry> models, const ModelsPage& page) {
  const auto shown = choose_page(models, page);
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < shown.size(); ++i) out += (i == 0 ? "" : ",") + write_model(shown[i]);
  out += R"(],"has_more":)";
  out += has_more(models, shown, page) ? "true" : "false";
  out += R"(,"first_id":)" + (shown.empty() ? "null" : json::quote(shown.front().id));
  out += R"(,"last_id":)" + (shown.empty() ? "null" : json::quote(shown.back().id));
  return out + "}";
}

std::string_view find_near_miss(std::string_view id, std::span<const ModelEntry> models) {
  // A short name is soon turned into any other: a third of it may be wrong, at most.
  std::size_t best = std::min(kFarthestMiss, id.size() / 3) + 1;
  std::string_view found;
  for (const ModelEntry& model : models) {
    const std::size_t distance = edit_distance(id, model.id, best - 1);
    if (distance >= best) continue;
    best = distance;
    found = model.id;
    if (best == 0) break;
  }
  return found;
}

}  // namespace glmgate::protocol
