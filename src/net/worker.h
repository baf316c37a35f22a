// One worker is one thread: an event loop on epoll, a coarse deadline list and a read buffer that
// all its connections share. What belongs to a worker is touched by its thread only; others reach
// it through post().
//
// Who lives how long (docs/decisions/0003):
// 1. A coroutine belongs to its worker (spawn) or to the one that awaits it; nobody else destroys
//    it.
// 2. Only the loop resumes what waits. Whoever ends another's wait (Signal::fire, Stream::abort and
//    stop_writing, Pool::Cancel) leaves that to a later task: after the call the caller's frame,
//    its containers and iterators are as they were.
// 3. Who is resumed may destroy whatever it owns. A Source, a deadline or a task that resumes does
//    it last, or holds on to what it still touches.
// 4. A wait that is destroyed takes itself off every list: nothing destroyed is resumed.
// 5. end() comes before whatever the coroutines refer to goes; what is posted after it is dropped.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "net/awaitable.h"

struct epoll_event;

namespace glmgate::net {

using TimePoint = std::chrono::steady_clock::time_point;

/// No deadline.
inline constexpr TimePoint kNever = TimePoint::max();

class Deadlines;

class Worker {
 public:
  /// Something with a descriptor, told of its edges: each is told once, so whoever is told must
  /// read or write until it would block.
  class Source {
   public:
    /// `events` of epoll. May destroy the Source.
    virtual void on_ready(std::uint32_t events) = 0;

   protected:
    ~Source() = default;
  };

  explicit Worker(int index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  int index() const { return index_; }
  void run();   ///< until stop(); the calling thread becomes the worker's
  void stop();  ///< from any thread
  void post(std::move_only_function<void()> task);  ///< from any thread

  /// Runs `work` up to its first wait, and on from there whenever that ends. Worker's thread, or
  /// before it runs.
  void spawn(awaitable<void> work);
  /// Destroys what still waits, and drops what is posted, now and later. After run() has returned,
  /// and before anything goes that a coroutine refers to. The destructor does it last.
  void end();

  /// False if the kernel cannot watch another descriptor: `source` will be told nothing.
  [[nodiscard]] bool add(int fd, Source& source);
  /// Before the descriptor is closed: `source` is not told anything any more.
  void remove(Source& source);

  /// `co_await worker.end_of_turn()`: until what is ready in this turn of the loop has been
  /// handled. Writes wait for it: sent one after the other they wake their receiver once, not each
  /// by itself.
  class EndOfTurn;
  EndOfTurn end_of_turn();
  /// `co_await worker.sleep_until(at)`; nothing ends it earlier.
  class Sleep;
  Sleep sleep_until(TimePoint at);

  TimePoint now() const { return now_; }  ///< steady time, read once per turn of the loop
  TimePoint after(std::chrono::milliseconds span) const { return now_ + span; }
  Deadlines& deadlines() { return *deadlines_; }

  /// 64 KiB to read into. What stands in it is gone at the next co_await: consume it before.
  std::span<char> scratch() { return {scratch_.get(), kScratchBytes}; }
  static constexpr std::size_t kScratchBytes = 64 * 1024;

 private:
  struct Root;
  class Wakeup;
  static Root run_root(Worker& worker, awaitable<void> work);
  int wait(epoll_event* events, int count);
  void run_posted();
  void run_sleepers();
  void run_end_of_turn();

  const int index_;
  const int epoll_;
  TimePoint now_;
  std::unique_ptr<Deadlines> deadlines_;
  std::unique_ptr<char[]> scratch_;
  std::unique_ptr<Wakeup> wakeup_;
  std::span<epoll_event> batch_;            ///< what of the loop's turn is still to be told
  std::vector<EndOfTurn*> at_end_of_turn_;  ///< nullptr: destroyed while it waited
  std::vector<EndOfTurn*> ending_turn_;
  std::multimap<TimePoint, Sleep*> sleepers_;
  std::list<std::coroutine_handle<>> roots_;

  std::mutex mutex_;
  std::vector<std::move_only_function<void()>> posted_;  // under mutex_
  bool stopped_ = false;                                 // under mutex_
  bool ended_ = false;                                   // under mutex_
};

class Worker::EndOfTurn {
 public:
  explicit EndOfTurn(Worker& worker) : worker_(worker) {}
  ~EndOfTurn() {
    if (caller_) leave();
  }
  EndOfTurn(const EndOfTurn&) = delete;
  EndOfTurn& operator=(const EndOfTurn&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    worker_.at_end_of_turn_.push_back(this);
  }
  void await_resume() const noexcept {}

 private:
  friend class Worker;
  void leave();
  Worker& worker_;
  std::coroutine_handle<> caller_;  ///< while it waits
};

class Worker::Sleep {
 public:
  Sleep(Worker& worker, TimePoint at) : worker_(worker), at_(at) {}
  ~Sleep() {
    if (caller_) worker_.sleepers_.erase(place_);
  }
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    place_ = worker_.sleepers_.emplace(at_, this);
  }
  void await_resume() const noexcept {}

 private:
  friend class Worker;
  Worker& worker_;
  const TimePoint at_;
  std::coroutine_handle<> caller_;  ///< while it waits
  std::multimap<TimePoint, Sleep*>::iterator place_;
};

inline Worker::EndOfTurn Worker::end_of_turn() { return EndOfTurn(*this); }
inline Worker::Sleep Worker::sleep_until(TimePoint at) { return Sleep(*this, at); }

/// Waits at least `duration`; a client that leaves or a deadline does not end it.
awaitable<void> sleep_for(Worker& worker, std::chrono::microseconds duration);

/// One coroutine waits, one event on the same worker wakes it, by a later task. Fired before the
/// wait: the wait returns at once. Reusable after reset(). With a deadline, wait() returns false
/// when it passed first.
class Signal {
 public:
  explicit Signal(Worker& worker);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  awaitable<bool> wait(TimePoint deadline);
  void fire();
  void reset();

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< the task that wakes the coroutine may come after its end
};

}  // namespace glmgate::net
