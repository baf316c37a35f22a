// The pool against scripted upstreams on loopback.
#include <gtest/gtest.h>

#include "net/client.h"
#include "net/pool_test.h"
#include "net/test_descriptors.h"
#include "net/test_gzip.h"

namespace glmgate::net {
namespace {

using namespace testing;

/// Two requests, between which the loop is held up, so that it cannot notice anything.
awaitable<Outcome> ask_again_at_once(Pool& pool, Pool::Cancel& cancel) {
  Wish wish;
  const Outcome first = co_await ask_with(pool, wish, cancel);
  std::this_thread::sleep_for(50ms);
  Outcome second = co_await ask_with(pool, wish, cancel);
  co_return second;
}

Play answer_once(std::string bytes) {
  return [bytes](Peer& peer) {
    peer.read_request();
    peer.send(bytes);
    peer.wait_gone(100ms);
  };
}

TEST_F(PoolTest, out_of_descriptors_it_says_so) {
#if defined(__clang__)
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "UBSan needs descriptors to look at a type";
#endif
#endif
  const Play once = [](Peer& peer) {
    peer.read_request();
    peer.send(answer_of("ok", "Connection: close\r\n"));
  };
  TestUpstream upstream({once, once});
  open(upstream.port());
  EXPECT_EQ(ask().body, "ok");
  {
    const Tight tight(0);
    const Outcome outcome = ask();
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->error, IoError::full);
    EXPECT_EQ(outcome.failure->what, "no connection: Too many open files");
  }
  EXPECT_EQ(ask().body, "ok");
}

TEST_F(PoolTest, sends_what_the_upstream_needs_and_no_more) {
  std::string seen;
  TestUpstream upstream({[&](Peer& peer) {
    seen = peer.read_request();
    peer.send(answer_of("ok"));
    peer.wait_gone();
  }});
  open(upstream.port());
  EXPECT_EQ(ask({.body = "hello"}).body, "ok");
  close_pool();
  upstream.finish();
  EXPECT_EQ(seen, "POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1:" + std::to_string(upstream.port()) +
                      "\r\ncontent-type: application/json\r\nuser-agent: glmgate/" GLMGATE_VERSION
                      "\r\ncontent-length: 5\r\n\r\nhello");
}

TEST_F(PoolTest, a_complete_answer_gives_its_connection_back) {
  TestUpstream upstream({count_requests});
  open(upstream.port());
  for (int i = 1; i <= 20; ++i) EXPECT_EQ(ask().body, std::to_string(i));
  EXPECT_EQ(upstream.connections(), 1);
  EXPECT_EQ(idle(), 1U);
}

TEST_F(PoolTest, a_connection_that_may_hold_more_is_not_used_again) {
  const struct {
    const char* name;
    std::string bytes;
  } cases[] = {
      {"asked to close", answer_of("x", "Connection: close\r\n")},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"},
      {"bytes after the body", answer_of("x") + answer_of("y")},
      {"a byte after the body", answer_of("x") + "\n"},
      {"bytes after an empty body", answer_of("") + "y"},
      {"bytes after the last chunk",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nz"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    TestUpstream upstream({answer_once(c.bytes), answer_once(answer_of("second"))});
    open(upstream.port());
    EXPECT_EQ(ask().status, 200);
    EXPECT_EQ(idle(), 0U);
    EXPECT_EQ(ask().body, "second");
    close_pool();
  }
}

TEST_F(PoolTest, unsolicited_bytes_never_reach_the_next_request) {
  TestUpstream upstream({[](Peer& peer) {
                           peer.read_request();
                           peer.send(answer_of("first"));
                           std::this_thread::sleep_for(20ms);
                           peer.send(answer_of("poison"));
                           peer.wait_gone();
                         },
                         count_requests});
  open(upstream.port());
  EXPECT_EQ(ask().body, "first");
  settle(0);
  EXPECT_EQ(idle(), 0U);
  EXPECT_EQ(ask().body, "1");
}

TEST_F(PoolTest, unsolicited_bytes_are_found_even_when_the_loop_is_late) {
  TestUpstream upstream({[](Peer& peer) {
                           peer.read_request();
                           peer.send(answer_of("first"));
                           std::this_thread::sleep_for(10ms);
                           peer.send(answer_of("poison"));
                           peer.wait_gone();
                         },
                         count_requests});
  open(upstream.port());
  EXPECT_EQ(loop.run(ask_again_at_once(*pool, cancel)).body, "1");
}

TEST_F(PoolTest, a_stale_connection_is_replaced_once_and_silently) {
  for (const bool hard : {false, true}) {
    SCOPED_TRACE(hard);
    TestUpstream upstream({[hard](Peer& peer) {
                             peer.read_request();
                             peer.send(answer_of("first"));
                             peer.read_head();  // closes with the second request in hand
                             if (hard) peer.reset();
                           },
                           count_requests});
    open(upstream.port());
    EXPECT_EQ(ask().body, "first");
    EXPECT_EQ(ask().body, "1");
    EXPECT_EQ(upstream.connections(), 2);
    close_pool();
  }
}

TEST_F(PoolTest, a_fresh_connection_that_dies_is_not_tried_again) {
  for (const bool hard : {false, true}) {
    SCOPED_TRACE(hard);
    TestUpstream upstream({[hard](Peer& peer) {
      peer.read_request();
      if (hard) peer.reset();
    }});
    open(upstream.port());
    const Outcome outcome = ask();
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->stage, Stage::waiting);
    EXPECT_EQ(outcome.failure->error, hard ? IoError::reset : IoError::closed);
    EXPECT_EQ(upstream.connections(), 1);
    close_pool();
  }
}

TEST_F(PoolTest, a_stale_connection_whose_answer_had_begun_is_not_tried_again) {
  TestUpstream upstream({[](Peer& peer) {
    peer.read_request();
    peer.send(answer_of("first"));
    peer.read_request();
    peer.send("HTTP/1.1 200");
  }});
  open(upstream.port());
  EXPECT_EQ(ask().body, "first");
  const Outcome outcome = ask();
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->stage, Stage::answering);
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(PoolTest, an_answer_cut_anywhere_is_an_error) {
  const std::string answers[] = {
      answer_of("hello", "Content-Type: text/plain\r\n"),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nT: "
      "v\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" +
          [] {
            const std::string bytes = gzip("hello");
            char size[16];
            std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
            return size + bytes + "\r\n0\r\n\r\n";
          }(),
  };
  for (const std::string& bytes : answers)
    for (const Reading reading : {Reading::whole, Reading::pieces}) {
      std::vector<Play> plays;
      for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        plays.push_back([&bytes, cut](Peer& peer) {
          peer.read_request();
          peer.send(bytes.substr(0, cut));
          if (cut % 2 == 1) peer.reset();
        });
      plays.push_back(answer_once(bytes));
      TestUpstream upstream(plays);
      open(upstream.port());
      Wish wish;
      wish.reading = reading;
      for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        SCOPED_TRACE(bytes.substr(0, cut));
        const Outcome outcome = ask(wish);
        EXPECT_TRUE(outcome.failure || outcome.read_error);
      }
      const Outcome whole = ask(wish);
      EXPECT_FALSE(whole.failure || whole.read_error);
      close_pool();
    }
}

