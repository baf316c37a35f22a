// The pool over TLS: who is trusted, and what an untrusted upstream gets to see (nothing).
#include <gtest/gtest.h>

#include "net/pool_test.h"
#include "net/test_certificate.h"

namespace glmgate::net {
namespace {

using namespace testing;

class PoolTlsTest : public PoolTest {
 protected:
  void open_tls(const TestUpstream& upstream, TlsContext* context) {
    open({.tls = true, .host = "127.0.0.1", .port = upstream.port(), .path = ""}, {}, context);
  }
};

TEST_F(PoolTlsTest, asks_again_and_again_on_one_connection) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  TestUpstream upstream({[&](Peer& peer) {
    if (peer.start_tls(certificate.context())) count_requests(peer);
  }});
  open_tls(upstream, trust.get());
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(ask().body, std::to_string(i));
  EXPECT_EQ(upstream.connections(), 1);
  close_pool();
}

TEST_F(PoolTlsTest, resumes_its_session_on_the_next_connection) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_min_proto_version(certificate.context(), version);
    SSL_CTX_set_max_proto_version(certificate.context(), version);
    std::atomic<int> resumed{0};
    TestUpstream upstream({[&](Peer& peer) {
      if (!peer.start_tls(certificate.context())) return;
      if (peer.resumed()) ++resumed;
      count_requests(peer);
    }});
    open_tls(upstream, trust.get());
    EXPECT_EQ(ask().body, "1");
    loop.call([&] { pool->close_idle(); });
    EXPECT_EQ(ask().body, "1");
    EXPECT_EQ(resumed, 1) << version;
    close_pool();
  }
}

TEST_F(PoolTlsTest, an_upstream_that_cannot_prove_itself_gets_no_byte_of_the_request) {
  const Certificate good("IP:127.0.0.1");
  const Certificate other("IP:127.0.0.1");
  const Certificate wrong_name("DNS:other.test,IP:127.0.0.2");
  const Certificate expired("IP:127.0.0.1", -1);
  const Certificate old_protocol("IP:127.0.0.1");
  SSL_CTX_set_security_level(old_protocol.context(), 0);
  SSL_CTX_set_max_proto_version(old_protocol.context(), TLS1_1_VERSION);
  const struct {
    const char* name;
    const Certificate& server;
    const Certificate& trusted;
    std::string what;
  } cases[] = {
      {"not trusted", other, good, "certificate refused: self-signed certificate"},
      {"for another name", wrong_name, wrong_name, "certificate refused: IP address mismatch"},
      {"expired", expired, expired, "certificate refused: certificate has expired"},
      {"TLS 1.1", old_protocol, old_protocol, "TLS handshake failed: tls"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const std::unique_ptr<TlsContext> trust = c.trusted.trusted();
    ASSERT_TRUE(trust);
    std::string got;
    {
      TestUpstream upstream({[&](Peer& peer) {
        if (peer.start_tls(c.server.context())) got = peer.read_head();
      }});
      open_tls(upstream, trust.get());
      const Outcome outcome = ask();
      ASSERT_TRUE(outcome.failure);
      EXPECT_EQ(outcome.failure->stage, Stage::connect);
      EXPECT_EQ(outcome.failure->error, IoError::tls);
      EXPECT_EQ(outcome.failure->what, c.what);
      close_pool();
    }
    EXPECT_EQ(got, "");
  }
}

TEST_F(PoolTlsTest, an_upstream_that_speaks_no_tls_gets_no_byte_of_the_request) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  std::string got;
  {
    TestUpstream upstream({[&](Peer& peer) {
      peer.send(answer_of("hello"));
      got = peer.read_head();
    }});
    open_tls(upstream, trust.get());
    const Outcome outcome = ask({.body = "a secret"});
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->stage, Stage::connect);
    close_pool();
  }
  EXPECT_EQ(got.find("POST"), std::string::npos);
  EXPECT_EQ(got.find("a secret"), std::string::npos);
}

TEST_F(PoolTlsTest, a_name_is_verified_behind_a_proxy) {
  const Certificate certificate("DNS:upstream.test");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  for (const char* host : {"upstream.test", "other.test"}) {
    SCOPED_TRACE(host);
    std::string asked;
    TestUpstream proxy({[&](Peer& peer) {
      asked = peer.read_head();
      peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
      if (peer.start_tls(certificate.context())) count_requests(peer);
    }});
    ProxyRules rules;
    rules.https_proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
    open({.tls = true, .host = host, .port = 443, .path = ""}, rules, trust.get());
    const Outcome outcome = ask();
    if (std::string_view(host) == "upstream.test") {
      EXPECT_EQ(outcome.body, "1");
    } else {
      ASSERT_TRUE(outcome.failure);
      EXPECT_EQ(outcome.failure->what, "certificate refused: hostname mismatch");
    }
    close_pool();
    proxy.finish();
    EXPECT_TRUE(asked.starts_with("CONNECT " + std::string(host) + ":443 HTTP/1.1\r\n"));
  }
}

