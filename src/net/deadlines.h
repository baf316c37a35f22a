// The worker's list of waits that must end in time. Looked at every 100 ms, and only while
// something is armed: a timer for each wait would cost a third of a request.
#pragma once

#include <functional>

#include "net/worker.h"

namespace glmgate::net {

/// One wait's deadline, linked into its worker's list while armed. The owner gives it a function
/// that ends the wait.
class Deadline {
 public:
  explicit Deadline(std::function<void()> on_expiry) : on_expiry_(std::move(on_expiry)) {}
  ~Deadline() { disarm(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void disarm();

 private:
  friend class Deadlines;
  std::function<void()> on_expiry_;
  TimePoint at_ = kNever;
  Deadlines* list_ = nullptr;
  Deadline* previous_ = nullptr;
  Deadline* next_ = nullptr;
};

/// Disarms when the wait ends, also when the waiting coroutine is destroyed.
class Armed {
 public:
  Armed(Deadlines& list, Deadline& deadline, TimePoint at);
  ~Armed() { deadline_.disarm(); }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;

 private:
  Deadline& deadline_;
};

class Deadlines {
 public:
  /// Arms `deadline`, or moves it. kNever disarms.
  void arm(Deadline& deadline, TimePoint at);

  /// When tick() wants to be called next; kNever if nothing is armed.
  TimePoint next() const { return first_ != nullptr ? next_tick_ : kNever; }
  /// Ends the waits whose time has come, if it is time to look.
  void tick(TimePoint now);

 private:
  friend class Deadline;
  void unlink(Deadline& deadline);

  TimePoint next_tick_{};
  Deadline* first_ = nullptr;
  Deadline* cursor_ = nullptr;  ///< next one tick() will look at
};

inline Armed::Armed(Deadlines& list, Deadline& deadline, TimePoint at) : deadline_(deadline) {
  list.arm(deadline, at);
}

}  // namespace glmgate::net
