// SPDX-License-Identifier: Apache-2.0
// TLS contexts: one SSL_CTX for each certificate of a server, one for all sessions of a client.
#include "net/tls_context.h"

#include <array>
#include <mutex>

#include "base/file.h"
#include "net/certificate.h"
#include "net/tls_state.h"

namespace postern::net {

namespace {

// security.md D58: forward secrecy and AEAD only.
constexpr const char* tls12_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM";
// What versions before 1.2 have at best: forward secrecy, without AEAD. Their handshakes sign with SHA-1, which OpenSSL
// permits at security level 0 only.
constexpr const char* old_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:DHE+AES:@SECLEVEL=0";
constexpr const char* tls13_ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384:X448:P-521";
constexpr const char* system_roots = "/etc/ssl/certs/ca-certificates.crt";

Result<openssl::Context> new_context(const SSL_METHOD* method) {
  openssl::Context context(SSL_CTX_new(method));
  if (!context) return fail(ErrorKind::internal, openssl::take_error("no TLS context"));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_options(
      raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  const bool set = SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(raw, tls12_ciphers) == 1 &&
                   SSL_CTX_set_ciphersuites(raw, tls13_ciphers) == 1 && SSL_CTX_set1_groups_list(raw, groups) == 1;
  if (!set) return fail(ErrorKind::internal, openssl::take_error("TLS settings refused"));
  return context;
}

/// ProtocolNameList without its length (RFC 7301 §3.1): each name after an octet with its length.
std::string alpn_wire(const std::vector<std::string>& names) {
  constexpr std::size_t longest_name = 255;
  std::string wire;
  for (const auto& name : names) {
    if (name.empty() || name.size() > longest_name) continue;
    wire.push_back(static_cast<char>(name.size()));
    wire += name;
  }
  return wire;
}

bool offered(std::string_view wire, std::string_view wanted) {
  while (!wire.empty()) {
    const std::size_t length = static_cast<unsigned char>(wire.front());
    if (wire.substr(1, length) == wanted) return true;
    wire.remove_prefix(std::min(wire.size(), length + 1));
  }
  return false;
}

// RFC 7301 §3.2
int choose_alpn(SSL* /*session*/, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned in_length,
                void* arg) {
  const auto& state = *static_cast<const TlsServer::State*>(arg);
  const std::string_view wire(reinterpret_cast<const char*>(in), in_length);
  for (const auto& name : state.alpn) {
    if (!offered(wire, name)) continue;
    *out = reinterpret_cast<const unsigned char*>(name.data());
    *length = static_cast<unsigned char>(name.size());
    return SSL_TLSEXT_ERR_OK;
  }
  const bool http = offered(wire, "h2") || offered(wire, "http/1.1") || offered(wire, "http/1.0");
  return http || !state.alpn.empty() ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

// RFC 6066 §3. Unknown names get the first certificate (security.md D61).
int choose_certificate(SSL* session, int* /*alert*/, void* arg) {
  const auto& state = *static_cast<const TlsServer::State*>(arg);
  const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_OK;
  for (const auto& pair : state.pairs) {
    if (X509_check_host(pair.leaf.get(), name, std::strlen(name), 0, nullptr) != 1) continue;
    SSL_set_SSL_CTX(session, pair.context.get());
    break;
  }
  return SSL_TLSEXT_ERR_OK;
}

bool set_least_version(SSL_CTX* context, TlsVersion least) {
  constexpr std::array versions{TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
  if (least < TlsVersion::tls1_2 && SSL_CTX_set_cipher_list(context, old_ciphers) != 1) return false;
  return SSL_CTX_set_min_proto_version(context, versions[static_cast<std::size_t>(least)]) == 1;
}

bool install(SSL_CTX* context, const LoadedCertificate& loaded) {
  if (SSL_CTX_use_certificate(context, loaded.leaf.get()) != 1 || SSL_CTX_use_PrivateKey(context, loaded.key.get()) != 1)
    return false;
  return std::ranges::all_of(loaded.chain,
                             [context](const auto& link) { return SSL_CTX_add1_chain_cert(context, link.get()) == 1; });
}

Result<TlsServer::State::Pair> make_pair(const CertificateFiles& files, const TlsServer::Options& options,
                                         TlsServer::State& state) {
  auto loaded = load_certificate(files);
  if (!loaded) return std::unexpected(loaded.error());
  auto context = new_context(TLS_server_method());
  if (!context) return std::unexpected(context.error());
  SSL_CTX* raw = context->get();
  if (!set_least_version(raw, options.least)) return fail(ErrorKind::internal, openssl::take_error("TLS version refused"));
  SSL_CTX_set_dh_auto(raw, 1);
  // The ticket is sent with the first reply (net/tls_stream), not with the handshake.
  SSL_CTX_set_num_tickets(raw, 0);
  const std::string id = options.service.substr(0, SSL_MAX_SID_CTX_LENGTH);
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>(id.data()), static_cast<unsigned>(id.size()));
  SSL_CTX_set_tlsext_servername_callback(raw, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(raw, &state);
  SSL_CTX_set_alpn_select_cb(raw, choose_alpn, &state);
  if (!install(raw, *loaded))
    return fail(ErrorKind::invalid, fmt::format("certificate {}: {}", files.chain, openssl::take_error("OpenSSL refuses it")));
  return TlsServer::State::Pair{std::move(*context), std::move(loaded->leaf), std::move(loaded->info)};
}

Result<std::shared_ptr<const TlsServer::State>> make_state(const TlsServer::Options& options) {
  if (options.certificates.empty()) return fail(ErrorKind::invalid, "TLS needs a certificate: none is configured");
  auto state = std::make_shared<TlsServer::State>();
  state->alpn = options.alpn;
  for (const auto& files : options.certificates) {
    auto pair = make_pair(files, options, *state);
    if (!pair) return std::unexpected(pair.error());
    state->pairs.push_back(std::move(*pair));
  }
  return state;
}

}  // namespace

struct TlsServer::Impl {
  explicit Impl(Options given) : options(std::move(given)) {}
  const Options options;
  mutable std::mutex mutex;
  std::shared_ptr<const State> current;
};

TlsServer::TlsServer(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
TlsServer::~TlsServer() = default;

Result<std::shared_ptr<TlsServer>> TlsServer::create(Options options) {
  std::shared_ptr<TlsServer> server(new TlsServer(std::move(options)));
  if (auto loaded = server->reload(); !loaded) return std::unexpected(loaded.error());
  return server;
}

Result<void> TlsServer::reload() {
  auto state = make_state(impl_->options);
  if (!state) return std::unexpected(state.error());
  const std::lock_guard lock(impl_->mutex);
  impl_->current = std::move(*state);
  return {};
}

std::shared_ptr<const TlsServer::State> TlsServer::state() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->current;
}

std::vector<CertificateInfo> TlsServer::certificates() const {
  std::vector<CertificateInfo> out;
  for (const auto& pair : state()->pairs) out.push_back(pair.info);
  return out;
}

TlsClient::TlsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<TlsClient>> TlsClient::create(const Options& options) {
  auto context = new_context(TLS_client_method());
  if (!context) return std::unexpected(context.error());
  SSL_CTX* raw = context->get();
  const std::string roots = options.ca_file.empty() ? system_roots : options.ca_file;
  // Without roots an opportunistic client still works, and a verified one finds no server trustworthy.
  if (SSL_CTX_load_verify_file(raw, roots.c_str()) != 1 && !options.ca_file.empty())
    return fail(ErrorKind::invalid, fmt::format("roots file {}: {}", roots, openssl::take_error("not readable")));
  ERR_clear_error();
  const std::string alpn = alpn_wire(options.alpn);
  if (!alpn.empty())
    SSL_CTX_set_alpn_protos(raw, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  if (SSL_CTX_dane_enable(raw) <= 0) return fail(ErrorKind::internal, openssl::take_error("no DANE"));
  SSL_CTX_dane_set_flags(raw, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  auto state = std::make_unique<State>();
  state->context = std::move(*context);
  return std::shared_ptr<TlsClient>(new TlsClient(std::move(state)));
}

}  // namespace postern::net