TEST_F(PoolTest, a_body_until_close_needs_the_upstream_to_say_so) {
  const struct {
    const char* name;
    std::string bytes;
    bool complete;
  } cases[] = {
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", true},
      {"connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", true},
      {"neither", "HTTP/1.1 200 OK\r\n\r\nhello", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    TestUpstream upstream({[&](Peer& peer) {
      peer.read_request();
      peer.send(c.bytes);
    }});
    open(upstream.port());
    const Outcome outcome = ask();
    EXPECT_EQ(!outcome.failure, c.complete);
    if (c.complete) {
      EXPECT_EQ(outcome.body, "hello");
    }
    close_pool();
  }
}

TEST_F(PoolTest, waits_have_an_end) {
  const Patience short_one{.connect = 2s, .first_byte = 200ms, .idle = 200ms, .write_stall = 200ms};
  const struct {
    const char* name;
    std::string sent;
    Stage stage;
    std::string what;
  } cases[] = {
      {"no first byte", "", Stage::waiting, "no answer within 200 ms"},
      {"half a head", "HTTP/1.1 200 OK\r\nx: y", Stage::answering, "no answer within 200 ms"},
      {"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", Stage::answering,
       "answer fell silent for 200 ms"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::chrono::milliseconds left{0};
    TestUpstream upstream({[&](Peer& peer) {
      peer.read_request();
      peer.send(c.sent);
      left = peer.wait_gone();
    }});
    open(upstream.port());
    const Outcome outcome = ask({.patience = short_one});
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->stage, c.stage);
    EXPECT_EQ(outcome.failure->error, IoError::timeout);
    EXPECT_EQ(outcome.failure->what, c.what);
    EXPECT_LT(outcome.took, 1000ms);
    upstream.finish();
    EXPECT_LT(left, 1000ms);  // the upstream sees that nobody waits any more
    close_pool();
  }
}

TEST_F(PoolTest, a_request_nobody_takes_ends_in_time) {
  TestUpstream upstream({[](Peer&) { std::this_thread::sleep_for(700ms); }});
  open(upstream.port());
  Wish wish{.body = std::string(32 << 20, 'x')};
  wish.patience.write_stall = 300ms;
  const Outcome outcome = ask(wish);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->stage, Stage::sending);
  EXPECT_EQ(outcome.failure->error, IoError::timeout);
  EXPECT_LT(outcome.took, 1000ms);
}

