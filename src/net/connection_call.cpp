#include "net/connection_call.h"

#include <algorithm>
#include <utility>

#include "net/decode.h"

namespace glmgate::net {
namespace {

using namespace std::chrono_literals;

/// Of a body nobody read, what is read away so that the connection can go on.
constexpr std::int64_t kReadAway = 64 * 1024;
constexpr std::size_t kLargePiece = 64 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

void append_chunk_size(std::string& out, std::size_t size) {
  constexpr char kHex[] = "0123456789abcdef";
  char digits[17];
  std::size_t at = sizeof digits;
  for (std::size_t n = size; n > 0; n >>= 4) digits[--at] = kHex[n & 15];
  out.append(digits + at, sizeof digits - at);
  out += "\r\n";
}

/// Counts what waits for the client to read it; what is small is within a stream's own 64 KiB
/// (promises H4).
class Unsent {
 public:
  Unsent(ServerCounts& counts, std::size_t size)
      : counts_(counts), size_(size > kLargePiece ? static_cast<std::int64_t>(size) : 0) {
    if (size_ > 0) counts_.body_memory += size_;
  }
  ~Unsent() {
    if (size_ > 0) counts_.body_memory -= size_;
  }
  Unsent(const Unsent&) = delete;
  Unsent& operator=(const Unsent&) = delete;

