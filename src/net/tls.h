// TLS contexts: one per trust or certificate, per process (loading the system's certificates takes
// 17 ms, stack.md 3).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace glmgate::net {

class TlsContext {
 public:
  /// For upstreams: TLS 1.2 or later, chain and name verified against the system's certificates
  /// (find_certificates()), or against `ca_file` (PEM) if given. Caches sessions by name.
  static Result<std::unique_ptr<TlsContext>> for_upstreams(const std::string& ca_file);
  /// For clients: certificate chain and key (PEM). ALPN http/1.1.
  static Result<std::unique_ptr<TlsContext>> for_clients(const std::string& certificate_file,
                                                         const std::string& key_file);
  ~TlsContext();

  /// Connections from now on are made with what `fresh` was made of, another context for clients;
  /// those that there are stay as they are. Any thread.
  void become(TlsContext& fresh);

  /// The first DNS name of our certificate that is no wildcard; empty if there is none.
  std::string certificate_name() const;

  struct State;
  State& state() const { return *state_; }

 private:
  TlsContext();
  std::unique_ptr<State> state_;
};

/// File or folder with the certificates that this system trusts: what SSL_CERT_FILE and
/// SSL_CERT_DIR name, where OpenSSL was built to look, or where other systems have them. Empty if
/// there is nothing that can be read.
std::string find_certificates();

}  // namespace glmgate::net
