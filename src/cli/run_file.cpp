#include "cli/run_file.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "accounts/folder.h"
#include "base/json.h"
#include "cli/text_file.h"

namespace glmgate::cli {
namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;

std::string path_in(const std::string& data_dir) { return data_dir + "/run.json"; }

/// When a process began, in ticks since boot; -1 if there is none. With the number it names a
/// process for as long as the machine is up.
std::int64_t start_of(std::int64_t pid) {
  const Result<std::string> text =
      read_text_file("/proc/" + std::to_string(pid) + "/stat", 64 * 1024);
  if (!text) return -1;
  // The second field, the program's name in brackets, may hold anything; the time is the 22nd.
  std::string_view rest(*text);
  const std::size_t close = rest.rfind(')');
  if (close == std::string_view::npos) return -1;
  rest.remove_prefix(close + 1);
  for (int field = 2; field < 22; ++field) {
    const std::size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return -1;
    rest.remove_prefix(blank + 1);
  }
  std::int64_t ticks = -1;
  std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
  return ticks;
}

std::int64_t number(const json::value& object, std::string_view name) {
  const json::value* found = json::find(object, name);
  return found != nullptr && found->is_int64() ? found->get_int64() : -1;
}

std::unexpected<Fault> gone(const std::string& why) {
  return fail(FaultCode::bad_value, "the server is gone" + why);
}

}  // namespace

RunFile this_process() {
  RunFile run;
  run.pid = ::getpid();
  run.started = start_of(run.pid);
  return run;
}

Result<void> write_run_file(const std::string& data_dir, const RunFile& run) {
  const std::string path = path_in(data_dir);
  const std::string fresh = path + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  file << json::serialize(json::object{{"pid", run.pid},
                                       {"started", run.started},
                                       {"address", run.address},
                                       {"config", run.config},
                                       {"reloads", run.reloads},
                                       {"reload_error", run.reload_error}})
       << '\n';
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
    return fail(FaultCode::store_unavailable, "cannot write " + path + "\nhint: is the disk full?");
  return {};
}

Result<RunFile> read_run_file(const std::string& data_dir) {
  const auto none = [&](const char* why, const char* hint) {
    return fail(FaultCode::bad_value, "no server runs on " + data_dir + why + "\nhint: " + hint);
  };
  constexpr const char* kWhere =
      "start it with `glmgate serve`, or name the folder of the one that runs: --data, or the "
      "--config it runs with";
  const Result<std::string> text = read_text_file(path_in(data_dir), kMostBytes);
  if (!text) return none("", kWhere);
  if (!accounts::FolderLock::is_taken(accounts::Folder{data_dir}))
    return none("; the last one ended without saying so", "start it with `glmgate serve`");
  const Result<json::value> parsed = json::parse(*text);
  if (!parsed) return none(", or its run.json is damaged", "restart it");
  RunFile run;
  run.pid = number(*parsed, "pid");
  run.started = number(*parsed, "started");
  run.reloads = number(*parsed, "reloads");
  run.address = json::find_string(*parsed, "address");
  run.config = json::find_string(*parsed, "config");
  run.reload_error = json::find_string(*parsed, "reload_error");
  if (run.pid < 1 || run.started < 0 || start_of(run.pid) != run.started)
    return fail(FaultCode::bad_value,
                "a server holds " + data_dir + ", but not as process " + std::to_string(run.pid) +
                    ", which its run.json names\nhint: is it starting just now, or in a container "
                    "of its own? Then run this beside it, or send SIGHUP to it");
  return run;
}

void remove_run_file(const std::string& data_dir) { ::unlink(path_in(data_dir).c_str()); }

Result<void> signal_server(const RunFile& run, int signal) {
  const auto pid = static_cast<pid_t>(run.pid);
  // A descriptor stays with its process: what is compared after it was opened holds for the signal.
  const auto descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  const bool without = descriptor < 0 && errno == ENOSYS;
  if (descriptor < 0 && !without) return gone("");
  if (start_of(run.pid) != run.started) {
    if (descriptor >= 0) ::close(descriptor);
    return gone("");
  }
  const bool sent = without ? ::kill(pid, signal) == 0
                            : ::syscall(SYS_pidfd_send_signal, descriptor, signal, nullptr, 0) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (sent) return {};
  if (error == ESRCH) return gone("");
  return fail(FaultCode::bad_value,
              "the server cannot be told: " + std::string(std::strerror(error)) +
                  "\nhint: run it as the user that the server runs as");
}

}  // namespace glmgate::cli
