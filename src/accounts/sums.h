// Adds up usage rows by group. All sums that anyone sees are made here, and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "accounts/ledger.h"

namespace glmgate::accounts {

/// What sums need of a usage row. Views are looked at only while it is added.
struct Counted {
  UtcMillis at = 0;
  std::int64_t key = 0;
  std::string_view model;
  std::string_view upstream;
  Usage usage;
  std::int64_t weighted_milli = 0;
  std::int64_t cost_micro = 0;
  std::int64_t list_micro = 0;
  Billing billing = Billing::metered;
  Currency currency = Currency::usd;
  bool priced = false;
};

/// A row whose key is unknown has an empty user, project and key. A sum
/// that would not fit stays at the largest number there is: one absurd row must not hide the rest.
class Tally {
 public:
  /// `keys` must outlive it. Days and months are those of a place so far east of UTC.
  Tally(std::vector<GroupBy> by, std::span<const Key> keys,
        std::chrono::minutes utc_offset = std::chrono::minutes(0));

  void add(const Counted& row);
  /// Rows ordered by group, byte by byte; none if nothing is grouped by. `open` stays 0.
  SumsAnswer answer() &&;

 private:
  void write_group(const Counted& row);

  std::vector<GroupBy> by_;
  std::unordered_map<std::int64_t, const Key*> keys_;  // by number
  UtcMillis utc_offset_;
  std::unordered_map<std::string, Sums> groups_;  // by the values, each with its length before it
  Sums total_;
  std::vector<std::string> group_;  // of the row being added
  std::string group_key_;
};

}  // namespace glmgate::accounts
