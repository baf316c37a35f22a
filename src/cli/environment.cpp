#include "cli/environment.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "cli/config_section.h"
#include "cli/context.h"

namespace glmgate::cli {
namespace {

constexpr std::string_view kPrefix = "GLMGATE_";

constexpr EnvironmentVariable kVariables[] = {
    {"GLMGATE_CONFIG", "configuration file, as --config"},
    {"GLMGATE_DATA", "data folder, as --data"},
    {"GLMGATE_LISTEN", "address to serve on, as --listen"},
    {"GLMGATE_WORKERS", "threads, as --workers"},
    {"GLMGATE_LOG", "debug, info, warn or error"},
    {"GLMGATE_PAID", "spill, no-plan or asked: when keys from here may cost money"},
    {"GLMGATE_CORE_DUMPS", "1: allow core dumps, which may hold keys, and debuggers"},
};

}  // namespace

std::span<const EnvironmentVariable> environment_variables() { return kVariables; }

Result<void> apply_environment(Config& config) {
  if (std::string listen = variable("GLMGATE_LISTEN"); !listen.empty())
    config.listen = std::move(listen);
  if (std::string data = variable("GLMGATE_DATA"); !data.empty()) config.data = std::move(data);
  if (const std::string workers = variable("GLMGATE_WORKERS"); !workers.empty()) {
    std::uint32_t count = 0;
    const char* end = workers.data() + workers.size();
    const auto [stop, error] = std::from_chars(workers.data(), end, count);
    if (error != std::errc{} || stop != end || count > kMostWorkers)
      return fail(FaultCode::bad_value, "GLMGATE_WORKERS is `" + workers +
                                            "`, and must be a whole number from 0 to " +
                                            std::to_string(kMostWorkers));
    config.workers = count;
  }
  if (const std::string level = variable("GLMGATE_LOG"); !level.empty()) {
    const auto found = log::find_level(level);
    if (!found)
      return fail(FaultCode::bad_value,
                  "GLMGATE_LOG is `" + level + "`, and must be debug, info, warn or error");
    config.log_level = *found;
  }
  return {};
}

std::vector<std::string> unknown_variables(const Config& config) {
  std::vector<std::string> known;
  for (const EnvironmentVariable& each : kVariables) known.emplace_back(each.name);
  for (const char* clients : {"GLMGATE_KEY", "GLMGATE_API_KEY"}) known.emplace_back(clients);
  std::vector<std::string> complaints;
  for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view whole(*each);
    const std::string name(whole.substr(0, whole.find('=')));
    if (!name.starts_with(kPrefix) || name.starts_with("GLMGATE_TEST_")) continue;
    if (std::ranges::find(known, name) != known.end() || config.key_variables.contains(name))
      continue;
    const std::string near = nearest(name, known);
    complaints.push_back(name + " is set, but is not a variable of glmgate" +
                         (near.empty() ? "" : "; did you mean " + near + "?"));
  }
  std::ranges::sort(complaints);
  return complaints;
}

}  // namespace glmgate::cli
