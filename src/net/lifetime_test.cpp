// The rule of net/worker.h: a worker that ends destroys every kind of waiter, and nothing destroyed
// is resumed or touched. Most of it only the sanitizers see; what a plain build can see is counted.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "net/client.h"
#include "net/pool_test.h"
#include "net/resolver.h"
#include "net/test_certificate.h"
#include "net/test_upstream.h"

namespace glmgate::net {
namespace {

using namespace testing;

/// Lives in each waiting coroutine's frame.
class Witness {
 public:
  explicit Witness(int& alive) : alive_(alive) { ++alive_; }
  ~Witness() { --alive_; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

 private:
  int& alive_;
};

/// A worker that runs for a moment, and what its coroutines refer to.
struct House {
  House() {
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair);
    stream = std::make_unique<Stream>(worker, pair[0]);
    auto made = TlsContext::for_upstreams({});
    if (made) tls = std::move(*made);
    static const Certificate certificate("DNS:upstream.test");
    own_tls = certificate.shown();
  }
  ~House() {
    worker.end();
    EXPECT_EQ(alive, 0);
    ::close(pair[1]);
  }
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  void run(std::chrono::milliseconds time) {
    std::thread thread([this] { worker.run(); });
    std::this_thread::sleep_for(time);
    worker.stop();
    thread.join();
  }

