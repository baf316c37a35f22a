#include "gateway/slots.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/test_upstream.h"

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;
using net::awaitable;
using net::testing::TestLoop;

struct Waiter {
  explicit Waiter(net::Worker& worker) : turn(worker) {}
  Slots::Turn turn;
  bool over = false;
  bool got = false;
};

/// Waits, and gives back at once what it got.
awaitable<void> wait(Slots& slots, Waiter& waiter, net::TimePoint until, std::string name,
                     std::string& order) {
  const Slots::Slot slot = co_await slots.take(waiter.turn, until);
  waiter.over = true;
  waiter.got = static_cast<bool>(slot);
  if (waiter.got) order += name;
}

void wait_for_waiting(const Slots& slots, std::size_t wanted) {
  for (int i = 0; i < 200 && slots.waiting() != wanted; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(slots.waiting(), wanted);
}

TEST(slots, are_had_at_once_while_there_are_some) {
  Slots slots(2);
  Slots::Slot one = slots.try_take();
  const Slots::Slot two = slots.try_take();
  EXPECT_TRUE(one);
  EXPECT_TRUE(two);
  EXPECT_FALSE(slots.try_take());
  EXPECT_EQ(slots.in_use(), 2);
  one = {};
  EXPECT_EQ(slots.in_use(), 1);
  EXPECT_TRUE(slots.try_take());
}

TEST(slots, without_a_limit_are_counted) {
  Slots slots(0);
  std::vector<Slots::Slot> all;
  for (int i = 0; i < 1000; ++i) all.push_back(slots.try_take());
  EXPECT_TRUE(all.back());
  EXPECT_EQ(slots.in_use(), 1000);
}

TEST(slots, who_waits_is_served_in_turn_unless_it_gave_up) {
  Slots slots(1);
  Slots::Slot taken = slots.try_take();
  TestLoop loop;
  std::string order;
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 4; ++i) waiters.push_back(std::make_unique<Waiter>(loop.worker));
  std::vector<std::future<void>> over;
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    const auto until = i == 1 ? loop.worker.after(20ms) : net::kNever;
    over.push_back(loop.start(wait(slots, *waiters[i], until, std::to_string(i), order)));
  }
  over[1].wait();  // its time is over
  wait_for_waiting(slots, 3);
  loop.call([&] { waiters[2]->turn.cancel(); });
  over[2].wait();
  wait_for_waiting(slots, 2);
  taken = {};
  over[0].wait();
  over[3].wait();
  EXPECT_EQ(order, "03");
  EXPECT_FALSE(waiters[1]->got);
  EXPECT_FALSE(waiters[2]->got);
  EXPECT_EQ(slots.in_use(), 0);
  EXPECT_TRUE(slots.try_take());
}

// The lifetime rule (net/worker.h).
TEST(slots, an_ended_worker_has_destroyed_who_waits_and_a_slot_may_come_back_later) {
  Slots slots(1);
  Slots::Slot taken = slots.try_take();
  std::string order;
  net::Worker worker(0);
  Waiter waiter(worker);
  worker.spawn(wait(slots, waiter, net::kNever, "x", order));
  EXPECT_EQ(slots.waiting(), 1U);
  worker.end();
  taken = {};  // granted to nobody, and nobody is resumed
  EXPECT_FALSE(waiter.over);
  EXPECT_EQ(order, "");
}

}  // namespace
}  // namespace glmgate::gateway
