#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "net/client.h"
#include "net/deadlines.h"
#include "net/decode.h"
#include "net/dialer.h"
#include "net/response_parser.h"

namespace glmgate::net {
namespace {

using namespace std::chrono_literals;

/// An upstream that stops reading the request has often answered already.
constexpr auto kEarlyAnswer = 1s;

/// One connection, and where it stands in the pool while idle.
struct Link {
  std::unique_ptr<Stream> stream;
  TimePoint idle_since{};
  bool used = false;  ///< carried a request before
};

}  // namespace

void Pool::Cancel::abort() {
  aborted_ = true;
  if (stream_ != nullptr) stream_->abort();
  // Not from within: the caller may be what the waiting coroutine would destroy.
  if (signal_) worker_->post([signal = signal_] { signal->fire(); });
}

void Pool::Cancel::aim(Stream* stream) {
  stream_ = stream;
  signal_ = nullptr;
  if (aborted_ && stream != nullptr) stream->abort();
}

void Pool::Cancel::aim(Worker& worker, std::shared_ptr<Signal> signal) {
  stream_ = nullptr;
  worker_ = &worker;
  signal_ = std::move(signal);
  if (aborted_) signal_->fire();
}

struct Pool::State : std::enable_shared_from_this<Pool::State> {
  State(Worker& w, const Url& url, const ProxyRules& proxies, TlsContext* tls,
        const ClientLimits& l)
      : worker(w),
        limits(l),
        authority(url.authority()),
        dialer(w, url, proxies, tls, l),
        sweep([this] { drop_old(); }) {}

  /// The one used last, if any: the others may grow old. What comes on an idle connection is seen
  /// by the loop, which drops it; ask_on() looks once more.
  Link lease() {
    while (!idle.empty()) {
      Link link = std::move(idle.back());
      idle.pop_back();
      link.stream->unwatch();
      if (link.stream->is_open()) return link;
    }
    return {};
  }

  void give_back(Link link) {
    if (!link.stream->is_open()) return;
    if (idle.size() >= limits.idle_per_upstream) idle.erase(idle.begin());
    link.used = true;
    link.idle_since = worker.now();
    Stream* const stream = link.stream.get();
    idle.push_back(std::move(link));
    // Any byte or a close while idle makes it worthless: an unsolicited byte must never reach
    // another client.
    stream->watch([weak = weak_from_this(), stream](Stream::Watched) {
      if (const auto self = weak.lock())
        std::erase_if(self->idle,
                      [stream](const Link& each) { return each.stream.get() == stream; });
    });
    if (idle.size() == 1) worker.deadlines().arm(sweep, idle.front().idle_since + limits.idle);
  }

  void drop_old() {
    const TimePoint oldest = worker.now() - limits.idle;
    std::erase_if(idle, [oldest](const Link& each) { return each.idle_since <= oldest; });
    if (!idle.empty()) worker.deadlines().arm(sweep, idle.front().idle_since + limits.idle);
  }

  std::string make_head(const OutgoingRequest& request) const {
    std::string head;
    head.reserve(512);
    head += request.method;
    head += ' ';
    head += request.path;
    head += " HTTP/1.1\r\nhost: ";
    head += authority;
    head += "\r\n";
    request.headers->append_to(head);
    if (!request.headers->has("user-agent")) {
      head += "user-agent: ";
      head += kUserAgent;
      head += "\r\n";
    }
    if (!request.body.empty() || request.method != "GET") {
      head += "content-length: ";
      head += std::to_string(request.body.size());
      head += "\r\n";
    }
    head += "\r\n";
    return head;
  }

  Worker& worker;
  const ClientLimits limits;
  const std::string authority;
  Dialer dialer;
  std::vector<Link> idle;  ///< oldest first
  Deadline sweep;
};

namespace {

class PooledAnswer final : public Answer {
 public:
  PooledAnswer(std::shared_ptr<Pool::State> pool, Link link, Pool::Cancel& cancel)
      : pool_(std::move(pool)), link_(std::move(link)), parser_(pool_->limits), cancel_(cancel) {
    cancel_.aim(link_.stream.get());
  }
  ~PooledAnswer() override {
    if (link_.stream) cancel_.aim(nullptr);
  }

