// For tests: a certificate made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "net/tls.h"

namespace glmgate::net::testing {

/// A self-signed certificate with its key, as a server's context and as a file to trust.
class Certificate {
 public:
  /// `names` as X.509 writes them: "IP:127.0.0.1", "DNS:upstream.test".
  explicit Certificate(const char* names, long days_from_now = 1)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -7 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), days_from_now * 86400);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* subject = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate_, subject);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
    X509_add_ext(certificate_, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate_, key_, EVP_sha256());
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, certificate_);
    SSL_CTX_use_PrivateKey(context_, key_);
  }
  ~Certificate() {
    SSL_CTX_free(context_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  SSL_CTX* context() const { return context_; }

  /// A client's context that trusts this certificate.
  std::unique_ptr<TlsContext> trusted() const {
    const std::string path = write();
    Result<std::unique_ptr<TlsContext>> made = TlsContext::for_upstreams(path);
    std::filesystem::remove(path);
    return made ? std::move(*made) : nullptr;
  }
  /// A server's context with this certificate.
  std::unique_ptr<TlsContext> shown() const {
    const std::string path = write();
    Result<std::unique_ptr<TlsContext>> made = TlsContext::for_clients(path, path);
    std::filesystem::remove(path);
    return made ? std::move(*made) : nullptr;
  }

 private:
  /// Both, into a file for a moment; its path.
  std::string write() const {
    const std::string path =
        std::filesystem::temp_directory_path() / ("glmgate_test_" + std::to_string(::getpid()));
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_);
    PEM_write_PrivateKey(file, key_, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    return path;
  }

  EVP_PKEY* key_;
  X509* certificate_;
  SSL_CTX* context_ = nullptr;
};

}  // namespace glmgate::net::testing
