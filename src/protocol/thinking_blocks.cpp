#include "protocol/thinking_blocks.h"

#include <utility>

#include "base/json.h"
#include "protocol/json_scan.h"
#include "protocol/json_write.h"

namespace glmgate::protocol {

void ThinkingBlocks::end_block() {
  if (text_.empty()) return;
  append_element(blocks_, R"({"type":"thinking","thinking":)" + json::quote(text_) + "}");
  text_.clear();
}

void ThinkingBlocks::add(const Delta& delta) {
  if (delta.kind == Delta::Kind::reasoning) text_ += delta.text;
  if (delta.kind == Delta::Kind::signature) {
    append_element(blocks_, R"({"type":"thinking","thinking":)" + json::quote(text_) +
                                R"(,"signature":)" + json::quote(delta.text) + "}");
    text_.clear();
    has_signature_ = true;
  }
  if (delta.kind == Delta::Kind::redacted) {
    end_block();
    append_element(blocks_,
                   R"({"type":"redacted_thinking","data":)" + json::quote(delta.text) + "}");
    has_signature_ = true;
  }
}

std::string ThinkingBlocks::take() {
  end_block();
  has_signature_ = false;
  return std::exchange(blocks_, {});
}

std::string thinking_text(std::string_view blocks) {
  const std::string list = "[" + std::string(blocks) + "]";
  const auto tape = JsonTape::scan(list, {});
  std::string text;
  if (!tape) return text;
  for (JsonView block = tape->root(list).first(); block.present(); block = block.after())
    text += block.find("thinking").string().value_or("");
  return text;
}

}  // namespace glmgate::protocol
