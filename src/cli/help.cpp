// What `--help` prints: made from the tree of commands, and the examples here.
#include <algorithm>
#include <array>
#include <set>

#include "cli/environment.h"
#include "cli/program.h"
#include "gateway/providers.h"

namespace glmgate::cli {
namespace {

constexpr std::size_t kWidth = 96;

/// Lines under a command's options. `name` without "glmgate "; "" is the program.
struct Notes {
  std::string_view name;
  std::array<std::string_view, 4> examples;
  std::string_view docs;
};

constexpr Notes kNotes[] = {
    {"",
     {"glmgate serve", "glmgate keys create --user ada", "glmgate usage --by model,user --since 7d",
      "glmgate help keys create"},
     "README.md"},
    {"serve",
     {"glmgate serve --sandbox", "ZAI_CODING_API_KEY=... glmgate serve",
      "glmgate serve --config /etc/glmgate.toml", "glmgate serve --listen 127.0.0.1:0"},
     "docs/config.md"},
    {"keys",
     {"glmgate keys create --user ada", "glmgate keys list", "glmgate keys revoke k_1a2b3c"},
     "docs/usage.md"},
    {"keys create",
     {"glmgate keys create --user ada", "glmgate keys create --user ci --project web --expires 2w",
      "glmgate keys create --user ada --json"},
     "docs/usage.md"},
    {"keys list", {"glmgate keys list", "glmgate keys list --user ada --json"}, "docs/usage.md"},
    {"keys revoke", {"glmgate keys revoke k_1a2b3c"}, "docs/usage.md"},
    {"keys rotate", {"glmgate keys rotate k_1a2b3c"}, "docs/usage.md"},
    {"usage",
     {"glmgate usage", "glmgate usage --by model,user --since 7d",
      "glmgate usage --by day --since 2026-11-01 --until 2026-12-01 --json"},
     "docs/usage.md"},
    {"sandbox",
     {"glmgate sandbox", "glmgate sandbox --listen 127.0.0.1:0 --first-token 300ms --rate 50"},
     "docs/sandbox.md"},
    {"config", {"glmgate config check glmgate.toml"}, "docs/config.md"},
    {"config check",
     {"glmgate config check glmgate.toml", "glmgate config check --config glmgate.toml --json"},
     "docs/config.md"},
    {"reload", {"glmgate reload", "glmgate reload --config /etc/glmgate.toml"}, "docs/config.md"},
    {"completion",
     {"source <(glmgate completion bash)", "glmgate completion zsh > ~/.zfunc/_glmgate",
      "glmgate completion fish > ~/.config/fish/completions/glmgate.fish"},
     ""},
    {"man", {"glmgate man | man -l -"}, ""},
};

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string path_of(const CLI::App& command) {
  const std::string whole = full_name(command);
  const std::size_t blank = whole.find(' ');
  return blank == std::string::npos ? std::string() : whole.substr(blank + 1);
}

const Notes* notes_of(const CLI::App& command) {
  const auto found = std::ranges::find(kNotes, path_of(command), &Notes::name);
  return found == std::end(kNotes) ? nullptr : &*found;
}

/// Commands that look at neither data nor configuration.
bool stands_alone(const CLI::App& command) {
  constexpr std::array kAlone = {"sandbox", "completion", "man"};
  return std::ranges::find(kAlone, path_of(command)) != kAlone.end();
}

/// "two words" in lines of kWidth, the following ones indented.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    at = end + 1;
  }
  return out;
}

std::string table(const std::string& title, const Rows& rows) {
  if (rows.empty()) return {};
  std::size_t width = 0;
  for (const auto& [name, meaning] : rows) width = std::max(width, name.size());
  std::string out = "\n" + title + ":\n";
  for (const auto& [name, meaning] : rows)
    out += "  " + name + std::string(width - name.size() + 2, ' ') + wrapped(meaning, width + 4) +
           "\n";
  return out;
}

std::string with_value(const CLI::Option& option) {
  return takes_value(option) && !option.get_positional()
             ? shown_name(option) + " " + option.get_type_name()
             : shown_name(option);
}

Rows rows_of(const std::vector<const CLI::Option*>& options) {
  Rows rows;
  for (const CLI::Option* each : options)
    if (shown_name(*each) != "--version")
      rows.emplace_back(with_value(*each), each->get_description());
  return rows;
}

std::string usage_line(const CLI::App& command) {
  std::string line = "usage: " + full_name(command);
  if (!commands_of(command).empty()) line += " COMMAND";
  bool more = false;
  for (const CLI::Option* each : options_of(command)) {
    if (each->get_required())
      line += " " + with_value(*each);
    else
      more = true;
  }
  for (const CLI::Option* each : arguments_of(command))
    line += each->get_required() ? " " + shown_name(*each) : " [" + shown_name(*each) + "]";
  if (more || command.get_parent() != nullptr) line += " [options]";
  return line + "\n";
}

