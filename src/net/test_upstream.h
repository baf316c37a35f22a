// For tests: an upstream on loopback that plays a script, one function for each connection, with
// plain blocking sockets on a thread of its own; and a worker to run coroutines on.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/worker.h"

namespace glmgate::net::testing {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// The upstream's end of one connection.
class Peer {
 public:
  Peer(int fd, const std::atomic<bool>& over) : fd_(fd), over_(over) {}
  ~Peer() {
    close();
    SSL_free(ssl_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool start_tls(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
  }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }

  /// Up to the end of the head.
  std::string read_head() {
    while (buffer_.find("\r\n\r\n") == std::string::npos)
      if (!read_more()) return {};
    const std::size_t end = buffer_.find("\r\n\r\n") + 4;
    std::string head = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return head;
  }
  /// Head and body; empty: the client left.
  std::string read_request() {
    std::string request = read_head();
    std::size_t length = 0;
    if (const std::size_t at = request.find("content-length: "); at != std::string::npos)
      std::from_chars(request.data() + at + 16, request.data() + request.size(), length);
    while (buffer_.size() < length)
      if (!read_more()) return {};
    request += buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
  }
  /// Reads `bytes`, some at a time, with a pause after each.
  void read_slowly(std::size_t bytes, std::chrono::milliseconds pause) {
    std::string some(256 * 1024, 0);
    for (std::size_t read = 0; read < bytes && !over_;) {
      const auto n = ::recv(fd_, some.data(), some.size(), 0);
      if (n <= 0) return;
      read += static_cast<std::size_t>(n);
      std::this_thread::sleep_for(pause);
    }
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                     : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// Waits for the client to close; how long it took. Bytes that come are dropped.
  std::chrono::milliseconds wait_gone(std::chrono::milliseconds at_most = 2s) {
    const auto begin = Steady::now();
    while (Steady::now() < begin + at_most) {
      wait_readable();
      char bytes[4096];
      const auto n = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN)) break;
      if (n > 0) received_ += static_cast<std::size_t>(n);
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begin);
  }
  std::size_t received() const { return received_; }
  void close_notify() { SSL_shutdown(ssl_); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void reset() {
    const linger off{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    close();
  }

 private:
  bool wait_readable() const {
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&wait, 1, 20) > 0;
  }
  bool read_more() {
    while ((ssl_ == nullptr || SSL_pending(ssl_) == 0) && !wait_readable())
      if (over_) return false;
    char bytes[16 * 1024];
    const auto n =
        ssl_ != nullptr ? SSL_read(ssl_, bytes, sizeof bytes) : ::recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  const std::atomic<bool>& over_;  ///< the test is
  SSL* ssl_ = nullptr;
  std::string buffer_;
  std::size_t received_ = 0;
};

using Play = std::function<void(Peer&)>;

class TestUpstream {
 public:
  /// The n-th connection gets the n-th play, all further ones the last.
  explicit TestUpstream(std::vector<Play> plays) : plays_(std::move(plays)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* address = reinterpret_cast<sockaddr*>(&where);
    socklen_t size = sizeof where;
    ::bind(listener_, address, size);
    ::listen(listener_, 128);
    ::getsockname(listener_, address, &size);
    port_ = ntohs(where.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~TestUpstream() { finish(); }
  TestUpstream(const TestUpstream&) = delete;
  TestUpstream& operator=(const TestUpstream&) = delete;

  /// Ends all plays. What they wrote down may be read from now on.
  void finish() {
    if (!acceptor_.joinable()) return;
    over_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& each : players_) each.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void accept() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const auto index = static_cast<std::size_t>(connections_++);
      players_.emplace_back([this, fd, index] {
        Peer peer(fd, over_);
        plays_[std::min(index, plays_.size() - 1)](peer);
      });
    }
  }

  std::vector<Play> plays_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> over_{false};
  std::thread acceptor_;
  std::vector<std::thread> players_;
};

/// A worker on its own thread.
class TestLoop {
 public:
  TestLoop() : thread_([this] { worker.run(); }) {}
  ~TestLoop() { stop(); }
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;

  void stop() {
    if (!thread_.joinable()) return;
    worker.stop();
    thread_.join();
  }

  /// Runs the coroutine on the worker and waits for what it returns.
  template <typename T>
  T run(awaitable<T> coroutine) {
    return start(std::move(coroutine)).get();
  }
  /// The same, without waiting.
  template <typename T>
  std::future<T> start(awaitable<T> coroutine) {
    std::promise<T> done;
    std::future<T> result = done.get_future();
    worker.post([this, coroutine = std::move(coroutine), done = std::move(done)]() mutable {
      worker.spawn(deliver(std::move(coroutine), std::move(done)));
    });
    return result;
  }
  /// Runs a plain function on the worker's thread and waits.
  void call(std::function<void()> function) {
    std::promise<void> done;
    worker.post([&] {
      function();
      done.set_value();
    });
    done.get_future().wait();
  }

  Worker worker{0};

 private:
  template <typename T>
  static awaitable<void> deliver(awaitable<T> coroutine, std::promise<T> done) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await coroutine;
        done.set_value();
      } else {
        T value = co_await coroutine;
        done.set_value(std::move(value));
      }
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  }

  std::thread thread_;
};

}  // namespace glmgate::net::testing
