#include "net/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <utility>

#include "base/log.h"
#include "net/address.h"
#include "net/connection_call.h"
#include "net/listener.h"

namespace glmgate::net {

using namespace std::chrono_literals;

bool ServerCounts::enter(std::string_view host, std::size_t limit) {
  if (is_loopback_host(host)) return true;
  const std::lock_guard lock(mutex_);
  std::size_t& count = by_host_[std::string(host)];
  if (count >= limit) return false;
  ++count;
  return true;
}

void ServerCounts::leave(std::string_view host) {
  if (is_loopback_host(host)) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_host_.find(host);
  if (found != by_host_.end() && --found->second == 0) by_host_.erase(found);
}

bool ServerCounts::is_over() const {
  return listening.load() == 0 && awaited.load() == 0 && calls.load() == 0;
}

namespace {

constexpr std::size_t kDrainBytes =
    256 * 1024;  // of a body nobody reads, so that the client sees its answer
constexpr auto kDrainTime = 1s;
constexpr auto kHandshakeTime = 200ms;  // for who has begun to connect when the server drains
constexpr auto kAwaitedTime = 1s;       // for a request's head, from then on

using Shared = std::shared_ptr<Server::State>;

/// While a call runs, drain() and cut() know it.
class InCall {
 public:
  InCall(Server::State::Open& open, ConnectionCall& call) : open_(open) { open_.call = &call; }
  ~InCall() { open_.call = nullptr; }
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;

