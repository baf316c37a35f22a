#include "net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/address.h"
#include "net/deadlines.h"
#include "net/tls_state.h"
#include "net/waiter.h"

namespace glmgate::net {
namespace {

constexpr std::size_t kRecordBytes = 16 * 1024;  // one TLS record
constexpr int kUnsentBytes = 64 * 1024;          // a slow client must not hide in kernel buffers

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

std::string_view name(IoError error) {
  switch (error) {
    case IoError::closed:
      return "closed";
    case IoError::reset:
      return "reset";
    case IoError::timeout:
      return "timeout";
    case IoError::aborted:
      return "aborted";
    case IoError::full:
      return "full";
    case IoError::tls:
      return "tls";
  }
  return "unknown";
}

struct Stream::State final : Worker::Source, std::enable_shared_from_this<Stream::State> {
  State(Worker& w, int socket)
      : worker(w),
        fd(socket),
        peer(peer_address(socket)),
        read_deadline([this] {
          read_timed_out = true;
          read_waiter.resume();
        }),
        write_deadline([this] {
          write_timed_out = true;
          write_waiter.resume();
        }) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes, sizeof kUnsentBytes);
    aborted = !worker.add(fd, *this);
  }
  ~State() {
    close();
    if (ssl == nullptr) return;
    // Freed without a shutdown, OpenSSL would take the kept session for a bad one.
    if (!tls_dead) SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
  }

  void close() {
    if (fd < 0) return;
    worker.remove(*this);
    ::close(std::exchange(fd, -1));
  }

