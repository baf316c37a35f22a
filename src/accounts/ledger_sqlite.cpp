#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "accounts/crypto.h"
#include "accounts/folder.h"
#include "accounts/pacing.h"
#include "accounts/rows_sqlite.h"
#include "base/log.h"

namespace glmgate::accounts {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 200ms;   // for keys changed by another process
constexpr auto kGather = 40ms;  // a batch costs little more than a row
constexpr auto kPause = 100ms;  // before an unwritable database is tried again
constexpr auto kCatchUp =
    100ms;  // that a request waits for a hold; the writer frees 64 in less than 1
constexpr int kBusyMs = 250;

void price_interrupted(UsageRow& row, const Pricing& pricing) {
  if (row.end != End::interrupted || row.priced || !pricing) return;
  const Quote quote = pricing(row.upstream, row.model, row.usage, row.at);
  row.weighted_milli = weigh(row.usage, quote.weight_milli);
  row.priced = quote.cost.has_value();
  if (!quote.cost) return;
  row.cost_micro = quote.cost->micro;
  row.currency = quote.cost->currency;
  row.list_micro = quote.list ? quote.list->micro : row.cost_micro;
}

class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(FolderLock lock, Folder folder, Database database, MasterSecret master,
               std::unique_ptr<HoldsFile> holds, const LedgerOptions& options)
      : lock_(std::move(lock)),
        folder_(std::move(folder)),
        database_(std::move(database)),
        master_(std::move(master)),
        holds_(std::move(holds)),
        watch_(folder_),
        durability_(options.durability),
        mac_key_(master_.derive("mac", "")),
        pricing_(std::make_shared<const Pricing>(options.price)) {}

  ~SqliteLedger() override {
    stopping_ = true;
    holds_->wake();
    if (writer_.joinable()) writer_.join();
  }

  Result<void> start() {
    if (Result<void> read = look_at_keys(); !read) return read;
    writer_ = std::thread([this] { write_on(); });
    return {};
  }

  std::string mac(std::string_view text) const override {
    return hmac_sha256(mac_key_.reveal(), text);
  }
  Result<Hold> hold(const Opening& opening) override {
    // No answer could be made durable: better to refuse than to ask the upstream for one.
    if (!folder_good_ || (durability_ == Durability::power && !healthy()))
      return fail(unavailable());
    // Who outruns the writer waits for it, and is not refused.
    return holds_->open(opening, healthy() ? kCatchUp : 0ms);
  }
  std::uint64_t keys_version() const override {
    return keys_version_.load(std::memory_order_acquire);
  }
  Durability durability() const override { return durability_; }
  void replace_pricing(Pricing price) override {
    auto fresh = std::make_shared<const Pricing>(std::move(price));
    const std::lock_guard guard(mutex_);
    pricing_ = std::move(fresh);
  }
  void notice_keys() override {
    const std::uint64_t before = keys_version();
    for (int i = 0; i < 200 && keys_version() == before; ++i) {
      holds_->wake();
      std::this_thread::sleep_for(1ms);
    }
  }
  bool healthy() const override {
    return writes_.load(std::memory_order_relaxed) && reads_.load(std::memory_order_relaxed) &&
           folder_good_.load(std::memory_order_relaxed);
  }
  std::uint32_t holds_in_use() const override { return holds_->in_use(); }
  std::size_t unwritten() const override { return holds_->unwritten(); }

  std::shared_ptr<const KeyTable> keys() const override {
    const std::lock_guard guard(mutex_);
    return keys_;
  }

  void flush() override {
    const auto give_up = std::chrono::steady_clock::now() + 5s;
    while (holds_->unwritten() > 0) {
      if (std::chrono::steady_clock::now() > give_up) return;
      holds_->wake();
      std::this_thread::sleep_for(2ms);
    }
  }

 private:
  void write_on() {
    while (true) {
      const bool last = stopping_.load();
      if (backlog_.empty()) fetch(last);
      if (last && backlog_.empty()) return;
      const bool written = write_piece();
      if (last && !written) return;
      if (!written)
        std::this_thread::sleep_for(kPause);
      else if (!last && !backlog_.empty())
        std::this_thread::sleep_for(holds_->pause());
      if (backlog_.empty() || std::chrono::steady_clock::now() >= next_look_) look();
    }
  }

  /// What has settled since; waits for it, and lets some gather, if there is time for that.
  void fetch(bool last) {
    holds_->take_settled(last ? 0ms : kLook, backlog_);
    if (durability_ == Durability::power || last || backlog_.empty()) return;
    holds_->gather(kGather);
    holds_->take_settled(0ms, backlog_);
  }

