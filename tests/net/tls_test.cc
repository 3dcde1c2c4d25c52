// SPDX-License-Identifier: Apache-2.0
// TLS over socketpairs: handshake, certificates, ALPN, tickets, races and ends.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include "net/connection.h"
#include "net/tls_context.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

async::Task<> server_side(Connection& connection, const TlsServer& server, Result<void>& out) {
  out = co_await connection.start_tls(server);
}

struct TlsTest : testing::Test {
  test::Folder folder;
  std::string path = folder.path().string();
  CertificateFiles files = test::make_certificate(path, "mail", {{"mail.example.org", "*.wild.example"}});
  CertificateFiles second = test::make_certificate(path, "second", {{"second.example.org"}});
  test::TestLoop loop;
  test::ConnectionPair pair = loop.make_pair();
  Result<void> server_result;

  std::shared_ptr<TlsServer> server(std::vector<std::string> alpn = {}) {
    return TlsServer::create({"imap", std::move(alpn), {files, second}}).value();
  }
  std::shared_ptr<TlsClient> client(std::vector<std::string> alpn = {}, std::string ca = {}) {
    return TlsClient::create({ca.empty() ? files.chain : ca, std::move(alpn)}).value();
  }
  Result<void> handshake(const TlsServer& server_context, const TlsClient& client_context, const TlsClientPolicy& policy) {
    loop.spawn(server_side(*pair.server, server_context, server_result));
    auto result = loop.run(pair.client->start_tls_client(client_context, policy));
    if (!result) pair.client.reset();
    loop.finish();
    return result;
  }
};

TEST_F(TlsTest, HandshakeAndInfo) {
  const auto context = server({"imap"});
  ASSERT_TRUE(handshake(*context, *client({"imap"}), {"mail.example.org", TlsTrust::verified, {}, {}}));
  ASSERT_TRUE(server_result);
  ASSERT_TRUE(pair.server->is_tls());
  const TlsInfo& info = *pair.server->tls();
  EXPECT_EQ(info.version, "TLSv1.3");
  EXPECT_EQ(info.alpn, "imap");
  EXPECT_EQ(info.server_name, "mail.example.org");
  EXPECT_EQ(info.channel_binding.size(), 32U);
  EXPECT_EQ(info.channel_binding, pair.client->tls()->channel_binding);
  EXPECT_TRUE(pair.client->tls()->verified);
}

async::Task<> echo(Connection& server) {
  while (auto line = co_await server.read_line(1000)) {
    const std::string reply = std::string(*line) + "\r\n";
    if (!co_await server.write(reply)) co_return;
  }
  co_await server.close_gracefully();
}

TEST_F(TlsTest, TalkBothWaysWithTicket) {
  const auto context = server();
  ASSERT_TRUE(handshake(*context, *client(), {"mail.example.org", TlsTrust::opportunistic, {}, {}}));
  loop.spawn(echo(*pair.server));
  EXPECT_EQ(loop.run(test::exchange(*pair.client, "one\r\n")), "one");
  EXPECT_EQ(loop.run(test::exchange(*pair.client, "two\r\n")), "two");
  loop.run(pair.client->close_gracefully());
  loop.finish();
  EXPECT_TRUE(pair.server->ended_cleanly());
}

TEST_F(TlsTest, EndWithoutCloseNotifyIsTold) {
  const auto context = server();
  ASSERT_TRUE(handshake(*context, *client(), {"mail.example.org", TlsTrust::opportunistic, {}, {}}));
  ASSERT_TRUE(loop.run(pair.client->write("RETR 1\r\n")));
  EXPECT_EQ(loop.run(pair.server->read_line(100)), "RETR 1");
  pair.client.reset();
  EXPECT_EQ(loop.run(pair.server->read_line(100)).error().kind, ErrorKind::closed);
  EXPECT_FALSE(pair.server->ended_cleanly());
}

// The case of IDLE: a wait that loses against an event, output in between, and input that must not be lost.
TEST_F(TlsTest, LostRacesLoseNoBytes) {
  const auto context = server();
  ASSERT_TRUE(handshake(*context, *client(), {"mail.example.org", TlsTrust::opportunistic, {}, {}}));
  async::Event event;
  struct Idle {
    static async::Task<int> run(Connection& server, async::Event& event) {
      int updates = 0;
      std::uint64_t seen = 0;
      for (;;) {
        const auto wake = co_await server.wait_input_or(event, seen, std::chrono::steady_clock::now() + seconds(20));
        if (!wake || *wake != Wake::event) break;
        seen = event.sequence();
        ++updates;
        co_await server.write("* 1 EXISTS\r\n");
      }
      const auto done = co_await server.read_line(100);
      co_return done && *done == "DONE" ? updates : -1;
    }
    static async::Task<> client(Connection& client, async::Event& event) {
      for (int i = 0; i < 5; ++i) {
        co_await async::sleep(milliseconds(1));
        event.publish();
        co_await client.read_line(100);
      }
      co_await client.write("DO");
      event.publish();
      co_await client.write("NE\r\n");
    }
  };
  loop.spawn(Idle::client(*pair.client, event));
  EXPECT_GE(loop.run(Idle::run(*pair.server, event)), 5);
  loop.finish();
}

TEST_F(TlsTest, PlaintextBeforeTheHandshakeIsRefused) {
  const auto context = server();
  ASSERT_TRUE(loop.run(pair.client->write("STARTTLS\r\nEHLO injected\r\n")));
  EXPECT_EQ(loop.run(pair.server->read_line(100)), "STARTTLS");
  EXPECT_EQ(loop.run(pair.server->start_tls(*context)).error().kind, ErrorKind::denied);
  ASSERT_TRUE(loop.run(pair.server->write("220 go\r\n250 injected\r\n")));
  EXPECT_EQ(loop.run(pair.client->read_line(100)), "220 go");
  const auto refused = loop.run(pair.client->start_tls_client(*client(), {"mail.example.org", TlsTrust::opportunistic, {}, {}}));
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
}

