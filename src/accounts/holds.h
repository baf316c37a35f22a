// The holds file: running requests, and settled ones that are not in the database yet, in a
// memory-mapped file that outlives the process. See docs/decisions/0002-holds-file.md.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/ledger.h"
#include "base/result.h"

namespace glmgate::accounts {

/// A row's id is its time, shifted by this, or above; ids rise, and none is given twice.
inline constexpr int kIdBits = 20;

/// A row of the usage table.
struct UsageRow {
  std::int64_t id = 0;
  UtcMillis at = 0;
  std::string request_id;
  std::int64_t key = 0;
  std::string model;
  std::string upstream;
  std::string client;
  bool stream = false;
  End end = End::complete;
  int status = 0;
  Usage usage;
  std::int64_t weighted_milli = 0;
  std::int64_t cost_micro = 0;
  std::int64_t list_micro = 0;
  Billing billing = Billing::metered;
  Currency currency = Currency::usd;
  bool priced = false;
  std::int32_t first_ms = 0;
  std::int32_t total_ms = 0;
  std::int32_t tries = 0;
};

class HoldsFile {
 public:
  /// What a file holds, read without mapping it: by the command line, or after a crash.
  struct Contents {
    std::vector<UsageRow> settled;
    std::vector<UsageRow> running;  ///< answered but not settled: as interrupted, estimated
    std::int64_t open = 0;          ///< not settled, answered or not
    bool foreign = false;           ///< there is a file, but it is cut short or not one of ours
  };
  /// A slot that changes while it is read is read again.
  static Contents read(const std::string& path);

  /// Makes a fresh file with room for `slots`, locked, replacing what is there. Its space is really
  /// allocated: a full disk shows now and not as a bus error later. Ids above `last_id` are given.
  static Result<std::unique_ptr<HoldsFile>> make(const std::string& path, std::uint32_t slots,
                                                 Durability durability, std::int64_t last_id);
  ~HoldsFile();

  /// If all holds are taken, waits up to `patience` for the writer to free some. Fault: overloaded
  /// if requests that run hold most of them, else store_unavailable.
  Result<Hold> open(const Opening& opening,
                    std::chrono::milliseconds patience = std::chrono::milliseconds(0));

  /// A settled slot on its way to the database.
  struct Settled {
    std::uint32_t slot;
    std::move_only_function<void()> durable;
  };
  /// Waits up to `patience` for settled slots; adds all there are to `batch`.
  void take_settled(std::chrono::milliseconds patience, std::vector<Settled>& batch);
  /// Lets more settle, for up to `span`: not longer than free holds last, nor past wake().
  void gather(std::chrono::milliseconds span);
  UsageRow row(std::uint32_t slot) const;
  void free(std::span<const Settled> written);

  std::uint32_t in_use() const;
  std::chrono::microseconds pause() const;  ///< that the writer may make now
  std::size_t unwritten() const;            ///< settled and not freed yet
  void wake();                              ///< ends a take_settled() or gather() that waits

  struct Slot;

 private:
  friend class Hold;
  HoldsFile(int fd, void* map, std::uint32_t slots, Durability durability, std::int64_t last_id);
  Slot& slot(std::uint32_t index) const;
  void settle(std::uint32_t index, const Entry& entry, std::move_only_function<void()> durable);
  void abandon(std::uint32_t index);
  void queue(std::uint32_t index, std::move_only_function<void()> durable);
  bool await_free(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds patience);
  Fault full() const;
  bool ends_gathering();

  int fd_;  // locked: a second server finds this one by it
  void* map_;
  std::uint32_t count_;
  Durability durability_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for the writer
  std::condition_variable freed_;    // for open()
  std::vector<std::uint32_t> free_;
  std::vector<Settled> settled_;  // not taken yet
  std::size_t unwritten_ = 0;     // settled and not freed
  std::size_t waiting_ = 0;       // in open()
  bool writer_waits_ = false;
  bool writer_gathers_ = false;
  bool woken_ = false;
  std::int64_t last_id_;
};

}  // namespace glmgate::accounts
