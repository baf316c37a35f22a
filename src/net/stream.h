// A connected byte stream, in the clear or over TLS, with a deadline on every wait. It waits first
// and reads then, into the worker's scratch, so an idle connection holds no buffer (measured:
// stack.md 2.3).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/worker.h"

namespace glmgate::net {

enum class IoError : std::uint8_t {
  closed,   ///< orderly end (FIN, close_notify) where more was expected
  reset,    ///< connection reset, broken pipe
  timeout,  ///< the deadline passed
  aborted,  ///< abort() or stop_writing() was called
  full,     ///< this process has no descriptor left
  tls       ///< record or handshake error; truncation without close_notify
};
std::string_view name(IoError error);

template <typename T>
using Io = std::expected<T, IoError>;

class TlsContext;  // net/tls.h

/// When a write must have ended (at `until`, or once nothing more was taken for `stall`), and
/// whether it may begin.
struct WriteOptions {
  TimePoint until = kNever;
  std::chrono::milliseconds stall{0};  ///< 0: `until` holds
  bool if_quiet = false;  ///< IoError::aborted, and nothing written, if the peer spoke or left
};

class Stream {
 public:
  /// Takes over a non-blocking socket, connected or connecting. If the worker cannot watch it,
  /// every wait ends with IoError::aborted.
  Stream(Worker& worker, int fd);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  /// Of a socket whose connect() is under way: waits for its outcome.
  awaitable<Io<void>> finish_connect(TimePoint deadline);

  awaitable<Io<void>> start_tls_server(const TlsContext& context, TimePoint deadline);
  /// Verifies chain and name; resumes a cached session for this name if there is one.
  awaitable<Io<void>> start_tls_client(TlsContext& context, std::string name, TimePoint deadline);

  /// Next bytes, at least one; in the worker's scratch, so gone at the next co_await. Empty view:
  /// orderly end.
  awaitable<Io<std::string_view>> read(TimePoint deadline);

  /// Writes all of it (gathered; one record run on TLS). The parts must outlive the call.
  awaitable<Io<void>> write(std::string_view bytes, TimePoint deadline);
  awaitable<Io<void>> write(std::string_view head, std::string_view body, WriteOptions options);
  /// Ends the write that is under way with IoError::aborted, soon, leaving it half done. Reading
  /// goes on.
  void stop_writing();
  bool write_waits() const;     ///< for the peer to read
  std::size_t written() const;  ///< bytes of the last write() that were taken

  /// Calls `on_event` once, on the worker's thread, when the peer closed or reset, or sent bytes,
  /// while nobody reads. A later read() or a second watch() replaces it.
  enum class Watched : std::uint8_t { bytes, gone };
  void watch(std::move_only_function<void(Watched)> on_event);
  /// The same, for the end alone: bytes that come first do not hide it, and stay unread. For
  /// noticing that a client left.
  void watch_end(std::move_only_function<void()> on_end);
  void unwatch();
  /// Nothing to read and not ended, as of now. While nobody reads.
  bool is_quiet();

  /// Ends any wait with IoError::aborted, now and later.
  void abort();
  /// From now on a read takes what has come, but waits for nothing: it ends with IoError::timeout.
  /// So does one that waits, soon.
  void stop_waiting_to_read();
  /// Says FIN (and close_notify) and lets what was written go out. The destructor closes without
  /// waiting.
  void shutdown_send();
  /// Makes the destructor send RST instead of FIN.
  void close_hard();

  bool is_open() const;
  bool is_tls() const;
  /// After a failed handshake: what is wrong with the peer's certificate, e.g. "certificate has
  /// expired"; empty if nothing is.
  std::string_view certificate_trouble() const;
  std::string_view peer() const;  ///< "127.0.0.1:4711"

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< shared with the wait that is armed
};

}  // namespace glmgate::net