TEST_F(PoolTest, cancelling_is_seen_by_the_upstream_at_once) {
  const std::string sent[] = {"", "HTTP/1.1 200 OK\r\n",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"};
  for (const std::string& begin : sent) {
    SCOPED_TRACE(begin);
    Steady::time_point left{};
    Steady::time_point cancelled{};
    TestUpstream upstream({[&](Peer& peer) {
      peer.read_request();
      peer.send(begin);
      peer.wait_gone();
      left = Steady::now();
    }});
    open(upstream.port());
    cancel = {};
    std::thread canceller([&] {
      std::this_thread::sleep_for(100ms);
      cancelled = Steady::now();
      loop.call([&] { cancel.abort(); });
    });
    const Outcome outcome = loop.run(ask_with(*pool, {}, cancel));
    canceller.join();
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->error, IoError::aborted);
    upstream.finish();
    EXPECT_LT(left - cancelled, 100ms);
    close_pool();
  }
}

TEST_F(PoolTest, a_cancelled_attempt_does_not_begin) {
  TestUpstream upstream({count_requests});
  open(upstream.port());
  cancel.abort();
  const Outcome outcome = loop.run(ask_with(*pool, {}, cancel));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error, IoError::aborted);
  EXPECT_EQ(upstream.connections(), 0);
}

TEST_F(PoolTest, an_answer_dropped_halfway_closes_the_connection) {
  std::chrono::milliseconds left{0};
  TestUpstream upstream({[&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    left = peer.wait_gone();
  }});
  open(upstream.port());
  EXPECT_TRUE(ask({.limit = 50}).failure);  // larger than asked for: not read on
  EXPECT_EQ(idle(), 0U);
  upstream.finish();
  EXPECT_LT(left, 500ms);
}

TEST_F(PoolTest, an_early_answer_is_read_while_the_request_is_still_going_out) {
  const Wish wish{.body = std::string(16 << 20, 'x')};
  const std::string refusal = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno";
  const struct {
    const char* name;
    Play play;
  } cases[] = {
      {"and closes",
       [&](Peer& peer) {
         peer.read_head();
         peer.send(refusal);
       }},
      {"and stops reading",
       [&](Peer& peer) {
         peer.read_head();
         peer.send(refusal);
         std::this_thread::sleep_for(1500ms);
       }},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    TestUpstream upstream({c.play, count_requests});
    open(upstream.port());
    const Outcome outcome = ask(wish);
    EXPECT_EQ(outcome.status, 413) << (outcome.failure ? outcome.failure->what : "");
    EXPECT_EQ(outcome.body, "no");
    EXPECT_LT(outcome.took, 1000ms);
    EXPECT_EQ(idle(), 0U);  // half a request is on it
    EXPECT_EQ(ask().body, "1");
    close_pool();
  }
}

