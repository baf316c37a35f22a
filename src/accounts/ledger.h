// The ledger: what every request used and cost. The only door to the store.
//
// A running request owns a Hold. Holds live in a memory-mapped file beside the database, so opening
// and settling are a few memory writes that survive the death of the process; one writer thread
// moves settled holds into SQLite in groups. On start, holds left by a dead process become rows:
// settled ones as they are, open ones as interrupted at what was relayed. See
// docs/decisions/0002-holds-file.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/keys.h"
#include "accounts/prices.h"
#include "base/clock.h"
#include "base/money.h"
#include "base/result.h"
#include "base/usage.h"

namespace glmgate::accounts {

enum class Durability : std::uint8_t {
  process,  ///< survives kill -9: settled the moment settle() returns
  power     ///< survives power loss: settled when SQLite has synced; settle() calls back then
};

/// What is known before an upstream is called.
struct Opening {
  UtcMillis at = 0;
  std::string_view request_id;  ///< at most 40 bytes
  std::int64_t key = 0;         ///< Key::number
  std::string_view model;       ///< what is billed: the upstream's name for it; at most 160 bytes
  std::string_view upstream;    ///< config name; at most 48 bytes
  std::string_view client;      ///< protocol name, "openai_chat"
  bool stream = false;
  std::int64_t input_estimate = 0;  ///< tokens; used only if no usage ever comes
  std::int64_t weight_milli = 0;
  Billing billing = Billing::metered;
};

enum class End : std::uint8_t {
  complete,      ///< the whole answer
  client_cut,    ///< the client left first
  upstream_cut,  ///< the upstream broke off
  interrupted    ///< this process died or was stopped first
};
std::string_view name(End end);

/// What is known at the end.
struct Entry {
  End end = End::complete;
  Usage usage;
  std::int64_t cost_micro = 0;  ///< what is charged
  std::int64_t list_micro = 0;  ///< what it costs by the list; 0 on the sandbox
  Currency currency = Currency::usd;
  bool priced = true;  ///< false: no price known; shown as unpriced, not as free
  Billing billing = Billing::metered;
  std::int64_t weight_milli = 0;
  int status = 200;
  std::int32_t first_ms = 0;
  std::int32_t total_ms = 0;
  std::int32_t tries = 1;
  std::string_view upstream;  ///< if another one than in the Opening answered
  std::string_view model;
};

class HoldsFile;

/// Set aside for one running request. Ends exactly once: by settle(), or by the destructor at what
/// was relayed so far (no byte of an answer: no row; else a row, estimated).
class [[nodiscard]] Hold {
 public:
  Hold(Hold&& other) noexcept;
  Hold& operator=(Hold&&) = delete;
  ~Hold();

  /// The upstream's answer began: from here on the request costs something (promises L4).
  void answered();
  /// Text relayed so far, in tokens estimated; survives kill -9.
  void so_far(std::int64_t output_tokens);
  /// Closes the row. `durable` is called once, on any thread, when it is as durable as configured:
  /// with `process`, before settle() returns.
  void settle(const Entry& entry, std::move_only_function<void()> durable);

