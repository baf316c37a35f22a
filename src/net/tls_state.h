// Inside of TlsContext; net/tls.cpp and net/stream.cpp only.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <mutex>
#include <string>

#include "net/tls.h"

namespace glmgate::net {

struct TlsContext::State {
  std::mutex mutex;
  SSL_CTX* context = nullptr;  ///< of a server it may be replaced while connections are made
  std::map<std::string, SSL_SESSION*> sessions;  ///< newest ticket by server name

  ~State();
  SSL* make_ssl();  ///< the caller's
  /// A session to resume for `name`, owned by the caller; nullptr if none. Tickets are used once.
  SSL_SESSION* take_session(const std::string& name);
  void keep_session(const std::string& name, SSL_SESSION* session);
};

/// Names the server of a client connection, for the session callback.
int tls_name_index();

}  // namespace glmgate::net
