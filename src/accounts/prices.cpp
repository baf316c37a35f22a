#include "accounts/prices.h"

#include <algorithm>
#include <limits>

namespace glmgate::accounts {
namespace {

__extension__ typedef __int128 Wide;  // wider than any product of tokens and prices
constexpr Wide kMost = std::numeric_limits<std::int64_t>::max();

const TokenPrice* find_tier(const std::vector<PriceTier>& tiers, const Usage& usage) {
  for (const PriceTier& tier : tiers) {
    const bool input =
        usage.input >= tier.input_from && (tier.input_below == 0 || usage.input < tier.input_below);
    const bool output = usage.output >= tier.output_from &&
                        (tier.output_below == 0 || usage.output < tier.output_below);
    if (input && output) return &tier.price;
  }
  return nullptr;
}

std::int64_t cost_of(const TokenPrice& price, const Usage& usage) {
  const auto tokens = [](std::int64_t count) {
    return static_cast<Wide>(std::clamp<std::int64_t>(count, 0, Usage::kMaxTokens));
  };
  const Wide cached = std::min(tokens(usage.cached), tokens(usage.input));
  const Wide sum = (tokens(usage.input) - cached) * price.input + cached * price.cached +
                   tokens(usage.output) * price.output;
  constexpr Wide kPerMillion = 1'000'000;
  const Wide micro = (sum + kPerMillion / 2) / kPerMillion;
  return static_cast<std::int64_t>(std::min(micro, kMost));
}

}  // namespace

std::int64_t weigh(const Usage& usage, std::int64_t weight_milli) {
  const Wide sum = (Wide{usage.input} + usage.output) * weight_milli;
  return static_cast<std::int64_t>(std::clamp<Wide>(sum, 0, kMost));
}

std::string_view name(Billing billing) {
  switch (billing) {
    case Billing::metered:
      return "metered";
    case Billing::plan:
      return "plan";
    case Billing::sandbox:
      return "sandbox";
  }
  return "metered";
}

std::optional<Billing> find_billing(std::string_view text) {
  for (const Billing each : {Billing::metered, Billing::plan, Billing::sandbox})
    if (name(each) == text) return each;
  return std::nullopt;
}

PriceBook::PriceBook(std::vector<PriceOverride> overrides) {
  std::ranges::stable_sort(overrides, {}, &PriceOverride::from);
  for (PriceOverride& each : overrides) {
    std::vector<PriceOverride>& of_model = overrides_[each.model];
    of_model.push_back(std::move(each));
  }
}

Quote PriceBook::quote(std::string_view model, Currency currency, const Usage& usage, UtcMillis at,
                       Billing billing) const {
  Quote quote;
  if (const Model* known = find_model(model)) {
    quote.weight_milli = known->weight_milli;
    const TokenPrice* listed = currency == Currency::usd ? (known->usd ? &*known->usd : nullptr)
                                                         : find_tier(known->cny, usage);
    if (listed != nullptr) quote.list = Money{cost_of(*listed, usage), currency};
  }
  if (const auto found = overrides_.find(model); found != overrides_.end())
    for (const PriceOverride& each : found->second) {  // the last one that already holds wins
      if (each.from > at) break;
      if (each.price) quote.list = Money{cost_of(*each.price, usage), each.currency};
      if (each.weight_milli) quote.weight_milli = *each.weight_milli;
    }
  if (billing == Billing::sandbox) quote.list = Money{0, currency};
  quote.cost = quote.list;
  if (quote.cost && billing != Billing::metered) quote.cost->micro = 0;
  return quote;
}

}  // namespace glmgate::accounts
