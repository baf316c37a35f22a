// The providers: where they are, which environment variables hold their keys, in what money they
// charge (glm-api 1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "accounts/prices.h"
#include "base/money.h"
#include "protocol/dialect.h"

namespace glmgate::gateway {

enum class ProviderKind : std::uint8_t { zai, zai_coding, zhipu, zhipu_coding, engine, sandbox };

struct Provider {
  ProviderKind kind;
  std::string_view name;  ///< "zai-coding", as in the config and in `provider/model`
  std::string_view url;   ///< OpenAI-style base; empty for engine and sandbox
  std::string_view
      messages_path;  ///< of the Anthropic-style endpoint on the same host; empty: none
  std::string_view responses_path;  ///< of /responses, likewise
  bool prefers_responses;  ///< speaks Responses unless told otherwise; the vendor's is too young
  std::string_view
      key_variables[3];  ///< looked up in this order; an empty variable counts as unset
  Currency currency;
  protocol::Protocol speaks;
  bool coding;                ///< Coding Plan address: its thinking rules and quotas
  bool pay_as_you_go;         ///< every token is paid for from a balance
  std::string_view owned_by;  ///< in the models list
};

std::span<const Provider> providers();
const Provider& provider(ProviderKind kind);
const Provider* find_provider(std::string_view name);

/// Plans are charged by the month, and the sandbox charges nothing.
accounts::Billing billing(const Provider& provider);

/// The first variable of the chain that is set and not empty, and its value.
struct FoundKey {
  std::string_view variable;
  std::string_view value;
};
std::optional<FoundKey> find_key_in_environment(const Provider& provider);

}  // namespace glmgate::gateway
