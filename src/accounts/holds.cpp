#include "accounts/holds.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include "accounts/folder.h"
#include "accounts/pacing.h"

namespace glmgate::accounts {
namespace {

// The last character is the version. 1 had neither list prices nor billing.
constexpr char kMagic[8] = {'g', 'l', 'm', 'h', 'o', 'l', 'd', '2'};
constexpr char kFirstVersion = '1';
constexpr int kTries = 100;  // to read a slot that is being written

enum class SlotState : std::uint32_t { free, open, settled };

struct FileHead {
  char magic[8];
  std::uint32_t slot_bytes;
  std::uint32_t slots;
};

bool is_ours(const FileHead& head) {
  constexpr std::size_t kName = sizeof kMagic - 1;
  const char version = head.magic[kName];
  return std::memcmp(head.magic, kMagic, kName) == 0 &&
         (version == kFirstVersion || version == kMagic[kName]);
}

/// The longest beginning of UTF-8 that fits: whole characters.
std::size_t fitting(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return most;
}

/// Fixed-size text: cut to fit, never terminated.
template <std::size_t N>
void put(std::array<char, N>& into, std::uint8_t& size, std::string_view text) {
  static_assert(N <= 255);
  size = static_cast<std::uint8_t>(fitting(text, N));
  std::copy_n(text.data(), size, into.data());
}
template <std::size_t N>
std::string get(const std::array<char, N>& from, std::uint8_t size) {
  return {from.data(), std::min<std::size_t>(size, N)};
}

}  // namespace

/// 512 bytes. `state` is written last: what a dead process left is whole or not there.
struct HoldsFile::Slot {
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> generation;  ///< raised by each change, for readers of other processes
  std::int64_t id;
  UtcMillis at;
  std::int64_t key;
  std::int64_t input_estimate;
  std::int64_t weight_milli;
  std::atomic<std::int64_t> so_far;
  std::atomic<std::uint32_t> answered;
  std::int32_t status;
  Usage usage;
  std::int64_t cost_micro;
  std::int32_t first_ms;
  std::int32_t total_ms;
  std::int32_t tries;
  Currency currency;
  End end;
  bool priced;
  bool stream;
  std::uint8_t request_id_size;
  std::uint8_t client_size;
  std::uint8_t upstream_size;
  std::uint8_t model_size;
  std::array<char, 40> request_id;
  std::array<char, 24> client;
  std::array<char, 48> upstream;
  std::array<char, 160> model;
  // Since version 2.
  std::int64_t list_micro;
  Billing billing;

  static constexpr std::size_t kBytes = 512;

  void set_state(SlotState to) {
    state.store(static_cast<std::uint32_t>(to), std::memory_order_release);
  }
  SlotState get_state() const {
    return static_cast<SlotState>(state.load(std::memory_order_acquire));
  }

  UsageRow row() const {
    UsageRow row{.id = id,
                 .at = at,
                 .request_id = get(request_id, request_id_size),
                 .key = key,
                 .model = get(model, model_size),
                 .upstream = get(upstream, upstream_size),
                 .client = get(client, client_size),
                 .stream = stream,
                 .end = end,
                 .status = status,
                 .usage = usage,
                 .weighted_milli = 0,
                 .cost_micro = cost_micro,
                 .list_micro = list_micro,
                 .billing = billing,
                 .currency = currency,
                 .priced = priced,
                 .first_ms = first_ms,
                 .total_ms = total_ms,
                 .tries = tries};
    row.weighted_milli = weigh(row.usage, weight_milli);
    return row;
  }