 private:
  ServerCounts& counts_;
  const std::int64_t size_;
};

bool is_framing(std::string_view name) {
  for (const std::string_view each : {"content-length", "transfer-encoding", "connection",
                                      "keep-alive", "upgrade", "trailer", "te"})
    if (same_name(name, each)) return true;
  return false;
}

Fault memory_full() {
  Fault full =
      make_fault(FaultCode::overloaded, "Too many large requests at once. Try again shortly.");
  full.wait = 2s;
  return full;
}

std::unexpected<Fault> body_too_large(std::size_t limit) {
  return fail(FaultCode::body_too_large,
              "The body is larger than " + std::to_string(limit) + " bytes.");
}

std::unexpected<Fault> client_left() {
  return fail(FaultCode::client_gone, "The client closed the connection.");
}

}  // namespace

ConnectionCall::ConnectionCall(Server::State& server, Stream& stream, RequestParser& parser,
                               std::string& pending)
    : server_(server), stream_(stream), parser_(parser), pending_(pending) {
  ++server_.counts.calls;
  // While a body comes, who reads it notices the end.
  if (!parser_.request().has_body) stream_.watch_end([this] { leave(); });
}

ConnectionCall::~ConnectionCall() {
  stream_.unwatch();
  server_.counts.body_memory -= accounted_;
  --server_.counts.calls;
}

void ConnectionCall::leave() {
  gone_ = true;
  tell();
}

void ConnectionCall::end() {
  if (ending_ || gone_) return;
  ending_ = true;
  if (reading_) stream_.abort();  // what is still coming in has nothing to lose
  stop_writing();                 // nor may one hold us up that does not read
  tell();
}

/// A write that is only about to begin goes through: what follows it can still be said then.
void ConnectionCall::stop_writing() {
  if (stream_.write_waits()) stream_.stop_writing();
}

void ConnectionCall::tell() {
  if (auto action = std::exchange(on_gone_, nullptr)) action();
}

void ConnectionCall::on_client_gone(std::move_only_function<void()> action) {
  on_gone_ = std::move(action);
  if ((gone_ || ending_) && on_gone_) tell();
}

awaitable<Result<std::string>> ConnectionCall::read_body() {
  reading_ = true;
  Result<std::string> body = co_await read_encoded();
  reading_ = false;
  if (!body) {
    account(0);  // at once: whoever is looked at next may go on
    keep_alive_ = false;
    co_return body;
  }
  stream_.watch_end([this] { leave(); });
  const std::string_view encoding = parser_.request().headers.find("content-encoding");
  if (encoding.empty() || same_name(encoding, "identity")) co_return body;
  co_return decode(encoding, *body);
}

Result<std::string> ConnectionCall::decode(std::string_view encoding, const std::string& body) {
  const ServerOptions& options = server_.options;
  const std::int64_t left =
      static_cast<std::int64_t>(options.max_body_memory) - server_.counts.body_memory.load();
  const std::size_t room = static_cast<std::size_t>(std::max<std::int64_t>(left, 0));
  const std::size_t most = std::min(options.limits.body_bytes, room);
  std::string decoded;
  const Result<void> done = decode_all(encoding, body, most, options.limits.decoded_ratio, decoded);
  if (!done) {
    const bool ours = done.error().code == FaultCode::body_too_large && most == room;
    return fail(ours ? memory_full() : done.error());
  }
  account(decoded.capacity());  // the encoded one goes
  return decoded;
}

awaitable<Io<void>> ConnectionCall::send(int status, const Headers& headers,
                                         std::string_view body) {
  std::string head = make_head(status, headers);
  head += "content-length: ";
  head += std::to_string(body.size());
  head += "\r\n\r\n";
  if (parser_.is_head_request()) body = {};
  started_ = ended_ = true;
  Io<void> sent = co_await put(head, body);
  co_return sent;
}

void ConnectionCall::start(int status, const Headers& headers) {
  if (pending_.empty()) std::string().swap(pending_);  // a stream may be long
  held_ = make_head(status, headers);
  chunked_ = !parser_.is_http_1_0();
  held_ += chunked_ ? "transfer-encoding: chunked\r\n\r\n" : "\r\n";
  if (!chunked_) keep_alive_ = false;
  started_ = true;
}

awaitable<Io<void>> ConnectionCall::write(std::string_view bytes) {
  Io<void> sent = co_await put_piece(bytes, {});
  co_return sent;
}

awaitable<Io<void>> ConnectionCall::finish(std::string_view last_bytes) {
  ended_ = true;
  const std::string_view after = chunked_ ? kLastChunk : std::string_view{};
  Io<void> sent = co_await put_piece(last_bytes, after);
  co_return sent;
}

awaitable<Io<void>> ConnectionCall::break_off(std::string_view last_bytes) {
  ended_ = true;
  Io<void> sent = co_await put_piece(last_bytes, {});
  broken_ = true;
  co_return sent;
}

/// The next piece of a stream, with the head before it if that has not gone, and `after` behind it.
awaitable<Io<void>> ConnectionCall::put_piece(std::string_view bytes, std::string_view after) {
  std::string out = std::exchange(held_, {});
  if (parser_.is_head_request()) bytes = after = {};
  const bool is_chunk = chunked_ && !bytes.empty();
  if (is_chunk) append_chunk_size(out, bytes.size());
  std::string tail(is_chunk ? "\r\n" : "");
  tail += after;
  if (bytes.size() <= kLargePiece) {
    (out += bytes) += tail;
    Io<void> sent = co_await put(out, {});
    co_return sent;
  }
  Io<void> sent = co_await put(out, bytes);  // not copied
  if (sent && !tail.empty()) sent = co_await put(tail, {});
  co_return sent;
}

awaitable<Io<void>> ConnectionCall::put(std::string_view head, std::string_view body) {
  if (broken_) co_return std::unexpected(IoError::aborted);
  const Unsent unsent(server_.counts, head.size() + body.size());
  const WriteOptions options{.stall = server_.options.write_stall};
  const Io<void> sent = co_await stream_.write(head, body, options);
  if (sent) co_return sent;
  broken_ = true;
  // Stopped by us: the client is there, but half an answer cannot be gone on with.
  if (sent.error() == IoError::aborted && stream_.is_open()) co_return sent;
  if (sent.error() == IoError::timeout) stream_.close_hard();
  leave();
  co_return sent;
}

bool ConnectionCall::reads_rest_away() const {
  if (parser_.expects_continue() && !continued_) return false;
  const std::int64_t length = parser_.content_length();
  return length >= 0 && length <= kReadAway;
}

std::string ConnectionCall::make_head(int status, const Headers& headers) {
  if (server_.draining || !parser_.keep_alive()) keep_alive_ = false;
  if (parser_.request().has_body && !parser_.complete() && !reads_rest_away()) keep_alive_ = false;
  std::string head;
  head.reserve(512);
  head += "HTTP/1.1 ";
  head += std::to_string(status);
  head += ' ';
  head += reason_phrase(status);
  head += "\r\n";
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto [name, value] = headers[i];
    if (is_framing(name)) continue;
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  if (!keep_alive_)
    head += "connection: close\r\n";
  else if (parser_.is_http_1_0())
    head += "connection: keep-alive\r\n";
  return head;
}

void ConnectionCall::account(std::size_t held) {
  const std::int64_t now = static_cast<std::int64_t>(held);
  server_.counts.body_memory += now - accounted_;
  accounted_ = now;
}

Result<void> ConnectionCall::hold_memory(std::size_t bytes) {
  const std::int64_t others = server_.counts.body_memory.load() - accounted_;
  if (static_cast<std::int64_t>(bytes) > accounted_ &&
      others > static_cast<std::int64_t>(server_.options.max_body_memory))
    return fail(memory_full());
  account(bytes);
  return {};
}

Result<void> ConnectionCall::check_memory() const {
  if (server_.counts.body_memory.load() <=
      static_cast<std::int64_t>(server_.options.max_body_memory))
    return {};
  return fail(memory_full());
}

awaitable<Result<std::string>> ConnectionCall::read_encoded() {
  const std::size_t limit = server_.options.limits.body_bytes;
  std::string body;
  if (!parser_.request().has_body) co_return body;
  const std::int64_t length = parser_.content_length();
  if (length > static_cast<std::int64_t>(limit)) co_return body_too_large(limit);
  if (Result<void> fits = check_memory(); !fits) co_return fail(std::move(fits.error()));
  // What a client announces is reserved as it arrives, not on its word.
  constexpr std::int64_t kTrusted = 1024 * 1024;
  if (length > 0) body.reserve(static_cast<std::size_t>(std::min(length, kTrusted)) + 64);
  if (parser_.expects_continue() && pending_.empty()) {
    continued_ = true;
    const Io<void> sent = co_await put(kContinue, {});
    if (!sent) co_return client_left();
  }
  parser_.body_into(&body);
  const TimePoint began = server_.worker.now();
  while (!parser_.complete()) {
    Result<void> read = co_await read_more(began);
    if (!read) co_return fail(std::move(read.error()));
    account(body.size());
    if (Result<void> fits = check_memory(); !fits) co_return fail(std::move(fits.error()));
  }
  parser_.body_into(nullptr);
  co_return body;
}

/// Some of the body, into where the parser puts it.
awaitable<Result<void>> ConnectionCall::read_more(TimePoint began) {
  if (!pending_.empty()) {
    const Result<std::size_t> taken = parser_.feed(pending_);
    if (!taken) co_return fail(taken.error());
    pending_.erase(0, *taken);
    co_return Result<void>{};
  }
  const ServerOptions& options = server_.options;
  const auto earned =
      std::chrono::seconds(parser_.body_bytes() / std::max<std::size_t>(options.body_floor, 1));
  const Io<std::string_view> bytes = co_await stream_.read(began + options.body_timeout + earned);
  if (!bytes && bytes.error() == IoError::timeout)
    co_return fail(FaultCode::body_timeout, "The body came too slowly.");
  if (!bytes) {
    leave();
    co_return client_left();
  }
  // A client that says FIN may still listen (RFC 9112, section 8).
  if (bytes->empty())
    co_return fail(FaultCode::bad_http, "The connection ended before the body was complete.");
  const Result<std::size_t> taken = parser_.feed(*bytes);
  if (!taken) co_return fail(taken.error());
  pending_.assign(bytes->substr(*taken));
  co_return Result<void>{};
}

}  // namespace glmgate::net
