// What every command shares: where its flags are, how to print, how it ended.
#pragma once

#include <string>
#include <string_view>

#include "base/fault.h"

namespace glmgate::cli {

struct Context {
  std::string data_dir;  ///< --data; see data_folder.h
  std::string config;    ///< --config; empty: GLMGATE_CONFIG or none
  bool json = false;     ///< --json: for machines
  int exit_code = 0;     ///< 0 done, 1 failed, 2 wrong usage
};

/// An environment variable; "" if it is not set.
std::string variable(const char* name);

/// From here on errors are {"error":{"message":...,"hint":...}} on stderr.
void print_errors_as_json();

/// Prints "error: ..." and the hint of a fault's text ("what\nhint: do this") to stderr, without
/// keys and control characters. Returns 1, for the exit code.
int print_error(const Fault& fault);

/// "warning: ..." to stderr, likewise.
void print_warning(std::string_view text);

/// Flushes stdout. False, after an error was printed, if something of it was not written: a full
/// disk must not look like success.
bool finish_output();

}  // namespace glmgate::cli
