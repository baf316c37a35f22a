#include "gateway/metrics.h"

namespace glmgate::gateway {
namespace {

std::uint64_t natural(std::int64_t count) {
  return count > 0 ? static_cast<std::uint64_t>(count) : 0;
}

template <std::size_t N>
void merge_histogram(Histogram<N>& into, const Histogram<N>& from) {
  for (std::size_t i = 0; i <= N; ++i) into.buckets[i] += from.buckets[i];
  into.sum += from.sum;
  into.count += from.count;
}

}  // namespace

template <std::size_t N>
void Histogram<N>::add(double value, const std::array<double, N>& bounds) {
  std::size_t i = 0;
  while (i < N && value > bounds[i]) ++i;
  ++buckets[i];
  sum += value;
  ++count;
}

void Metrics::Series::merge(const Series& other) {
  merge_histogram(duration, other.duration);
  merge_histogram(first, other.first);
  merge_histogram(input, other.input);
  merge_histogram(output, other.output);
  merge_histogram(overhead, other.overhead);
  cached += other.cached;
  retries += other.retries;
  weighted_milli += other.weighted_milli;
  for (std::size_t i = 0; i < cost_micro.size(); ++i) cost_micro[i] += other.cost_micro[i];
  for (std::size_t i = 0; i < list_micro.size(); ++i) list_micro[i] += other.list_micro[i];
}

void Metrics::note(const Noted& noted) {
  const std::lock_guard lock(mutex_);
  ++requests_[{std::string(noted.dialect), std::string(noted.upstream), std::string(noted.fault),
               noted.status}];
  if (noted.upstream.empty()) return;
  Series& series =
      models_[{std::string(noted.upstream), std::string(noted.provider), std::string(noted.model)}];
  series.duration.add(static_cast<double>(noted.total_us) / 1e6, kSecondBounds);
  series.overhead.add(static_cast<double>(noted.overhead_us) / 1e6, kOverheadBounds);
  if (noted.first_us >= 0)
    series.first.add(static_cast<double>(noted.first_us) / 1e6, kSecondBounds);
  if (noted.tries > 1) series.retries += static_cast<std::uint64_t>(noted.tries - 1);
  if (!noted.has_usage) return;
  series.input.add(static_cast<double>(noted.usage.input), kTokenBounds);
  series.output.add(static_cast<double>(noted.usage.output), kTokenBounds);
  series.cached += natural(noted.usage.cached);
  series.weighted_milli += natural(noted.weighted_milli);
  series.cost_micro[static_cast<std::size_t>(noted.currency)] += natural(noted.cost_micro);
  series.list_micro[static_cast<std::size_t>(noted.currency)] += natural(noted.list_micro);
}

}  // namespace glmgate::gateway