Rows environment_rows(const CLI::App& command) {
  Rows rows;
  const std::string path = path_of(command);
  const bool serving = path == "serve" || path == "config check" || path.empty();
  if (stands_alone(command)) return rows;
  for (const EnvironmentVariable& each : environment_variables())
    if (serving || each.name == "GLMGATE_DATA" || each.name == "GLMGATE_CONFIG")
      rows.emplace_back(each.name, each.meaning);
  if (!serving) return rows;
  std::set<std::string_view> seen;
  for (const gateway::Provider& provider : gateway::providers())
    for (const std::string_view name : provider.key_variables)
      if (!name.empty() && seen.insert(name).second)
        rows.emplace_back(name, "key of " + std::string(provider.name));
  rows.emplace_back("SSL_CERT_FILE",
                    "PEM with the certificates to trust, if the system's are elsewhere");
  return rows;
}

Rows global_rows(const CLI::App& command) {
  const CLI::App* program = &command;
  while (program->get_parent() != nullptr) program = program->get_parent();
  std::vector<const CLI::Option*> options = options_of(*program);
  if (stands_alone(command))
    std::erase_if(options, [](const CLI::Option* each) { return takes_value(*each); });
  Rows rows = rows_of(options);
  rows.emplace_back("-h, --help", "print this");
  if (command.get_parent() == nullptr) rows.emplace_back("-V, --version", "print the version");
  return rows;
}

Rows command_rows(const CLI::App& command) {
  Rows rows;
  for (const CLI::App* each : commands_of(command))
    rows.emplace_back(each->get_name(), each->get_description());
  return rows;
}

Rows argument_rows(const CLI::App& command) { return rows_of(arguments_of(command)); }

/// Roff takes a line that begins with a dot or quote as its own, and a backslash always.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
      out += std::string("\\&") + c;
    else
      out += c;
  }
  return out;
}

std::string roff_rows(const std::string& title, const Rows& rows) {
  if (rows.empty()) return {};
  std::string out = title.empty() ? "" : ".SH " + title + "\n";
  for (const auto& [name, meaning] : rows)
    out += ".TP\n.B " + roff(name) + "\n" + roff(meaning) + "\n";
  return out;
}

}  // namespace

std::string help_text(const CLI::App& command) {
  const bool whole = command.get_parent() == nullptr;
  std::string out = wrapped(command.get_description(), 0) + "\n\n" + usage_line(command);
  out += table("Commands", command_rows(command));
  out += table("Arguments", argument_rows(command));
  if (!whole) out += table("Options", rows_of(options_of(command)));
  out += table(whole ? "Options" : "Options of every command", global_rows(command));
  out += table("Environment", environment_rows(command));
  const Notes* notes = notes_of(command);
  if (notes == nullptr) return out;
  out += "\nExamples:\n";
  for (const std::string_view each : notes->examples)
    if (!each.empty()) out += "  " + std::string(each) + "\n";
  if (!notes->docs.empty()) out += "\nDocs: " + std::string(notes->docs) + "\n";
  return out;
}

std::string man_page(const CLI::App& program) {
  std::string out = ".TH GLMGATE 1 \"\" \"glmgate " GLMGATE_VERSION
                    "\" \"User Commands\"\n.SH NAME\nglmgate \\- a self\\-hosted gateway for the "
                    "GLM models\n.SH SYNOPSIS\n.B glmgate\n.I COMMAND\n[options]\n"
                    ".SH DESCRIPTION\n" +
                    roff(program.get_description()) + "\n.SH COMMANDS\n";
  for (const CLI::App* each : all_commands(program)) {
    if (!commands_of(*each).empty()) continue;
    const std::string usage = usage_line(*each);
    out += ".SS " + roff(full_name(*each)) + "\n" + roff(each->get_description()) + "\n.PP\n.B " +
           roff(usage.substr(usage.find(' ') + 1)) + roff_rows("", argument_rows(*each)) +
           roff_rows("", rows_of(options_of(*each)));
  }
  out += roff_rows("OPTIONS OF EVERY COMMAND", global_rows(program));
  out += roff_rows("ENVIRONMENT", environment_rows(program));
  out += ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n.SH EXAMPLES\n.nf\n";
  for (const Notes& each : kNotes)
    for (const std::string_view example : each.examples)
      if (!example.empty()) out += roff(std::string(example)) + "\n";
  return out + ".fi\n";
}

}  // namespace glmgate::cli