  Link& link() { return link_; }

  /// Takes bytes of the head, and keeps what came of the body with it.
  Result<void> take_head(std::string_view bytes) {
    const Result<std::size_t> taken = parser_.feed_head(bytes);
    if (!taken) return fail(taken.error());
    if (!parser_.head_complete()) return {};
    rest_ = bytes.substr(*taken);
    if (parser_.complete()) end(!rest_.empty());
    return {};
  }
  bool has_head() const { return parser_.head_complete(); }
  /// The request is only half written: nothing may follow it on this connection.
  void spoil() { spoilt_ = true; }

  int status() const override { return parser_.status(); }
  const Headers& headers() const override { return parser_.headers(); }

  awaitable<Io<std::string_view>> read(TimePoint deadline) override {
    if (!decoding_chosen_ && !choose_decoding()) co_return std::unexpected(IoError::reset);
    while (true) {
      if (decoder_) {
        const Result<std::string_view> decoded = decoder_->next();
        if (!decoded) co_return std::unexpected(IoError::reset);
        if (!decoded->empty()) co_return *decoded;
      }
      if (parser_.complete()) {
        if (decoder_ && !decoder_->at_end()) co_return std::unexpected(IoError::reset);
        co_return std::string_view{};
      }
      Io<std::string_view> data;
      if (fed_ || rest_.empty()) {
        std::string().swap(rest_);  // a stream that waits holds no buffer
        if (!sniffing_) std::string().swap(start_);
        const Io<std::string_view> bytes = co_await link_.stream->read(deadline);
        if (!bytes) co_return std::unexpected(bytes.error());
        data = take_body(*bytes);
      } else {
        fed_ = true;
        data = take_body(rest_);
      }
      if (!data) co_return std::unexpected(data.error());
      if (sniffing_ && start_.empty() && !may_be_encoded(*data))
        sniffing_ = !sniff_encoding(*data).empty();
      if (sniffing_) {
        start_.append(*data);
        if (!parser_.complete() && may_be_encoded(start_)) continue;
        if (!sniff()) co_return std::unexpected(IoError::reset);
        data = start_;
      }
      if (decoder_)
        decoder_->feed(*data);
      else if (!data->empty())
        co_return *data;
    }
  }

  awaitable<std::expected<std::string, Failure>> read_all(std::size_t limit,
                                                          std::chrono::milliseconds idle) override {
    std::string body;
    if (const std::int64_t length = parser_.content_length(); length > 0) {
      if (length > static_cast<std::int64_t>(limit)) co_return too_large(limit);
      body.reserve(static_cast<std::size_t>(length));
    }
    if (!parser_.complete() && !rest_.empty()) {
      const Io<std::string_view> data = take_body(rest_);
      if (!data) co_return broke_off(data.error(), idle, body.size());
      if (data->size() > limit) co_return too_large(limit);
      body.append(*data);
    }
    while (!parser_.complete()) {
      const TimePoint deadline = pool_->worker.after(idle);
      const Io<std::string_view> bytes = co_await link_.stream->read(deadline);
      if (!bytes) co_return broke_off(bytes.error(), idle, body.size());
      const Io<std::string_view> data = take_body(*bytes);
      if (!data) co_return broke_off(data.error(), idle, body.size());
      if (body.size() + data->size() > limit) co_return too_large(limit);
      body.append(*data);
    }
    const std::string_view encoding = encoding_of(body);
    if (encoding.empty() || body.empty()) co_return body;
    std::string decoded;
    const Result<void> done =
        decode_all(encoding, body, limit, pool_->limits.decoded_ratio, decoded);
    if (done) co_return decoded;
    if (done.error().code == FaultCode::body_too_large) co_return too_large(limit);
    co_return std::unexpected(
        Failure{Stage::answering, IoError::reset,
                "answer's content-encoding: " + std::string(name(done.error().code))});
  }

