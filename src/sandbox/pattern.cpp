#include "sandbox/pattern.h"

#include <algorithm>
#include <bitset>
#include <charconv>

namespace glmgate::sandbox {
namespace {

using Set = std::bitset<128>;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostRepeats = 256;
constexpr std::size_t kMostBytes = 4096;
constexpr std::size_t kMostSteps = 50'000;

Set range(char from, char to) {
  Set set;
  for (int c = from; c <= to; ++c) set.set(static_cast<std::size_t>(c));
  return set;
}

/// \d, \w, \s and their opposites; an empty set for a letter that is none of them.
Set escape_class(char c) {
  const Set printable = range(' ', '~');
  switch (c) {
    case 'd':
      return range('0', '9');
    case 'D':
      return printable & ~range('0', '9');
    case 'w':
      return range('a', 'z') | range('A', 'Z') | range('0', '9') | range('_', '_');
    case 'W':
      return printable & ~escape_class('w');
    case 's':
      return range(' ', ' ');
    case 'S':
      return range('!', '~');
    default:
      return {};
  }
}

/// Walks the pattern and writes as it goes. `stretch` is how often an unbounded piece is repeated.
class Generator {
 public:
  Generator(std::string_view pattern, std::size_t stretch, Dice dice, std::size_t& steps)
      : pattern_(pattern), stretch_(stretch), dice_(dice), steps_(steps) {}

  std::optional<std::string> run() {
    alternatives(true, 0);
    if (failed_ || at_ != pattern_.size()) return std::nullopt;
    return out_;
  }

 private:
  bool more() const { return !failed_ && at_ < pattern_.size(); }
  char peek() const { return pattern_[at_]; }
  void give_up() { failed_ = true; }

  /// False if there are not so many left.
  bool step(std::size_t count = 1) {
    taken_ += count;
    if (count > steps_ || taken_ > kMostSteps) return give_up(), false;
    steps_ -= count;
    return true;
  }

  void alternatives(bool writing, std::size_t depth) {
    if (depth > kDeepest) return give_up();
    const std::size_t begin = at_;
    std::size_t count = 1;
    sequence(false, depth);
    while (more() && peek() == '|') {
      ++at_;
      ++count;
      sequence(false, depth);
    }
    const std::size_t end = at_;
    if (!writing || failed_) return;
    at_ = begin;
    for (std::size_t chosen = dice_.roll(count), i = 0; i <= chosen; ++i) {
      sequence(i == chosen, depth);
      if (i < chosen) ++at_;
    }
    at_ = end;
  }

  void sequence(bool writing, std::size_t depth) {
    while (more() && peek() != '|' && peek() != ')') piece(writing, depth);
  }

  void piece(bool writing, std::size_t depth) {
    const std::size_t begin = at_;
    atom(false, depth);
    if (failed_) return;
    const std::size_t count = quantifier();
    const std::size_t end = at_;
    if (!writing || failed_) return;
    for (std::size_t i = 0; i < count && !failed_; ++i) {
      at_ = begin;
      atom(true, depth);
      if (out_.size() > kMostBytes) return give_up();
    }
    at_ = end;
  }

  /// How often to write the atom before it.
  std::size_t quantifier() {
    if (!more()) return 1;
    std::size_t least = 1;
    std::size_t most = 1;
    switch (peek()) {
      case '*':
        least = 0, most = std::string::npos;
        break;
      case '+':
        most = std::string::npos;
        break;
      case '?':
        least = 0;
        break;
      case '{':
        if (!counts(least, most)) return 1;
        break;
      default:
        return 1;
    }
    ++at_;
    if (more() && (peek() == '?' || peek() == '+')) ++at_;  // lazy, possessive: the same texts
    if (least > kMostRepeats || least > most) give_up();
    return std::clamp(stretch_, least, std::max(least, std::min(most, kMostRepeats)));
  }

