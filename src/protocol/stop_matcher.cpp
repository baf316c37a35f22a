#include "protocol/stop_matcher.h"

#include <algorithm>

namespace glmgate::protocol {

StopMatcher::StopMatcher(const std::vector<std::string>& stops) {
  for (const std::string& stop : stops)
    if (!stop.empty()) stops_.push_back(stop);
  if (stops_.empty()) return;
  std::ranges::sort(stops_);
  const auto twins = std::ranges::unique(stops_);
  stops_.erase(twins.begin(), twins.end());
  stops_.shrink_to_fit();
  grow();
  link();
}

/// The tree of all beginnings, without its links.
void StopMatcher::grow() {
  struct Range {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Range> with;  // of each node: the sequences that begin so, which stand together
  nodes_.push_back({.first_child = 1, .length = 0, .stop = 0, .byte = 0});
  with.push_back({0, stops_.size()});
  for (State at = 0; at < nodes_.size(); ++at) {
    const std::uint32_t length = nodes_[at].length;
    auto [begin, end] = with[at];
    nodes_[at].first_child = static_cast<State>(nodes_.size());
    if (stops_[begin].size() == length && length > 0)
      nodes_[at].stop = static_cast<std::uint32_t>(++begin);
    while (begin < end) {
      const char byte = stops_[begin][length];
      std::size_t same = begin + 1;
      while (same < end && stops_[same][length] == byte) ++same;
      nodes_.push_back({.first_child = 0,
                        .length = length + 1,
                        .stop = 0,
                        .byte = static_cast<unsigned char>(byte)});
      with.push_back({begin, same});
      begin = same;
    }
  }
  nodes_.push_back(
      {.first_child = static_cast<State>(nodes_.size()), .length = 0, .stop = 0, .byte = 0});
  nodes_.shrink_to_fit();
}

/// Shorter beginnings stand before longer ones: each is linked before it is asked.
void StopMatcher::link() {
  for (State at = 0; at + 1 < nodes_.size(); ++at)
    for (State to = nodes_[at].first_child; to < nodes_[at + 1].first_child; ++to) {
      if (at != 0) nodes_[to].shorter = next(nodes_[at].shorter, nodes_[to].byte);
      if (nodes_[to].stop == 0) nodes_[to].stop = nodes_[nodes_[to].shorter].stop;
    }
  steps_ = 0;
}

StopMatcher::State StopMatcher::child(State of, unsigned char byte) const {
  const auto begin = nodes_.begin() + nodes_[of].first_child;
  const auto end = nodes_.begin() + nodes_[of + 1].first_child;
  const auto found = std::ranges::lower_bound(begin, end, byte, {}, &Node::byte);
  return found == end || found->byte != byte ? kNowhere
                                             : static_cast<State>(found - nodes_.begin());
}

/// Each step back undoes one step forth: together no more than two a byte.
StopMatcher::State StopMatcher::next(State from, unsigned char byte) {
  for (;; from = nodes_[from].shorter) {
    ++steps_;
    if (const State to = child(from, byte); to != kNowhere) return to;
    if (from == 0) return 0;
  }
}

std::size_t StopMatcher::memory() const {
  std::size_t bytes = nodes_.capacity() * sizeof(Node) + held_.capacity();
  for (const std::string& stop : stops_) bytes += sizeof stop + stop.capacity();
  return bytes;
}

Result<void> StopMatcher::let_go(std::size_t bytes, const OnDelta& next) {
  if (bytes == 0) return {};
  auto told = next({.kind = Delta::Kind::text, .text = std::string_view(held_).substr(0, bytes)});
  held_.erase(0, bytes);
  return told;
}

Result<void> StopMatcher::add_text(std::string_view text, const OnDelta& next_one) {
  for (const char c : text) {
    held_ += c;
    state_ = next(state_, static_cast<unsigned char>(c));
    if (nodes_[state_].stop == 0) continue;
    const std::string& found = stops_[nodes_[state_].stop - 1];
    auto told = let_go(held_.size() - found.size(), next_one);
    if (told)
      told = next_one({.kind = Delta::Kind::stop, .text = found, .stop = Stop::stop_sequence});
    hit_ = told.has_value();
    return told;
  }
  return let_go(held_.size() - nodes_[state_].length, next_one);
}

Result<void> StopMatcher::add(const Delta& delta, const OnDelta& next) {
  if (hit_) return {};
  if (stops_.empty()) return next(delta);
  if (delta.kind == Delta::Kind::text) return add_text(delta.text, next);
  if (delta.kind == Delta::Kind::begin || delta.kind == Delta::Kind::usage) return next(delta);
  if (auto told = let_go(held_.size(), next); !told) return told;
  state_ = 0;
  return next(delta);
}

}  // namespace glmgate::protocol
