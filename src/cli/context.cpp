#include "cli/context.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/json.h"
#include "cli/redact.h"

namespace glmgate::cli {
namespace {

bool errors_are_json = false;  // decided once, before any command runs

/// Bold, on a terminal that was not asked to do without.
std::string emphasized(std::string_view word) {
  const bool plain = ::isatty(STDERR_FILENO) == 0 || !variable("NO_COLOR").empty() ||
                     variable("TERM").empty() || variable("TERM") == "dumb";
  return plain ? std::string(word) : "\x1b[1m" + std::string(word) + "\x1b[0m";
}

}  // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void print_errors_as_json() { errors_are_json = true; }

int print_error(const Fault& fault) {
  constexpr std::string_view kHint = "\nhint: ";
  const std::string text = printable(redacted(fault.for_client));
  const std::size_t split = text.find(kHint);
  const std::string what = text.substr(0, split);
  const std::string hint =
      split == std::string::npos ? std::string() : text.substr(split + kHint.size());
  if (errors_are_json) {
    json::object error{{"message", what}};
    if (!hint.empty()) error["hint"] = hint;
    std::fprintf(stderr, "%s\n", json::serialize(json::object{{"error", error}}).c_str());
    return 1;
  }
  std::fprintf(stderr, "%s %s\n", emphasized("error:").c_str(), what.c_str());
  if (!hint.empty()) std::fprintf(stderr, "\n%s %s\n", emphasized("hint:").c_str(), hint.c_str());
  return 1;
}

void print_warning(std::string_view text) {
  const std::string shown = printable(redacted(text));
  if (errors_are_json)
    std::fprintf(stderr, "%s\n", json::serialize(json::object{{"warning", shown}}).c_str());
  else
    std::fprintf(stderr, "%s %s\n", emphasized("warning:").c_str(), shown.c_str());
}

bool finish_output() {
  const bool failed_before = std::ferror(stdout) != 0;
  if (!failed_before) errno = 0;  // else it is most likely still the reason
  if (std::fflush(stdout) == 0 && !failed_before) return true;
  const std::string why = errno != 0 ? std::string(": ") + std::strerror(errno) : std::string();
  print_error(make_fault(
      FaultCode::internal,
      "the output was not written" + why + "\nhint: is the disk full, or did its reader end?"));
  return false;
}

}  // namespace glmgate::cli