  /// As the books show a request whose process died: what was relayed, estimated.
  UsageRow interrupted_row() const {
    UsageRow row = this->row();
    row.end = End::interrupted;
    row.status = 200;
    row.usage = {.input = input_estimate,
                 .cached = 0,
                 .output = so_far.load(),
                 .reasoning = 0,
                 .estimated = true};
    row.weighted_milli = weigh(row.usage, weight_milli);
    row.cost_micro = row.list_micro = 0;
    row.priced = billing == Billing::sandbox;
    return row;
  }
};

static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::string_view name(End end) {
  switch (end) {
    case End::complete:
      return "complete";
    case End::client_cut:
      return "client_cut";
    case End::upstream_cut:
      return "upstream_cut";
    case End::interrupted:
      return "interrupted";
  }
  return "interrupted";
}

HoldsFile::Contents HoldsFile::read(const std::string& path) {
  static_assert(sizeof(Slot) <= Slot::kBytes);
  Contents contents;
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    contents.foreign = errno == ELOOP;
    return contents;
  }
  struct stat status{};
  FileHead head{};
  const bool ours = ::pread(fd, &head, sizeof head, 0) == static_cast<ssize_t>(sizeof head) &&
                    ::fstat(fd, &status) == 0 && is_ours(head) && head.slot_bytes == Slot::kBytes &&
                    status.st_size >= static_cast<off_t>((head.slots + 1ULL) * Slot::kBytes);
  const std::size_t bytes = ours ? (head.slots + 1ULL) * Slot::kBytes : 0;
  void* map = ours ? ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  ::close(fd);
  contents.foreign = map == MAP_FAILED;
  if (contents.foreign) return contents;
  for (std::uint32_t i = 0; i < head.slots; ++i) {
    const auto& slot =
        *reinterpret_cast<const Slot*>(static_cast<const char*>(map) + (i + 1ULL) * Slot::kBytes);
    for (int tries = 0; tries < kTries; ++tries) {
      const std::uint32_t before = slot.generation.load(std::memory_order_acquire);
      const SlotState state = slot.get_state();
      if (state == SlotState::free) break;
      const bool answered = slot.answered.load() != 0;
      const UsageRow row = state == SlotState::settled ? slot.row() : slot.interrupted_row();
      std::atomic_thread_fence(std::memory_order_acquire);
      const bool changing = before % 2 != 0 ||
                            slot.generation.load(std::memory_order_relaxed) != before ||
                            slot.get_state() != state;
      // Still changing after all tries: its process died while settling. What an open hold shows is
      // not touched by that.
      if (changing && (tries + 1 < kTries || state != SlotState::open)) continue;
      if (state == SlotState::settled) {
        contents.settled.push_back(row);
      } else {
        ++contents.open;
        if (answered) contents.running.push_back(row);
      }
      break;
    }
  }
  ::munmap(map, bytes);
  if (head.magic[sizeof kMagic - 1] == kFirstVersion)
    for (auto* rows : {&contents.settled, &contents.running})
      for (UsageRow& row : *rows) row.list_micro = row.cost_micro;
  return contents;
}

Result<std::unique_ptr<HoldsFile>> HoldsFile::make(const std::string& path, std::uint32_t slots,
                                                   Durability durability, std::int64_t last_id) {
  const std::string fresh = path + ".new";
  const auto trouble = [&](int fd, int error) {
    if (fd >= 0) ::close(fd);
    ::unlink(fresh.c_str());
    return fail(FaultCode::store_unavailable,
                path + ": " + std::strerror(error) +
                    "\nhint: is the disk full, and may this user write here?");
  };
  const std::size_t bytes = (slots + 1ULL) * Slot::kBytes;
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return trouble(fd, errno);
  if (const int error = lock_file(fd); error != 0) return trouble(fd, error);
  if (const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes)); error != 0)
    return trouble(fd, error);
  void* map = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return trouble(fd, errno);
  FileHead head{.magic = {}, .slot_bytes = Slot::kBytes, .slots = slots};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  std::memcpy(map, &head, sizeof head);
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::munmap(map, bytes);
    return trouble(fd, error);
  }
  return std::unique_ptr<HoldsFile>(new HoldsFile(fd, map, slots, durability, last_id));
}

HoldsFile::HoldsFile(int fd, void* map, std::uint32_t slots, Durability durability,
                     std::int64_t last_id)
    : fd_(fd), map_(map), count_(slots), durability_(durability), last_id_(last_id) {
  free_.reserve(slots);
  for (std::uint32_t i = slots; i > 0; --i)
    free_.push_back(i - 1);  // the lowest first: few pages are touched
}

