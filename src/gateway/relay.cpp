#include "gateway/relay.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include "gateway/stored.h"
#include "net/deadlines.h"
#include "protocol/responses_store.h"

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;
using accounts::End;

constexpr auto kLastChunk = 50ms;
constexpr auto kLongestSync = 5s;  // with power durability (promises L8)
constexpr auto kKeyCheck = 3s;

std::int32_t milliseconds(std::chrono::nanoseconds span) {
  return static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

Fault gone() { return make_fault(FaultCode::client_gone, "The client closed the connection."); }

/// Usage as reported, else what we know: the prompt's estimate and the text that was relayed
/// (promises L4).
Usage usage_or_estimate(const Exchange& x, const std::optional<Usage>& reported,
                        std::int64_t text_bytes) {
  if (reported) return *reported;
  return {.input = x.facts.input_estimate,
          .cached = 0,
          .output = protocol::estimate_tokens(text_bytes),
          .reasoning = 0,
          .estimated = true};
}

/// Wakes a request that waits for its row's sync, from the ledger's thread. Nothing is touched once
/// the request has given up, or has ended with its worker.
class Sync {
 public:
  explicit Sync(net::Worker& worker)
      : worker_(&worker), signal_(std::make_shared<net::Signal>(worker)) {}

  void tell() {
    const std::lock_guard lock(mutex_);
    if (worker_ != nullptr) worker_->post([signal = signal_] { signal->fire(); });
  }
  net::awaitable<bool> wait(net::TimePoint until) { return signal_->wait(until); }
  void give_up() {
    const std::lock_guard lock(mutex_);
    worker_ = nullptr;
    signal_.reset();
  }

 private:
  std::mutex mutex_;
  net::Worker* worker_;  // nullptr: nobody waits any more
  std::shared_ptr<net::Signal> signal_;
};

net::awaitable<bool> wait_for_sync(Exchange& x, const accounts::Entry& entry) {
  struct Waiting {
    std::shared_ptr<Sync> sync;
    ~Waiting() { sync->give_up(); }
  };
  const Waiting waiting{std::make_shared<Sync>(x.at.worker)};
  x.hold->settle(entry, [sync = waiting.sync] { sync->tell(); });
  co_return co_await waiting.sync->wait(std::chrono::steady_clock::now() + kLongestSync);
}

/// Closes the row, and waits until it is as durable as the operator asked for. Fault: it is not yet
/// (it will be, once the store can be written): the client must not take its answer for whole.
net::awaitable<Result<void>> settle(Exchange& x, End end, Usage usage) {
  const Upstream& upstream = *x.route->upstream;
  const accounts::Billing billed = billing(upstream.kind());
  const accounts::Quote quote = x.setup().prices.quote(x.route->model, upstream.kind().currency,
                                                       usage, x.at.gateway.clock.utc_ms(), billed);
  const bool whole = !x.answer.streamed() && x.first_byte;
  const auto now = whole ? *x.first_byte : std::chrono::steady_clock::now();
  x.end = end;
  x.usage = usage;
  x.cost_micro = quote.cost ? quote.cost->micro : 0;
  x.list_micro = quote.list ? quote.list->micro : 0;
  const accounts::Entry entry{
      .end = end,
      .usage = usage,
      .cost_micro = x.cost_micro,
      .list_micro = x.list_micro,
      .currency = quote.cost ? quote.cost->currency : upstream.kind().currency,
      .priced = quote.cost.has_value(),
      .billing = billed,
      .weight_milli = quote.weight_milli,
      .status = x.status,
      .first_ms = x.first_byte ? milliseconds(*x.first_byte - x.began) : 0,
      .total_ms = milliseconds(now - x.began),
      .tries = x.tries,
      .upstream = upstream.config.name,
      .model = x.route->model,
  };
  if (x.at.gateway.ledger.durability() == accounts::Durability::process) {
    x.hold->settle(entry, {});
    co_return Result<void>{};
  }
  if (co_await wait_for_sync(x, entry)) co_return Result<void>{};
  co_return fail(FaultCode::store_unavailable,
                 "The upstream answered, but the ledger cannot be written at the moment.");
}

net::awaitable<Result<void>> send_whole(Exchange& x) {
  const protocol::PlainAnswer& whole = x.answer.whole;
  x.status = 200;
  x.first_byte = std::chrono::steady_clock::now();
  const net::Headers headers = answer_headers(x, "application/json");
  const Usage usage = usage_or_estimate(x, whole.usage, whole.text_bytes);
  const End end = x.call.client_gone() ? End::client_cut : End::complete;
  if (Result<void> settled = co_await settle(x, end, usage); !settled) co_return settled;
  if (x.keeps_response()) remember(x, whole.body);
  const net::Io<void> sent = co_await x.call.send(200, headers, whole.body);
  if (!sent) co_return fail(gone());
  co_return Result<void>{};
}

bool key_still_good(Exchange& x) {
  const std::shared_ptr<const accounts::KeyTable> newest = x.at.keys();
  if (newest == x.keys) return true;
  const accounts::Key* now = newest->find(x.key->id);
  return now != nullptr && now->state == accounts::KeyState::active;
}

/// Looks at the key while its answer streams, also while the client does not read: a revoked key's
/// streams end within 5 s (promises K1).
class KeyWatch {
 public:
  explicit KeyWatch(Exchange& x) : x_(x), deadline_([this] { look(); }) { look(); }
  bool revoked() const { return revoked_; }

  void look() {
    revoked_ = revoked_ || !key_still_good(x_);
    if (!revoked_) return x_.at.worker.deadlines().arm(deadline_, x_.at.worker.after(kKeyCheck));
    x_.cancel.abort();
    x_.call.stop_writing();
  }

 private:
  Exchange& x_;
  bool revoked_ = false;
  net::Deadline deadline_;
};

/// Why a stream that could go on must not; nothing: it may.
std::optional<Fault> why_over(const Exchange& x, const KeyWatch& key) {
  if (x.call.client_gone()) return gone();
  if (key.revoked()) return make_fault(FaultCode::disabled_key, "This key was revoked.");
  if (x.call.shutting_down()) return shutting_down();
  return std::nullopt;
}

net::awaitable<Result<void>> stream_on(Exchange& x) {
  Begun& begun = x.answer;
  const auto idle = x.route->upstream->config.patience.idle;
  const auto heartbeat = x.setup().config.heartbeat;
  auto last_upstream_byte = std::chrono::steady_clock::now();
  auto last_client_byte = last_upstream_byte;
  x.status = 200;
  x.first_byte = last_upstream_byte;
  x.call.start(200, answer_headers(x, "text/event-stream; charset=utf-8"));
  KeyWatch key(x);
  const bool pings = !protocol::ping_of(x.target.dialect).empty();
  if (begun.bytes.empty() && !begun.stream->started()) begun.bytes = begun.stream->ping();
  while (true) {
    if (!begun.bytes.empty()) {
      x.hold->so_far(protocol::estimate_tokens(begun.stream->text_bytes()));
      const net::Io<void> written = co_await x.call.write(begun.bytes);
      if (!written) co_return fail(why_over(x, key).value_or(gone()));
      std::string().swap(begun.bytes);  // silence may be long, and there may be many of them
      last_client_byte = std::chrono::steady_clock::now();
    }
    if (begun.stream->complete() || !begun.upstream) co_return Result<void>{};

    const bool may_end = begun.stream->may_end();
    const auto silent =
        last_upstream_byte +
        longest_silence(idle, may_end && begun.stream->usage() ? Left::marker : Left::something);
    const auto wake = pings ? std::min(silent, last_client_byte + heartbeat) : silent;
    const net::Io<std::string_view> bytes = co_await begun.upstream->read(wake);
    if (x.at.keys() != x.keys) key.look();
    if (std::optional<Fault> over = why_over(x, key)) co_return fail(std::move(*over));
    if (bytes) {
      last_upstream_byte = std::chrono::steady_clock::now();
      Result<void> fed =
          bytes->empty() ? begun.stream->finish() : begun.stream->feed(*bytes, begun.bytes);
      if (!fed) co_return fed;
      if (bytes->empty()) co_return Result<void>{};
      continue;
    }
    if (bytes.error() != net::IoError::timeout)
      co_return fail(FaultCode::upstream_broken, "The upstream broke off its answer.");
    const auto now = std::chrono::steady_clock::now();
    if (now >= silent && may_end) co_return begun.stream->finish();
    if (now >= silent) co_return fail(FaultCode::upstream_timeout, "The upstream fell silent.");
    if (pings && now >= last_client_byte + heartbeat) begun.bytes = begun.stream->ping();
  }
}

/// Who ended a stream before its time.
End end_of(const Fault& fault) {
  if (fault.code == FaultCode::client_gone) return End::client_cut;
  const bool ours = fault.code == FaultCode::shutting_down || fault.code == FaultCode::disabled_key;
  return ours ? End::interrupted : End::upstream_cut;
}

net::awaitable<Result<void>> send_stream(Exchange& x) {
  Begun& begun = x.answer;
  Result<void> told = co_await stream_on(x);
  const Usage usage = usage_or_estimate(x, begun.stream->usage(), begun.stream->text_bytes());
  if (!told) {
    begun.upstream.reset();  // closes the upstream at once: what nobody reads is not paid for
    co_await settle(x, end_of(told.error()), usage);
    co_return told;
  }
  // Settle before the last bytes go out: what a client received in full must be on the ledger.
  if (Result<void> settled = co_await settle(x, End::complete, usage); !settled) co_return settled;
  const std::string ending = begun.bytes + begun.stream->take_ending();
  if (x.keeps_response()) remember(x, protocol::read_last_response(ending));
  const net::Io<void> sent = co_await x.call.finish(ending);
  // The client has everything. The upstream's own last chunk, if it is at hand, lets its connection
  // be used again.
  if (begun.upstream) co_await begun.upstream->read(std::chrono::steady_clock::now() + kLastChunk);
  if (!sent) co_return fail(gone());
  co_return Result<void>{};
}

}  // namespace

std::chrono::milliseconds longest_silence(std::chrono::milliseconds idle, Left left) {
  return left == Left::marker ? std::min<std::chrono::milliseconds>(idle, 5s) : idle;
}

net::awaitable<Result<void>> relay(Exchange& x) {
  return x.answer.streamed() ? send_stream(x) : send_whole(x);
}

net::awaitable<void> settle_cut(Exchange& x) {
  x.status = 200;
  x.hold->answered();
  co_await settle(x, End::client_cut, usage_or_estimate(x, x.cut->usage, x.cut->text_bytes));
}

}  // namespace glmgate::gateway
