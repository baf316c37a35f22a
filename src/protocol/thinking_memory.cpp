#include "protocol/thinking_memory.h"

#include <iterator>
#include <utility>

namespace glmgate::protocol {
namespace {

constexpr std::size_t kEntryBytes = 256;  // of list and map, about

class WitnessedReader final : public AnswerReader {
 public:
  WitnessedReader(std::unique_ptr<AnswerReader> reader, ThinkingWitness witness)
      : reader_(std::move(reader)), witness_(std::move(witness)) {}

  Result<void> feed(std::string_view bytes, const OnDelta& on_delta) override {
    return reader_->feed(bytes, heard(on_delta));
  }
  Result<void> finish(const OnDelta& on_delta) override { return reader_->finish(heard(on_delta)); }
  bool complete() const override { return reader_->complete(); }

 private:
  OnDelta heard(const OnDelta& on_delta) {
    return [this, &on_delta](const Delta& delta) {
      witness_.hear(delta);
      return on_delta(delta);
    };
  }

  std::unique_ptr<AnswerReader> reader_;
  ThinkingWitness witness_;
};

}  // namespace

std::string ThinkingMemory::key_of(std::string_view tenant, std::string_view call) {
  std::string key(tenant);
  return (key += '\n') += call;
}

std::size_t ThinkingMemory::size_of(const Entry& entry) {
  return kEntryBytes + 2 * entry.key.size() + entry.blocks.size();
}

void ThinkingMemory::put(std::string_view tenant, std::string_view call, std::string blocks) {
  if (call.size() < kLeastId || blocks.empty() || blocks.size() > kMostOfOne) return;
  Entry entry{key_of(tenant, call), std::move(blocks)};
  const std::size_t size = size_of(entry);
  if (size > most_bytes_) return;
  const std::lock_guard lock(mutex_);
  const auto drop = [this](std::list<Entry>::iterator which) {
    bytes_ -= size_of(*which);
    by_key_.erase(which->key);
    entries_.erase(which);
  };
  if (const auto old = by_key_.find(entry.key); old != by_key_.end()) drop(old->second);
  while (bytes_ + size > most_bytes_) drop(entries_.begin());
  bytes_ += size;
  entries_.push_back(std::move(entry));
  by_key_[entries_.back().key] = std::prev(entries_.end());
}

std::optional<std::string> ThinkingMemory::find(std::string_view tenant, std::string_view call) {
  if (call.size() < kLeastId) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key_of(tenant, call));
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.end(), entries_, found->second);
  return found->second->blocks;
}

std::size_t ThinkingMemory::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void ThinkingWitness::hear(const Delta& delta) {
  using Kind = Delta::Kind;
  if (called_) return;
  const bool is_thinking = delta.kind == Kind::reasoning || delta.kind == Kind::signature ||
                           delta.kind == Kind::redacted;
  if (is_thinking) heard_ += delta.text.size();
  if (heard_ <= ThinkingMemory::kMostOfOne) blocks_.add(delta);
  if (delta.kind != Delta::Kind::call) return;
  called_ = true;
  if (heard_ <= ThinkingMemory::kMostOfOne) memory_.put(tenant_, delta.id, blocks_.take());
}

std::unique_ptr<AnswerReader> with_witness(std::unique_ptr<AnswerReader> reader,
                                           ThinkingWitness witness) {
  return std::make_unique<WitnessedReader>(std::move(reader), std::move(witness));
}

ReadWhole with_witness(ReadWhole read, ThinkingWitness witness) {
  return [read = std::move(read), witness = std::move(witness)](std::string_view body,
                                                                const OnDelta& on_delta) mutable {
    return read(body, [&](const Delta& delta) {
      witness.hear(delta);
      return on_delta(delta);
    });
  };
}

}  // namespace glmgate::protocol