 private:
  static std::unexpected<Failure> too_large(std::size_t limit) {
    return std::unexpected(Failure{Stage::answering, IoError::reset,
                                   "answer larger than " + std::to_string(limit) + " bytes"});
  }
  static std::unexpected<Failure> broke_off(IoError error, std::chrono::milliseconds idle,
                                            std::size_t had) {
    std::string what = "answer broke off: " + std::string(name(error));
    if (error == IoError::timeout) what = "answer fell silent for " + seconds_text(idle);
    return std::unexpected(Failure{Stage::answering, error, std::move(what), had});
  }

  /// What of `bytes` is data of the body, moved to their front; they are the worker's scratch or
  /// rest_. No bytes: the connection ended in order.
  Io<std::string_view> take_body(std::string_view bytes) {
    if (bytes.empty()) {
      if (!parser_.end()) return std::unexpected(IoError::closed);
      end(false);
      return std::string_view{};
    }
    std::size_t data_bytes = 0;
    const Result<std::size_t> taken =
        parser_.feed_body(const_cast<char*>(bytes.data()), bytes.size(), data_bytes);
    if (!taken) return std::unexpected(IoError::reset);
    if (parser_.complete()) end(*taken < bytes.size());
    return bytes.substr(0, data_bytes);
  }

  /// The answer is complete: the connection goes back, if nothing unread is on it.
  void end(bool surplus) {
    cancel_.aim(nullptr);
    Link link = std::move(link_);
    if (parser_.may_reuse() && !surplus && !spoilt_ && !cancel_.aborted())
      pool_->give_back(std::move(link));
  }

  /// False: coded in a way we do not know.
  bool choose_decoding() {
    decoding_chosen_ = true;
    const std::string_view encoding = headers().find("content-encoding");
    if (!encoding.empty() && !same_name(encoding, "identity")) {
      Result<std::unique_ptr<Decoder>> decoder = Decoder::open(encoding);
      if (!decoder) return false;
      decoder_ = std::move(*decoder);
    }
    sniffing_ = encoding.empty() && is_text();
    parser_.forget_headers();
    return true;
  }

  /// The first bytes have come of a body that says nothing of its coding.
  bool sniff() {
    sniffing_ = false;
    const std::string_view encoding = sniff_encoding(start_);
    if (encoding.empty()) return true;
    Result<std::unique_ptr<Decoder>> decoder = Decoder::open(encoding);
    if (decoder) decoder_ = std::move(*decoder);
    return decoder.has_value();
  }

  bool is_text() const {
    const std::string_view type = headers().find("content-type");
    return type.empty() || type.starts_with("application/json") || type.starts_with("text/");
  }

  std::string_view encoding_of(std::string_view body) const {
    const std::string_view told = headers().find("content-encoding");
    if (!told.empty()) return same_name(told, "identity") ? std::string_view{} : told;
    return is_text() ? sniff_encoding(body) : std::string_view{};
  }

