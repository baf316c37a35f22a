#include "gateway/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace glmgate::gateway {

Memory read_memory() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  std::int64_t shared = 0;
  if (!(statm >> size >> resident >> shared)) return {};
  const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  return {.resident = resident * page, .own = (resident - shared) * page};
}

Process read_process() {
  Process process;
  timespec spent{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0)
    process.cpu_seconds =
        static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
  process.resident_bytes = read_memory().resident;
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  // The one that is looked through does not count.
  if (!error) process.open_fds = std::distance(begin(files), end(files)) - 1;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    process.max_fds = static_cast<std::int64_t>(limit.rlim_cur);
  return process;
}

}  // namespace glmgate::gateway
