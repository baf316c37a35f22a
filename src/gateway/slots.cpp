#include "gateway/slots.h"

#include <algorithm>

namespace glmgate::gateway {

Slots::Slot& Slots::Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    if (from_ != nullptr) from_->give_back();
    from_ = std::exchange(other.from_, nullptr);
  }
  return *this;
}

Slots::Slot::~Slot() {
  if (from_ != nullptr) from_->give_back();
}

Slots::Slot Slots::try_take() {
  if (unlimited_) return Slot(this);
  const std::lock_guard lock(mutex_);
  return take_free() ? Slot(this) : Slot();
}

bool Slots::take_free() {
  if (free_ == 0) return false;
  --free_;
  return true;
}

net::awaitable<Slots::Slot> Slots::take(Turn& turn, net::TimePoint deadline) {
  if (unlimited_) co_return Slot(this);
  {
    const std::lock_guard lock(mutex_);
    if (take_free()) co_return Slot(this);
    queue_.push_back(turn.place_);
  }
  co_await turn.place_->signal.wait(deadline);
  const std::lock_guard lock(mutex_);
  if (turn.place_->granted) co_return Slot(this);
  std::erase(queue_, turn.place_);
  co_return Slot();
}

void Slots::give_back() {
  --in_use_;
  if (unlimited_) return;
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) {
    ++free_;
    return;
  }
  std::shared_ptr<Turn::Place> next = std::move(queue_.front());
  queue_.pop_front();
  next->granted = true;
  net::Worker& worker = next->worker;
  worker.post([place = std::move(next)] { place->signal.fire(); });
}

std::size_t Slots::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace glmgate::gateway
