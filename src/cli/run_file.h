// `<data>/run.json`: what the running server tells the other commands about itself. It stays when a
// server is killed, so what it says is checked before it is believed.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace glmgate::cli {

struct RunFile {
  std::int64_t pid = 0;
  std::int64_t started = 0;  ///< of the process, in the kernel's ticks since boot
  std::string address;       ///< "http://127.0.0.1:4560"
  std::string config;        ///< absolute path; empty if none
  std::int64_t reloads = 0;  ///< tried so far
  std::string reload_error;  ///< of the last one; empty if it went well
};

/// This process, as a run file tells it.
RunFile this_process();

Result<void> write_run_file(const std::string& data_dir, const RunFile& run);
/// What the server that runs on the folder now wrote. Fault: no server runs, or it is another
/// process than the file says.
Result<RunFile> read_run_file(const std::string& data_dir);
void remove_run_file(const std::string& data_dir);

/// Sends `signal` to the process that wrote `run`, never to another one that has its number now.
Result<void> signal_server(const RunFile& run, int signal);

}  // namespace glmgate::cli
