#include "gateway/route.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/models.h"
#include "protocol/models_document.h"

namespace glmgate::gateway {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// "glm-4.7[1m]" is "glm-4.7" with a wish for its long context (clients.md): not part of the name.
std::string_view without_suffix(std::string_view model) {
  return model.ends_with("[1m]") ? model.substr(0, model.size() - 4) : model;
}

bool answers_to(const Upstream& upstream, std::string_view name) {
  return upstream.config.name == name || upstream.kind().name == name;
}

/// The prefix of "provider/model", if it names an upstream, a provider, or ourselves.
struct Reference {
  std::string place;  ///< empty: anywhere
  std::string_view model;
};
Reference read_reference(const Setup& setup, const std::vector<const Upstream*>& upstreams,
                         std::string_view model) {
  while (model.starts_with("glmgate/")) model.remove_prefix(std::string_view("glmgate/").size());
  const std::size_t slash = model.find('/');
  if (slash == std::string_view::npos || slash == 0) return {{}, model};
  // Engines have models of their own with a slash ("zai-org/GLM-4.6"): those names stay whole.
  if (std::ranges::any_of(upstreams, [&](const Upstream* each) { return each->names(model); }))
    return {{}, model};
  std::string place(model.substr(0, slash));
  const std::string_view rest = model.substr(slash + 1);
  const auto is_here = [&](const Upstream& each) { return answers_to(each, place); };
  if (std::ranges::any_of(setup.upstreams, is_here)) return {place, rest};
  place = lower(place);
  return find_provider(place) != nullptr ? Reference{place, rest} : Reference{{}, model};
}

bool is_vendor(std::string_view name) {
  const Provider* found = find_provider(name);
  return found != nullptr && !found->url.empty();
}

bool rests(const Upstream& upstream, UtcMillis now) {
  return upstream.health->resting_until_ms.load(std::memory_order_relaxed) > now;
}

bool has_no_plan(const Upstream& upstream, UtcMillis now) {
  return upstream.health->no_plan_until_ms.load(std::memory_order_relaxed) > now;
}

/// For an error's text: a name may be as long as a body.
std::string shown(std::string_view name) {
  constexpr std::size_t kMostShown = 200;
  return "`" + std::string(name.substr(0, kMostShown)) + (name.size() > kMostShown ? "...`" : "`");
}

/// "`plan` (zai-coding), `zai`", or what stands for it if there are many.
std::string list_places(const std::vector<const Upstream*>& upstreams) {
  constexpr std::size_t kMostListed = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(upstreams.size(), kMostListed); ++i) {
    const Upstream& each = *upstreams[i];
    text += (i == 0 ? "`" : ", `") + each.config.name + "`";
    if (each.config.name != each.kind().name) text += " (" + std::string(each.kind().name) + ")";
  }
  if (upstreams.size() > kMostListed)
    text += " and " + std::to_string(upstreams.size() - kMostListed) + " more";
  return text;
}

Fault no_such_place(const std::vector<const Upstream*>& upstreams, const Reference& reference,
                    std::string_view service) {
  const std::string where = service.empty() ? "here" : "in the service " + shown(service);
  return make_fault(FaultCode::model_not_found,
                    "The model's prefix " + shown(reference.place) +
                        " says where to ask, and no such upstream is configured " + where +
                        ". There is: " + list_places(upstreams) +
                        ". Name one of these, or leave the prefix out.",
                    "model");
}

Fault only_by_name(const Route& route) {
  return make_fault(FaultCode::model_not_found,
                    "Only `" + route.upstream->config.name +
                        "` serves this model, by the token, and it is used only when it is named: "
                        "ask for `" +
                        route.upstream->config.name + "/" + route.model.substr(0, 200) + "`.",
                    "model");
}

bool is_chat(protocol::Protocol protocol) {
  return protocol == protocol::Protocol::openai_chat || protocol == protocol::Protocol::glm;
}

