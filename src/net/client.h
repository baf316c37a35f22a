// The upstream side of the gateway: HTTP/1.1 requests over pooled connections, directly or through
// a proxy.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "net/stream.h"
#include "net/tls.h"

namespace glmgate::net {

/// "https://api.z.ai/api/paas/v4": where an upstream is. Userinfo, queries and fragments are
/// refused.
struct Url {
  bool tls = false;
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
  std::string path;               ///< "/api/paas/v4", no trailing slash; may be empty
  std::string authority() const;  ///< for Host: the port only if it is not the scheme's own
};
Result<Url> read_url(std::string_view text);

/// Which proxy stands before an upstream: HTTPS_PROXY/https_proxy (and HTTP_PROXY/http_proxy,
/// ALL_PROXY) with NO_PROXY/no_proxy (names, .suffixes, addresses, CIDR, host:port, `*`). Loopback
/// is never proxied. Read once at start.
struct ProxyRules {
  std::string https_proxy;
  std::string http_proxy;
  std::string no_proxy;
  static ProxyRules from_environment();

  /// The proxy for `url`, without its userinfo; nothing: go there directly. Fault: there is one,
  /// but it cannot be used (https://, socks5://, malformed). Going around it would be a surprise.
  Result<std::optional<Url>> find(const Url& url) const;
  /// "Basic ..." of the proxy's userinfo, or empty.
  std::string authorization(const Url& url) const;
};

struct ClientLimits {
  std::size_t head_bytes = 64 * 1024;
  std::size_t fields = 200;
  std::size_t decoded_ratio = 100;  ///< decoded to encoded, past 1 MiB; of whole answers
  /// Pooled, per worker. The one used last is used next, so that no more are kept than were in use
  /// at once within `idle`.
  std::size_t idle_per_upstream = 1024;
  std::chrono::milliseconds idle{60'000};  ///< how long a connection is kept unused
};

/// How long an attempt may take.
struct Patience {
  std::chrono::milliseconds connect{5'000};       ///< name, TCP, proxy, TLS
  std::chrono::milliseconds first_byte{60'000};   ///< from request written to the answer's head
  std::chrono::milliseconds idle{60'000};         ///< between bytes of the body
  std::chrono::milliseconds write_stall{60'000};  ///< for which nothing of the request is taken
};

/// Where an attempt failed: decides what may be tried again (promises, section 4).
enum class Stage : std::uint8_t {
  connect,   ///< nothing was sent
  stale,     ///< a pooled connection died before any byte of the answer; ask() sends again itself
  sending,   ///< request partly sent
  waiting,   ///< request sent, no byte of the answer yet
  answering  ///< the answer had begun
};
struct Failure {
  Stage stage;
  IoError error;
  std::string what;  ///< for the log: "name does not resolve", "proxy refused: 407"; no secrets
  std::size_t body_bytes = 0;  ///< of read_all(): so much had come, as it was on the wire
};

struct OutgoingRequest {
  std::string_view method;  ///< "POST"
  std::string_view path;    ///< full path with query
  const Headers* headers;   ///< end-to-end fields; Host, Content-Length and User-Agent are added
  std::string_view body;
};

/// An answer being read. Destroying it before the body ended closes the connection (the upstream
/// sees the client leave).
class Answer {
 public:
  virtual ~Answer() = default;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;  ///< until the first read()

  /// Next body bytes, decoded as content-encoding says; empty view: complete as framed. The view is
  /// gone at the next co_await. timeout: read() again when it suits. Other errors: the body broke.
  virtual awaitable<Io<std::string_view>> read(TimePoint deadline) = 0;
  /// The whole body, at most `limit` bytes, decoded; instead of read(). `idle`: longest silence.
  virtual awaitable<std::expected<std::string, Failure>> read_all(
      std::size_t limit, std::chrono::milliseconds idle) = 0;
};

/// Connections to one upstream from one worker.
class Pool {
 public:
  Pool(Worker& worker, Url url, const ProxyRules& proxies, TlsContext* tls,
       const ClientLimits& limits);
  ~Pool();

  /// Ends an attempt, and the answer it led to, from the same worker: the connection is closed at
  /// once.
  class Cancel {
   public:
    void abort();
    bool aborted() const { return aborted_; }

    /// For the pool: what abort() shall end now; nullptr: nothing.
    void aim(Stream* stream);
    void aim(Worker& worker, std::shared_ptr<Signal> signal);

   private:
    bool aborted_ = false;
    Stream* stream_ = nullptr;
    Worker* worker_ = nullptr;  ///< of `signal_`
    std::shared_ptr<Signal> signal_;
  };

  /// Sends and waits for the answer's head (1xx skipped). A stale pooled connection is retried on a
  /// fresh one inside, once. `cancel` must outlive the answer.
  awaitable<std::expected<std::unique_ptr<Answer>, Failure>> ask(OutgoingRequest request,
                                                                 Patience patience, Cancel& cancel);

  std::size_t idle() const;
  void close_idle();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace glmgate::net