  std::shared_ptr<Pool::State> pool_;
  Link link_;  ///< without a stream once the answer is complete
  ResponseParser parser_;
  std::string rest_;  ///< body bytes that came with the head
  std::unique_ptr<Decoder> decoder_;
  Pool::Cancel& cancel_;
  bool fed_ = false;  ///< rest_ went through the parser
  bool decoding_chosen_ = false;
  bool sniffing_ = false;
  std::string start_;  ///< first bytes of the body, while they are sniffed at
  bool spoilt_ = false;
};

using Asked = std::expected<std::unique_ptr<Answer>, Failure>;

std::string why_unanswered(IoError error, const Patience& patience) {
  if (error == IoError::aborted) return "cancelled";
  if (error == IoError::timeout) return "no answer within " + seconds_text(patience.first_byte);
  return "connection died before the answer: " + std::string(name(error));
}

/// One request on one connection.
awaitable<Asked> ask_on(std::shared_ptr<Pool::State> pool, Link link,
                        const OutgoingRequest& request, const Patience& patience,
                        Pool::Cancel& cancel) {
  const bool reused = link.used;
  Worker& worker = pool->worker;
  const std::string head = pool->make_head(request);
  auto answer = std::make_unique<PooledAnswer>(std::move(pool), std::move(link), cancel);
  Stream& stream = *answer->link().stream;

  // An upstream that refuses a long request answers, and often closes, while we still write: what
  // it says is worth more than the rest of the request.
  bool spoke = false;
  stream.watch([&spoke, &stream](Stream::Watched) {
    spoke = true;
    stream.stop_writing();
  });
  const WriteOptions options{.stall = patience.write_stall, .if_quiet = reused};
  const Io<void> written = co_await stream.write(head, request.body, options);
  stream.unwatch();
  if (!written) answer->spoil();
  // It spoke or left before it was asked. An answer that nobody asked for must not reach the next
  // client, so that this look is worth its system call.
  if (!written && reused && stream.written() == 0 && !cancel.aborted())
    co_return std::unexpected(Failure{Stage::stale, IoError::closed, "spoke unasked"});
  if (!written && !spoke && written.error() != IoError::reset) {
    const std::string what = written.error() == IoError::aborted ? "cancelled"
                             : written.error() == IoError::timeout
                                 ? "request not taken for " + seconds_text(patience.write_stall)
                                 : "request could not be written";
    const bool stale = reused && written.error() == IoError::tls;
    co_return std::unexpected(
        Failure{stale ? Stage::stale : Stage::sending, written.error(), what});
  }

  const TimePoint deadline = worker.after(written || spoke ? patience.first_byte : kEarlyAnswer);
  Stage stage = written ? Stage::waiting : Stage::sending;
  while (!answer->has_head()) {
    const Io<std::string_view> bytes = co_await stream.read(deadline);
    if (!bytes || bytes->empty()) {
      const IoError error = bytes ? IoError::closed : bytes.error();
      const bool died = error != IoError::timeout && error != IoError::aborted;
      if (reused && died && stage != Stage::answering) stage = Stage::stale;
      co_return std::unexpected(Failure{stage, error, why_unanswered(error, patience)});
    }
    stage = Stage::answering;
    const Result<void> taken = answer->take_head(*bytes);
    if (!taken)
      co_return std::unexpected(
          Failure{Stage::answering, IoError::reset, "answer's head: " + taken.error().for_us});
  }
  co_return answer;
}

}  // namespace

Pool::Pool(Worker& worker, Url url, const ProxyRules& proxies, TlsContext* tls,
           const ClientLimits& limits)
    : state_(std::make_shared<State>(worker, url, proxies, tls, limits)) {}

Pool::~Pool() = default;

awaitable<Asked> Pool::ask(OutgoingRequest request, Patience patience, Cancel& cancel) {
  std::shared_ptr<State> state = state_;
  if (cancel.aborted())
    co_return std::unexpected(Failure{Stage::connect, IoError::aborted, "cancelled"});
  if (Link pooled = state->lease(); pooled.stream) {
    Asked asked = co_await ask_on(state, std::move(pooled), request, patience, cancel);
    if (asked || asked.error().stage != Stage::stale) co_return asked;
  }
  std::expected<std::unique_ptr<Stream>, Failure> stream =
      co_await state->dialer.connect(patience.connect, cancel);
  if (!stream) co_return std::unexpected(std::move(stream.error()));
  Link fresh{.stream = std::move(*stream)};
  Asked asked = co_await ask_on(std::move(state), std::move(fresh), request, patience, cancel);
  co_return asked;
}

std::size_t Pool::idle() const { return state_->idle.size(); }
void Pool::close_idle() { state_->idle.clear(); }

}  // namespace glmgate::net
