// What a person meant who wrote something else than TOML.
#include <algorithm>

#include "cli/config_tree.h"
#include "cli/redact.h"
#include "cli/text_file.h"

namespace glmgate::cli {
namespace {

constexpr std::size_t kShownWidth = 100;

struct Advice {
  std::string what;
  std::string hint;
};

std::string_view line_of(std::string_view text, std::uint32_t number) {
  for (std::uint32_t i = 1; i < number; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool is_bare_key(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

constexpr std::string_view kMinimal =
    "the smallest file is\n\n  [upstream.plan]\n  provider = \"zai-coding\"";

/// The file as a whole is in another language.
Advice other_language(std::string_view text, std::string_view line) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{')
    return {"this looks like JSON; glmgate reads TOML", std::string(kMinimal)};
  const std::string trim = trimmed(std::string(line));
  if (trim.starts_with("export "))
    return {"this looks like a shell's .env file; glmgate reads TOML",
            "set variables in the environment that glmgate starts in; in the file, `key_env` names "
            "one"};
  const std::size_t colon = trim.find(':');
  if (trim == "---" || trim.starts_with("- ") ||
      (colon != std::string::npos && is_bare_key(std::string_view(trim).substr(0, colon)) &&
       (colon + 1 == trim.size() || trim[colon + 1] == ' ')))
    return {"this looks like YAML; glmgate reads TOML", std::string(kMinimal)};
  return {};
}

/// `key = value` with a value that TOML does not know.
Advice bare_value(std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string key = trimmed(std::string(line.substr(0, equals)));
  std::string value(line.substr(equals + 1));
  if (const std::size_t comment = value.find(" #"); comment != std::string::npos)
    value.resize(comment);
  value = trimmed(std::move(value));
  if (!is_bare_key(key)) return {};
  if (value.empty() || value.starts_with('#'))
    return {"`" + key + "` has no value", "write " + key + " = \"...\", or delete the line"};
  if (std::string_view("\"'[{").find(value.front()) != std::string_view::npos) return {};
  if (value.starts_with("\xe2\x80")) return {};  // a typographic quote
  std::string lower = value;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  if (lower == "true" || lower == "yes" || lower == "on")
    return {"`" + value + "` is no value of TOML", "write " + key + " = true"};
  if (lower == "false" || lower == "no" || lower == "off")
    return {"`" + value + "` is no value of TOML", "write " + key + " = false"};
  if (value.find_first_of("\"\\") != std::string::npos)
    return {"text needs quotes around it", "write " + key + " = \"...\""};
  const bool upper = is_variable_name(key) &&
                     std::ranges::none_of(key, [](char c) { return c >= 'a' && c <= 'z'; });
  if (upper)
    return {"this looks like a .env file; glmgate reads TOML",
            "set variables in the environment that glmgate starts in; in the file, `key_env` names "
            "one"};
  const std::string shown = masked_line(key + " = " + value);
  if (shown.find('*') != std::string::npos && value.find('*') == std::string::npos)
    return {"text needs quotes around it", "write " + key + " = \"...\""};
  return {"text needs quotes around it", "write " + key + " = \"" + value + "\""};
}

Advice by_the_parser(std::string_view what) {
  const auto says = [&](std::string_view words) {
    return what.find(words) != std::string_view::npos;
  };
  constexpr std::string_view kPrefix = "Error while parsing ";
  if (what.starts_with(kPrefix)) what.remove_prefix(kPrefix.size());
  Advice advice{std::string(what), ""};
  if (says("other than ASCII"))
    advice = {"holds " + advice.what, "typographic quotes? TOML takes the plain ones: \"...\""};
  else if (says("control byte"))
    advice = {"holds " + advice.what, "the file must be text, in UTF-8"};
  else if (says("redefine"))
    advice.hint = "it stands in the file twice; keep one of them";
  else if (says("unescaped control"))
    advice = {"text has no end", "is a closing quote missing?"};
  else if (says("expected ']'") || says("closing ']'") || says("expected '}'") ||
           says("closing '}'"))
    advice.hint = "is a closing bracket missing before this?";
  else if (says("encountered end-of-file") || says("encountered end-of-line"))
    advice.hint = "is a closing quote or bracket missing?";
  return advice;
}

/// The line with its number, and a caret under the column.
std::string excerpt(std::string_view line, std::uint32_t number, std::uint32_t column) {
  std::string shown = masked_line(line);
  for (char& c : shown)
    if (c == '\t') c = ' ';
  std::size_t caret = column == 0 ? 0 : std::min<std::size_t>(column - 1, shown.size());
  if (shown.size() > kShownWidth) {  // what is around the caret
    const std::size_t from = caret > kShownWidth / 2 ? caret - kShownWidth / 2 : 0;
    shown = shown.substr(from, kShownWidth);
    caret -= from;
  }
  const std::string gutter = std::to_string(number);
  return "\n\n  " + gutter + " | " + printable(shown) + "\n  " + std::string(gutter.size(), ' ') +
         " | " + std::string(caret, ' ') + "^";
}

}  // namespace

Fault explain_syntax(std::string_view text, const std::string& name, std::uint32_t line,
                     std::uint32_t column, std::string_view what) {
  std::string_view shown = line_of(text, line);
  // An error at the end of a line is told at the beginning of the next one.
  if (trimmed(std::string(shown)).empty() && line > 1 && what.find("end-of") == what.npos) {
    shown = line_of(text, --line);
    column = static_cast<std::uint32_t>(shown.size()) + 1;
  }
  Advice advice = other_language(text, shown);
  const bool plain = what.find("redefine") == what.npos && what.find("control byte") == what.npos;
  if (advice.what.empty() && plain) {
    advice = bare_value(shown);
    if (!advice.what.empty())
      column = static_cast<std::uint32_t>(
          std::min(shown.find_first_not_of(" \t", shown.find('=') + 1), shown.size()) + 1);
  }
  if (advice.what.empty()) advice = by_the_parser(what);
  std::string message = name + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
                        advice.what + excerpt(shown, line, column);
  if (!advice.hint.empty()) message += "\nhint: " + advice.hint;
  return redacted(make_fault(FaultCode::bad_value, std::move(message)));
}

}  // namespace glmgate::cli
