// For tests of the server: one that listens on loopback, and a client with a plain socket.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/server.h"
#include "net/test_upstream.h"

namespace glmgate::net::testing {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  where.sin_port = htons(port);
  return where;
}

/// A client's end of a connection to it.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in where = loopback(port);
    connected = ::connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool send(std::string_view bytes) {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  /// What comes up to `until`, the end, or two seconds of silence.
  std::string read(std::string_view until = {}) {
    while (until.empty() || buffer_.find(until) == std::string::npos) {
      pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
      if (::poll(&wait, 1, 2000) <= 0) return std::exchange(buffer_, {}) + "<silence>";
      char bytes[16 * 1024];
      const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n < 0) return std::exchange(buffer_, {}) + "<reset>";
      if (n == 0) return std::exchange(buffer_, {}) + "<end>";
      buffer_.append(bytes, static_cast<std::size_t>(n));
    }
    const std::size_t end = buffer_.find(until) + until.size();
    std::string found = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return found;
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }
  bool connected = false;

 private:
  int fd_;
  std::string buffer_;
};

class ServerTest : public ::testing::Test {
 protected:
  ~ServerTest() override {
    loop.stop();
    loop.worker.end();
    server.reset();
  }

  void serve(Handler handler, const ServerOptions& options = {}) {
    const auto sockets = listen_on({.host = "127.0.0.1", .port = 0}, 1);
    ASSERT_TRUE(sockets);
    const std::string address = local_address(sockets->front());
    port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    loop.call([&] {
      server = std::make_unique<Server>(
          loop.worker, options, std::move(handler),
          [](std::string_view, const Headers&, const Fault& fault) {
            return ErrorPage{.status = http_status(fault.code),
                             .headers = {},
                             .body = std::string(name(fault.code))};
          },
          counts);
      server->listen(sockets->front());
    });
  }
  void wait_for_calls(std::int64_t wanted) {
    for (int i = 0; i < 200 && counts.calls.load() != wanted; ++i)
      std::this_thread::sleep_for(10ms);
    EXPECT_EQ(counts.calls.load(), wanted);
  }

  TestLoop loop;
  ServerCounts counts;
  std::unique_ptr<Server> server;
  std::uint16_t port = 0;
};

}  // namespace glmgate::net::testing
