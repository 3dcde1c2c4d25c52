// SPDX-License-Identifier: Apache-2.0
// Tickets and protocol versions, seen from a client that uses OpenSSL directly.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <thread>

#include "net/connection.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::net {
namespace {

using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

struct RawResult {
  bool connected = false;
  bool resumed = false;
  bool renegotiated = false;
  std::string greeting;
  Session session{nullptr, SSL_SESSION_free};
};

struct RawOptions {
  SSL_SESSION* resume = nullptr;
  int highest = TLS1_3_VERSION;
  bool renegotiate = false;
};

/// One blocking client: handshake, one read, close.
RawResult talk(int fd, const RawOptions& options) {
  RawResult out;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), options.highest);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  if (options.resume != nullptr) SSL_set_session(ssl.get(), options.resume);
  SSL_set_fd(ssl.get(), fd);
  out.connected = SSL_connect(ssl.get()) == 1;
  if (!out.connected) return out;
  char text[100];
  const int got = SSL_read(ssl.get(), text, sizeof text);
  if (got > 0) out.greeting.assign(text, static_cast<std::size_t>(got));
  out.resumed = SSL_session_reused(ssl.get()) == 1;
  out.session.reset(SSL_get1_session(ssl.get()));
  if (options.renegotiate) {
    out.renegotiated =
        SSL_renegotiate(ssl.get()) == 1 && SSL_do_handshake(ssl.get()) == 1 && SSL_read(ssl.get(), text, sizeof text) > 0;
  }
  SSL_shutdown(ssl.get());
  return out;
}

async::Task<> greet(Connection& connection, const TlsServer& server) {
  if (!co_await connection.start_tls(server)) co_return;
  co_await connection.write("220 hello\r\n");
  co_await connection.read_line(100);
}

struct TicketTest : testing::Test {
  test::Folder folder;
  CertificateFiles files = test::make_certificate(folder.path().string(), "mail");
  test::TestLoop loop;

  std::shared_ptr<TlsServer> server(std::string service) { return TlsServer::create({std::move(service), {}, {files}}).value(); }

  RawResult connect(const TlsServer& server_context, const RawOptions& options) {
    auto [connection, fd] = loop.make_raw_pair();
    RawResult out;
    std::thread client([&out, &options, raw = std::move(fd)] { out = talk(raw.get(), options); });
    loop.run(greet(*connection, server_context));
    connection.reset();
    client.join();
    return out;
  }
};

TEST_F(TicketTest, ComesWithTheFirstReplyAndResumesOnlyHere) {
  const auto imap = server("imap");
  const auto submission = server("submission");
  const auto first = connect(*imap, {});
  ASSERT_TRUE(first.connected);
  EXPECT_EQ(first.greeting, "220 hello\r\n");
  EXPECT_FALSE(first.resumed);
  ASSERT_TRUE(SSL_SESSION_is_resumable(first.session.get()));
  EXPECT_TRUE(connect(*imap, {.resume = first.session.get()}).resumed);
  const auto elsewhere = connect(*submission, {.resume = first.session.get()});
  EXPECT_TRUE(elsewhere.connected);
  EXPECT_FALSE(elsewhere.resumed);
}

TEST_F(TicketTest, OldVersionsAreRefused) {
  const auto imap = server("imap");
  EXPECT_FALSE(connect(*imap, {.highest = TLS1_1_VERSION}).connected);
  const auto with_12 = connect(*imap, {.highest = TLS1_2_VERSION});
  EXPECT_TRUE(with_12.connected);
  EXPECT_EQ(with_12.greeting, "220 hello\r\n");
}

TEST_F(TicketTest, TheLeastVersionIsAChoice) {
  struct Row {
    TlsVersion least;
    int highest;
    bool connects;
  };
  for (const auto& [least, highest, connects] : {Row{TlsVersion::tls1_0, TLS1_VERSION, true},
                                                 {TlsVersion::tls1_0, TLS1_3_VERSION, true},
                                                 {TlsVersion::tls1_1, TLS1_VERSION, false},
                                                 {TlsVersion::tls1_1, TLS1_1_VERSION, true},
                                                 {TlsVersion::tls1_3, TLS1_2_VERSION, false},
                                                 {TlsVersion::tls1_3, TLS1_3_VERSION, true}}) {
    const auto smtp = TlsServer::create({"smtp", {}, {files}, least}).value();
    EXPECT_EQ(connect(*smtp, {.highest = highest}).connected, connects) << static_cast<int>(least) << ' ' << highest;
  }
}

TEST_F(TicketTest, RenegotiationIsRefused) {
  const auto imap = server("imap");
  const auto result = connect(*imap, {.highest = TLS1_2_VERSION, .renegotiate = true});
  EXPECT_TRUE(result.connected);
  EXPECT_FALSE(result.renegotiated);
}

}  // namespace
}  // namespace postern::net