  /// One transaction. With `power` each answer waits for a sync, so that all there are share one.
  /// False: the database cannot be written now; nothing is lost, it is tried again.
  bool write_piece() {
    std::span<HoldsFile::Settled> piece = std::span(backlog_).subspan(in_database_);
    if (piece.empty()) return true;
    if (durability_ == Durability::process) piece = piece.first(std::min(kPieceRows, piece.size()));
    const Result<void> written = insert(piece);
    report(writes_, "rows", written.has_value(), written ? "" : written.error().for_client);
    if (!written) return false;
    for (HoldsFile::Settled& each : piece)
      if (each.durable) each.durable();
    holds_->free(piece);
    in_database_ += piece.size();
    if (in_database_ == backlog_.size()) {
      backlog_.clear();
      in_database_ = 0;
    }
    return true;
  }

  void look() {
    next_look_ = std::chrono::steady_clock::now() + kLook;
    const Result<void> looked = look_at_keys();
    report(reads_, "keys", looked.has_value(), looked ? "" : looked.error().for_client);
    look_at_folder();
    if (durability_ == Durability::power && backlog_.empty()) try_to_write();
  }

  /// With `power`, that nothing can be written must be known before a request comes.
  void try_to_write() {
    struct statvfs disk{};
    constexpr std::uint64_t kLeastFree = 1024 * 1024;
    const bool full =
        ::statvfs(folder_.path.c_str(), &disk) == 0 && disk.f_bavail * disk.f_frsize < kLeastFree;
    const bool good = !full && database_.execute("BEGIN IMMEDIATE") == SQLITE_OK;
    report(writes_, "rows", good,
           good   ? ""
           : full ? folder_.path + ": the disk is full"
                  : database_.fault("cannot be written").for_client);
    if (good) database_.execute("ROLLBACK");
  }

  void look_at_folder() {
    const std::string changed = watch_.changed();
    if (folder_good_.exchange(changed.empty()) == changed.empty()) return;
    if (changed.empty())
      log::write(log::Level::info, "ledger", {{"what", "folder"}, {"state", "good again"}});
    else
      log::write(log::Level::error, "ledger",
                 {{"what", "folder"},
                  {"file", changed},
                  {"state",
                   "was deleted or replaced under the running server: requests are refused, since "
                   "what is written now is lost; put it back, or restart the server"}});
  }

  Result<void> insert(std::span<const HoldsFile::Settled> rows) {
    if (!insert_) {
      Result<UsageWriter> prepared = UsageWriter::prepare(database_);
      if (!prepared) return trouble();
      insert_ = std::move(*prepared);
    }
    const std::shared_ptr<const Pricing> pricing = newest_pricing();
    if (database_.execute("BEGIN IMMEDIATE") != SQLITE_OK) return trouble();
    for (const HoldsFile::Settled& each : rows) {
      UsageRow row = holds_->row(each.slot);
      price_interrupted(row, *pricing);
      if (insert_->write(row) != SQLITE_DONE) return trouble();
    }
    if (database_.execute("COMMIT") != SQLITE_OK) return trouble();
    return {};
  }

  static Fault unavailable() {
    Fault fault =
        make_fault(FaultCode::store_unavailable,
                   "The ledger cannot be written at the moment. Nothing was sent upstream.");
    fault.for_us = "the ledger is not healthy: see the lines at=ledger";
    fault.wait = 5s;
    return fault;
  }

  std::unexpected<Fault> trouble() {
    Fault fault = database_.fault("cannot be written");
    const bool busy = database_.is_busy();
    database_.execute("ROLLBACK");
    if (!busy) reopen();
    return fail(std::move(fault));
  }

  std::shared_ptr<const Pricing> newest_pricing() const {
    const std::lock_guard guard(mutex_);
    return pricing_;
  }

  /// After an error the connection's state is not trusted: a failed write may have left anything in
  /// its cache.
  void reopen() {
    insert_.reset();
    Result<Database> fresh =
        Database::open(folder_.database(), durability_ == Durability::power, kBusyMs);
    if (fresh) {
      database_ = std::move(*fresh);
      seen_ = -1;
    }
  }

  /// One line for each change.
  static void report(std::atomic<bool>& state, std::string_view what, bool good,
                     const std::string& why) {
    if (good == state.exchange(good)) return;
    if (good)
      log::write(log::Level::info, "ledger", {{"what", what}, {"state", "good again"}});
    else
      log::write(log::Level::error, "ledger",
                 {{"what", what}, {"state", "cannot be reached; nothing is lost"}, {"why", why}});
  }

