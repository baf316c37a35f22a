// What tokens cost and weigh: the catalogue's prices, the operator's own on top, each with the date
// it holds from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/models.h"
#include "base/money.h"
#include "base/usage.h"

namespace glmgate::accounts {

/// An operator's price or weight for a model ([price."glm-4.7"] in the config).
struct PriceOverride {
  std::string model;
  UtcMillis from = 0;  ///< holds from this time on; 0: always
  std::optional<TokenPrice> price;
  Currency currency = Currency::usd;
  std::optional<std::int64_t> weight_milli;
};

/// How the account behind an upstream is charged.
enum class Billing : std::uint8_t {
  metered,  ///< for each token
  plan,     ///< a subscription: tokens cost nothing by themselves
  sandbox   ///< no model is called, and nothing is charged
};
std::string_view name(Billing billing);
std::optional<Billing> find_billing(std::string_view name);

struct Quote {
  std::optional<Money> cost;  ///< what is charged; nothing if no price is known: not free
  std::optional<Money> list;  ///< what the tokens cost by the list, whatever is charged
  std::int64_t weight_milli = kDefaultWeightMilli;
};

/// Input and output tokens times the weight, in thousandths of weighted tokens. Saturates.
std::int64_t weigh(const Usage& usage, std::int64_t weight_milli);

class PriceBook {
 public:
  PriceBook() = default;
  explicit PriceBook(std::vector<PriceOverride> overrides);

  /// `currency` chooses the list (USD for Z.AI, CNY for Zhipu); an override's own currency wins.
  /// Rounds half up, once, to a micro-unit. Never negative, never overflows (saturates). The
  /// sandbox has no list price either.
  Quote quote(std::string_view model, Currency currency, const Usage& usage, UtcMillis at,
              Billing billing = Billing::metered) const;

 private:
  std::map<std::string, std::vector<PriceOverride>, std::less<>>
      overrides_;  ///< by model, oldest first
};

}  // namespace glmgate::accounts