  /// "{2,5"; leaves the position at '}'.
  bool counts(std::size_t& least, std::size_t& most) {
    const std::size_t close = pattern_.find('}', at_);
    if (close == std::string_view::npos) return give_up(), false;
    if (!step(close - at_)) return false;
    const std::string_view inner = pattern_.substr(at_ + 1, close - at_ - 1);
    const std::size_t comma = inner.find(',');
    const auto number = [](std::string_view text, std::size_t& into) {
      return std::from_chars(text.data(), text.data() + text.size(), into).ptr ==
             text.data() + text.size();
    };
    bool good = number(inner.substr(0, comma), least);
    most = least;
    if (comma != std::string_view::npos) {
      most = std::string::npos;
      if (comma + 1 < inner.size()) good = good && number(inner.substr(comma + 1), most);
    }
    if (!good) return give_up(), false;
    at_ = close;
    return true;
  }

  void atom(bool writing, std::size_t depth) {
    if (!step()) return;
    const char c = pattern_[at_++];
    if (c == '^' || c == '$') return;
    if (c == '(') return group(writing, depth);
    if (c == '[') return write_one_of(bracket(), writing);
    if (c == '.') return write_one_of(range('a', 'z'), writing);
    if (c == '\\') return escape(writing);
    if (c == '*' || c == '+' || c == '?' || c == ')') return give_up();
    if (writing) out_ += c;
  }

  void group(bool writing, std::size_t depth) {
    if (more() && peek() == '?') {
      if (!pattern_.substr(at_).starts_with("?:")) return give_up();
      at_ += 2;
    }
    alternatives(writing, depth + 1);
    if (!more() || peek() != ')') return give_up();
    ++at_;
  }

  void escape(bool writing) {
    if (!more()) return give_up();
    const char c = pattern_[at_++];
    if (const Set set = escape_class(c); set.any()) return write_one_of(set, writing);
    if (const char plain = plain_escape(c); plain != 0) {
      if (writing) out_ += plain;
    }
  }

  char plain_escape(char c) {
    if (c == 'n') return '\n';
    if (c == 't') return '\t';
    if (c == 'r') return '\r';
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric) give_up();
    return alphanumeric ? '\0' : c;
  }

  Set bracket() {
    Set set;
    const bool negated = more() && peek() == '^';
    if (negated) ++at_;
    bool first = true;
    while (more() && (peek() != ']' || first)) {
      first = false;
      if (step()) set |= bracket_item();
    }
    if (!more()) return give_up(), set;
    ++at_;
    return negated ? range(' ', '~') & ~set : set;
  }

  Set bracket_item() {
    char from = pattern_[at_++];
    if (static_cast<unsigned char>(from) >= 0x80) return give_up(), Set{};
    if (from == '\\' && more()) {
      if (const Set set = escape_class(peek()); set.any()) return ++at_, set;
      from = plain_escape(pattern_[at_++]);
      if (static_cast<unsigned char>(from) >= 0x80) return give_up(), Set{};
    }
    if (at_ + 1 >= pattern_.size() || peek() != '-' || pattern_[at_ + 1] == ']')
      return range(from, from);
    ++at_;
    char to = pattern_[at_++];
    if (to == '\\' && more()) to = plain_escape(pattern_[at_++]);
    if (static_cast<unsigned char>(to) >= 0x80 || to < from) return give_up(), Set{};
    return range(from, to);
  }

  void write_one_of(const Set& set, bool writing) {
    if (failed_) return;
    if (set.none()) return give_up();
    if (!writing) return;
    std::uint64_t left = dice_.roll(set.count());
    for (std::size_t c = 0; c < set.size(); ++c)
      if (set[c] && left-- == 0) {
        out_ += static_cast<char>(c);
        return;
      }
  }

  std::string_view pattern_;
  std::size_t stretch_;
  Dice dice_;
  std::size_t& steps_;
  std::size_t taken_ = 0;
  std::size_t at_ = 0;
  bool failed_ = false;
  std::string out_;
};

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::optional<std::string> text_matching(std::string_view pattern, const TextSize& size, Dice dice,
                                         std::size_t& steps) {
  for (const std::size_t stretch :
       {1U, 4U, 0U, 2U, 3U, 5U, 6U, 7U, 8U, 12U, 16U, 24U, 32U, 64U, 128U}) {
    std::optional<std::string> text = Generator(pattern, stretch, dice, steps).run();
    if (!text) return std::nullopt;
    const std::size_t count = characters(*text);
    if (count >= size.least && count <= size.most) return text;
  }
  return std::nullopt;
}

}  // namespace glmgate::sandbox
