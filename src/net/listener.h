// Takes what waits in the listen queue.
#pragma once

#include <cstdint>

#include "net/server_state.h"

namespace glmgate::net {

class Listener final : public Worker::Source {
 public:
  /// Takes `fd` over. Throws std::system_error if the worker cannot watch it.
  Listener(Server::State& server, int fd);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void on_ready(std::uint32_t events) override;
  /// From now on nobody begins to connect: whoever tries is told nothing, and tries again a second
  /// later, when there may be another listener. Who has begun is taken.
  void drop_new_connections();

 private:
  static awaitable<void> look_again(std::shared_ptr<Server::State> server);
  /// Out of descriptors: answers the next in the queue all the same. False if that is impossible.
  bool turn_away_next();

  Server::State& server_;
  const int fd_;
  int spare_;  ///< a descriptor to give up when there is no other; -1 if there is none
  bool looking_again_ = false;
  TimePoint next_log_{};
};

}  // namespace glmgate::net