 private:
  Server::State::Open& open_;
};

/// A connection's whole life.
class Connection {
 public:
  Connection(Shared server, int fd, std::string host)
      : server_(std::move(server)), stream_(server_->worker, fd), host_(std::move(host)) {
    ++server_->counts.connections;
    ++server_->counts.awaited;
    open_ = server_->open.insert(server_->open.end(), {.stream = &stream_});
  }
  ~Connection() {
    enter(Phase::busy);
    server_->open.erase(open_);
    server_->counts.leave(host_);
    --server_->counts.connections;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  awaitable<void> run() {
    const ServerOptions& options = server_->options;
    if (options.tls != nullptr) {
      const Io<void> tls = co_await stream_.start_tls_server(
          *options.tls, server_->worker.after(options.header_timeout));
      if (!tls) co_return;
    }
    bool again = true;
    while (again) {
      // Until a request begins, an idle connection ends silently; from its first byte on, it has
      // header_timeout.
      if (pending_.empty()) {
        const bool idle = open_->phase != Phase::awaited;
        if (idle) enter(Phase::idle);
        if (idle && server_->draining) stream_.stop_waiting_to_read();
        const auto patience = idle ? options.keep_alive : options.header_timeout;
        const Io<std::string_view> bytes = co_await stream_.read(server_->worker.after(patience));
        if (!bytes || bytes->empty()) co_return;
        pending_.assign(*bytes);
      }
      enter(Phase::awaited);
      again = co_await one_request();
    }
  }

 private:
  using Phase = Server::State::Phase;

  void enter(Phase phase) {
    if (open_->phase == Phase::awaited) --server_->counts.awaited;
    if (phase == Phase::awaited) ++server_->counts.awaited;
    open_->phase = phase;
  }

  /// @return whether the connection may carry another one.
  awaitable<bool> one_request() {
    RequestParser parser(server_->options.limits);
    const Result<void> head = co_await read_head(parser);
    if (!head) {
      if (head.error().code == FaultCode::client_gone) co_return false;
      enter(Phase::busy);
      co_await refuse(parser, head.error());
      co_return false;
    }
    const bool keep = co_await one_call(parser);
    const bool unread = parser.request().has_body && !parser.complete();
    if (keep) {
      bool again = true;
      if (unread) again = co_await read_rest(parser);
      co_return again;
    }
    if (unread)
      co_await discard();
    else
      co_await say_goodbye();
    co_return false;
  }

  /// @return whether the client was told that its connection may be used again.
  awaitable<bool> one_call(RequestParser& parser) {
    ConnectionCall call(*server_, stream_, parser, pending_);
    enter(Phase::busy);
    const InCall mark(*open_, call);
    bool bug = false;
    try {
      co_await server_->handler(call);
    } catch (const std::exception& exception) {
      log::write(log::Level::error, "bug", {{"what", exception.what()}});
      bug = true;
    }
    if (bug) call.on_client_gone({});  // what it refers to went with the handler
    if ((bug || !call.answered()) && !call.client_gone()) co_await answer_bug(call);
    co_return call.may_keep_alive();
  }

  awaitable<void> answer_bug(ConnectionCall& call) {
    if (call.started()) {
      co_await call.break_off({});
      co_return;
    }
    const ErrorPage page =
        server_->on_fault(call.request().path, call.request().headers,
                          make_fault(FaultCode::internal, "Something went wrong here."));
    co_await call.send(page.status, page.headers, page.body);
  }

  awaitable<Result<void>> read_head(RequestParser& parser) {
    const TimePoint deadline = server_->worker.after(server_->options.header_timeout);
    while (true) {
      Result<std::size_t> taken = parser.feed(pending_);
      if (!taken) co_return fail(std::move(taken.error()));
      pending_.erase(0, *taken);
      if (parser.head_complete()) break;
      const Io<std::string_view> bytes = co_await stream_.read(deadline);
      if (!bytes && bytes.error() == IoError::timeout)
        co_return fail(FaultCode::body_timeout, "The request's head came too slowly.");
      if (!bytes || bytes->empty())
        co_return fail(FaultCode::client_gone, "The client closed the connection.");
      pending_.append(*bytes);
    }
    co_return Result<void>{};
  }

  /// Answers what could not be parsed, and closes.
  awaitable<void> refuse(RequestParser& parser, const Fault& fault) {
    ++server_->counts.refused;
    const bool known = parser.head_complete();
    const ErrorPage page = server_->on_fault(known ? parser.request().path : std::string_view{},
                                             parser.request().headers, fault);
    std::string head = "HTTP/1.1 " + std::to_string(page.status) + " " +
                       std::string(reason_phrase(page.status)) + "\r\n";
    page.headers.append_to(head);
    head += "content-length: " + std::to_string(page.body.size()) + "\r\nconnection: close\r\n\r\n";
    const WriteOptions options{.stall = server_->options.write_stall};
    const Io<void> sent = co_await stream_.write(head, page.body, options);
    if (sent) co_await discard();
  }

  /// The rest of a short body that nobody wanted.
  awaitable<bool> read_rest(RequestParser& parser) {
    const TimePoint deadline = server_->worker.after(server_->options.body_timeout);
    while (!parser.complete()) {
      if (pending_.empty()) {
        const Io<std::string_view> bytes = co_await stream_.read(deadline);
        if (!bytes || bytes->empty()) co_return false;
        pending_.assign(*bytes);
      }
      const Result<std::size_t> taken = parser.feed(pending_);
      if (!taken) co_return false;
      pending_.erase(0, *taken);
    }
    co_return true;
  }

  /// FIN, then what the client still sends is read away for a moment: closing with unread bytes
  /// would send RST, and the client might never see its answer.
  awaitable<void> discard() {
    stream_.shutdown_send();
    const TimePoint deadline = server_->worker.after(kDrainTime);
    std::size_t read = 0;
    while (read < kDrainBytes) {
      const Io<std::string_view> bytes = co_await stream_.read(deadline);
      if (!bytes || bytes->empty()) co_return;
      read += bytes->size();
    }
  }

  awaitable<void> say_goodbye() {
    stream_.shutdown_send();
    const Io<std::string_view> bytes = co_await stream_.read(server_->worker.after(kDrainTime));
    static_cast<void>(bytes);
  }

  Shared server_;
  Stream stream_;
  const std::string host_;
  std::string pending_;
  std::list<Server::State::Open>::iterator open_;
};

awaitable<void> serve(std::unique_ptr<Connection> connection) { co_await connection->run(); }

/// A handshake that the kernel has answered is reset if its listener closes before the client's
/// last word is there. And a client that has just connected does not expect to be dropped, as one
/// of an idle connection does; but it may never ask.
awaitable<void> end_listening(Shared server) {
  if (server->listener) {
    server->listener->drop_new_connections();
    co_await sleep_for(server->worker, kHandshakeTime);
    server->listener->on_ready(0);
    server->listener.reset();
  }
  co_await sleep_for(server->worker, kAwaitedTime);
  for (const Server::State::Open& each : server->open)
    if (each.phase == Server::State::Phase::awaited) each.stream->abort();
}

}  // namespace

Server::State::State(Worker& w, const ServerOptions& o, Handler h, OnFault f, ServerCounts& c)
    : worker(w), options(o), handler(std::move(h)), on_fault(std::move(f)), counts(c) {}

Server::State::~State() = default;

void Server::State::take(int fd, const std::string& host) {
  const bool room = counts.connections.load() < static_cast<std::int64_t>(options.max_connections);
  if (!room || !counts.enter(host, options.max_connections_per_address)) return turn_away(fd);
  worker.spawn(serve(std::make_unique<Connection>(shared_from_this(), fd, host)));
}

void Server::State::turn_away(int fd) {
  ++counts.refused;
  constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: "
      "close\r\n\r\n";
  if (options.tls == nullptr) ::send(fd, kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(fd);
}

Server::Server(Worker& worker, const ServerOptions& options, Handler handler, OnFault on_fault,
               ServerCounts& counts)
    : state_(std::make_shared<State>(worker, options, std::move(handler), std::move(on_fault),
                                     counts)) {}

Server::~Server() = default;

void Server::listen(int fd) { state_->listener = std::make_unique<Listener>(*state_, fd); }

void Server::drain() {
  if (std::exchange(state_->draining, true)) return;
  for (const State::Open& each : state_->open)
    if (each.phase == State::Phase::idle) each.stream->stop_waiting_to_read();
  state_->worker.spawn(end_listening(state_));
}

void Server::end_calls() {
  for (const State::Open& each : state_->open)
    if (each.call != nullptr) each.call->end();
}

void Server::cut() {
  for (const State::Open& each : state_->open) {
    each.stream->abort();
    if (each.call != nullptr) each.call->leave();  // what runs sees its client gone
  }
}

}  // namespace glmgate::net