bool speaks(const Upstream& upstream, protocol::Protocol client) {
  return std::ranges::any_of(upstream.endpoints, [&](const UpstreamEndpoint& each) {
    return each.speaks == client || (is_chat(each.speaks) && is_chat(client));
  });
}

/// One account under two addresses of one host: which of them is asked changes no bill.
bool equal_standing(const Upstream& a, const Upstream& b) {
  return a.config.provider == b.config.provider && a.url.host == b.url.host &&
         a.url.port == b.url.port && a.config.paid == b.config.paid &&
         a.config.key.reveal() == b.config.key.reveal();
}

/// Lets those that speak the client's protocol change places with those of equal standing before
/// them that do not.
void prefer_speakers(std::vector<Route>& routes, protocol::Protocol client) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (speaks(*routes[i].upstream, client)) continue;
    for (std::size_t j = i + 1; j < routes.size(); ++j) {
      if (!equal_standing(*routes[i].upstream, *routes[j].upstream) ||
          !speaks(*routes[j].upstream, client))
        continue;
      std::swap(routes[i], routes[j]);
      break;
    }
  }
}

/// Takes out what is not to be paid for unasked, and plans that the keys do not have, as long as
/// something is left.
Result<void> mind_the_purse(std::vector<Route>& routes, UtcMillis now) {
  const Route first = routes.front();
  std::erase_if(routes,
                [](const Route& each) { return each.upstream->config.paid == PaidUse::asked; });
  if (routes.empty()) return fail(only_by_name(first));
  const auto planless = [&](const Route& each) { return has_no_plan(*each.upstream, now); };
  if (!std::ranges::all_of(routes, planless)) std::erase_if(routes, planless);
  for (Route& each : routes)
    each.only_without_plan = each.upstream->config.paid == PaidUse::no_plan;
  return {};
}

}  // namespace

std::vector<const Upstream*> find_service(const Setup& setup, std::string_view service) {
  std::vector<const Upstream*> found;
  const auto configured = std::ranges::find(setup.config.services, service, &ServiceConfig::name);
  for (const Upstream& upstream : setup.upstreams) {
    const bool member =
        service.empty() || (configured != setup.config.services.end()
                                ? std::ranges::find(configured->upstreams, upstream.config.name) !=
                                      configured->upstreams.end()
                                : answers_to(upstream, service));
    if (member) found.push_back(&upstream);
  }
  // With nothing but the sandbox, the four providers' names lead to it, so that every documented
  // URL can be tried.
  if (found.empty() && setup.sandbox_only() && is_vendor(service)) return find_service(setup, {});
  return found;
}

std::vector<ListedModel> list_models(const Setup& setup, std::string_view service) {
  std::set<std::string, std::less<>> seen;
  std::vector<ListedModel> models;
  const auto add = [&](const std::string& id, const Upstream* upstream) {
    if (seen.insert(id).second) models.push_back({id, upstream});
  };
  for (const Upstream* upstream : find_service(setup, service)) {
    const ProviderKind kind = upstream->config.provider;
    for (const std::string& pattern : upstream->config.models)
      if (pattern.find('*') == std::string::npos) add(pattern, upstream);
    for (const protocol::ModelEntry& own : *upstream->health->models.entries())
      if (upstream->serves(own.id)) add(own.id, upstream);
    if (kind == ProviderKind::engine) continue;  // its "*" is whatever it has loaded
    const bool zhipu = kind == ProviderKind::zhipu || kind == ProviderKind::zhipu_coding;
    for (const Model& model : model_catalogue()) {
      const bool chats = model.kind == "chat" || model.kind == "vision";
      if (!chats || !(zhipu ? model.on_zhipu : model.on_zai)) continue;
      if (upstream->kind().coding && model.in_coding_plan == false) continue;
      if (upstream->serves(model.id)) add(model.id, upstream);
    }
  }
  return models;
}

std::vector<std::string> known_models(const Setup& setup, std::string_view service) {
  std::vector<std::string> ids;
  for (ListedModel& each : list_models(setup, service)) ids.push_back(std::move(each.id));
  return ids;
}

