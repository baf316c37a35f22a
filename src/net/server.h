// The client side of the gateway: an HTTP/1.1 server that refuses what smuggling lives on
// (promises, section 1), answers one request at a time per connection, and tells its handler when
// the client left.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "net/stream.h"
#include "net/tls.h"

namespace glmgate::net {

struct ServerOptions {
  HttpLimits limits;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};  ///< with a floor of `body_floor` bytes a second
  std::size_t body_floor = 1024;
  std::chrono::milliseconds keep_alive{60'000};
  std::chrono::milliseconds write_stall{60'000};
  std::size_t max_connections = 10'000;
  std::size_t max_connections_per_address = 256;    ///< loopback is exempt
  std::size_t max_body_memory = 512 * 1024 * 1024;  ///< of all request bodies together, and of what
                                                    ///< waits to be read; past it 503
  const TlsContext* tls = nullptr;                  ///< nullptr: in the clear
};

/// A request's head. `method`, `path` and `query` view into it.
struct Request {
  std::string method;
  std::string target;      ///< as sent, origin form
  std::string_view path;   ///< without the query; not decoded
  std::string_view query;  ///< without '?'; empty if none
  Headers headers;
  bool has_body = false;
};

/// One request and the way to answer it. Lives in the connection's coroutine; use it from there
/// only.
class Call {
 public:
  virtual ~Call() = default;

  virtual Worker& worker() = 0;
  virtual const Request& request() const = 0;
  virtual std::string_view peer() const = 0;

  /// The whole body, decoded (gzip, deflate, zstd). Sends 100 Continue if asked for. Once.
  /// Fault: body_too_large, body_timeout, bad_encoding, unsupported_encoding, bad_http,
  /// client_gone, overloaded. An error leaves bytes unread: the connection is closed after the
  /// answer.
  virtual awaitable<Result<std::string>> read_body() = 0;

  /// From now on this call holds `bytes` of max_body_memory, instead of what it held before (its
  /// body at first): what was made of the body counts, and what is gone does not.
  /// Fault{overloaded}, and nothing changed, if that is more than before and other calls hold all
  /// there is.
  virtual Result<void> hold_memory(std::size_t bytes) = 0;

  /// Called on the worker's thread as soon as nobody waits for the answer any more, until it is
  /// complete: the client has left (FIN or RST; a half-close cannot be told from a close), or the
  /// server ends its calls. May be called inside on_client_gone() if it is so already. The action
  /// ends waits as net/worker.h says: by later tasks.
  virtual void on_client_gone(std::move_only_function<void()> action) = 0;
  virtual bool client_gone() const = 0;
  /// The server ends its calls (Server::end_calls): the client is still there, and may be told.
  virtual bool shutting_down() const = 0;

  /// A whole answer: status line, `headers`, Content-Length, body. One write.
  virtual awaitable<Io<void>> send(int status, const Headers& headers, std::string_view body) = 0;

  /// A streamed answer, chunked (HTTP/1.0: until close). The head goes out with the first write().
  virtual void start(int status, const Headers& headers) = 0;
  virtual awaitable<Io<void>> write(std::string_view bytes) = 0;
  virtual awaitable<Io<void>> finish(
      std::string_view last_bytes) = 0;  ///< last bytes and the final chunk, one write
  /// Ends a streamed answer visibly broken: `last_bytes` go out, the final chunk does not, the
  /// connection closes (FIN).
  virtual awaitable<Io<void>> break_off(std::string_view last_bytes) = 0;

  /// Ends the write that waits for the client to read, if any, with IoError::aborted, soon. An
  /// answer that is half written cannot be gone on with: its connection closes.
  virtual void stop_writing() = 0;

  virtual bool started() const = 0;  ///< status line is out
};

/// Answers a call, unless the client has left: returning without an answer is a bug then, and
/// becomes a 500.
using Handler = std::function<awaitable<void>(Call&)>;

/// How the server answers on its own behalf (bad framing, limits): the body and headers for a fault
/// on this path. `path` is empty if the head could not be read.
struct ErrorPage {
  int status = 400;
  Headers headers;
  std::string body;
};
using OnFault = std::function<ErrorPage(std::string_view path, const Headers& request_headers,
                                        const Fault& fault)>;

/// One per worker. Counts are shared between the servers of one listener.
struct ServerCounts {
  std::atomic<std::int64_t> connections{0};
  std::atomic<std::int64_t> calls{0};    ///< being answered now
  std::atomic<std::int64_t> awaited{0};  ///< requests on their way: connected, or part of the head
  std::atomic<std::int64_t> listening{0};  ///< listeners that are open
  std::atomic<std::int64_t> body_memory{0};
  std::atomic<std::int64_t> refused{0};

  /// Nobody is answered, and nobody can come any more: once it drains.
  bool is_over() const;

  /// Counts a connection from `host`; false if that is one too many. Loopback is not counted.
  bool enter(std::string_view host, std::size_t limit);
  void leave(std::string_view host);

 private:
  std::mutex mutex_;
  std::map<std::string, std::size_t, std::less<>> by_host_;
};

class Server {
 public:
  Server(Worker& worker, const ServerOptions& options, Handler handler, OnFault on_fault,
         ServerCounts& counts);
  ~Server();

  /// Starts accepting on this listening socket; takes it over. From the worker's thread or before
  /// it runs.
  void listen(int fd);

  /// No new connections, but those made already, and who has begun to connect, are taken; then the
  /// listener closes. `Connection: close` on answers; idle connections close, unless a request is
  /// there. A head that is on its way, or the first of a connection just made, has a second to
  /// come. Running calls go on. Worker's thread.
  void drain();
  /// Tells what still runs to end (Call::shutting_down). Worker's thread.
  void end_calls();
  /// Aborts what still runs: it sees its client gone. Worker's thread.
  void cut();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace glmgate::net
