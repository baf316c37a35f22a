// For tests of what must not cost more than its size.
#pragma once

#include <ctime>

namespace glmgate::protocol::growth {

/// CPU time that `act` takes. The sizes in such tests are chosen so that the limit is many times
/// what linear work needs, and a small part of what quadratic work would.
template <typename Act>
double cpu_seconds(const Act& act) {
  const std::clock_t began = std::clock();
  act();
  return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

constexpr double kLimit = 5;

}  // namespace glmgate::protocol::growth