  Worker worker{0};
  int alive = 0;
  int pair[2] = {-1, -1};
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<TlsContext> own_tls;  // towards clients
  std::unique_ptr<Stream> stream;
  Signal signal{worker};
  Pool::Cancel cancel;
};

awaitable<void> reads(House& house) {
  const Witness witness(house.alive);
  co_await house.stream->read(kNever);
}
awaitable<void> reads_within_a_minute(House& house) {
  const Witness witness(house.alive);
  co_await house.stream->read(house.worker.after(60s));
}
awaitable<void> writes(House& house) {
  const Witness witness(house.alive);
  const std::string much(32 * 1024 * 1024, 'x');
  const WriteOptions options{.stall = 60s};
  const std::string_view nothing;
  co_await house.stream->write(much, nothing, options);
}
awaitable<void> shakes_hands(House& house) {
  const Witness witness(house.alive);
  co_await house.stream->start_tls_client(*house.tls, "upstream.test", house.worker.after(60s));
}
awaitable<void> awaits_a_handshake(House& house) {
  const Witness witness(house.alive);
  co_await house.stream->start_tls_server(*house.own_tls, house.worker.after(60s));
}
awaitable<void> sleeps(House& house) {
  const Witness witness(house.alive);
  co_await sleep_for(house.worker, 60s);
}
awaitable<void> waits_for_a_signal(House& house) {
  const Witness witness(house.alive);
  co_await house.signal.wait(house.worker.after(60s));
}
awaitable<void> waits_for_the_end_of_the_turn(House& house) {
  const Witness witness(house.alive);
  while (true) co_await house.worker.end_of_turn();
}
awaitable<void> watches(House& house) {
  const Witness witness(house.alive);
  bool told = false;
  house.stream->watch_end([&told] { told = true; });
  co_await sleep_for(house.worker, 60s);
}

TEST(lifetime, an_ended_worker_has_destroyed_every_kind_of_waiter) {
  struct Case {
    const char* name;
    awaitable<void> (*wait)(House&);
  };
  const Case cases[] = {
      {"read", reads},
      {"read with a deadline", reads_within_a_minute},
      {"write", writes},
      {"tls handshake", shakes_hands},
      {"tls handshake of a client", awaits_a_handshake},
      {"sleep", sleeps},
      {"signal", waits_for_a_signal},
      {"end of turn", waits_for_the_end_of_the_turn},
      {"watch", watches},
  };
  for (const Case& c : cases)
    for (const auto time : {0ms, 30ms}) {
      SCOPED_TRACE(std::string(c.name) + " after " + std::to_string(time.count()) + " ms");
      House house;
      house.worker.spawn(c.wait(house));
      EXPECT_EQ(house.alive, 1);
      if (time.count() > 0) house.run(time);
      EXPECT_EQ(house.alive, 1);
    }
}

TEST(lifetime, what_is_posted_to_an_ended_worker_is_dropped) {
  House house;
  bool ran = false;
  auto held = std::make_shared<int>(1);
  house.worker.post([&ran, held] { ran = true; });
  house.worker.end();
  house.worker.post([&ran, held] { ran = true; });
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(ran);
}

TEST(lifetime, a_wake_up_that_comes_after_the_end_wakes_nobody) {
  struct Case {
    const char* name;
    awaitable<void> (*wait)(House&);
    void (*wake)(House&);
  };
  const Case cases[] = {
      {"abort of a read", reads, [](House& house) { house.stream->abort(); }},
      {"no more waiting to read", reads,
       [](House& house) { house.stream->stop_waiting_to_read(); }},
      {"abort of a handshake", awaits_a_handshake, [](House& house) { house.stream->abort(); }},
      {"stop of a write", writes, [](House& house) { house.stream->stop_writing(); }},
      {"abort of a write", writes, [](House& house) { house.stream->abort(); }},
      {"a signal", waits_for_a_signal, [](House& house) { house.signal.fire(); }},
      {"bytes", reads, [](House& house) { EXPECT_EQ(::write(house.pair[1], "x", 1), 1); }},
      {"an end", watches, [](House& house) { ::shutdown(house.pair[1], SHUT_RDWR); }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    House house;
    {
      awaitable<void> waiting = c.wait(house);
      waiting.await_suspend(std::noop_coroutine());  // up to its wait; its frame stays ours
      EXPECT_EQ(house.alive, 1);
      c.wake(house);
      if (c.wait == watches) house.stream->unwatch();
    }
    EXPECT_EQ(house.alive, 0);
    house.run(20ms);
  }
}

awaitable<void> waits_and_notes(Signal& signal, bool& over) {
  co_await signal.wait(kNever);
  over = true;
}

TEST(lifetime, firing_a_signal_does_not_run_the_waiter_on_the_callers_stack) {
  House house;
  Signal signal(house.worker);
  bool over = false;
  house.worker.spawn(waits_and_notes(signal, over));
  signal.fire();
  EXPECT_FALSE(over);
  house.run(20ms);
  EXPECT_TRUE(over);
}

awaitable<void> asks(Pool& pool, Pool::Cancel& cancel, std::string body, int& alive) {
  const Witness witness(alive);
  Headers headers;
  const OutgoingRequest request{.method = "POST", .path = "/", .headers = &headers, .body = body};
  auto answer = co_await pool.ask(request, {}, cancel);
  if (answer) co_await (*answer)->read_all(1 << 20, 60s);
  ADD_FAILURE() << "it was to wait";
}

TEST(lifetime, an_ended_worker_has_destroyed_a_request_at_every_stage) {
  struct Case {
    const char* name;
    Play upstream;
    std::string body;
    bool tls;
    const char* host;
    std::chrono::milliseconds time;
    bool by_proxy = false;
  };
  const Play silent = [](Peer& peer) { peer.wait_gone(20ms); };
  const Case cases[] = {
      {"name", silent, "", false, "upstream.invalid", 0ms},
      {"connect", silent, "", false, "127.0.0.1", 0ms},
      {"handshake", [](Peer& peer) { peer.wait_gone(); }, "", true, "127.0.0.1", 50ms},
      {"tunnel", [](Peer& peer) { peer.read_head(), peer.wait_gone(); }, "", true, "upstream.test",
       50ms, true},
      {"request", [](Peer& peer) { std::this_thread::sleep_for(200ms), peer.close(); },
       std::string(32 * 1024 * 1024, 'x'), false, "127.0.0.1", 50ms},
      {"head", [](Peer& peer) { peer.read_request(), peer.wait_gone(); }, "", false, "127.0.0.1",
       50ms},
      {"body",
       [](Peer& peer) {
         peer.read_request();
         peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
         peer.wait_gone();
       },
       "", false, "127.0.0.1", 50ms},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    TestUpstream upstream({c.upstream});
    House house;
    const Url url{.tls = c.tls, .host = c.host, .port = upstream.port(), .path = ""};
    ProxyRules rules;
    if (c.by_proxy) rules.https_proxy = "http://127.0.0.1:" + std::to_string(upstream.port());
    auto pool = std::make_unique<Pool>(house.worker, url, rules, house.tls.get(), ClientLimits{});
    house.worker.spawn(asks(*pool, house.cancel, c.body, house.alive));
    EXPECT_EQ(house.alive, 1);
    if (c.time.count() > 0) house.run(c.time);
    EXPECT_EQ(house.alive, 1);
    house.worker.end();
    EXPECT_EQ(house.alive, 0);
    pool.reset();
  }
}

awaitable<void> ask_once(Pool& pool, Pool::Cancel& cancel, std::promise<void>& done) {
  Wish wish;
  const Outcome outcome = co_await ask_with(pool, std::move(wish), cancel);
  EXPECT_EQ(outcome.body, "1");
  done.set_value();
}

TEST(lifetime, an_ended_worker_has_destroyed_idle_connections_and_what_watches_them) {
  TestUpstream upstream({count_requests});
  House house;
  const Url url{.tls = false, .host = "127.0.0.1", .port = upstream.port(), .path = ""};
  auto pool = std::make_unique<Pool>(house.worker, url, ProxyRules{}, nullptr, ClientLimits{});
  std::thread thread([&house] { house.worker.run(); });
  std::promise<void> done;
  house.worker.post([&] { house.worker.spawn(ask_once(*pool, house.cancel, done)); });
  done.get_future().wait();
  house.worker.stop();
  thread.join();
  EXPECT_EQ(pool->idle(), 1U);
  house.worker.end();
  pool.reset();
}

TEST(lifetime, a_name_that_is_found_after_the_end_is_told_to_nobody) {
  bool told = false;
  {
    House house;
    Resolver resolver(house.worker);
    resolver.find("localhost", 80, [&told](const auto&) { told = true; });
    house.worker.end();
  }
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace glmgate::net