HoldsFile::~HoldsFile() {
  ::munmap(map_, (count_ + 1ULL) * Slot::kBytes);
  ::close(fd_);
}

HoldsFile::Slot& HoldsFile::slot(std::uint32_t index) const {
  return *reinterpret_cast<Slot*>(static_cast<char*>(map_) + (index + 1ULL) * Slot::kBytes);
}

/// Under the lock: has the writer, which lets rows gather, to be told that holds run short?
bool HoldsFile::ends_gathering() {
  return is_pressing(free_.size(), unwritten_) && std::exchange(writer_gathers_, false);
}

bool HoldsFile::await_free(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds patience) {
  if (free_.empty() && unwritten_ > 0 && patience.count() > 0) {
    ++waiting_;
    freed_.wait_for(lock, patience, [this] { return !free_.empty(); });
    --waiting_;
  }
  return !free_.empty();
}

Fault HoldsFile::full() const {
  constexpr std::chrono::seconds kComeBack(5);
  const std::size_t running = count_ - unwritten_;
  Fault fault;
  if (running > unwritten_) {
    fault = make_fault(FaultCode::overloaded,
                       "Too many requests at once are running here. Nothing was sent upstream.");
    fault.for_us = std::to_string(running) + " requests run: ledger.max_holds allows " +
                   std::to_string(count_) + " that run or are not in the database yet";
  } else {
    fault = make_fault(FaultCode::store_unavailable,
                       "The ledger cannot be written at the moment. Nothing was sent upstream.");
    fault.for_us = "all holds are taken: the database has been unwritable for long";
  }
  fault.wait = kComeBack;
  return fault;
}

Result<Hold> HoldsFile::open(const Opening& opening, std::chrono::milliseconds patience) {
  std::uint32_t index = 0;
  std::int64_t id = 0;
  bool hurry = false;
  {
    std::unique_lock lock(mutex_);
    if (!await_free(lock, patience)) return fail(full());
    index = free_.back();
    free_.pop_back();
    // Never one that was given before, though the clock may have been set back.
    id = last_id_ = std::max(last_id_ + 1, opening.at << kIdBits);
    hurry = ends_gathering();
  }
  if (hurry) changed_.notify_one();
  Slot& s = slot(index);
  s.generation.fetch_add(1, std::memory_order_acq_rel);
  s.id = id;
  s.at = opening.at;
  s.key = opening.key;
  s.input_estimate = opening.input_estimate;
  s.weight_milli = opening.weight_milli;
  s.so_far.store(0, std::memory_order_relaxed);
  s.answered.store(0, std::memory_order_relaxed);
  s.stream = opening.stream;
  s.status = 0;
  s.usage = {};
  s.cost_micro = s.list_micro = 0;
  s.billing = opening.billing;
  s.first_ms = s.total_ms = 0;
  s.tries = 1;
  s.currency = Currency::usd;
  s.end = End::interrupted;
  s.priced = false;
  put(s.request_id, s.request_id_size, opening.request_id);
  put(s.client, s.client_size, opening.client);
  put(s.upstream, s.upstream_size, opening.upstream);
  put(s.model, s.model_size, opening.model);
  s.generation.fetch_add(1, std::memory_order_release);
  s.set_state(SlotState::open);
  return Hold(this, index);
}

void HoldsFile::settle(std::uint32_t index, const Entry& entry,
                       std::move_only_function<void()> durable) {
  Slot& s = slot(index);
  s.generation.fetch_add(1, std::memory_order_acq_rel);
  s.usage = entry.usage;
  s.cost_micro = entry.cost_micro;
  s.list_micro = entry.list_micro;
  s.billing = entry.billing;
  s.currency = entry.currency;
  s.priced = entry.priced;
  s.weight_milli = entry.weight_milli;
  s.end = entry.end;
  s.status = entry.status;
  s.first_ms = entry.first_ms;
  s.total_ms = entry.total_ms;
  s.tries = entry.tries;
  if (!entry.upstream.empty()) put(s.upstream, s.upstream_size, entry.upstream);
  if (!entry.model.empty()) put(s.model, s.model_size, entry.model);
  s.generation.fetch_add(1, std::memory_order_release);
  // From here on the row survives this process.
  s.set_state(SlotState::settled);
  if (durability_ == Durability::process && durable) std::exchange(durable, nullptr)();
  queue(index, std::move(durable));
}

