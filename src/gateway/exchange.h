// One client request and all that happens to it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accounts/keys.h"
#include "accounts/ledger.h"
#include "base/result.h"
#include "base/usage.h"
#include "gateway/endpoints.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "gateway/slots.h"
#include "net/client.h"
#include "net/server.h"
#include "protocol/answer_stream.h"
#include "protocol/body.h"
#include "protocol/chat_answer.h"
#include "protocol/chat_draft.h"
#include "protocol/facts.h"
#include "protocol/fault_wire.h"
#include "protocol/responses_object.h"

namespace glmgate::gateway {

/// An answer that has begun: whole, or a stream whose first event is known to be no error.
struct Begun {
  Slots::Slot slot;                       ///< held until the answer is over
  std::unique_ptr<net::Answer> upstream;  ///< a stream's; empty for a whole answer
  std::unique_ptr<protocol::AnswerStream> stream;
  std::string bytes;  ///< what of the stream is ready for the client
  protocol::PlainAnswer whole;
  bool streamed() const { return stream != nullptr; }
};

/// Of a Responses request, what is stored with its response.
struct StoredRequest {
  std::string previous;  ///< previous_response_id
  std::string input;     ///< if wanted, its own items: protocol::stored_input()
  bool wanted = false;   ///< its response is kept
};

/// An upstream's error as it came, for a client of its own protocol.
struct Refusal {
  int status = 0;
  std::string body;
};

/// What had come of a whole answer when its client left.
struct CutAnswer {
  std::optional<Usage> usage;  ///< if the upstream had reported it
  std::int64_t text_bytes = 0;
};

struct Exchange {
  Exchange(GatewayWorker& at, net::Call& call);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  bool metrics_alone = false;  ///< came to the listener that serves nothing else

  GatewayWorker& at;
  net::Call& call;
  const std::string id;  ///< x-request-id
  const Target target;
  const protocol::FaultStyle style;
  const std::shared_ptr<Lines> lines;
  const std::shared_ptr<const accounts::KeyTable> keys;
  const accounts::Key* key = nullptr;  ///< in `keys`
  protocol::Protocol asked_in;  ///< of the request: target.dialect, but that some clients post a
                                ///< Responses body to /chat/completions (wire-protocols 5.3)
  protocol::Facts facts;
  std::unique_ptr<protocol::ChatDraft>
      draft;  ///< of a translated request, what its answer's writer needs; absent: bytes pass
  /// Of a Responses request that its history was joined to, from before that until its answer
  /// begins; else whoever needs it reads it.
  std::shared_ptr<const protocol::ResponsesEcho> echo;
  std::unique_ptr<const StoredRequest> stored;  ///< of a Responses request, if there is a store
  std::vector<std::string> warnings;            ///< for glmgate-warning
  net::Pool::Cancel cancel;                     ///< ends the attempt that is running
  std::optional<accounts::Hold>
      hold;  ///< from before an upstream is asked until the row is settled
  Begun answer;
  std::optional<CutAnswer> cut;
  std::optional<Refusal> refusal;  ///< of the last attempt; told instead of its Fault
  std::string sent_token;          ///< made for the last attempt, if its upstream wants one

  // How it went, for the client, the ledger, the log and the metrics.
  Routes routes;
  const Route* route = nullptr;  ///< the last one asked; in `routes`
  int tries = 0;
  int status = 0;
  std::optional<Usage> usage;
  std::int64_t cost_micro = 0;  ///< what is charged
  std::int64_t list_micro = 0;  ///< what it costs by the list
  std::optional<accounts::End> end;

  using Instant = std::chrono::steady_clock::time_point;
  Instant began;                       ///< request head there, in our loop or before it
  Instant body_read;                   ///< our own work starts here
  std::optional<Instant> first_byte;   ///< of the answer, towards the client
  std::chrono::nanoseconds asking{0};  ///< spent waiting for upstreams before the answer began

  const Setup& setup() const { return *lines->setup; }
  std::size_t kept_bytes() const;  ///< of the request, while its answer lasts
  bool keeps_response() const { return stored && stored->wanted; }
  std::int64_t overhead_us() const;  ///< our own time until the answer began
};

/// The request's own id under a protocol's prefix: "resp_...".
std::string id_of(const Exchange& x, std::string_view prefix);

/// What a response to this client repeats of its own request.
std::shared_ptr<const protocol::ResponsesEcho> read_echo(const Exchange& x,
                                                         const protocol::Body& body);

Fault shutting_down();  ///< the server ends its calls

/// What is over before it began.
net::awaitable<Result<void>> refuse(Fault fault);

/// Headers of an answer to the client: ids, route, warnings, content type.
net::Headers answer_headers(const Exchange& x, std::string_view content_type);

/// GET endpoints: answers by themselves.
net::awaitable<Result<void>> serve_models(Exchange& x);
net::awaitable<Result<void>> serve_model(Exchange& x);
net::awaitable<Result<void>> serve_health(Exchange& x);
net::awaitable<Result<void>> serve_metrics(Exchange& x);
net::awaitable<Result<void>> serve_root(Exchange& x);
/// What a browser asks before it lets a page call us.
net::awaitable<Result<void>> serve_preflight(Exchange& x);

/// Tells the client of a fault: as an answer, or, once an answer has begun, as its visible break
/// (fault.cpp).
net::awaitable<void> tell_fault(Exchange& x, const Fault& fault);

/// One log line and the metrics of a finished exchange; `fault`: what ended it, or nullptr.
void note(const Exchange& x, const Fault* fault);

}  // namespace glmgate::gateway
