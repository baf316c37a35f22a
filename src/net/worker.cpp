#include "net/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "net/deadlines.h"
#include "net/waiter.h"

namespace glmgate::net {
namespace {

/// Events told in one turn: more would let the first of them wait long for its write.
constexpr int kBatch = 64;

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

/// Lets other threads end the loop's wait.
class Worker::Wakeup final : public Source {
 public:
  explicit Wakeup(Worker& worker)
      : fd_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
    if (!worker.add(fd_, *this)) checked(-1, "epoll_ctl");
  }
  ~Wakeup() { ::close(fd_); }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void ring() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(fd_, &one, sizeof one));  // full: it rings already
  }
  void on_ready(std::uint32_t) override {
    std::uint64_t count = 0;
    static_cast<void>(::read(fd_, &count, sizeof count));
  }

 private:
  const int fd_;
};

/// A coroutine nobody awaits.
struct Worker::Root {
  struct promise_type {
    Root get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }  // run_root() catches
    std::list<std::coroutine_handle<>>::iterator place;
  };
  std::coroutine_handle<promise_type> handle;

  /// `co_await Place{}`: where the coroutine stands in its worker's list.
  struct Place {
    std::list<std::coroutine_handle<>>::iterator place;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<promise_type> self) noexcept {
      place = self.promise().place;
      return false;
    }
    auto await_resume() const noexcept { return place; }
  };
};

Worker::Root Worker::run_root(Worker& worker, awaitable<void> work) {
  try {
    co_await work;
  } catch (const std::exception& bug) {
    log::write(log::Level::error, "bug", {{"what", bug.what()}});
  }
  Root::Place own;
  const auto place = co_await own;
  worker.roots_.erase(place);
}

Worker::Worker(int index)
    : index_(index),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      now_(std::chrono::steady_clock::now()),
      deadlines_(std::make_unique<Deadlines>()),
      scratch_(std::make_unique<char[]>(kScratchBytes)),
      wakeup_(std::make_unique<Wakeup>(*this)) {}

Worker::~Worker() {
  end();
  ::close(epoll_);
}

void Worker::end() {
  std::vector<std::move_only_function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    dropped.swap(posted_);
  }
  while (!roots_.empty()) {
    const std::coroutine_handle<> root = roots_.front();
    roots_.pop_front();
    root.destroy();
  }
}

void Worker::spawn(awaitable<void> work) {
  const Root root = run_root(*this, std::move(work));
  root.handle.promise().place = roots_.insert(roots_.end(), root.handle);
  root.handle.resume();
}

bool Worker::add(int fd, Source& source) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &source;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Worker::remove(Source& source) {
  for (epoll_event& each : batch_)
    if (each.data.ptr == &source) each.data.ptr = nullptr;
}

void Worker::post(std::move_only_function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;  // the caller's copy goes once the lock is released
  posted_.push_back(std::move(task));
  if (posted_.size() == 1) wakeup_->ring();
}

void Worker::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  wakeup_->ring();
}

int Worker::wait(epoll_event* events, int count) {
  TimePoint until = deadlines_->next();
  if (!sleepers_.empty()) until = std::min(until, sleepers_.begin()->first);
  if (!at_end_of_turn_.empty()) until = TimePoint{};
  if (until == kNever) return ::epoll_wait(epoll_, events, count, -1);
  const auto left = std::max(until - std::chrono::steady_clock::now(), TimePoint::duration{0});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec span{seconds.count(), (left - seconds).count()};
  const int n = ::epoll_pwait2(epoll_, events, count, &span, nullptr);
  if (n >= 0 || errno != ENOSYS) return n;
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left);  // kernels before 5.11
  return ::epoll_wait(epoll_, events, count, static_cast<int>(whole.count()));
}

void Worker::run() {
  std::array<epoll_event, kBatch> events{};
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) {
        stopped_ = false;
        return;
      }
    }
    const int n = wait(events.data(), kBatch);
    now_ = std::chrono::steady_clock::now();
    batch_ = std::span(events).first(static_cast<std::size_t>(std::max(n, 0)));
    while (!batch_.empty()) {
      const epoll_event event = batch_.front();
      batch_ = batch_.subspan(1);
      if (event.data.ptr != nullptr) static_cast<Source*>(event.data.ptr)->on_ready(event.events);
    }
    run_posted();
    deadlines_->tick(now_);
    run_sleepers();
    run_end_of_turn();
  }
}

void Worker::run_posted() {
  std::vector<std::move_only_function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

void Worker::run_sleepers() {
  while (!sleepers_.empty() && sleepers_.begin()->first <= now_) {
    Sleep& next = *sleepers_.begin()->second;
    sleepers_.erase(sleepers_.begin());
    std::exchange(next.caller_, nullptr).resume();
  }
}

void Worker::run_end_of_turn() {
  ending_turn_.swap(at_end_of_turn_);
  for (EndOfTurn*& each : ending_turn_)
    if (EndOfTurn* const wait = std::exchange(each, nullptr))
      std::exchange(wait->caller_, nullptr).resume();
  ending_turn_.clear();
}

void Worker::EndOfTurn::leave() {
  std::ranges::replace(worker_.at_end_of_turn_, this, nullptr);
  std::ranges::replace(worker_.ending_turn_, this, nullptr);
}

struct Signal::State {
  explicit State(Worker& w)
      : worker(w), deadline([this] {
          timed_out = true;
          waiter.resume();
        }) {}
  Worker& worker;
  Waiter waiter;
  bool fired = false;
  bool timed_out = false;
  Deadline deadline;
};

Signal::Signal(Worker& worker) : state_(std::make_shared<State>(worker)) {}
Signal::~Signal() = default;

awaitable<bool> Signal::wait(TimePoint deadline) {
  State& state = *state_;
  if (state.fired) co_return true;
  state.timed_out = false;
  const Armed armed(state.worker.deadlines(), state.deadline, deadline);
  // A task that was to wake an earlier wait wakes nobody here.
  while (!state.fired && !state.timed_out) co_await state.waiter.wait();
  co_return state.fired;
}

void Signal::fire() {
  state_->fired = true;
  if (!state_->waiter.waiting()) return;
  state_->worker.post([weak = std::weak_ptr(state_)] {
    if (const std::shared_ptr<State> state = weak.lock()) state->waiter.resume();
  });
}

void Signal::reset() { state_->fired = false; }

awaitable<void> sleep_for(Worker& worker, std::chrono::microseconds duration) {
  co_await worker.sleep_until(std::chrono::steady_clock::now() + duration);
}

}  // namespace glmgate::net