std::string did_you_mean(const Setup& setup, std::string_view model, std::string_view service) {
  constexpr std::size_t kLongestMeant = 64;  // comparing takes its square, for each known name
  if (model.size() > kLongestMeant) return {};
  std::vector<protocol::ModelEntry> entries;
  for (std::string& id : known_models(setup, service)) entries.push_back({.id = std::move(id)});
  const std::string_view near = protocol::find_near_miss(model, entries);
  if (near.empty() || near == model) return {};
  return " Did you mean `" + std::string(near) + "`?";
}

bool Routes::is_open(const Route& route, UtcMillis now) const {
  return !route.only_without_plan || std::ranges::all_of(best_first, [&](const Route& each) {
    return !each.upstream->kind().coding || has_no_plan(*each.upstream, now);
  });
}

std::size_t Routes::next_open(std::size_t from, UtcMillis now) const {
  while (from < best_first.size() && !is_open(best_first[from], now)) ++from;
  return from;
}

Result<Routes> choose_routes(const Setup& setup, std::string_view asked, std::string_view service,
                             UtcMillis now, std::optional<protocol::Protocol> client) {
  const std::vector<const Upstream*> upstreams = find_service(setup, service);
  if (upstreams.empty())
    return fail(FaultCode::unknown_path, "There is no service " + shown(service) + " here.");

  Routes routes;
  Reference reference = read_reference(setup, upstreams, without_suffix(asked));
  const auto is_there = [&](const Upstream* each) { return answers_to(*each, reference.place); };
  if (!reference.place.empty() && std::ranges::none_of(upstreams, is_there)) {
    if (const std::string_view own = find_own_alias(setup.config.aliases, without_suffix(asked));
        !own.empty()) {
      reference = read_reference(setup, upstreams, own);
      if (!reference.place.empty() && std::ranges::none_of(upstreams, is_there))
        return fail(no_such_place(upstreams, reference, service));
    } else if (setup.sandbox_only() && is_vendor(reference.place)) {
      routes.warnings.push_back("provider " + reference.place +
                                " is not configured: the sandbox answers; field=model");
      reference.place.clear();
    } else {
      return fail(no_such_place(upstreams, reference, service));
    }
  }

  std::string model(reference.model);
  const Model* known = find_model(model);
  if (known == nullptr)
    if (known = find_model(lower(model)); known != nullptr) model = known->id;
  const bool named = known != nullptr || std::ranges::any_of(upstreams, [&](const Upstream* each) {
                       return each->names(model);
                     });
  if (!named)
    if (const std::string_view alias = find_alias(setup.config.aliases, model); !alias.empty()) {
      model = alias;
      known = find_model(model);
    }
  for (const Upstream* upstream : upstreams) {
    if (!reference.place.empty() && !is_there(upstream)) continue;
    if (upstream->serves(model)) routes.best_first.push_back({upstream, model, known, false});
  }
  if (routes.best_first.empty())
    return fail(FaultCode::model_not_found,
                "The model " + shown(asked) + " does not exist or no upstream here serves it." +
                    did_you_mean(setup, lower(asked), service),
                "model");
  // Who names one of them means it.
  const bool by_name =
      !reference.place.empty() ||
      (!service.empty() && std::ranges::all_of(upstreams, [](const Upstream* each) {
        return each->config.paid != PaidUse::spill;
      }));
  if (!by_name)
    if (Result<void> minded = mind_the_purse(routes.best_first, now); !minded)
      return fail(std::move(minded.error()));
  if (client) prefer_speakers(routes.best_first, *client);
  std::ranges::stable_partition(routes.best_first,
                                [&](const Route& each) { return !rests(*each.upstream, now); });
  if (!std::ranges::all_of(routes.best_first,
                           [&](const Route& each) { return routes.is_open(each, now); }))
    std::ranges::stable_partition(routes.best_first,
                                  [](const Route& each) { return !each.only_without_plan; });
  return routes;
}

}  // namespace glmgate::gateway
