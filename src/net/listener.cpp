#include "net/listener.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "net/address.h"

namespace glmgate::net {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookAgain = 100ms;
constexpr auto kLogEvery = 10s;

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Listener::Listener(Server::State& server, int fd) : server_(server), fd_(fd), spare_(open_spare()) {
  if (!server_.worker.add(fd_, *this))
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  ++server_.counts.listening;
}

Listener::~Listener() {
  --server_.counts.listening;
  server_.worker.remove(*this);
  ::close(fd_);
  if (spare_ >= 0) ::close(spare_);
}

void Listener::on_ready(std::uint32_t) {
  while (true) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int fd =
        ::accept4(fd_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      server_.take(fd, std::string(host_of(address_text(address))));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if ((errno == EMFILE || errno == ENFILE) && turn_away_next()) continue;
    // The queue's edge is spent, and those in it must not wait for the next.
    if (!std::exchange(looking_again_, true))
      server_.worker.spawn(look_again(server_.shared_from_this()));
    return;
  }
}

void Listener::drop_new_connections() {
  // Passes all segments but those that begin a connection: without SYN (TCP's byte 13, bit 1).
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

bool Listener::turn_away_next() {
  if (server_.worker.now() >= next_log_) {
    next_log_ = server_.worker.after(kLogEvery);
    log::write(log::Level::error, "descriptors",
               {{"why", "none is left: connections get 503 (raise the limit: ulimit -n)"}});
  }
  if (spare_ < 0) return false;
  ::close(std::exchange(spare_, -1));
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) server_.turn_away(fd);
  spare_ = open_spare();
  return fd >= 0;
}

awaitable<void> Listener::look_again(std::shared_ptr<Server::State> server) {
  co_await sleep_for(server->worker, kLookAgain);
  if (Listener* const listener = server->listener.get()) {
    listener->looking_again_ = false;
    if (listener->spare_ < 0) listener->spare_ = open_spare();
    listener->on_ready(0);
  }
}

}  // namespace glmgate::net
