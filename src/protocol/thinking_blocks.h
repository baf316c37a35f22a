// Thinking as Anthropic's blocks: the one form that keeps an upstream's signatures.
#pragma once

#include <string>
#include <string_view>

#include "protocol/delta.h"

namespace glmgate::protocol {

/// Gathers the thinking of an answer.
class ThinkingBlocks {
 public:
  void add(const Delta& delta);
  /// Something in it can be read, or was signed, by its maker only.
  bool has_signature() const { return has_signature_; }
  std::string take();  ///< elements, comma between them; without a signature what nobody signed

 private:
  void end_block();

  std::string text_;
  std::string blocks_;
  bool has_signature_ = false;
};

/// The texts of such elements in a row.
std::string thinking_text(std::string_view blocks);

}  // namespace glmgate::protocol
