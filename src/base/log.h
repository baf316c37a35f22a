// The log: one line per event, logfmt or JSON, keys fixed, units in the key, no secrets, prompts or
// header values. A level is a duty: `error` someone must act, `warn` someone should look, `info`
// life, `debug` off by default.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace glmgate::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { logfmt, json };

/// One `key=value`. Text is quoted when it needs to be; control bytes are escaped.
struct Field {
  std::string_view key;
  std::string_view text;
  std::int64_t number = 0;
  bool is_number = false;

  Field(std::string_view k, std::string_view v) : key(k), text(v) {}
  Field(std::string_view k, const char* v) : key(k), text(v) {}
  Field(std::string_view k, const std::string& v) : key(k), text(v) {}
  /// Left out if it is not known.
  Field(std::string_view k, std::optional<std::int64_t> v)
      : key(k), number(v.value_or(0)), is_number(v.has_value()) {}
  template <std::integral T>
  Field(std::string_view k, T v) : key(k), number(static_cast<std::int64_t>(v)), is_number(true) {}
};

/// Opens the log on stderr, written in blocks and flushed by flush() or by an `error` line.
void open(Level least, bool to_stderr = true);
void set_level(Level least);
void set_format(Format format);
bool shows(Level level);  ///< for what costs something to put together
void flush();
std::optional<Level> find_level(std::string_view name);
std::optional<Format> find_format(std::string_view name);

/// Writes `time=... level=... at=<at> key=value ...`, without the fields that are empty text. Safe
/// from any thread.
void write(Level level, std::string_view at, std::initializer_list<Field> fields);

/// The line without time and level, as `write` would format it. For tests.
std::string format(std::string_view at, std::initializer_list<Field> fields);
/// The same as an object; bytes that are no UTF-8 become U+FFFD.
std::string format_json(std::string_view at, std::initializer_list<Field> fields);

}  // namespace glmgate::log
