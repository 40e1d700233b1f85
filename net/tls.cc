#include "net/tls.h"

#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/http_server.h"

namespace tsdb::net {
namespace {

Status TlsError(std::string_view what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  char reason[256] = "unknown reason";
  if (code != 0) ERR_error_string_n(code, reason, sizeof(reason));
  return InvalidArgument(std::string(what) + ": " + reason);
}

Result<int> ParseVersion(const std::string& name) {
  if (name == "TLS10") return TLS1_VERSION;
  if (name == "TLS11") return TLS1_1_VERSION;
  if (name.empty() || name == "TLS12") return TLS1_2_VERSION;
  if (name == "TLS13") return TLS1_3_VERSION;
  return InvalidArgument("unknown TLS version \"" + name + "\": use TLS10, TLS11, TLS12 or TLS13");
}

}  // namespace

void TlsContextDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsContext> CreateServerTlsContext(const TlsFiles& files) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return TlsError("cannot create a TLS context");
  ASSIGN_OR_RETURN(const int version, ParseVersion(files.min_version));
  if (SSL_CTX_set_min_proto_version(context.get(), version) != 1) {
    return TlsError("cannot set the lowest TLS version");
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.cert_file.c_str()) != 1) {
    return TlsError("cannot use the certificate in \"" + files.cert_file + "\"");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return TlsError("cannot use the private key in \"" + files.key_file + "\"");
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return TlsError("the private key in \"" + files.key_file + "\" does not fit the certificate");
  }
  if (!files.client_ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context.get(), files.client_ca_file.c_str(), nullptr) != 1) {
      return TlsError("cannot use the client CA in \"" + files.client_ca_file + "\"");
    }
    SSL_CTX_set_client_CA_list(context.get(),
                               SSL_load_client_CA_file(files.client_ca_file.c_str()));
    const int must = files.require_client_cert ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | must, nullptr);
  }
  // Session tickets need a context id once clients are verified.
  static constexpr unsigned char kSessionContext[] = "tsdbd";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
  return context;
}

}  // namespace tsdb::net
