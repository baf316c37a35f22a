// One table of the configuration file, asked for its keys by name. What nobody asked for is refused
// at the end, with the nearest name that was.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config_tree.h"

namespace glmgate::cli {

class Section {
 public:
  Section(const ConfigNode& table, std::string path, std::string file)
      : table_(table), path_(std::move(path)), file_(std::move(file)) {}

  bool failed() const { return fault_.has_value(); }
  Fault fault() const { return *fault_; }
  const std::string& file() const { return file_; }
  const ConfigNode& whole() const { return table_; }
  /// "upstream.plan.url", for messages.
  std::string full(std::string_view key) const;

  /// Keeps the first complaint: "file:line: `upstream.plan.url` what".
  void refuse(std::string_view key, const std::string& what, const std::string& hint = {});
  /// The same of the table: "file:line: `upstream.plan` what".
  void refuse_itself(const std::string& what, const std::string& hint);
  /// What a key that people try is called here: told instead of the nearest name.
  void mistaken(std::string_view key, const std::string& hint);

  /// The value of a key, or nullptr; the key is known from then on.
  const ConfigNode* node(std::string_view key);

  void text(std::string_view key, std::string& into, std::string_view example = {});
  void flag(std::string_view key, bool& into);
  void duration(std::string_view key, std::chrono::milliseconds& into);
  void size(std::string_view key, std::size_t& into);
  /// `fits`: may a lone text be what belongs into the list? For the hint.
  void texts(std::string_view key, std::vector<std::string>& into, std::string_view example,
             const std::function<bool(std::string_view)>& fits = {});

  template <typename T>
  void integer(std::string_view key, T& into, std::int64_t least, std::int64_t most) {
    if (const auto value = whole_number(key, least, most)) into = static_cast<T>(*value);
  }

  template <typename T>
  void choice(std::string_view key, T& into,
              const std::function<std::optional<T>(std::string_view)>& find,
              const std::vector<std::string>& words) {
    std::string written;
    text(key, written, words.front());
    if (!given(key) || failed()) return;
    if (const std::optional<T> value = find(written))
      into = *value;
    else
      refuse_choice(key, written, words);
  }

  /// Takes every key there is, in the order of the file; their values are strings.
  void every_text(const std::function<void(const std::string&, std::string)>& take);

  /// Runs `read` on each sub-table of the table `key`, in the order of the file, with its name.
  void each(std::string_view key, const std::function<void(Section&, const std::string&)>& read);
  void table(std::string_view key, const std::function<void(Section&)>& read);

  /// Refuses the first key that nothing asked for.
  void finish();

 private:
  bool given(std::string_view key) const { return table_.find(key) != nullptr; }
  std::optional<std::int64_t> whole_number(std::string_view key, std::int64_t least,
                                           std::int64_t most);
  void refuse_text(std::string_view key, const ConfigNode& found, std::string_view example);
  void refuse_choice(std::string_view key, const std::string& written,
                     const std::vector<std::string>& words);
  void complain(std::uint32_t line, const std::string& name, const std::string& what,
                const std::string& hint);
  void enter(Section& inner, const std::function<void(Section&)>& read);

  const ConfigNode& table_;
  std::string path_;
  std::string file_;
  std::vector<std::string> known_;
  std::vector<std::pair<std::string, std::string>> mistaken_;
  bool takes_all_ = false;
  std::optional<Fault> fault_;
};

/// The nearest of the known words, or "" if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace glmgate::cli
