// What an upstream thought before it called a tool, for clients that do not bring it back. An
// upstream that verifies goes on thinking only behind its own signed thinking, and other clients
// than Anthropic's have no place for signatures. Kept in memory, for each key by itself; what is
// lost costs one step's thinking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/delta.h"
#include "protocol/thinking_blocks.h"
#include "protocol/translated_stream.h"

namespace glmgate::protocol {

/// Called from all threads. The least lately used goes when the bytes are used up.
class ThinkingMemory {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{32} << 20;
  static constexpr std::size_t kMostOfOne = std::size_t{1} << 20;
  /// Engines that count ("call_0") use the same id in every conversation.
  static constexpr std::size_t kLeastId = 12;

  explicit ThinkingMemory(std::size_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}

  /// @param tenant  whose it is; @param call  id of the first call behind the thinking
  /// @param blocks  Anthropic's thinking blocks, comma between them
  void put(std::string_view tenant, std::string_view call, std::string blocks);
  std::optional<std::string> find(std::string_view tenant, std::string_view call);
  std::size_t bytes() const;

 private:
  struct Entry {
    std::string key;
    std::string blocks;
  };
  static std::string key_of(std::string_view tenant, std::string_view call);
  static std::size_t size_of(const Entry& entry);

  std::size_t most_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the oldest first
  std::map<std::string, std::list<Entry>::iterator, std::less<>> by_key_;
  std::size_t bytes_ = 0;
};

/// Hears an answer, and puts what was thought before its first call into the memory.
class ThinkingWitness {
 public:
  ThinkingWitness(ThinkingMemory& memory, std::string tenant)
      : memory_(memory), tenant_(std::move(tenant)) {}
  void hear(const Delta& delta);

 private:
  ThinkingMemory& memory_;
  std::string tenant_;
  ThinkingBlocks blocks_;
  std::size_t heard_ = 0;
  bool called_ = false;
};

std::unique_ptr<AnswerReader> with_witness(std::unique_ptr<AnswerReader> reader,
                                           ThinkingWitness witness);
ReadWhole with_witness(ReadWhole read, ThinkingWitness witness);

}  // namespace glmgate::protocol
