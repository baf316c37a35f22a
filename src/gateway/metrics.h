// What /metrics shows: OpenTelemetry's gen_ai names where they exist (peers.md, section 6),
// `glmgate_` for the rest. Labels are bounded: a refused request never brings a name of its own.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "base/money.h"
#include "base/usage.h"

namespace glmgate::gateway {

/// One exchange as the metrics see it. Empty upstream: refused before any was asked.
struct Noted {
  std::string_view dialect;
  std::string_view upstream;
  std::string_view provider;
  std::string_view model;  ///< a known model or "other"
  int status = 0;
  std::string_view fault;  ///< name(FaultCode), or empty
  Usage usage;
  bool has_usage = false;
  std::int64_t total_us = 0;
  std::int64_t first_us = -1;    ///< to the first byte of the answer; -1: none came
  std::int64_t overhead_us = 0;  ///< of which spent by us
  int tries = 0;
  // Of what was settled:
  Currency currency = Currency::usd;
  std::int64_t cost_micro = 0;      ///< as booked
  std::int64_t list_micro = 0;      ///< by the price list, paid or not
  std::int64_t weighted_milli = 0;  ///< thousandths of weighted tokens
};

/// How an upstream is doing at the moment of a scrape.
struct UpstreamGauges {
  std::string name;
  std::int64_t slots_limit = 0;  ///< 0: none
  std::int64_t slots_in_use = 0;
  std::int64_t slots_waiting = 0;
  std::int64_t rests_ms = 0;  ///< how long it still rests
  bool no_plan = false;
};

/// Cumulative histogram with fixed bounds.
template <std::size_t N>
struct Histogram {
  std::array<std::uint64_t, N + 1> buckets{};
  double sum = 0;
  std::uint64_t count = 0;
  void add(double value, const std::array<double, N>& bounds);
};

inline constexpr std::array<double, 17> kSecondBounds = {0.01,  0.02,  0.04,   0.08,   0.16,  0.32,
                                                         0.64,  1.28,  2.56,   5.12,   10.24, 20.48,
                                                         40.96, 81.92, 163.84, 327.68, 600};
inline constexpr std::array<double, 14> kTokenBounds = {
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
inline constexpr std::array<double, 8> kOverheadBounds = {0.0001, 0.00025, 0.0005, 0.001,
                                                          0.0025, 0.005,   0.01,   0.1};

/// One worker's counts. note() by its worker, merge by whoever scrapes.
class Metrics {
 public:
  void note(const Noted& noted);

  /// Values read elsewhere at the moment of a scrape.
  struct Gauges {
    std::int64_t connections = 0;
    std::int64_t calls = 0;
    std::int64_t body_memory = 0;  ///< bytes
    std::int64_t open_holds = 0;
    std::int64_t unwritten = 0;  ///< of them
    bool ledger_healthy = true;
    std::int64_t start_seconds = 0;
    std::vector<UpstreamGauges> upstreams;
  };
  /// The whole page in Prometheus text form, all workers together.
  static std::string write(std::span<Metrics* const> workers, const Gauges& gauges);

 private:
  struct Series {
    Histogram<kSecondBounds.size()> duration;
    Histogram<kSecondBounds.size()> first;
    Histogram<kTokenBounds.size()> input;
    Histogram<kTokenBounds.size()> output;
    Histogram<kOverheadBounds.size()> overhead;
    std::uint64_t cached = 0;
    std::uint64_t retries = 0;
    std::uint64_t weighted_milli = 0;
    std::array<std::uint64_t, 2> cost_micro{};  ///< by currency
    std::array<std::uint64_t, 2> list_micro{};
    void merge(const Series& other);
  };
  struct ExchangeLabels {  ///< of `glmgate_requests_total`
    std::string dialect;
    std::string upstream;
    std::string fault;
    int status = 0;
    auto operator<=>(const ExchangeLabels&) const = default;
  };
  struct ModelLabels {
    std::string upstream;
    std::string provider;
    std::string model;
    auto operator<=>(const ModelLabels&) const = default;
  };
  using Requests = std::map<ExchangeLabels, std::uint64_t>;
  using Models = std::map<ModelLabels, Series>;
  static void write_histograms(std::string& out, const Models& models);
  static void write_worth(std::string& out, const Models& models);

  mutable std::mutex mutex_;
  std::map<ExchangeLabels, std::uint64_t> requests_;
  std::map<ModelLabels, Series> models_;
};

}  // namespace glmgate::gateway
