// Inside of the server: what its listener, its connections and their calls share.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "net/server.h"

namespace glmgate::net {

class ConnectionCall;
class Listener;

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(Worker& w, const ServerOptions& o, Handler h, OnFault f, ServerCounts& c);
  ~State();

  enum class Phase : std::uint8_t {
    awaited,  ///< a request is on its way: just connected, or part of its head has come
    idle,     ///< kept for another request
    busy      ///< answers, or says goodbye
  };
  /// A connection as drain() and cut() see it.
  struct Open {
    Stream* stream;
    Phase phase = Phase::awaited;
    ConnectionCall* call = nullptr;  ///< while one runs
  };

  /// A connection from `host` on `fd`, which it takes over; too many of them: 503.
  void take(int fd, const std::string& host);
  /// Says 503 if that is possible, and closes.
  void turn_away(int fd);

  Worker& worker;
  const ServerOptions options;
  const Handler handler;
  const OnFault on_fault;
  ServerCounts& counts;
  std::unique_ptr<Listener> listener;  ///< absent before listen() and once it has drained
  std::list<Open> open;
  bool draining = false;
};

}  // namespace glmgate::net
