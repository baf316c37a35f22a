// The models an engine lists by itself: asked for when a client wants the list, kept for a minute.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "protocol/models_document.h"

namespace glmgate::gateway {

/// As an engine last listed them. Shared by the workers, kept across reloads.
class ModelList {
 public:
  using Entries = std::vector<protocol::ModelEntry>;

  /// True for one caller when it is time to ask; the others go on with what is there. Who fails
  /// need say nothing: the next one asks a while later.
  bool take_turn(UtcMillis now);
  void replace(Entries entries, UtcMillis now);
  std::shared_ptr<const Entries> entries() const;  ///< never nullptr

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Entries> entries_ = std::make_shared<const Entries>();
  std::atomic<UtcMillis> next_ms_{0};
};

}  // namespace glmgate::gateway
