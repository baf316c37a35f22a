#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "net/tls_state.h"

namespace glmgate::net {
namespace {

constexpr std::size_t kMostSessions = 1024;

std::string openssl_error() {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error(); code != 0)
    ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

/// TLS 1.3 tickets come after the handshake, so they are kept from this callback.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* name = static_cast<const std::string*>(SSL_get_ex_data(ssl, tls_name_index()));
  auto* state = static_cast<TlsContext::State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (name == nullptr || state == nullptr) return 0;
  state->keep_session(*name, session);
  return 1;  // the reference is ours now
}

/// What SSL_CTX_set_default_verify_paths() reads, if there is something; a variable's word is not
/// doubted. Else empty.
std::string where_openssl_looks() {
  for (const char* const variable :
       {X509_get_default_cert_file_env(), X509_get_default_cert_dir_env()})
    if (const char* const value = std::getenv(variable); value != nullptr && *value != 0)
      return value;
  const char* const file = X509_get_default_cert_file();
  if (::access(file, R_OK) == 0) return file;
  const char* const folder = X509_get_default_cert_dir();
  using Files = std::filesystem::directory_iterator;
  std::error_code ignored;
  if (Files(folder, ignored) != Files()) return folder;
  return {};
}

/// The first of other systems' files that is here; else empty.
std::string where_others_look() {
  for (const char* const each : {
           "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu
           "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL before 10
           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL
           "/etc/ssl/ca-bundle.pem",                             // SUSE
           "/etc/ssl/cert.pem",                                  // Alpine
       })
    if (::access(each, R_OK) == 0) return each;
  return {};
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* make_context(const SSL_METHOD* method) {
  // TLS writes go through write(), which raises SIGPIPE on a dead peer.
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = SSL_CTX_new(method);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // TLS 1.2 with CBC tells by its timing what it decrypts (Lucky 13).
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20");
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

}  // namespace

std::string TlsContext::certificate_name() const {
  const X509* const certificate = SSL_CTX_get0_certificate(state_->context);
  if (certificate == nullptr) return {};
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* const text = name->d.dNSName;
    std::string found(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (!found.empty() && found.find('*') == std::string::npos) return found;
  }
  return {};
}

int tls_name_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

TlsContext::State::~State() {
  for (const auto& [name, session] : sessions) SSL_SESSION_free(session);
  SSL_CTX_free(context);
}

SSL* TlsContext::State::make_ssl() {
  const std::lock_guard lock(mutex);
  return SSL_new(context);
}

SSL_SESSION* TlsContext::State::take_session(const std::string& name) {
  const std::lock_guard lock(mutex);
  const auto found = sessions.find(name);
  if (found == sessions.end()) return nullptr;
  SSL_SESSION* session = found->second;
  sessions.erase(found);
  return session;
}

void TlsContext::State::keep_session(const std::string& name, SSL_SESSION* session) {
  const std::lock_guard lock(mutex);
  if (sessions.size() >= kMostSessions && !sessions.contains(name)) {
    SSL_SESSION_free(session);
    return;
  }
  SSL_SESSION*& slot = sessions[name];
  if (slot != nullptr) SSL_SESSION_free(slot);
  slot = session;
}

TlsContext::TlsContext() : state_(std::make_unique<State>()) {}
TlsContext::~TlsContext() = default;

void TlsContext::become(TlsContext& fresh) {
  const std::scoped_lock lock(state_->mutex, fresh.state_->mutex);
  std::swap(state_->context, fresh.state_->context);  // a connection holds on to its own
}

std::string find_certificates() {
  std::string usual = where_openssl_looks();
  return usual.empty() ? where_others_look() : usual;
}

Result<std::unique_ptr<TlsContext>> TlsContext::for_upstreams(const std::string& ca_file) {
  auto self = std::unique_ptr<TlsContext>(new TlsContext());
  SSL_CTX* context = self->state_->context = make_context(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_app_data(context, self->state_.get());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kHttp11, sizeof kHttp11 - 1);
  if (ca_file.empty()) {
    const std::string other = where_openssl_looks().empty() ? where_others_look() : std::string();
    const int loaded = other.empty()
                           ? SSL_CTX_set_default_verify_paths(context)
                           : SSL_CTX_load_verify_locations(context, other.c_str(), nullptr);
    if (loaded != 1)
      return fail(FaultCode::bad_value,
                  "cannot load the system's certificates: " + openssl_error() +
                      "\nhint: install ca-certificates, or set SSL_CERT_FILE");
  } else if (SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1) {
    return fail(FaultCode::bad_value,
                "cannot load the certificates in " + ca_file + ": " + openssl_error());
  }
  return self;
}

Result<std::unique_ptr<TlsContext>> TlsContext::for_clients(const std::string& certificate_file,
                                                            const std::string& key_file) {
  auto self = std::unique_ptr<TlsContext>(new TlsContext());
  SSL_CTX* context = self->state_->context = make_context(TLS_server_method());
  SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("glmgate"), 7);
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
    return fail(FaultCode::bad_value,
                "cannot use the certificate " + certificate_file + ": " + openssl_error());
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return fail(FaultCode::bad_value, "cannot use the key " + key_file + ": " + openssl_error());
  return self;
}

}  // namespace glmgate::net
