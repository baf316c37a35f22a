// Thinking that goes to a client which keeps it only with a signature, and comes back: our own
// signature says that the text is what a GLM model thought, and can carry it (wire-protocols 3.8).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace glmgate::protocol {

class ThinkingSeal {
 public:
  /// @param mac  keyed hash with at least 16 bytes of result; the same on all nodes.
  explicit ThinkingSeal(std::function<std::string(std::string_view)> mac) : mac_(std::move(mac)) {}

  enum class Text : std::uint8_t {
    kept_by_client,  ///< the client sends the text back beside the seal
    carried          ///< the seal has it: the client drops or hides it
  };
  /// "glm1." and base64url. The same text gives the same seal.
  std::string seal(std::string_view thinking, Text text) const;

  /// The thinking that `seal` stands for, word for word; nothing if it is not ours, or if `beside`
  /// (what the client sent with it) is not the text that was sealed. A seal that carries its text
  /// does not look at `beside`.
  std::optional<std::string> open(std::string_view seal, std::string_view beside) const;

  /// The same for thinking that its upstream signed itself: Anthropic's blocks, comma between them,
  /// are carried. open() does not open it.
  std::string seal_blocks(std::string_view blocks) const;
  std::optional<std::string> open_blocks(std::string_view seal) const;

  static bool is_ours(std::string_view seal) { return seal.starts_with("glm1."); }

 private:
  std::string mac_of(char kind, std::string_view thinking) const;
  std::string carry(char kind, std::string_view thinking) const;

  std::function<std::string(std::string_view)> mac_;
};

}  // namespace glmgate::protocol