void HoldsFile::abandon(std::uint32_t index) {
  Slot& s = slot(index);
  if (s.answered.load() == 0) {  // nothing was generated: no row
    s.set_state(SlotState::free);
    bool awaited = false;
    {
      const std::lock_guard lock(mutex_);
      free_.push_back(index);
      awaited = waiting_ > 0;
    }
    if (awaited) freed_.notify_one();
    return;
  }
  const UsageRow row = s.interrupted_row();
  Entry entry{.end = End::interrupted,
              .usage = row.usage,
              .currency = row.currency,
              .priced = row.priced,
              .billing = row.billing,
              .status = row.status};
  entry.weight_milli = s.weight_milli;
  settle(index, entry, {});
}

void HoldsFile::queue(std::uint32_t index, std::move_only_function<void()> durable) {
  bool wake_writer = false;
  {
    const std::lock_guard lock(mutex_);
    settled_.push_back({index, std::move(durable)});
    ++unwritten_;
    wake_writer = std::exchange(writer_waits_, false) || ends_gathering();
  }
  if (wake_writer) changed_.notify_one();
}

void HoldsFile::take_settled(std::chrono::milliseconds patience, std::vector<Settled>& batch) {
  std::unique_lock lock(mutex_);
  if (settled_.empty() && !woken_) {
    writer_waits_ = true;
    changed_.wait_for(lock, patience, [this] { return !settled_.empty() || woken_; });
    writer_waits_ = false;
  }
  woken_ = false;
  if (batch.empty()) return batch.swap(settled_);  // and its memory serves again
  std::ranges::move(settled_, std::back_inserter(batch));
  settled_.clear();
}

void HoldsFile::gather(std::chrono::milliseconds span) {
  std::unique_lock lock(mutex_);
  if (woken_ || is_pressing(free_.size(), unwritten_)) return;
  writer_gathers_ = true;
  changed_.wait_for(lock, span, [this] { return !writer_gathers_ || woken_; });
  writer_gathers_ = false;
}

UsageRow HoldsFile::row(std::uint32_t index) const { return slot(index).row(); }

void HoldsFile::free(std::span<const Settled> written) {
  for (const Settled& each : written) slot(each.slot).set_state(SlotState::free);
  bool awaited = false;
  {
    const std::lock_guard lock(mutex_);
    for (const Settled& each : written) free_.push_back(each.slot);
    unwritten_ -= written.size();
    awaited = waiting_ > 0;
  }
  if (awaited) freed_.notify_all();
}

std::chrono::microseconds HoldsFile::pause() const {
  const std::lock_guard lock(mutex_);
  return pause_after_piece(free_.size(), unwritten_);
}

std::uint32_t HoldsFile::in_use() const {
  const std::lock_guard lock(mutex_);
  return count_ - static_cast<std::uint32_t>(free_.size());
}

std::size_t HoldsFile::unwritten() const {
  const std::lock_guard lock(mutex_);
  return unwritten_;
}

void HoldsFile::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

Hold::Hold(Hold&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)), slot_(other.slot_) {}

Hold::~Hold() {
  if (file_ != nullptr) file_->abandon(slot_);
}

void Hold::answered() { file_->slot(slot_).answered.store(1, std::memory_order_relaxed); }

void Hold::so_far(std::int64_t output_tokens) {
  file_->slot(slot_).so_far.store(output_tokens, std::memory_order_relaxed);
}

void Hold::settle(const Entry& entry, std::move_only_function<void()> durable) {
  assert(file_ != nullptr && "a hold is settled once");
  std::exchange(file_, nullptr)->settle(slot_, entry, std::move(durable));
}

}  // namespace glmgate::accounts
