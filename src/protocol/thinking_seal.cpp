#include "protocol/thinking_seal.h"

#include <utility>

#include "base/base64url.h"
#include "base/secret.h"

namespace glmgate::protocol {
namespace {

constexpr std::string_view kPrefix = "glm1.";
constexpr std::size_t kMacBytes = 16;
constexpr char kKept = 'k';
constexpr char kCarried = 'c';
constexpr char kBlocks = 'b';

struct Payload {
  char kind;
  std::string mac;
  std::string carried;
};

std::optional<Payload> read_payload(std::string_view seal) {
  if (!ThinkingSeal::is_ours(seal)) return std::nullopt;
  const std::optional<std::string> payload = read_base64url(seal.substr(kPrefix.size()));
  if (!payload || payload->size() < 1 + kMacBytes) return std::nullopt;
  return Payload{payload->front(), payload->substr(1, kMacBytes), payload->substr(1 + kMacBytes)};
}

}  // namespace

std::string ThinkingSeal::mac_of(char kind, std::string_view thinking) const {
  std::string text = "glmgate thinking ";
  text += kind;
  text += thinking;
  std::string mac = mac_(text);
  mac.resize(kMacBytes);
  return mac;
}

std::string ThinkingSeal::carry(char kind, std::string_view thinking) const {
  std::string payload(1, kind);
  payload += mac_of(kind, thinking);
  if (kind != kKept) payload += thinking;
  return std::string(kPrefix) + base64url(payload);
}

std::string ThinkingSeal::seal(std::string_view thinking, Text text) const {
  return carry(text == Text::carried ? kCarried : kKept, thinking);
}

std::string ThinkingSeal::seal_blocks(std::string_view blocks) const {
  return carry(kBlocks, blocks);
}

std::optional<std::string> ThinkingSeal::open(std::string_view seal,
                                              std::string_view beside) const {
  std::optional<Payload> payload = read_payload(seal);
  if (!payload || (payload->kind != kKept && payload->kind != kCarried)) return std::nullopt;
  if (payload->kind == kKept && !payload->carried.empty()) return std::nullopt;
  std::string thinking =
      payload->kind == kCarried ? std::move(payload->carried) : std::string(beside);
  if (!equal_in_constant_time(payload->mac, mac_of(payload->kind, thinking))) return std::nullopt;
  return thinking;
}

std::optional<std::string> ThinkingSeal::open_blocks(std::string_view seal) const {
  std::optional<Payload> payload = read_payload(seal);
  if (!payload || payload->kind != kBlocks ||
      !equal_in_constant_time(payload->mac, mac_of(kBlocks, payload->carried)))
    return std::nullopt;
  return std::move(payload->carried);
}

}  // namespace glmgate::protocol