  Result<void> look_at_keys() {
    const std::int64_t version = database_.data_version();
    if (version == seen_ && version >= 0) return {};
    Result<std::vector<Key>> rows = read_keys(database_);
    if (!rows) return fail(rows.error());
    seen_ = version;
    auto table = std::make_shared<const KeyTable>(std::move(*rows), master_);
    {
      const std::lock_guard guard(mutex_);
      keys_ = std::move(table);
    }
    keys_version_.fetch_add(1, std::memory_order_release);
    return {};
  }

  FolderLock lock_;
  Folder folder_;
  Database database_;
  std::optional<UsageWriter> insert_;  // of database_
  MasterSecret master_;
  std::unique_ptr<HoldsFile> holds_;
  const FolderWatch watch_;
  const Durability durability_;
  const Secret mac_key_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> writes_{true};       // rows reach the database
  std::atomic<bool> reads_{true};        // keys can be read
  std::atomic<bool> folder_good_{true};  // its files are still those we opened
  std::int64_t seen_ = -1;               // data_version at the last look
  mutable std::mutex mutex_;             // of the two that follow
  std::shared_ptr<const KeyTable> keys_;
  std::shared_ptr<const Pricing> pricing_;
  std::atomic<std::uint64_t> keys_version_{0};
  // The writer thread's own.
  std::vector<HoldsFile::Settled> backlog_;
  std::size_t in_database_ = 0;  // of the backlog, the first so many
  std::chrono::steady_clock::time_point next_look_;
  std::thread writer_;
};

/// What a dead process left becomes rows, before its holds file is replaced.
Result<void> recover(Database& database, const Folder& folder, const Pricing& pricing) {
  HoldsFile::Contents left = HoldsFile::read(folder.holds());
  if (left.foreign) {
    const std::string aside = folder.holds() + ".foreign";
    ::rename(folder.holds().c_str(), aside.c_str());
    log::write(
        log::Level::error, "recover",
        {{"state", "the holds file is damaged or not ours; what it held is not on the books"},
         {"kept", aside}});
  }
  if (left.settled.empty() && left.running.empty()) return {};
  Result<UsageWriter> writer = UsageWriter::prepare(database);
  if (!writer) return fail(writer.error());
  for (UsageRow& row : left.running) price_interrupted(row, pricing);
  bool good = database.execute("BEGIN IMMEDIATE") == SQLITE_OK;
  for (const auto* rows : {&left.settled, &left.running})
    for (const UsageRow& row : *rows) good = good && writer->write(row) == SQLITE_DONE;
  if (!good || database.execute("COMMIT") != SQLITE_OK) {
    Fault fault = database.fault("cannot take over what the last run left");
    database.execute("ROLLBACK");
    return fail(std::move(fault));
  }
  log::write(log::Level::warn, "recover",
             {{"settled", left.settled.size()},
              {"interrupted", left.running.size()},
              {"unanswered", left.open - static_cast<std::int64_t>(left.running.size())}});
  return {};
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_ledger(const LedgerOptions& options, const Clock&) {
  Result<Folder> folder = open_folder(options.data_dir);
  if (!folder) return fail(folder.error());
  Result<FolderLock> lock = FolderLock::take(*folder);
  if (!lock) return fail(lock.error());
  Result<Database> database =
      Database::open(folder->database(), options.durability == Durability::power, kBusyMs);
  if (!database) return fail(database.error());
  Result<MasterSecret> master = load_secret(*folder, *database);
  if (!master) return fail(master.error());
  if (Result<void> recovered = recover(*database, *folder, options.price); !recovered)
    return fail(recovered.error());
  const Result<std::int64_t> last_id = last_usage_id(*database);
  if (!last_id) return fail(last_id.error());
  Result<std::unique_ptr<HoldsFile>> holds =
      HoldsFile::make(folder->holds(), options.max_holds, options.durability, *last_id);
  if (!holds) return fail(holds.error());
  if (const int error = sync_folder(folder->path); error != 0)
    return fail(FaultCode::store_unavailable,
                folder->path + " cannot be synced: " + std::strerror(error) +
                    "\nhint: put the data folder on a local file system, with --data");
  auto ledger =
      std::make_unique<SqliteLedger>(std::move(*lock), std::move(*folder), std::move(*database),
                                     std::move(*master), std::move(*holds), options);
  if (Result<void> started = ledger->start(); !started) return fail(started.error());
  return ledger;
}

}  // namespace glmgate::accounts
