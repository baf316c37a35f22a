// Which upstreams may serve a request, best first. Pure: what is known comes in as arguments. The
// full routing (plans, windows, spill-over, breakers) takes this function's place later.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/models.h"
#include "base/result.h"
#include "gateway/setup.h"

namespace glmgate::gateway {

struct Route {
  const Upstream* upstream = nullptr;
  std::string model;               ///< the upstream's name for it
  const Model* known = nullptr;    ///< nullptr: not in our catalogue
  bool only_without_plan = false;  ///< closed while a plan among the routes has not said no
};

struct Routes {
  std::vector<Route> best_first;      ///< never empty
  std::vector<std::string> warnings;  ///< for glmgate-warning

  /// Whether it may be asked now: a plan's refusal on the way may open it.
  bool is_open(const Route& route, UtcMillis now) const;
  /// The first route from `from` on that is open; best_first.size() if none is.
  std::size_t next_open(std::size_t from, UtcMillis now) const;
};

/// @param model    as the client wrote it: "glm-4.7", "zai-coding/glm-4.7", "GLM-4.7",
/// "glm-4.7[1m]", or an alias of one
/// @param service  from /s/<service>/, or empty
/// @param client   what it speaks: among upstreams of equal standing (one provider, one host, one
/// key) those that speak it too go first
/// Upstreams that rest (UpstreamHealth) come last. Fault{unknown_path} for an unknown service,
/// Fault{model_not_found} for a prefix whose provider is not here, or, with the nearest known
/// name, if nothing serves the model.
Result<Routes> choose_routes(const Setup& setup, std::string_view model, std::string_view service,
                             UtcMillis now, std::optional<protocol::Protocol> client = {});

struct ListedModel {
  std::string id;
  const Upstream* upstream = nullptr;  ///< the first that has it
};
/// The models this setup can name, each once, for GET /v1/models and for near misses: the
/// configuration's, the catalogue's, and what engines have told.
std::vector<ListedModel> list_models(const Setup& setup, std::string_view service);
std::vector<std::string> known_models(const Setup& setup, std::string_view service);

/// " Did you mean `glm-4.7`?" if a known name is near and not the same; else empty.
std::string did_you_mean(const Setup& setup, std::string_view model, std::string_view service);

/// Upstreams of a service; all of them for an empty name; nothing for an unknown one.
std::vector<const Upstream*> find_service(const Setup& setup, std::string_view service);

}  // namespace glmgate::gateway
