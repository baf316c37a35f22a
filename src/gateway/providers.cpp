#include "gateway/providers.h"

#include <cstdlib>

namespace glmgate::gateway {
namespace {

using protocol::Protocol;

constexpr std::string_view kMessages = "/api/anthropic/v1/messages";
constexpr std::string_view kResponses = "/api/v1/responses";

constexpr Provider kProviders[] = {
    {ProviderKind::zai,
     "zai",
     "https://api.z.ai/api/paas/v4",
     kMessages,
     kResponses,
     false,
     {"ZAI_API_KEY", "Z_AI_API_KEY", ""},
     Currency::usd,
     Protocol::glm,
     false,
     true,
     "z-ai"},
    {ProviderKind::zai_coding,
     "zai-coding",
     "https://api.z.ai/api/coding/paas/v4",
     kMessages,
     kResponses,
     false,
     {"ZAI_CODING_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"},
     Currency::usd,
     Protocol::glm,
     true,
     false,
     "z-ai"},
    {ProviderKind::zhipu,
     "zhipu",
     "https://open.bigmodel.cn/api/paas/v4",
     kMessages,
     kResponses,
     false,
     {"ZHIPU_API_KEY", "", ""},
     Currency::cny,
     Protocol::glm,
     false,
     true,
     "zhipu"},
    {ProviderKind::zhipu_coding,
     "zhipu-coding",
     "https://open.bigmodel.cn/api/coding/paas/v4",
     kMessages,
     kResponses,
     false,
     {"ZHIPU_CODING_API_KEY", "ZHIPU_API_KEY", ""},
     Currency::cny,
     Protocol::glm,
     true,
     false,
     "zhipu"},
    {ProviderKind::engine,
     "engine",
     "",
     "",
     "",
     false,
     {"", "", ""},
     Currency::usd,
     Protocol::openai_chat,
     false,
     false,
     "engine"},
    {ProviderKind::sandbox,
     "sandbox",
     "",
     kMessages,
     "/v1/responses",
     true,
     {"", "", ""},
     Currency::usd,
     Protocol::glm,
     false,
     false,
     "sandbox"},
};

}  // namespace

std::span<const Provider> providers() { return kProviders; }

const Provider& provider(ProviderKind kind) { return kProviders[static_cast<std::size_t>(kind)]; }

const Provider* find_provider(std::string_view name) {
  for (const Provider& each : kProviders)
    if (each.name == name) return &each;
  return nullptr;
}

accounts::Billing billing(const Provider& provider) {
  if (provider.kind == ProviderKind::sandbox) return accounts::Billing::sandbox;
  return provider.coding ? accounts::Billing::plan : accounts::Billing::metered;
}

std::optional<FoundKey> find_key_in_environment(const Provider& provider) {
  for (const std::string_view variable : provider.key_variables) {
    if (variable.empty()) continue;
    const char* value = std::getenv(variable.data());
    if (value != nullptr && *value != '\0') return FoundKey{variable, value};
  }
  return std::nullopt;
}

}  // namespace glmgate::gateway
