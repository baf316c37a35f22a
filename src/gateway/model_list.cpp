#include "gateway/model_list.h"

namespace glmgate::gateway {
namespace {

constexpr UtcMillis kKept = 60'000;
constexpr UtcMillis kAfterFailure = 10'000;

}  // namespace

bool ModelList::take_turn(UtcMillis now) {
  UtcMillis next = next_ms_.load(std::memory_order_relaxed);
  return next <= now && next_ms_.compare_exchange_strong(next, now + kAfterFailure);
}

void ModelList::replace(Entries entries, UtcMillis now) {
  auto fresh = std::make_shared<const Entries>(std::move(entries));
  {
    const std::lock_guard lock(mutex_);
    entries_.swap(fresh);
  }
  next_ms_ = now + kKept;
}

std::shared_ptr<const ModelList::Entries> ModelList::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

}  // namespace glmgate::gateway