 private:
  friend class HoldsFile;
  Hold(HoldsFile* file, std::uint32_t slot) : file_(file), slot_(slot) {}
  HoldsFile* file_;
  std::uint32_t slot_;
};

/// Sums for people and machines. Grouping fields in the order asked for.
enum class GroupBy : std::uint8_t { model, project, user, key, day, month, upstream, billing };
struct SumsQuestion {
  std::vector<GroupBy> by;
  std::chrono::minutes utc_offset{0};  ///< of the days and months to group by
  UtcMillis since = 0;                 ///< 0: from the beginning
  UtcMillis until = 0;                 ///< exclusive; 0: no end
};
struct Sums {
  std::vector<std::string> group;  ///< one value for each of `by`
  std::int64_t requests = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t weighted_milli = 0;  ///< thousandths of weighted tokens
  std::int64_t usd_micro = 0;       ///< what was charged
  std::int64_t cny_micro = 0;
  std::int64_t list_usd_micro = 0;  ///< what it costs by the list, plans included
  std::int64_t list_cny_micro = 0;
  std::int64_t estimated = 0;       ///< requests whose usage is estimated
  std::int64_t unpriced = 0;        ///< requests whose model has no known price
  std::int64_t plan = 0;            ///< requests that a subscription paid for
  std::int64_t sandbox = 0;         ///< requests that called no model
  std::int64_t sandbox_tokens = 0;  ///< of prompt_tokens and completion_tokens
  UtcMillis last = 0;               ///< when the latest of them began
};
struct SumsAnswer {
  std::vector<Sums> rows;  ///< ordered by group
  Sums total;
  std::int64_t open = 0;  ///< requests running now
};

/// What an interrupted request is worth. Called from the ledger's own thread.
using Pricing = std::function<Quote(std::string_view upstream, std::string_view model,
                                    const Usage& usage, UtcMillis at)>;

struct LedgerOptions {
  std::string data_dir;
  Durability durability = Durability::process;
  std::uint32_t max_holds = 16'384;  ///< running plus not yet written
  Pricing price;                     ///< without it interrupted requests are unpriced
};

/// The running server's ledger. One per data folder (a lock file sees to it). Thread-safe.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Fault{overloaded} if running requests fill the holds; Fault{store_unavailable} if rows do: the
  /// store has been unwritable for long, and nothing may be lost.
  virtual Result<Hold> hold(const Opening& opening) = 0;

  /// The keys as of the last look; looked at again within 300 ms of a change by any process.
  virtual std::shared_ptr<const KeyTable> keys() const = 0;
  /// Raised by each change of keys(): a worker keeps its own pointer and compares.
  virtual std::uint64_t keys_version() const = 0;

  /// Looks at the keys now: a key was just made by this process. Returns once keys() knows it.
  virtual void notice_keys() = 0;

  virtual Durability durability() const = 0;

  /// Interrupted requests are priced by `price` from now on: the configuration was read again.
  virtual void replace_pricing(Pricing price) = 0;

  /// 32 bytes that only the owner of this data folder can make of `text`: for what goes out and
  /// has to be recognized when it comes back.
  virtual std::string mac(std::string_view text) const = 0;

  /// True while rows reach the database (readyz, metrics).
  virtual bool healthy() const = 0;
  virtual std::uint32_t holds_in_use() const = 0;
  virtual std::size_t unwritten() const = 0;  ///< settled, and not in the database yet

  /// Returns when everything settled is in the database, or after 5 s: then it waits in the holds
  /// file for the next start. For drain.
  virtual void flush() = 0;
};

/// Opens the ledger for serving: takes the lock, makes or migrates the schema, recovers holds of a
/// dead process. The Fault says in for_client what is wrong (folder not writable, another server
/// running, disk full, not a database) with a hint after "\nhint: ".
Result<std::unique_ptr<Ledger>> open_ledger(const LedgerOptions& options, const Clock& clock);

/// The command line's door to the same folder; works beside a running server.
class Books {
 public:
  virtual ~Books() = default;
  virtual Result<NewKey> create_key(const std::string& user, const std::string& project,
                                    UtcMillis expires) = 0;
  virtual Result<std::vector<Key>> list_keys() = 0;
  virtual Result<Key> revoke_key(std::string_view id) = 0;  ///< by id or by the whole key
  /// A new key with the same owner; the old one is revoked.
  virtual Result<NewKey> rotate_key(std::string_view id) = 0;
  /// What is settled and not yet in the database is included, once.
  virtual Result<SumsAnswer> sums(const SumsQuestion& question) = 0;
};
Result<std::unique_ptr<Books>> open_books(const std::string& data_dir, const Clock& clock);

}  // namespace glmgate::accounts
