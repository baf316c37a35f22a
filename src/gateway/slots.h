// How many requests an upstream account takes at once. The rest wait their turn, first come, first
// served.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "net/worker.h"

namespace glmgate::gateway {

class Slots {
 public:
  explicit Slots(std::uint32_t at_once)
      : limit(at_once), free_(at_once), unlimited_(at_once == 0) {}

  const std::uint32_t limit;  ///< 0: none

  /// One request's place. Gives it back when destroyed.
  class Slot {
   public:
    Slot() = default;
    explicit Slot(Slots* from) : from_(from) { ++from_->in_use_; }
    Slot(Slot&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();
    explicit operator bool() const { return from_ != nullptr; }

   private:
    Slots* from_ = nullptr;
  };

  /// A turn being waited for, by a coroutine of `worker`. cancel() ends the wait, from the same
  /// worker.
  class Turn {
   public:
    explicit Turn(net::Worker& worker) : place_(std::make_shared<Place>(worker)) {}
    void cancel() { place_->signal.fire(); }

   private:
    friend class Slots;
    /// Shared with the task that wakes the coroutine, which may come after the wait has timed out.
    struct Place {
      explicit Place(net::Worker& w) : worker(w), signal(w) {}
      net::Worker& worker;
      net::Signal signal;
      bool granted = false;  // under mutex_
    };
    std::shared_ptr<Place> place_;
  };

  /// An empty Slot if none is free.
  Slot try_take();
  /// An empty Slot if the deadline passed or the turn was cancelled first.
  net::awaitable<Slot> take(Turn& turn, net::TimePoint deadline);

  std::size_t waiting() const;
  std::int64_t in_use() const { return in_use_.load(std::memory_order_relaxed); }

 private:
  bool take_free();  // under mutex_
  void give_back();

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Turn::Place>> queue_;
  std::uint32_t free_;
  std::atomic<std::int64_t> in_use_{0};
  const bool unlimited_;
};

}  // namespace glmgate::gateway