TEST_F(TlsTest, SilentPeerMeetsTheHandshakeDeadline) {
  auto options = test::TestLoop::default_options();
  options.handshake_timeout = milliseconds(10);
  auto silent = loop.make_pair(options);
  const auto context = server();
  EXPECT_EQ(loop.run(silent.server->start_tls(*context)).error().kind, ErrorKind::timeout);
}

TEST_F(TlsTest, GarbageAndHttpAreNoHandshake) {
  const auto context = server();
  ASSERT_TRUE(loop.run(pair.client->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  EXPECT_EQ(loop.run(pair.server->start_tls(*context)).error().kind, ErrorKind::invalid);
}

struct AlpnCase {
  std::vector<std::string> ours;
  std::vector<std::string> offered;
  bool accepted;
};

TEST_F(TlsTest, AlpnIsChecked) {
  const AlpnCase cases[] = {
      {{"imap"}, {}, true},
      {{"imap"}, {"h2", "imap"}, true},
      {{"imap"}, {"http/1.1"}, false},
      {{"imap"}, {"pop3"}, false},
      {{}, {"h2"}, false},
      {{}, {"smtp"}, true},
  };
  for (const auto& one : cases) {
    pair = loop.make_pair();
    const auto context = server(one.ours);
    const auto result = handshake(*context, *client(one.offered), {"mail.example.org", TlsTrust::opportunistic, {}, {}});
    EXPECT_EQ(result.has_value(), one.accepted);
  }
}

struct NameCase {
  std::string host;
  TlsTrust trust;
  bool accepted;
};

TEST_F(TlsTest, NamesAndTrust) {
  const NameCase cases[] = {
      {"mail.example.org", TlsTrust::verified, true},
      {"a.wild.example", TlsTrust::verified, true},
      {"a.b.wild.example", TlsTrust::verified, false},
      {"unknown.example.org", TlsTrust::verified, false},  // gets the first certificate, whose name differs
      {"second.example.org", TlsTrust::verified, false},   // gets the second one, which these roots do not know
      {"unknown.example.org", TlsTrust::opportunistic, true},
      {std::string(300, 'a') + ".example\\", TlsTrust::opportunistic, true},  // too long for SNI, so none is sent
  };
  const auto context = server();
  for (const auto& one : cases) {
    pair = loop.make_pair();
    const auto result = handshake(*context, *client(), {one.host, one.trust, {}, {}});
    EXPECT_EQ(result.has_value(), one.accepted) << one.host;
    if (!result && one.trust == TlsTrust::verified) EXPECT_NE(result.error().text.find(":"), std::string::npos);
  }
}

TEST_F(TlsTest, SniChoosesTheCertificate) {
  const auto context = server();
  EXPECT_TRUE(handshake(*context, *client({}, second.chain), {"second.example.org", TlsTrust::verified, {}, {}}));
}

TEST_F(TlsTest, DaneNeedsAMatchingRecord) {
  const auto context = server();
  TlsClientPolicy policy{"unknown.example.org", TlsTrust::dane, {{3, 1, 1, std::string(32, '\1')}}, {}};
  EXPECT_EQ(handshake(*context, *client(), policy).error().kind, ErrorKind::invalid);
  pair = loop.make_pair();
  policy.tlsa = {{9, 9, 9, "x"}};
  EXPECT_EQ(loop.run(pair.client->start_tls_client(*client(), policy)).error().text, "no TLSA record is usable");
}

TEST_F(TlsTest, ReloadTakesNewFilesAndKeepsOldOnesOnError) {
  const auto context = server();
  const auto fresh = test::make_certificate(path, "fresh", {{"fresh.example.org"}});
  std::filesystem::copy_file(fresh.chain, files.chain, std::filesystem::copy_options::overwrite_existing);
  const auto mismatch = context->reload();
  ASSERT_FALSE(mismatch);
  EXPECT_NE(mismatch.error().text.find("another certificate"), std::string::npos);
  EXPECT_EQ(context->certificates().front().names.front(), "mail.example.org");
  std::filesystem::copy_file(fresh.key, files.key, std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(context->reload());
  EXPECT_EQ(context->certificates().front().names.front(), "fresh.example.org");
}

TEST_F(TlsTest, CertificateErrorsNameTheRemedy) {
  std::ofstream(path + "/empty.pem") << "nothing\n";
  const std::pair<CertificateFiles, std::string> cases[] = {
      {{path + "/absent.pem", files.key}, "does not exist"},         {{files.chain, path + "/absent.key"}, "does not exist"},
      {{path + "/empty.pem", files.key}, "holds no certificate"},    {{files.chain, path + "/empty.pem"}, "holds no private key"},
      {{files.chain, second.key}, "belongs to another certificate"},
  };
  for (const auto& [pair_of_files, expected] : cases) {
    const auto result = inspect_certificate(pair_of_files);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text.find(expected), std::string::npos) << result.error().text;
  }
  const auto good = inspect_certificate(files);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->names, (std::vector<std::string>{"mail.example.org", "*.wild.example"}));
  EXPECT_EQ(good->key_type, "EC prime256v1");
  EXPECT_EQ(good->not_after - good->not_before, 30 * 86400 + 3600);
}

}  // namespace
}  // namespace postern::net
