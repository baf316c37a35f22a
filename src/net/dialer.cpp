#include "net/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "net/resolver.h"
#include "net/response_parser.h"

namespace glmgate::net {
namespace {

using namespace std::chrono_literals;
using Addresses = std::vector<SocketAddress>;
using Dialled = std::expected<std::unique_ptr<Stream>, Failure>;

constexpr auto kNamesKept = 30s;
constexpr auto kLeastTry = 250ms;  // what each address gets at least, while there is time

std::unexpected<Failure> failed(IoError error, std::string what) {
  return std::unexpected(Failure{Stage::connect, error, std::move(what)});
}

std::unexpected<Failure> cancelled() { return failed(IoError::aborted, "cancelled"); }

/// Families take turns, so that one that leads nowhere costs one try (RFC 8305, section 4).
Addresses in_turns(const Addresses& found) {
  Addresses turns;
  std::vector<bool> used(found.size());
  bool v6 = !found.empty() && found.front().is_v6();
  while (turns.size() < found.size()) {
    const auto next = [&](bool any) {
      for (std::size_t i = 0; i < found.size(); ++i)
        if (!used[i] && (any || found[i].is_v6() == v6)) return i;
      return found.size();
    };
    const std::size_t own = next(false);
    const std::size_t chosen = own < found.size() ? own : next(true);
    used[chosen] = true;
    turns.push_back(found[chosen]);
    v6 = !found[chosen].is_v6();
  }
  return turns;
}

/// One host's addresses, looked up off the loop, once for all who wait, and kept for a while.
class Names : public std::enable_shared_from_this<Names> {
 public:
  Names(Worker& worker, std::string host, std::uint16_t port)
      : worker_(worker), host_(std::move(host)), port_(port), resolver_(worker) {
    const std::optional<SocketAddress> numeric = numeric_address(host_, port);
    if (!numeric) return;
    found_ = {*numeric};
    good_until_ = kNever;
  }

  awaitable<std::expected<Addresses, Failure>> find(TimePoint deadline, Pool::Cancel& cancel) {
    if (worker_.now() < good_until_) co_return found_;
    const std::shared_ptr<Names> self = shared_from_this();
    auto done = std::make_shared<Signal>(worker_);
    waiting_.push_back(done);
    if (!looking_up_) look_up();
    cancel.aim(worker_, done);
    const bool in_time = co_await done->wait(deadline);
    cancel.aim(nullptr);
    std::erase(waiting_, done);
    if (cancel.aborted()) co_return cancelled();
    if (!in_time) co_return failed(IoError::timeout, "name did not resolve in time");
    if (found_.empty()) co_return failed(IoError::reset, "name does not resolve");
    co_return found_;
  }

  /// None of the addresses answers: ask again next time.
  void forget() {
    if (good_until_ != kNever) good_until_ = {};
  }

 private:
  void look_up() {
    looking_up_ = true;
    resolver_.find(host_, port_, [this](Addresses found) {
      looking_up_ = false;
      found_ = std::move(found);
      good_until_ = found_.empty() ? TimePoint{} : worker_.now() + kNamesKept;
      for (const std::shared_ptr<Signal>& each : std::exchange(waiting_, {})) each->fire();
    });
  }

  Worker& worker_;
  const std::string host_;
  const std::uint16_t port_;
  Resolver resolver_;
  Addresses found_;
  TimePoint good_until_{};
  bool looking_up_ = false;
  std::vector<std::shared_ptr<Signal>> waiting_;
};

/// A socket that is connecting to `address`, or errno.
std::expected<int, int> start_connect(const SocketAddress& address) {
  const int fd = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(errno);
  // An answer may be silent for minutes: let the kernel notice a peer that is gone.
  const int on = 1;
  const int idle_seconds = 60;
  const int between_seconds = 15;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_seconds, sizeof between_seconds);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0 ||
      errno == EINPROGRESS)
    return fd;
  const int why = errno;
  ::close(fd);
  return std::unexpected(why);
}

}  // namespace

std::string seconds_text(std::chrono::milliseconds span) {
  if (span.count() % 1000 == 0) return std::to_string(span.count() / 1000) + " s";
  return std::to_string(span.count()) + " ms";
}

