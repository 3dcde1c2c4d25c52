// SPDX-License-Identifier: Apache-2.0
// TlsStream: SSL_read and SSL_write on the descriptor, whose "want" answers become the attempts of Stream.
#include "net/tls_stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/ip_address.h"
#include "net/openssl.h"
#include "net/socket_bio.h"
#include "net/tls_state.h"

namespace postern::net {

namespace {

/// KeyUpdate messages one peer may send on one connection (security.md D59).
constexpr int most_key_updates = 1000;
constexpr std::size_t binding_size = 32;

/// RFC 9266 §2; a TLS 1.2 session qualifies only with the extended master secret (RFC 7627).
std::string channel_binding(SSL* session) {
  constexpr std::string_view label = "EXPORTER-Channel-Binding";
  if (SSL_version(session) < TLS1_3_VERSION && SSL_get_extms_support(session) != 1) return {};
  unsigned char out[binding_size];
  const auto* no_context = reinterpret_cast<const unsigned char*>("");
  if (SSL_export_keying_material(session, out, sizeof out, label.data(), label.size(), no_context, 0, 1) != 1) return {};
  return {reinterpret_cast<const char*>(out), sizeof out};
}

class OpenSslStream final : public TlsStream {
 public:
  OpenSslStream(std::unique_ptr<Stream> below, openssl::Session session, std::shared_ptr<const TlsServer::State> server)
      : below_(std::move(below)), server_(std::move(server)), session_(std::move(session)) {
    auto bio = make_socket_bio(below_->descriptor(), &more_);
    if (!bio) throw std::bad_alloc();
    BIO* const both = bio.release();
    SSL_set_bio(ssl(), both, both);
    SSL_set_msg_callback(ssl(), watch_messages);
    SSL_set_msg_callback_arg(ssl(), this);
    if (server_) {
      SSL_set_accept_state(ssl());
    } else {
      SSL_set_connect_state(ssl());
    }
  }

  IoAttempt try_handshake() override {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl());
    if (result != 1) return failure(result);
    note_info();
    ticket_due_ = server_ != nullptr && SSL_version(ssl()) >= TLS1_3_VERSION;
    ready_ = true;
    return {IoState::done};
  }

  IoAttempt try_read(std::span<char> into) override {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl(), into.data(), into.size(), &got);
    if (key_updates_ > most_key_updates) return failed("too many TLS key updates");
    if (result == 1) return {IoState::done, got};
    return failure(result);
  }

  IoAttempt try_write(std::string_view bytes) override {
    if (bytes.empty()) return {IoState::done};
    ERR_clear_error();
    const bool with_ticket = std::exchange(ticket_due_, false) && SSL_new_session_ticket(ssl()) == 1;
    if (with_ticket) cork(1);
    // One attempt sends one record at most; the rest comes at once.
    more_ = bytes.size() > SSL3_RT_MAX_PLAIN_LENGTH;
    std::size_t put = 0;
    const int result = SSL_write_ex(ssl(), bytes.data(), bytes.size(), &put);
    more_ = false;
    const IoAttempt attempt = result == 1 ? IoAttempt{IoState::done, put} : failure(result);
    if (with_ticket) cork(0);
    return attempt;
  }

  async::Task<bool> wait(IoState want) override { return below_->wait(want); }
  void interrupt() override { below_->interrupt(); }

  void end_output() override {
    ERR_clear_error();
    if (ready_ && !broken_) SSL_shutdown(ssl());
    ERR_clear_error();
    below_->end_output();
  }

  std::string last_error() const override { return error_; }
  const TlsInfo* tls() const override { return ready_ ? &info_ : nullptr; }
  int descriptor() const override { return below_->descriptor(); }
  async::Executor executor() const override { return below_->executor(); }

 private:
  SSL* ssl() const { return session_.get(); }

  static void watch_messages(int writing, int /*version*/, int type, const void* bytes, std::size_t length, SSL* /*session*/,
                             void* self) {
    if (writing == 0 && type == SSL3_RT_HANDSHAKE && length > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE)
      ++static_cast<OpenSslStream*>(self)->key_updates_;
  }

  /// Joins the ticket and the first reply into one segment.
  void cork(int on) const { ::setsockopt(descriptor(), IPPROTO_TCP, TCP_CORK, &on, sizeof on); }

  IoAttempt failed(std::string why) {
    broken_ = true;
    error_ = std::move(why);
    return {IoState::failed};
  }

