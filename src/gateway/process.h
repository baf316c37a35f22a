// What the kernel says of this process, for /metrics.
#pragma once

#include <cstdint>

namespace glmgate::gateway {

struct Process {
  double cpu_seconds = 0;
  std::int64_t resident_bytes = 0;
  std::int64_t open_fds = 0;
  std::int64_t max_fds = 0;
};

/// 0 for what cannot be read.
Process read_process();

/// Bytes of this process in memory.
struct Memory {
  std::int64_t resident = 0;
  std::int64_t own = 0;  ///< of them, those that are no file's
};

/// 0 if the kernel does not say.
Memory read_memory();

}  // namespace glmgate::gateway