  void on_ready(std::uint32_t events) override {
    const std::shared_ptr<State> self = shared_from_this();  // whoever is resumed may drop us
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
      maybe_writable = true;
      write_waiter.resume();
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) == 0) return;
    // Edges come once: an end that came with the last bytes must be read before anyone waits.
    if ((events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) ended = true;
    maybe_readable = true;
    on_readable();
  }

  void on_readable() {
    if (read_waiter.waiting()) return read_waiter.resume();
    if (!is_watched() || fd < 0) return;
    if (ended) return tell(Watched::gone);
    if (on_end && ssl == nullptr) return;
    switch (look()) {
      case Look::nothing:
        return;
      case Look::bytes:
        if (!on_end) tell(Watched::bytes);
        return;
      case Look::gone:
        return tell(Watched::gone);
    }
  }

  /// What is there already is told, but not from within the caller.
  void tell_soon() {
    worker.post([self = shared_from_this()] {
      if (self->is_watched()) self->on_readable();
    });
  }

  bool is_watched() const { return on_watch || on_end; }
  void watch_nothing() {
    on_watch = nullptr;
    on_end = nullptr;
  }
  void tell(Watched what) {
    auto watch = std::exchange(on_watch, nullptr);
    auto end = std::exchange(on_end, nullptr);
    if (watch) watch(what);
    if (end) end();
  }

  enum class Look : std::uint8_t { nothing, bytes, gone };
  Look look() {
    char byte = 0;
    if (ssl != nullptr) {
      ERR_clear_error();
      const int n = SSL_peek(ssl, &byte, 1);
      if (n > 0) return Look::bytes;
      return SSL_get_error(ssl, n) == SSL_ERROR_WANT_READ ? nothing_yet() : Look::gone;
    }
    const ssize_t n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) return Look::bytes;
    return n < 0 && would_block() ? nothing_yet() : Look::gone;
  }
  Look nothing_yet() {
    maybe_readable = false;
    return Look::nothing;
  }

  awaitable<Io<void>> wait_readable(TimePoint deadline) {
    if (aborted) co_return std::unexpected(IoError::aborted);
    if (reads_do_not_wait) co_return std::unexpected(IoError::timeout);
    read_timed_out = false;
    const Armed armed(worker.deadlines(), read_deadline, deadline);
    co_await read_waiter.wait();
    if (aborted) co_return std::unexpected(IoError::aborted);
    if (read_timed_out) co_return std::unexpected(IoError::timeout);
    co_return Io<void>{};
  }

  /// For who was told just now that writing would block.
  awaitable<Io<void>> wait_writable(TimePoint deadline) {
    if (aborted || write_stopped) co_return std::unexpected(IoError::aborted);
    write_timed_out = false;
    const Armed armed(worker.deadlines(), write_deadline, deadline);
    co_await write_waiter.wait();
    if (aborted || write_stopped) co_return std::unexpected(IoError::aborted);
    if (write_timed_out) co_return std::unexpected(IoError::timeout);
    co_return Io<void>{};
  }

  /// What SSL_get_error says of `n` becomes a wait or an error.
  enum class TlsNext : std::uint8_t { read, write, ended, broken, reset };
  TlsNext tls_next(int n) {
    const int error = SSL_get_error(ssl, n);
    if (error == SSL_ERROR_WANT_READ) return TlsNext::read;
    if (error == SSL_ERROR_WANT_WRITE) return TlsNext::write;
    if (error == SSL_ERROR_ZERO_RETURN) return TlsNext::ended;
    tls_dead = true;
    return error == SSL_ERROR_SYSCALL ? TlsNext::reset : TlsNext::broken;
  }

  awaitable<Io<void>> tls_wait(TlsNext next, TimePoint deadline) {
    Io<void> waited;
    switch (next) {
      case TlsNext::read:
        waited = co_await wait_readable(deadline);
        break;
      case TlsNext::write:
        waited = co_await wait_writable(deadline);
        break;
      case TlsNext::ended:
        waited = std::unexpected(IoError::closed);
        break;
      case TlsNext::broken:
        waited = std::unexpected(IoError::tls);
        break;
      case TlsNext::reset:
        waited = std::unexpected(IoError::reset);
        break;
    }
    co_return waited;
  }

  awaitable<Io<void>> handshake(TimePoint deadline) {
    while (true) {
      ERR_clear_error();
      const int n = SSL_do_handshake(ssl);
      if (n == 1) co_return Io<void>{};
      const TlsNext next = tls_next(n);
      const Io<void> waited = co_await tls_wait(next, deadline);
      if (!waited)
        co_return std::unexpected(waited.error() == IoError::closed ? IoError::tls
                                                                    : waited.error());
    }
  }

  awaitable<Io<std::string_view>> tls_read(TimePoint deadline) {
    while (true) {
      if (aborted) co_return std::unexpected(IoError::aborted);
      const std::span<char> scratch = worker.scratch();
      ERR_clear_error();
      const int n = SSL_read(ssl, scratch.data(), static_cast<int>(scratch.size()));
      if (n > 0) co_return std::string_view(scratch.data(), static_cast<std::size_t>(n));
      const TlsNext next = tls_next(n);
      if (next == TlsNext::ended) co_return std::string_view{};
      const Io<void> waited = co_await tls_wait(next, deadline);
      if (!waited) co_return std::unexpected(waited.error());
    }
  }

  TimePoint deadline_of(const WriteOptions& options) const {
    return options.stall.count() > 0 ? worker.after(options.stall) : options.until;
  }

  awaitable<Io<void>> tls_write(std::string_view head, std::string_view body,
                                WriteOptions options) {
    static thread_local std::array<char, kRecordBytes> record;
    std::size_t& done = written;
    const std::size_t total = head.size() + body.size();
    TimePoint deadline = deadline_of(options);
    while (done < total) {
      if (aborted || write_stopped) co_return std::unexpected(IoError::aborted);
      // Copied anew after each wait: the buffer is the thread's, and others may have used it since.
      std::size_t filled = 0;
      if (done < head.size()) filled = head.copy(record.data(), record.size(), done);
      if (filled < record.size() && done + filled >= head.size())
        filled +=
            body.copy(record.data() + filled, record.size() - filled, done + filled - head.size());
      ERR_clear_error();
      const int n = SSL_write(ssl, record.data(), static_cast<int>(filled));
      if (n > 0) {
        done += static_cast<std::size_t>(n);
        deadline = deadline_of(options);
        continue;
      }
      const TlsNext next = tls_next(n);
      const Io<void> waited = co_await tls_wait(next, deadline);
      if (!waited) co_return std::unexpected(waited.error());
    }
    co_return Io<void>{};
  }

  /// One system call; what is short enough goes as one piece, which the kernel takes faster.
  ssize_t send_some(std::string_view head, std::string_view body) {
    constexpr std::size_t kShort = 16 * 1024;
    if (head.empty() || body.empty() || head.size() + body.size() > kShort) {
      iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                        {const_cast<char*>(body.data()), body.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    char* const joined = worker.scratch().data();
    std::ranges::copy(body, std::ranges::copy(head, joined).out);
    return ::send(fd, joined, head.size() + body.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  Worker& worker;
  int fd;
  std::string peer;
  SSL* ssl = nullptr;
  std::string tls_name;
  std::move_only_function<void(Watched)> on_watch;
  std::move_only_function<void()> on_end;  ///< the end alone is watched for; one of both
  std::size_t written = 0;                 ///< of the last write
  Waiter read_waiter;
  Waiter write_waiter;
  Deadline read_deadline;
  Deadline write_deadline;
  bool maybe_readable = false;  ///< an edge said so, and nobody has read to the end since
  bool maybe_writable = false;  ///< of a socket that connects: it has
  bool ended = false;           ///< FIN or an error stands behind what is to be read
  bool read_timed_out = false;
  bool write_timed_out = false;
  bool aborted = false;
  bool write_stopped = false;
  bool reads_do_not_wait = false;
  bool tls_dead = false;  ///< after a fatal error OpenSSL wants no more calls
};

Stream::Stream(Worker& worker, int fd) : state_(std::make_shared<State>(worker, fd)) {}

Stream::~Stream() {
  if (!state_) return;
  state_->watch_nothing();
  state_->close();
}

Stream::Stream(Stream&&) noexcept = default;

Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

awaitable<Io<void>> Stream::finish_connect(TimePoint deadline) {
  State& state = *state_;
  if (!state.maybe_writable) {
    const Io<void> waited = co_await state.wait_writable(deadline);
    if (!waited) co_return waited;
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(state.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) co_return std::unexpected(IoError::reset);
  co_return Io<void>{};
}

awaitable<Io<std::string_view>> Stream::read(TimePoint deadline) {
  State& state = *state_;
  if (state.ssl != nullptr) {
    Io<std::string_view> read = co_await state.tls_read(deadline);
    co_return read;
  }
  while (true) {
    if (state.aborted) co_return std::unexpected(IoError::aborted);
    if (state.maybe_readable) {
      const std::span<char> scratch = state.worker.scratch();
      const ssize_t n = ::recv(state.fd, scratch.data(), scratch.size(), MSG_DONTWAIT);
      if (n > 0) {
        // Less than asked for: the socket is empty, and the next read may wait at once.
        state.maybe_readable = state.ended || static_cast<std::size_t>(n) == scratch.size();
        co_return std::string_view(scratch.data(), static_cast<std::size_t>(n));
      }
      if (n == 0) co_return std::string_view{};
      if (errno == EINTR) continue;
      if (!would_block()) co_return std::unexpected(IoError::reset);
      state.maybe_readable = false;
    }
    const Io<void> waited = co_await state.wait_readable(deadline);
    if (!waited) co_return std::unexpected(waited.error());
  }
}

awaitable<Io<void>> Stream::write(std::string_view bytes, TimePoint deadline) {
  const WriteOptions options{.until = deadline};
  const std::string_view nothing;
  Io<void> written = co_await write(bytes, nothing, options);
  co_return written;
}

awaitable<Io<void>> Stream::write(std::string_view head, std::string_view body,
                                  WriteOptions options) {
  State& state = *state_;
  state.written = 0;
  state.write_stopped = false;
  if (state.ssl != nullptr) {
    if (options.if_quiet && !is_quiet()) co_return std::unexpected(IoError::aborted);
    Io<void> written = co_await state.tls_write(head, body, options);
    co_return written;
  }
  co_await state.worker.end_of_turn();
  if (options.if_quiet && !is_quiet()) co_return std::unexpected(IoError::aborted);
  TimePoint deadline = state.deadline_of(options);
  while (!head.empty() || !body.empty()) {
    if (state.aborted || state.write_stopped) co_return std::unexpected(IoError::aborted);
    const ssize_t n = state.send_some(head, body);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && !would_block()) co_return std::unexpected(IoError::reset);
    if (n > 0) {
      const std::size_t of_head = std::min(head.size(), static_cast<std::size_t>(n));
      head.remove_prefix(of_head);
      body.remove_prefix(static_cast<std::size_t>(n) - of_head);
      state.written += static_cast<std::size_t>(n);
      deadline = state.deadline_of(options);
      continue;
    }
    const Io<void> waited = co_await state.wait_writable(deadline);
    if (!waited) co_return std::unexpected(waited.error());
  }
  co_return Io<void>{};
}

awaitable<Io<void>> Stream::start_tls_server(const TlsContext& context, TimePoint deadline) {
  State& state = *state_;
  state.ssl = context.state().make_ssl();
  SSL_set_fd(state.ssl, state.fd);
  SSL_set_accept_state(state.ssl);
  Io<void> done = co_await state.handshake(deadline);
  co_return done;
}

awaitable<Io<void>> Stream::start_tls_client(TlsContext& context, std::string server,
                                             TimePoint deadline) {
  State& state = *state_;
  state.tls_name = std::move(server);
  state.ssl = context.state().make_ssl();
  SSL_set_fd(state.ssl, state.fd);
  SSL_set_connect_state(state.ssl);
  SSL_set_ex_data(state.ssl, tls_name_index(), &state.tls_name);
  X509_VERIFY_PARAM* verify = SSL_get0_param(state.ssl);
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, state.tls_name.c_str()) != 1) {
    ERR_clear_error();
    X509_VERIFY_PARAM_set1_host(verify, state.tls_name.c_str(), state.tls_name.size());
    // What the macro SSL_set_tlsext_host_name does, without its C cast.
    SSL_ctrl(state.ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             state.tls_name.data());
  }
  if (SSL_SESSION* session = context.state().take_session(state.tls_name)) {
    SSL_set_session(state.ssl, session);
    SSL_SESSION_free(session);
  }
  Io<void> done = co_await state.handshake(deadline);
  co_return done;
}

void Stream::watch(std::move_only_function<void(Watched)> on_event) {
  State& state = *state_;
  state.on_end = nullptr;
  state.on_watch = std::move(on_event);
  if (state.maybe_readable && state.look() != State::Look::nothing) state.tell_soon();
}

void Stream::watch_end(std::move_only_function<void()> on_end) {
  State& state = *state_;
  state.on_watch = nullptr;
  state.on_end = std::move(on_end);
  if (state.ended || (state.ssl != nullptr && state.maybe_readable)) state.tell_soon();
}

void Stream::unwatch() { state_->watch_nothing(); }

bool Stream::is_quiet() { return is_open() && state_->look() == State::Look::nothing; }

void Stream::stop_writing() {
  state_->write_stopped = true;
  state_->worker.post([self = state_] { self->write_waiter.resume(); });
}

bool Stream::write_waits() const { return state_->write_waiter.waiting(); }
std::size_t Stream::written() const { return state_->written; }

void Stream::abort() {
  if (state_->aborted) return;
  state_->aborted = true;
  state_->worker.post([self = state_] {
    self->read_waiter.resume();
    self->write_waiter.resume();
  });
}

void Stream::stop_waiting_to_read() {
  state_->reads_do_not_wait = true;
  state_->maybe_readable = true;  // the loop may not have seen yet what came last
  state_->worker.post([self = state_] { self->read_waiter.resume(); });
}

void Stream::shutdown_send() {
  if (state_->ssl != nullptr && !state_->tls_dead && SSL_is_init_finished(state_->ssl)) {
    ERR_clear_error();
    SSL_shutdown(state_->ssl);
  }
  ::shutdown(state_->fd, SHUT_WR);
}

void Stream::close_hard() {
  const linger off{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(state_->fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

bool Stream::is_open() const { return state_ && state_->fd >= 0 && !state_->aborted; }
bool Stream::is_tls() const { return state_->ssl != nullptr; }
std::string_view Stream::certificate_trouble() const {
  if (state_->ssl == nullptr) return {};
  const long result = SSL_get_verify_result(state_->ssl);
  if (result == X509_V_OK) return {};
  return X509_verify_cert_error_string(result);
}
std::string_view Stream::peer() const { return state_->peer; }

}  // namespace glmgate::net
