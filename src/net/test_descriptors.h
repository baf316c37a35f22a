// For tests: a process that is out of descriptors.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace glmgate::net::testing {

/// While it lives, this process has so many descriptors left and no more.
class Tight {
 public:
  explicit Tight(std::size_t left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit tight = before_;
    tight.rlim_cur = std::min<rlim_t>(before_.rlim_cur, 200);
    ::setrlimit(RLIMIT_NOFILE, &tight);
    for (int fd = 0; (fd = ::dup(0)) >= 0;) fillers_.push_back(fd);
    while (left-- > 0) {
      ::close(fillers_.back());
      fillers_.pop_back();
    }
  }
  ~Tight() {
    for (const int each : fillers_) ::close(each);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  Tight(const Tight&) = delete;
  Tight& operator=(const Tight&) = delete;

 private:
  rlimit before_{};
  std::vector<int> fillers_;
};

}  // namespace glmgate::net::testing
