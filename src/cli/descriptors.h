// How many files and sockets this process may have open, and how many connections that allows.
#pragma once

#include <cstddef>

#include "cli/config.h"

namespace glmgate::cli {

/// Of `wanted` client connections, how many fit under a limit of `descriptors`, if each may need
/// `each` of them and `workers` threads have their own.
std::size_t connections_within(std::size_t descriptors, std::size_t wanted, std::size_t workers,
                               std::size_t each);

/// Raises the process's limit as far as it may, and keeps `max_connections` under it; says so in
/// the log if that is less than was configured.
void heed_descriptors(Config& config);

}  // namespace glmgate::cli
