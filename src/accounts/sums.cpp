#include "accounts/sums.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>

namespace glmgate::accounts {
namespace {

void grow(std::int64_t& sum, std::int64_t by) {
  if (__builtin_add_overflow(sum, by, &sum)) sum = std::numeric_limits<std::int64_t>::max();
}

void grow(Sums& sums, const Counted& row) {
  grow(sums.requests, 1);
  sums.last = std::max(sums.last, row.at);
  grow(sums.prompt_tokens, row.usage.input);
  grow(sums.completion_tokens, row.usage.output);
  grow(sums.cached_tokens, row.usage.cached);
  grow(sums.weighted_milli, row.weighted_milli);
  const bool usd = row.currency == Currency::usd;
  grow(usd ? sums.usd_micro : sums.cny_micro, row.cost_micro);
  grow(usd ? sums.list_usd_micro : sums.list_cny_micro, row.list_micro);
  grow(sums.estimated, row.usage.estimated ? 1 : 0);
  grow(sums.unpriced, row.priced ? 0 : 1);
  grow(sums.plan, row.billing == Billing::plan ? 1 : 0);
  if (row.billing != Billing::sandbox) return;
  grow(sums.sandbox, 1);
  grow(sums.sandbox_tokens, row.usage.input);
  grow(sums.sandbox_tokens, row.usage.output);
}

/// "2026-11-21"
std::string day(UtcMillis at) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(at)};
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
  char text[32];
  const int size =
      std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return {text, static_cast<std::size_t>(size)};
}

std::string month(UtcMillis at) {
  const std::string date = day(at);
  return date.substr(0, date.rfind('-'));
}

}  // namespace

Tally::Tally(std::vector<GroupBy> by, std::span<const Key> keys, std::chrono::minutes utc_offset)
    : by_(std::move(by)),
      utc_offset_(std::chrono::duration_cast<std::chrono::milliseconds>(utc_offset).count()),
      group_(by_.size()) {
  for (const Key& key : keys) keys_.emplace(key.number, &key);
}

void Tally::write_group(const Counted& row) {
  const auto found = keys_.find(row.key);
  const Key* key = found == keys_.end() ? nullptr : found->second;
  group_key_.clear();
  for (std::size_t i = 0; i < by_.size(); ++i) {
    std::string& value = group_[i];
    value.clear();
    switch (by_[i]) {
      case GroupBy::model:
        value = row.model;
        break;
      case GroupBy::project:
        if (key != nullptr) value = key->project;
        break;
      case GroupBy::user:
        if (key != nullptr) value = key->user;
        break;
      case GroupBy::key:
        if (key != nullptr) value = key->id;
        break;
      case GroupBy::day:
        value = day(row.at + utc_offset_);
        break;
      case GroupBy::month:
        value = month(row.at + utc_offset_);
        break;
      case GroupBy::upstream:
        value = row.upstream;
        break;
      case GroupBy::billing:
        value = name(row.billing);
        break;
    }
    // Values may hold any byte: only their lengths tell them apart.
    const auto size = static_cast<std::uint32_t>(value.size());
    group_key_.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
  }
}

void Tally::add(const Counted& row) {
  grow(total_, row);
  if (by_.empty()) return;
  write_group(row);
  Sums& sums = groups_[group_key_];
  if (sums.requests == 0) sums.group = group_;
  grow(sums, row);
}

SumsAnswer Tally::answer() && {
  SumsAnswer answer;
  answer.total = total_;
  for (auto& [key, sums] : groups_) answer.rows.push_back(std::move(sums));
  std::ranges::sort(answer.rows, {}, &Sums::group);
  return answer;
}

}  // namespace glmgate::accounts