  IoAttempt failure(int result) {
    const int system_error = errno;
    switch (SSL_get_error(ssl(), result)) {
      case SSL_ERROR_WANT_READ: return {IoState::want_read};
      case SSL_ERROR_WANT_WRITE: return {IoState::want_write};
      case SSL_ERROR_ZERO_RETURN: return {IoState::end};
      case SSL_ERROR_SYSCALL: return failed(system_error == 0 ? "the connection ended" : std::strerror(system_error));
      default: break;
    }
    const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    const long verification = SSL_get_verify_result(ssl());
    std::string why = openssl::take_error("TLS error");
    if (!server_ && !ready_ && verification != X509_V_OK) why += fmt::format(": {}", X509_verify_cert_error_string(verification));
    failed(std::move(why));
    return {cut && ready_ ? IoState::truncated : IoState::failed};
  }

  void note_info() {
    info_.version = SSL_get_version(ssl());
    info_.cipher = SSL_get_cipher_name(ssl());
    info_.bits = SSL_get_cipher_bits(ssl(), nullptr);
    if (const char* name = SSL_get_servername(ssl(), TLSEXT_NAMETYPE_host_name)) info_.server_name = name;
    const unsigned char* alpn = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl(), &alpn, &length);
    if (length > 0) info_.alpn.assign(reinterpret_cast<const char*>(alpn), length);
    info_.resumed = SSL_session_reused(ssl()) == 1;
    info_.channel_binding = channel_binding(ssl());
    if (server_) return;
    const long verification = SSL_get_verify_result(ssl());
    info_.verified = verification == X509_V_OK;
    if (!info_.verified) info_.verify_error = X509_verify_cert_error_string(verification);
  }

  std::unique_ptr<Stream> below_;
  std::shared_ptr<const TlsServer::State> server_;  ///< null on the client side
  openssl::Session session_;
  TlsInfo info_;
  std::string error_;
  int key_updates_ = 0;
  bool ready_ = false;
  bool broken_ = false;
  bool ticket_due_ = false;
  bool more_ = false;  ///< what is written now is not the end; the BIO looks at it
};

/// Names the peer must match; an address is matched as an address.
void set_reference_names(SSL* session, const TlsClientPolicy& policy) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(session);
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (IpAddress::parse(policy.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, policy.host.c_str());
    return;
  }
  SSL_set1_host(session, policy.host.c_str());
  for (const auto& name : policy.more_names) SSL_add1_host(session, name.c_str());
}

// RFC 7672 §3.2
Result<void> set_dane(SSL* session, const TlsClientPolicy& policy) {
  if (SSL_dane_enable(session, policy.host.c_str()) <= 0)
    return fail(ErrorKind::invalid, openssl::take_error("no DANE for this name"));
  int usable = 0;
  for (const auto& record : policy.tlsa) {
    const auto* data = reinterpret_cast<const unsigned char*>(record.data.data());
    usable += SSL_dane_tlsa_add(session, record.usage, record.selector, record.matching, data, record.data.size()) > 0 ? 1 : 0;
  }
  ERR_clear_error();
  if (usable == 0) return fail(ErrorKind::invalid, "no TLSA record is usable");
  return {};
}

}  // namespace

std::unique_ptr<TlsStream> make_tls_server_stream(std::unique_ptr<Stream> below, const TlsServer& server) {
  auto state = server.state();
  openssl::Session session(SSL_new(state->pairs.front().context.get()));
  if (!session) throw std::bad_alloc();
  return std::make_unique<OpenSslStream>(std::move(below), std::move(session), std::move(state));
}

Result<std::unique_ptr<TlsStream>> make_tls_client_stream(std::unique_ptr<Stream>& below, const TlsClient& client,
                                                          const TlsClientPolicy& policy) {
  openssl::Session session(SSL_new(client.state().context.get()));
  if (!session) throw std::bad_alloc();
  const bool is_name = !policy.host.empty() && !IpAddress::parse(policy.host);
  if (is_name) SSL_set_tlsext_host_name(session.get(), policy.host.c_str());
  SSL_set_verify(session.get(), policy.trust == TlsTrust::opportunistic ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (policy.trust == TlsTrust::dane) {
    if (auto ready = set_dane(session.get(), policy); !ready) return std::unexpected(ready.error());
  }
  set_reference_names(session.get(), policy);
  return std::make_unique<OpenSslStream>(std::move(below), std::move(session), nullptr);
}

}  // namespace postern::net