struct Dialer::State {
  /// A TCP connection to the first address that takes it.
  awaitable<Dialled> dial(TimePoint deadline, Pool::Cancel& cancel) {
    const std::expected<Addresses, Failure> found = co_await names->find(deadline, cancel);
    if (!found) co_return std::unexpected(found.error());
    const Addresses addresses = in_turns(*found);
    Failure last{Stage::connect, IoError::reset, {}};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      const TimePoint now = std::chrono::steady_clock::now();
      if (now >= deadline) break;
      const std::expected<int, int> fd = start_connect(addresses[i]);
      if (!fd) {
        const bool full = fd.error() == EMFILE || fd.error() == ENFILE;
        last.error = full ? IoError::full : IoError::reset;
        last.what = std::string("no connection: ") + std::strerror(fd.error());
        if (full) break;
        continue;
      }
      auto stream = std::make_unique<Stream>(worker, *fd);
      cancel.aim(stream.get());
      const auto share = (deadline - now) / static_cast<int>(addresses.size() - i);
      const TimePoint until =
          std::min(deadline, now + std::max<TimePoint::duration>(share, kLeastTry));
      const Io<void> connected = co_await stream->finish_connect(until);
      if (connected) co_return stream;
      cancel.aim(nullptr);
      if (cancel.aborted()) co_return cancelled();
      last.error = connected.error();
      last.what = connected.error() == IoError::timeout ? "no connection in time"
                                                        : "connection refused or host unreachable";
    }
    if (last.error != IoError::full) names->forget();
    co_return std::unexpected(last);
  }

  /// Asks the proxy for a way to the upstream. With http:// upstreams too: one way is enough.
  awaitable<std::expected<void, Failure>> tunnel(Stream& stream, TimePoint deadline) {
    const std::string target =
        (url.host.find(':') != std::string::npos ? "[" + url.host + "]" : url.host) + ":" +
        std::to_string(url.port);
    std::string head = "CONNECT " + target + " HTTP/1.1\r\nhost: " + target +
                       "\r\nuser-agent: " + std::string(kUserAgent) + "\r\n";
    if (!proxy_authorization.empty())
      head += "proxy-authorization: " + proxy_authorization + "\r\n";
    head += "\r\n";
    const Io<void> written = co_await stream.write(head, deadline);
    if (!written) co_return failed(written.error(), "proxy went away");
    ResponseParser parser(limits);
    while (!parser.head_complete()) {
      const Io<std::string_view> bytes = co_await stream.read(deadline);
      if (!bytes) co_return failed(bytes.error(), "proxy did not answer");
      if (bytes->empty()) co_return failed(IoError::closed, "proxy closed the connection");
      const Result<std::size_t> taken = parser.feed_head(*bytes);
      if (!taken) co_return failed(IoError::reset, "proxy's answer: " + taken.error().for_us);
      // The upstream does not speak first: what follows the proxy's head comes from nowhere.
      if (parser.head_complete() && parser.status() / 100 == 2 && *taken != bytes->size())
        co_return failed(IoError::reset, "proxy's answer: bytes after the head");
    }
    if (parser.status() / 100 != 2)
      co_return failed(IoError::reset, "proxy refused: " + std::to_string(parser.status()));
    co_return std::expected<void, Failure>{};
  }

  awaitable<std::expected<void, Failure>> secure(Stream& stream, TimePoint deadline) {
    if (tls == nullptr) co_return failed(IoError::tls, "TLS is not set up");
    std::string name = url.host;
    const Io<void> done = co_await stream.start_tls_client(*tls, std::move(name), deadline);
    if (done) co_return std::expected<void, Failure>{};
    std::string what = "TLS handshake failed: " + std::string(net::name(done.error()));
    if (const std::string_view trouble = stream.certificate_trouble(); !trouble.empty())
      what = "certificate refused: " + std::string(trouble);
    co_return failed(done.error(), std::move(what));
  }

  Worker& worker;
  const Url url;
  TlsContext* const tls;
  const ClientLimits limits;
  const Result<std::optional<Url>> proxy;
  const std::string proxy_authorization;
  std::shared_ptr<Names> names;  ///< of the first hop; absent if the proxy cannot be used
};

Dialer::Dialer(Worker& worker, const Url& url, const ProxyRules& proxies, TlsContext* tls,
               const ClientLimits& limits)
    : state_(new State{.worker = worker,
                       .url = url,
                       .tls = tls,
                       .limits = limits,
                       .proxy = proxies.find(url),
                       .proxy_authorization = proxies.authorization(url),
                       .names = nullptr}) {
  if (!state_->proxy) return;
  const Url& first_hop = *state_->proxy ? **state_->proxy : url;
  state_->names = std::make_shared<Names>(worker, first_hop.host, first_hop.port);
}

Dialer::~Dialer() = default;

awaitable<Dialled> Dialer::connect(std::chrono::milliseconds patience, Pool::Cancel& cancel) {
  State& state = *state_;
  if (!state.proxy) co_return failed(IoError::reset, state.proxy.error().for_client);
  const TimePoint deadline = std::chrono::steady_clock::now() + patience;
  Dialled stream = co_await state.dial(deadline, cancel);
  std::expected<void, Failure> done;
  if (!stream) done = std::unexpected(std::move(stream.error()));
  if (done && *state.proxy) done = co_await state.tunnel(**stream, deadline);
  if (done && state.url.tls) done = co_await state.secure(**stream, deadline);
  if (done) co_return stream;
  cancel.aim(nullptr);
  if (cancel.aborted()) co_return cancelled();
  if (done.error().error == IoError::timeout)
    done.error().what += " (" + seconds_text(patience) + ")";
  co_return std::unexpected(std::move(done.error()));
}

}  // namespace glmgate::net
