// One coroutine that waits to be resumed. Resuming runs it at once, on the caller's stack.
#pragma once

#include <coroutine>
#include <utility>

namespace glmgate::net {

class Waiter {
 public:
  bool waiting() const { return static_cast<bool>(waiting_); }

  class Wait {
   public:
    explicit Wait(Waiter& waiter) : waiter_(waiter) {}
    ~Wait() {
      if (caller_ && waiter_.waiting_ == caller_) waiter_.waiting_ = nullptr;
    }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> caller) noexcept {
      waiter_.waiting_ = caller_ = caller;
    }
    void await_resume() noexcept { caller_ = nullptr; }

   private:
    Waiter& waiter_;
    std::coroutine_handle<> caller_;  ///< while it waits
  };
  /// `co_await waiter.wait()` suspends until resume(). One at a time.
  Wait wait() { return Wait(*this); }

  void resume() {
    if (const auto caller = std::exchange(waiting_, nullptr)) caller.resume();
  }

 private:
  std::coroutine_handle<> waiting_;
};

}  // namespace glmgate::net
