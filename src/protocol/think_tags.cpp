#include "protocol/think_tags.h"

#include <algorithm>
#include <string>
#include <utility>

namespace glmgate::protocol {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

/// How much of the end of `text` may be the beginning of `tag`.
std::size_t begun(std::string_view text, std::string_view tag) {
  for (std::size_t size = std::min(text.size(), tag.size() - 1); size > 0; --size)
    if (text.ends_with(tag.substr(0, size))) return size;
  return 0;
}

class SplittingReader final : public AnswerReader {
 public:
  explicit SplittingReader(std::unique_ptr<AnswerReader> reader) : reader_(std::move(reader)) {}

  Result<void> feed(std::string_view bytes, const OnDelta& on_delta) override {
    return reader_->feed(bytes, [&](const Delta& delta) { return tags_.add(delta, on_delta); });
  }
  Result<void> finish(const OnDelta& on_delta) override {
    return reader_->finish([&](const Delta& delta) { return tags_.add(delta, on_delta); });
  }
  bool complete() const override { return reader_->complete(); }

 private:
  std::unique_ptr<AnswerReader> reader_;
  ThinkTags tags_;
};

}  // namespace

Result<void> ThinkTags::say(Delta::Kind kind, std::string_view text, const OnDelta& on_delta) {
  if (text.empty()) return {};
  return on_delta({.kind = kind, .text = text});
}

Result<void> ThinkTags::say_held(const OnDelta& on_delta) {
  const std::string held = std::exchange(held_, {});
  const Delta::Kind kind = state_ == State::inside ? Delta::Kind::reasoning : Delta::Kind::text;
  if (state_ == State::before && !held.empty()) state_ = State::after;
  return say(kind, held, on_delta);
}

Result<void> ThinkTags::read(const OnDelta& on_delta) {
  if (state_ == State::before) {
    const auto tag = held_.find_first_not_of(" \t\r\n");
    if (tag == std::string::npos) return {};
    const std::string_view rest = std::string_view(held_).substr(tag);
    if (rest.size() < kOpen.size() && kOpen.starts_with(rest)) return {};
    state_ = rest.starts_with(kOpen) ? State::inside : State::after;
    if (state_ == State::inside) held_.erase(0, tag + kOpen.size());
  }
  if (state_ == State::inside) {
    const auto close = held_.find(kClose);
    const std::size_t size =
        close == std::string::npos ? held_.size() - begun(held_, kClose) : close;
    const std::string thought = held_.substr(0, size);
    held_.erase(0, close == std::string::npos ? size : size + kClose.size());
    if (auto said = say(Delta::Kind::reasoning, thought, on_delta); !said) return said;
    if (close == std::string::npos) return {};
    state_ = State::after;
  }
  return say_held(on_delta);
}

Result<void> ThinkTags::add(const Delta& delta, const OnDelta& on_delta) {
  if (delta.kind == Delta::Kind::text && state_ != State::after) {
    held_ += delta.text;
    return read(on_delta);
  }
  const bool tells_of_the_answer =
      delta.kind == Delta::Kind::begin || delta.kind == Delta::Kind::usage;
  if (!tells_of_the_answer && !held_.empty())
    if (auto said = say_held(on_delta); !said) return said;
  return on_delta(delta);
}

std::unique_ptr<AnswerReader> split_think_tags(std::unique_ptr<AnswerReader> reader) {
  return std::make_unique<SplittingReader>(std::move(reader));
}

ReadWhole split_think_tags(ReadWhole read) {
  return [read = std::move(read)](std::string_view body, const OnDelta& on_delta) {
    ThinkTags tags;
    return read(body, [&](const Delta& delta) { return tags.add(delta, on_delta); });
  };
}

}  // namespace glmgate::protocol