TEST_F(PoolTest, compressed_answers_are_decoded_whole_and_in_pieces) {
  const std::string text(200'000, 'a');
  const std::string coded = gzip(text);
  const struct {
    const char* name;
    std::string bytes;
    Reading reading;
  } cases[] = {
      {"gzip, whole", answer_of(coded, "Content-Encoding: gzip\r\n"), Reading::whole},
      {"gzip, in pieces", answer_of(coded, "Content-Encoding: x-gzip\r\n"), Reading::pieces},
      {"header left out", answer_of(coded, "Content-Type: application/json\r\n"), Reading::whole},
      {"identity", answer_of(text, "Content-Encoding: identity\r\n"), Reading::whole},
      {"identity, in pieces", answer_of(text, "Content-Encoding: identity\r\n"), Reading::pieces},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    TestUpstream upstream({answer_once(c.bytes)});
    open(upstream.port());
    const Outcome outcome = ask({.reading = c.reading});
    EXPECT_FALSE(outcome.failure || outcome.read_error);
    EXPECT_EQ(outcome.body, text);
    EXPECT_EQ(idle(), 1U);
    close_pool();
  }
}

TEST_F(PoolTest, an_empty_body_is_empty_whatever_its_coding) {
  TestUpstream upstream({answer_once(answer_of("", "Content-Encoding: gzip\r\n"))});
  for (const Reading reading : {Reading::whole, Reading::pieces}) {
    open(upstream.port());
    const Outcome outcome = ask({.reading = reading});
    EXPECT_EQ(outcome.status, 200);
    EXPECT_FALSE(outcome.failure || outcome.read_error);
    close_pool();
  }
}

TEST_F(PoolTest, what_does_not_decode_is_an_error) {
  const std::string bomb = gzip(std::string(20 << 20, 'a'));
  const struct {
    const char* name;
    std::string bytes;
  } cases[] = {
      {"unknown", answer_of("x", "Content-Encoding: br\r\n")},
      {"garbage", answer_of("xxxx", "Content-Encoding: gzip\r\n")},
      {"cut short", answer_of(gzip("hello").substr(0, 20), "Content-Encoding: gzip\r\n")},
      {"bomb", answer_of(bomb, "Content-Encoding: gzip\r\n")},
  };
  for (const auto& c : cases)
    for (const Reading reading : {Reading::whole, Reading::pieces}) {
      SCOPED_TRACE(c.name);
      TestUpstream upstream({answer_once(c.bytes)});
      open(upstream.port());
      const Outcome outcome = ask({.reading = reading, .limit = 64 << 20});
      // Read in pieces, what repeats itself may go on: whoever reads it bounds what he keeps.
      const bool fine = c.name == std::string_view("bomb") && reading == Reading::pieces;
      EXPECT_EQ(outcome.failure || outcome.read_error, !fine);
      close_pool();
    }
}

TEST_F(PoolTest, a_stream_that_does_not_say_how_it_is_coded_is_sniffed_at) {
  const std::string text = "data: hello\n\n";
  const struct {
    const char* name;
    std::string body;
    const char* type;
    std::string wanted;
  } cases[] = {
      {"gzip", gzip(text), "text/event-stream", text},
      {"plain", text, "text/event-stream", text},
      {"as gzip begins", "\x1f", "text/event-stream", "\x1f"},
      {"as zstd begins", "(\xb5/", "text/event-stream", "(\xb5/"},
      {"nothing", "", "text/event-stream", ""},
      {"no text", gzip(text), "application/gzip", gzip(text)},
  };
  for (const auto& c : cases)
    for (const std::size_t step : {1UL, 3UL, 1000UL}) {
      SCOPED_TRACE(std::string(c.name) + " in steps of " + std::to_string(step));
      std::string bytes = "HTTP/1.1 200 OK\r\ncontent-type: " + std::string(c.type) +
                          "\r\ntransfer-encoding: chunked\r\n\r\n";
      for (std::size_t at = 0; at < c.body.size(); at += step) {
        const std::string piece = c.body.substr(at, step);
        char size[8];
        std::snprintf(size, sizeof size, "%zx", piece.size());
        bytes += std::string(size) + "\r\n" + piece + "\r\n";
      }
      TestUpstream upstream({answer_once(bytes + "0\r\n\r\n")});
      open(upstream.port());
      EXPECT_EQ(ask({.reading = Reading::pieces}).body, c.wanted);
      close_pool();
    }
}

TEST_F(PoolTest, an_answer_that_came_unasked_is_not_the_next_one) {
  std::atomic<bool> speak{false};
  TestUpstream upstream({[&](Peer& peer) {
                           peer.read_request();
                           peer.send(answer_of("first"));
                           while (!speak) std::this_thread::sleep_for(1ms);
                           peer.send(answer_of("EVIL"));
                           peer.wait_gone();
                         },
                         [](Peer& peer) {
                           peer.read_request();
                           peer.send(answer_of("second"));
                           peer.wait_gone();
                         }});
  open(upstream.port());
  EXPECT_EQ(ask().body, "first");
  settle(1);
  std::future<Outcome> second;
  loop.call([&] {
    second = loop.start(ask_with(*pool, {}, cancel));
    // In the same turn, after the connection was taken and before the request is written: the loop
    // sees nothing of this yet.
    loop.worker.post([&] {
      speak = true;
      std::this_thread::sleep_for(100ms);
    });
  });
  EXPECT_EQ(second.get().body, "second");
}

TEST_F(PoolTest, an_upstream_that_takes_a_request_slowly_but_steadily_is_not_cut) {
  TestUpstream upstream({[](Peer& peer) {
    peer.read_slowly(8 * 1024 * 1024, 20ms);
    peer.send(answer_of("taken"));
    peer.wait_gone();
  }});
  open(upstream.port());
  Wish wish{.body = std::string(8 * 1024 * 1024, 'x')};
  wish.patience.write_stall = 300ms;
  const Outcome outcome = ask(std::move(wish));
  EXPECT_EQ(outcome.body, "taken") << (outcome.failure ? outcome.failure->what : "");
  EXPECT_GT(outcome.took, 400ms);
}

TEST_F(PoolTest, as_many_connections_are_kept_as_were_in_use_at_once) {
  TestUpstream upstream({count_requests});
  open(upstream.port());
  constexpr std::size_t kMany = 150;
  std::vector<Pool::Cancel> cancels(kMany);
  for (int round = 0; round < 2; ++round) {
    std::vector<std::future<Outcome>> all;
    loop.call([&] {
      for (Pool::Cancel& each : cancels) all.push_back(loop.start(ask_with(*pool, {}, each)));
    });
    for (auto& each : all) EXPECT_EQ(each.get().body, std::to_string(round + 1));
    settle(kMany);
  }
  EXPECT_EQ(upstream.connections(), static_cast<int>(kMany));
}

TEST_F(PoolTest, idle_connections_are_closed_after_a_while_and_when_there_are_too_many) {
  std::atomic<int> gone{0};
  TestUpstream upstream({[&](Peer& peer) {
    count_requests(peer);
    ++gone;
  }});
  open(upstream.port(), {.idle_per_upstream = 1, .idle = 200ms});
  Pool::Cancel other;
  std::future<Outcome> first;
  std::future<Outcome> second;
  loop.call([&] {
    first = loop.start(ask_with(*pool, {}, cancel));
    second = loop.start(ask_with(*pool, {}, other));
  });
  EXPECT_EQ(first.get().body, "1");
  EXPECT_EQ(second.get().body, "1");
  EXPECT_EQ(upstream.connections(), 2);
  EXPECT_LE(idle(), 1U);
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(idle(), 0U);
  EXPECT_EQ(gone, 2);
}

TEST_F(PoolTest, says_why_there_is_no_connection) {
  std::uint16_t unused = 0;
  {
    TestUpstream gone({count_requests});
    unused = gone.port();
  }
  open(unused);
  const Outcome refused = ask();
  ASSERT_TRUE(refused.failure);
  EXPECT_EQ(refused.failure->stage, Stage::connect);
  EXPECT_EQ(refused.failure->what, "connection refused or host unreachable");

  open({.tls = false, .host = "no-such-host.invalid", .port = 80, .path = ""});
  const Outcome nameless = ask();
  ASSERT_TRUE(nameless.failure);
  EXPECT_EQ(nameless.failure->stage, Stage::connect);
  EXPECT_TRUE(nameless.failure->what.starts_with("name d")) << nameless.failure->what;
}

TEST_F(PoolTest, a_name_with_several_addresses_is_tried_until_one_answers) {
  TestUpstream upstream({count_requests});  // on 127.0.0.1 only; localhost may be ::1 as well
  open({.tls = false, .host = "localhost", .port = upstream.port(), .path = ""});
  Pool::Cancel other;
  auto first = loop.start(ask_with(*pool, {}, cancel));
  auto second = loop.start(ask_with(*pool, {}, other));
  EXPECT_EQ(first.get().body, "1");
  EXPECT_EQ(second.get().body, "1");
}

TEST_F(PoolTest, goes_through_the_proxy_with_connect) {
  const struct {
    const char* name;
    const char* user;
    std::string answer;
    std::string what;
  } cases[] = {
      {"without a user", "", "HTTP/1.1 200 Connection established\r\n\r\n", ""},
      {"with one", "me:s%40cret@", "HTTP/1.0 200 OK\r\n\r\n", ""},
      {"407", "", "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nkey", "proxy refused: 407"},
      {"502", "", "HTTP/1.1 502 No\r\n\r\n", "proxy refused: 502"},
      {"closes", "", "", "proxy closed the connection"},
      {"talks", "", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
       "proxy's answer: bytes after the head"},
      {"endless", "", "HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'y'),
       "proxy's answer: head too long"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::string asked;
    TestUpstream proxy({[&](Peer& peer) {
      asked = peer.read_head();
      peer.send(c.answer);
      if (c.what.empty()) count_requests(peer);
    }});
    ProxyRules rules;
    rules.http_proxy =
        "http://" + std::string(c.user) + "127.0.0.1:" + std::to_string(proxy.port());
    open({.tls = false, .host = "upstream.test", .port = 8080, .path = ""}, rules);
    const Outcome outcome = ask();
    if (c.what.empty()) {
      EXPECT_EQ(outcome.body, "1");
      EXPECT_EQ(ask().body, "2");
    } else {
      ASSERT_TRUE(outcome.failure);
      EXPECT_EQ(outcome.failure->stage, Stage::connect);
      EXPECT_EQ(outcome.failure->what, c.what);
    }
    close_pool();
    proxy.finish();
    EXPECT_TRUE(
        asked.starts_with("CONNECT upstream.test:8080 HTTP/1.1\r\nhost: upstream.test:8080"));
    EXPECT_EQ(asked.find("proxy-authorization: Basic bWU6c0BjcmV0\r\n") != std::string::npos,
              *c.user != '\0');
  }
}

TEST_F(PoolTest, a_proxy_that_cannot_be_used_is_not_gone_around) {
  const ProxyRules rules{.https_proxy = {}, .http_proxy = "socks5://p:1", .no_proxy = {}};
  open({.tls = false, .host = "upstream.test", .port = 80, .path = ""}, rules);
  const Outcome outcome = ask();
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->stage, Stage::connect);
  EXPECT_NE(outcome.failure->what.find("proxy"), std::string::npos);
}

}  // namespace
}  // namespace glmgate::net