TEST_F(PoolTlsTest, a_body_until_close_needs_close_notify) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  for (const bool orderly : {true, false}) {
    SCOPED_TRACE(orderly);
    TestUpstream upstream({[&](Peer& peer) {
      if (!peer.start_tls(certificate.context())) return;
      peer.read_request();
      peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
      if (orderly) peer.close_notify();
    }});
    open_tls(upstream, trust.get());
    const Outcome outcome = ask();
    EXPECT_EQ(!outcome.failure, orderly);
    if (orderly) {
      EXPECT_EQ(outcome.body, "hello");
    }
    close_pool();
  }
}

TEST_F(PoolTlsTest, a_stale_connection_is_replaced_with_or_without_close_notify) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  for (const bool orderly : {true, false}) {
    SCOPED_TRACE(orderly);
    TestUpstream upstream({[&](Peer& peer) {
                             if (!peer.start_tls(certificate.context())) return;
                             peer.read_request();
                             peer.send(answer_of("first"));
                             peer.read_request();
                             if (orderly) peer.close_notify();
                           },
                           [&](Peer& peer) {
                             if (peer.start_tls(certificate.context())) count_requests(peer);
                           }});
    open_tls(upstream, trust.get());
    EXPECT_EQ(ask().body, "first");
    const Outcome outcome = ask();
    EXPECT_EQ(outcome.body, "1") << (outcome.failure ? outcome.failure->what : "");
    close_pool();
  }
}

TEST_F(PoolTlsTest, long_bodies_pass_both_ways) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  TestUpstream upstream({[&](Peer& peer) {
    if (!peer.start_tls(certificate.context())) return;
    const std::string request = peer.read_request();
    peer.send(answer_of(request.substr(request.find("\r\n\r\n") + 4)));
    count_requests(peer);
  }});
  open_tls(upstream, trust.get());
  Wish wish{.limit = 8 << 20};
  for (int i = 0; wish.body.size() < 5'000'000; ++i) wish.body += std::to_string(i);
  EXPECT_EQ(ask(wish).body, wish.body);
  EXPECT_EQ(ask().body, "1");
  EXPECT_EQ(upstream.connections(), 1);
  close_pool();
}

TEST_F(PoolTlsTest, an_early_answer_is_read_while_the_request_is_still_going_out) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  TestUpstream upstream({[&](Peer& peer) {
    if (!peer.start_tls(certificate.context())) return;
    peer.read_head();
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    std::this_thread::sleep_for(1500ms);
  }});
  open_tls(upstream, trust.get());
  const Outcome outcome = ask({.body = std::string(16 << 20, 'x')});
  EXPECT_EQ(outcome.status, 413) << (outcome.failure ? outcome.failure->what : "");
  EXPECT_EQ(outcome.body, "no");
  EXPECT_LT(outcome.took, 1200ms);
  close_pool();
}

TEST_F(PoolTlsTest, a_handshake_that_hangs_can_be_cancelled_and_ends_in_time) {
  const Certificate certificate("IP:127.0.0.1");
  const std::unique_ptr<TlsContext> trust = certificate.trusted();
  TestUpstream upstream({[](Peer& peer) { peer.wait_gone(); }});
  open_tls(upstream, trust.get());
  Wish wish;
  wish.patience.connect = 300ms;
  const Outcome slow = ask(wish);
  ASSERT_TRUE(slow.failure);
  EXPECT_EQ(slow.failure->stage, Stage::connect);
  EXPECT_EQ(slow.failure->what, "TLS handshake failed: timeout (300 ms)");

  cancel = {};
  std::thread canceller([&] {
    std::this_thread::sleep_for(100ms);
    loop.call([&] { cancel.abort(); });
  });
  const Outcome cancelled = loop.run(ask_with(*pool, {}, cancel));
  canceller.join();
  ASSERT_TRUE(cancelled.failure);
  EXPECT_EQ(cancelled.failure->error, IoError::aborted);
  EXPECT_LT(cancelled.took, 250ms);
}

}  // namespace
}  // namespace glmgate::net
