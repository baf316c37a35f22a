#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <memory>
#include <mutex>

#include "base/clock.h"

namespace glmgate::log {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

/// Collects lines and writes them to stderr in blocks: one write per line would cost more than the
/// line.
class BlockSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ~BlockSink() override { drain(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    block_.append(message.payload.data(), message.payload.size());
    block_ += '\n';
    if (block_.size() >= kBlockBytes) drain();
  }
  void flush_() override { drain(); }

 private:
  void drain() {
    std::size_t written = 0;
    while (written < block_.size()) {
      const auto n = ::write(STDERR_FILENO, block_.data() + written, block_.size() - written);
      if (n <= 0) break;  // nobody reads the log: there is nobody to tell
      written += static_cast<std::size_t>(n);
    }
    block_.clear();
  }

  std::string block_;
};

std::shared_ptr<spdlog::logger> g_logger;  // set once, by open()
std::atomic<Level> g_least{Level::info};
std::atomic<Format> g_format{Format::logfmt};

constexpr std::string_view kLevelNames[] = {"debug", "info", "warn", "error"};

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text)
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) >= 0x7f)
      return true;
  return false;
}

void append_text(std::string& line, std::string_view text) {
  if (!needs_quotes(text)) {
    line += text;
    return;
  }
  constexpr char kHex[] = "0123456789abcdef";
  line += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      line += "\\x";
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

void append_fields(std::string& line, std::string_view at, std::initializer_list<Field> fields) {
  line += "at=";
  line += at;
  for (const Field& field : fields) {
    if (!field.is_number && field.text.empty()) continue;
    line += ' ';
    line += field.key;
    line += '=';
    if (field.is_number) {
      std::array<char, 24> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), field.number);
      line.append(digits.data(), end.ptr);
    } else {
      append_text(line, field.text);
    }
  }
}

/// How many bytes of a character begin `text`; 0 if they are no UTF-8.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                                          : 4;
  if (size == 0 || first > 0xf4 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90);
  return overlong || outside ? 0 : size;
}

void append_json_text(std::string& line, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  line += '"';
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const char c = text.front();
    if (size == 0) {
      line += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += "\\u00";
      line += kHex[static_cast<unsigned char>(c) >> 4];
      line += kHex[c & 15];
    } else {
      line += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  line += '"';
}

void append_json_fields(std::string& line, std::string_view at,
                        std::initializer_list<Field> fields) {
  line += "\"at\":";
  append_json_text(line, at);
  for (const Field& field : fields) {
    if (!field.is_number && field.text.empty()) continue;
    line += ',';
    append_json_text(line, field.key);
    line += ':';
    if (field.is_number)
      line += std::to_string(field.number);
    else
      append_json_text(line, field.text);
  }
}

/// rfc3339(now) with milliseconds; the second is worked out once per thread.
std::string_view timestamp() {
  thread_local UtcMillis second = -1;
  thread_local std::string text;
  const UtcMillis now = system_clock().utc_ms();
  if (now / 1000 != second) {
    second = now / 1000;
    text = rfc3339(now);
    text.insert(text.size() - 1, ".000");  // before the Z
  }
  for (std::size_t i = 0, rest = static_cast<std::size_t>(now % 1000); i < 3; ++i, rest /= 10)
    text[text.size() - 2 - i] = static_cast<char>('0' + rest % 10);
  return text;
}

}  // namespace

void open(Level least, bool to_stderr) {
  g_least = least;
  if (!to_stderr) return;
  g_logger = std::make_shared<spdlog::logger>("glmgate", std::make_shared<BlockSink>());
  g_logger->set_level(spdlog::level::trace);
  g_logger->flush_on(spdlog::level::err);
}

void set_level(Level least) { g_least = least; }

void set_format(Format format) { g_format = format; }

bool shows(Level level) { return level >= g_least.load(std::memory_order_relaxed) && g_logger; }

void flush() {
  if (g_logger) g_logger->flush();
}

std::optional<Level> find_level(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kLevelNames); ++i)
    if (kLevelNames[i] == name) return static_cast<Level>(i);
  return std::nullopt;
}

std::optional<Format> find_format(std::string_view name) {
  if (name == "logfmt") return Format::logfmt;
  if (name == "json") return Format::json;
  return std::nullopt;
}

void write(Level level, std::string_view at, std::initializer_list<Field> fields) {
  if (!shows(level)) return;
  const std::string_view level_name = kLevelNames[static_cast<std::size_t>(level)];
  thread_local std::string line;
  if (g_format.load(std::memory_order_relaxed) == Format::json) {
    line.assign("{\"time\":\"").append(timestamp()).append("\",\"level\":\"");
    line.append(level_name).append("\",");
    append_json_fields(line, at, fields);
    line += '}';
  } else {
    line.assign("time=").append(timestamp()).append(" level=").append(level_name).append(" ");
    append_fields(line, at, fields);
  }
  g_logger->log(level == Level::error ? spdlog::level::err : spdlog::level::info,
                spdlog::string_view_t(line.data(), line.size()));
}

std::string format(std::string_view at, std::initializer_list<Field> fields) {
  std::string line;
  append_fields(line, at, fields);
  return line;
}

std::string format_json(std::string_view at, std::initializer_list<Field> fields) {
  std::string line = "{";
  append_json_fields(line, at, fields);
  return line + "}";
}

}  // namespace glmgate::log
