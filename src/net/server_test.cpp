#include "net/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "net/server_test.h"
#include "net/test_descriptors.h"
#include "net/test_gzip.h"

namespace glmgate::net {
namespace {

using namespace testing;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

std::string post(std::string_view body, std::string_view fields = {}) {
  return "POST / HTTP/1.1\r\nhost: a\r\n" + std::string(fields) +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

awaitable<void> answer_ok(Call& call) {
  const Headers headers;
  co_await call.send(200, headers, "ok");
}

/// Reads the body, and answers with its length.
awaitable<void> answer_length(Call& call) {
  const Result<std::string> body = co_await call.read_body();
  const Headers headers;
  const std::string text =
      body ? std::to_string(body->size()) : std::string(name(body.error().code));
  if (call.client_gone()) co_return;
  const int status = body ? 200 : http_status(body.error().code);
  co_await call.send(status, headers, text);
}

/// Waits until nobody waits for it, then says why if it may.
struct Waiting {
  std::atomic<int> began{0};
  std::atomic<int> left{0};
  std::atomic<int> ended{0};

  awaitable<void> handle(Call& call) {
    if (call.request().has_body) co_await call.read_body();
    Signal over(call.worker());
    call.on_client_gone([&over] { over.fire(); });
    ++began;
    co_await over.wait(kNever);
    call.on_client_gone({});
    if (call.client_gone()) {
      ++left;
      co_return;
    }
    ++ended;
    const Headers headers;
    co_await call.send(503, headers, "shutting down");
  }
  Handler handler() {
    return [this](Call& call) { return handle(call); };
  }
};

class Served : public ServerTest {
 protected:
  void wait_for(const std::atomic<int>& count, int wanted) {
    for (int i = 0; i < 200 && count != wanted; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(count, wanted);
  }
};

TEST_F(Served, a_client_that_sent_more_is_still_seen_to_leave) {
  Waiting waiting;
  serve(waiting.handler());
  int left = 0;
  for (const std::string_view more : {"", "\r\n", "x", "GET / HTTP/1.1\r\n"}) {
    SCOPED_TRACE(more);
    Client client(port);
    client.send(post("{}") + std::string(more));
    wait_for(waiting.began, ++left);
    if (!more.empty()) client.send(more);
    std::this_thread::sleep_for(30ms);
    EXPECT_EQ(waiting.left, left - 1);
    client.close();
    wait_for(waiting.left, left);
  }
}

TEST_F(Served, a_client_that_half_closes_has_left_and_gets_no_answer) {
  Waiting waiting;
  serve(waiting.handler());
  Client client(port);
  client.send(post("{}"));
  wait_for(waiting.began, 1);
  client.half_close();
  EXPECT_EQ(client.read(), "<end>");
  EXPECT_EQ(waiting.left, 1);
}

TEST_F(Served, a_body_cut_by_fin_is_a_bad_request) {
  serve(answer_length);
  Client client(port);
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf");
  client.half_close();
  const std::string answer = client.read();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("bad_http<end>"), std::string::npos) << answer;
}

TEST_F(Served, a_short_body_that_nobody_read_is_read_away) {
  serve(answer_ok);
  Client client(port);
  client.send(post("short") + std::string(kGet));
  const std::string first = client.read("ok");
  EXPECT_EQ(first.find("connection: close"), std::string::npos) << first;
  EXPECT_NE(client.read("ok").find("200 OK"), std::string::npos);
  // In two parts, the second after the answer.
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc");
  EXPECT_NE(client.read("ok").find("200 OK"), std::string::npos);
  client.send("def" + std::string(kGet));
  EXPECT_NE(client.read("ok").find("200 OK"), std::string::npos);
}

TEST_F(Served, an_answer_after_which_the_connection_closes_says_so) {
  serve(answer_ok);
  for (const std::string& request :
       {post(std::string(100'000, 'x')), post("12", "expect: 100-continue\r\n").substr(0, 90),
        std::string("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                    "1\r\nx\r\n0\r\n\r\n"),
        std::string("GET / HTTP/1.0\r\nhost: a\r\n\r\n")}) {
    SCOPED_TRACE(request.substr(0, 80));
    Client client(port);
    client.send(request);
    const std::string answer = client.read();
    EXPECT_NE(answer.find("connection: close"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("<end>")) << answer;
  }
}

TEST_F(Served, what_all_bodies_take_together_is_looked_at_while_they_come) {
  ServerOptions options;
  options.max_body_memory = 1024 * 1024;
  serve(answer_length, options);
  constexpr int kClients = 8;
  const std::string head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 500000\r\n\r\n";
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(port));
    clients.back()->send(head + std::string(1000, 'x'));
  }
  for (const auto& client : clients) client->send(std::string(499'000 / 2, 'x'));
  std::this_thread::sleep_for(100ms);
  EXPECT_LE(counts.body_memory.load(), 1024 * 1024 + 64 * 1024);
  for (const auto& client : clients) client->send(std::string(499'000 / 2, 'x'));
  int served = 0;
  int refused = 0;
  for (const auto& client : clients) {
    const std::string answer = client->read("\r\n\r\n");
    served += answer.starts_with("HTTP/1.1 200 ") ? 1 : 0;
    refused += answer.starts_with("HTTP/1.1 503 ") || answer.ends_with("<reset>") ? 1 : 0;
  }
  EXPECT_GE(served, 1);
  EXPECT_GE(refused, kClients - 4);
  EXPECT_EQ(served + refused, kClients);
  clients.clear();
  wait_for_calls(0);
  EXPECT_EQ(counts.body_memory.load(), 0);
}

TEST_F(Served, a_decoded_body_counts_as_what_it_is) {
  ServerOptions options;
  options.max_body_memory = 1024 * 1024;
  serve(answer_length, options);
  const std::string zeros(2 * 1024 * 1024, '0');
  for (const std::size_t size : {std::size_t{900'000}, zeros.size()}) {
    const std::string body = gzip(std::string_view(zeros).substr(0, size));
    Client client(port);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    const std::string head = client.read("\r\n\r\n");
    EXPECT_TRUE(head.starts_with(size < 1024 * 1024 ? "HTTP/1.1 200 " : "HTTP/1.1 503 ")) << head;
  }
}

awaitable<void> answer_much(Call& call) {
  const Headers headers;
  const std::string much(8 * 1024 * 1024, 'x');
  co_await call.send(200, headers, much);
}

TEST_F(Served, a_client_that_reads_slowly_but_steadily_is_not_cut) {
  ServerOptions options;
  options.write_stall = 300ms;
  serve(answer_much, options);
  Client client(port);
  client.send(kGet);
  std::size_t read = 0;
  char bytes[256 * 1024];
  ssize_t n = 0;
  do {  // 8 MiB in more than a second
    std::this_thread::sleep_for(50ms);
    n = ::recv(client.fd(), bytes, sizeof bytes, 0);
    if (n > 0) read += static_cast<std::size_t>(n);
  } while (n > 0 && read < 8 * 1024 * 1024);
  EXPECT_GE(read, 8U * 1024 * 1024);
}

TEST_F(Served, a_client_that_reads_nothing_is_cut) {
  ServerOptions options;
  options.write_stall = 300ms;
  serve(answer_much, options);
  Client client(port);
  client.send(kGet);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(counts.calls.load(), 1);
  wait_for_calls(0);
}

TEST_F(Served, what_waits_to_be_read_is_held) {
  serve(answer_much);
  Client client(port);
  client.send(kGet);
  std::this_thread::sleep_for(100ms);
  EXPECT_GE(counts.body_memory.load(), 8 * 1024 * 1024);
  client.close();
  wait_for_calls(0);
  EXPECT_EQ(counts.body_memory.load(), 0);
}

awaitable<void> stream_pieces(Call& call) {
  call.start(200, {});
  for (const std::size_t size : {10U, 100'000U, 64U * 1024, 64U * 1024 + 1}) {
    const std::string piece(size, 'x');
    co_await call.write(piece);
  }
  const std::string last(70'000, 'y');
  co_await call.finish(last);
}

TEST_F(Served, pieces_of_any_size_are_one_chunk_each) {
  serve(stream_pieces);
  Client client(port);
  client.send(kGet);
  client.read("\r\n\r\n");
  for (const std::size_t size : {10U, 100'000U, 64U * 1024, 64U * 1024 + 1, 70'000U}) {
    const std::string head = client.read("\r\n");
    EXPECT_EQ(std::stoul(head, nullptr, 16), size);
    EXPECT_EQ(client.read("\r\n").size(), size + 2);
  }
  EXPECT_EQ(client.read("0\r\n\r\n"), "0\r\n\r\n");
  client.send(kGet);  // the connection goes on
  EXPECT_TRUE(client.read("\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(Served, draining_takes_who_has_connected_and_what_was_sent) {
  serve(answer_ok);
  Client idle(port);
  idle.send(kGet);
  idle.read("ok");
  Client asked_again(port);
  asked_again.send(kGet);
  asked_again.read("ok");
  std::unique_ptr<Client> queued;
  loop.call([&] {
    // The loop is here, so that it has seen nothing of this yet.
    queued = std::make_unique<Client>(port);
    queued->send(kGet);
    asked_again.send(kGet);
    server->drain();
  });
  EXPECT_EQ(idle.read(), "<end>");
  for (Client* each : {queued.get(), &asked_again}) {
    const std::string answer = each->read();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
    EXPECT_NE(answer.find("connection: close"), std::string::npos) << answer;
  }
}

TEST_F(Served, draining_gives_a_connection_just_made_a_second) {
  serve(answer_ok);
  Client late(port);
  Client silent(port);
  std::this_thread::sleep_for(20ms);
  loop.call([&] { server->drain(); });
  EXPECT_EQ(counts.awaited.load(), 2);
  std::this_thread::sleep_for(200ms);
  late.send(kGet);
  EXPECT_TRUE(late.read().starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(silent.read(), "<end>");
  EXPECT_EQ(counts.awaited.load(), 0);
  Client refused(port);
  EXPECT_FALSE(refused.connected);
}

TEST_F(Served, who_has_begun_to_connect_when_it_drains_is_taken) {
  serve(answer_ok);
  loop.call([&] { server->drain(); });
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(counts.listening.load(), 1);
  // A reset would say that there is no listener, to those in the middle of it as well.
  const int late = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const sockaddr_in address = loopback(port);
  EXPECT_EQ(::connect(late, reinterpret_cast<const sockaddr*>(&address), sizeof address), -1);
  EXPECT_EQ(errno, EINPROGRESS);
  pollfd waits{.fd = late, .events = POLLOUT, .revents = 0};
  EXPECT_EQ(::poll(&waits, 1, 50), 0);
  ::close(late);
  const auto give_up = std::chrono::steady_clock::now() + 5s;
  while (!counts.is_over() && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(counts.is_over());
  Client refused(port);
  EXPECT_FALSE(refused.connected);
}

TEST_F(Served, calls_that_are_ended_may_tell_their_clients) {
  Waiting waiting;
  serve(waiting.handler());
  Client one(port);
  Client two(port);
  one.send(post("{}"));
  two.send(kGet);
  wait_for(waiting.began, 2);
  loop.call([&] {
    server->drain();
    server->end_calls();
  });
  for (Client* each : {&one, &two}) EXPECT_TRUE(each->read().ends_with("shutting down<end>"));
  EXPECT_EQ(waiting.ended, 2);
  EXPECT_EQ(waiting.left, 0);
}

TEST_F(Served, calls_that_are_cut_see_their_clients_gone) {
  Waiting waiting;
  serve(waiting.handler());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(port));
    clients.back()->send(kGet);
  }
  wait_for(waiting.began, 5);
  loop.call([&] { server->cut(); });
  wait_for(waiting.left, 5);
  wait_for_calls(0);
}

TEST_F(Served, out_of_descriptors_a_client_is_told_so) {
  serve(answer_ok);
  Client client(port);
  client.send(kGet);
  client.read("ok");
  std::string answer;
  {
    const Tight tight(1);  // the client's own
    Client refused(port);
    answer = refused.read();
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("retry-after: 1"), std::string::npos) << answer;
  Client after(port);
  after.send(kGet);
  EXPECT_TRUE(after.read("ok").starts_with("HTTP/1.1 200 "));
}

awaitable<void> outlast(Call& call) { co_await sleep_for(call.worker(), 60s); }

TEST_F(Served, a_call_that_outlasts_the_cut_ends_with_its_worker) {
  serve(outlast);
  Client client(port);
  client.send(kGet);
  wait_for_calls(1);
  loop.call([&] {
    server->drain();
    server->end_calls();
    server->cut();
  });
  EXPECT_EQ(counts.calls.load(), 1);
  loop.stop();
  loop.worker.end();
  EXPECT_EQ(client.read().find("<silence>"), std::string::npos);
  EXPECT_EQ(counts.calls.load(), 0);
  EXPECT_EQ(counts.connections.load(), 0);
}

TEST_F(Served, a_worker_ends_while_its_listener_waits_for_descriptors) {
  serve(answer_ok);
  const Tight tight(3);
  Client client(port);
  Client other(port);  // the server has one for the first, and its spare one for this
  client.send(kGet);
  client.read("ok");
  const Client third(port);
  std::this_thread::sleep_for(50ms);
  loop.stop();
  loop.worker.end();
  EXPECT_EQ(counts.connections.load(), 0);
}

// The lifetime rule (net/worker.h) for what a server has running.
TEST_F(Served, an_ended_worker_has_destroyed_connections_at_every_stage) {
  Waiting waiting;
  serve(waiting.handler());
  const std::string stages[] = {
      "",                                                             // just made
      "GET / HT",                                                     // half a head
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf",  // half a body
      std::string(kGet),                                              // in its handler
      std::string(kGet) + "more",                                     // and more came
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n"      // refused
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::string& stage : stages) {
    clients.push_back(std::make_unique<Client>(port));
    clients.back()->send(stage);
  }
  wait_for(waiting.began, 2);
  clients.back()->read("\r\n\r\n");
  EXPECT_EQ(counts.connections.load(), static_cast<std::int64_t>(std::size(stages)));
  loop.call([&] {  // wake-ups that are never to come
    server->drain();
    server->end_calls();
    server->cut();
    loop.worker.stop();
  });
  loop.stop();
  loop.worker.end();
  EXPECT_EQ(counts.connections.load(), 0);
  EXPECT_EQ(counts.calls.load(), 0);
  EXPECT_EQ(counts.awaited.load(), 0);
  EXPECT_EQ(counts.body_memory.load(), 0);
}

}  // namespace
}  // namespace glmgate::net
