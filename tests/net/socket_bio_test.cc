// SPDX-License-Identifier: Apache-2.0
// What the BIO below TLS leaves to the kernel: a part of a long write may wait for more, its end never does.
#include "net/socket_bio.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/connection.h"
#include "net/tls_context.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::net {
namespace {

/// Two ends of one TCP connection on loopback.
std::pair<UniqueFd, UniqueFd> tcp_pair() {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  auto* address = reinterpret_cast<sockaddr*>(&where);
  UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  if (::bind(listener.get(), address, size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), address, &size) != 0 || ::connect(client.get(), address, size) != 0) {
    throw std::runtime_error("no TCP on loopback");
  }
  return {UniqueFd(::accept(listener.get(), nullptr, nullptr)), std::move(client)};
}

/// Octets that were written and that the kernel keeps back.
int unsent(int fd) {
  int out = -1;
  ::ioctl(fd, SIOCOUTQNSD, &out);
  return out;
}

TEST(SocketBio, OnlyWhatIsNotTheEndMayWait) {
  const auto [fd, peer] = tcp_pair();
  bool more = true;
  const auto bio = make_socket_bio(fd.get(), &more);
  ASSERT_TRUE(bio);
  const std::string part(100, 'x');
  ASSERT_EQ(BIO_write(bio.get(), part.data(), 100), 100);
  EXPECT_EQ(unsent(fd.get()), 100);
  more = false;
  ASSERT_EQ(BIO_write(bio.get(), part.data(), 100), 100);
  EXPECT_EQ(unsent(fd.get()), 0);
  char got[300];
  EXPECT_EQ(::recv(peer.get(), got, 200, MSG_WAITALL), 200);
}

TEST(SocketBio, FullSocketIsTriedAgainAndAClosedOneFails) {
  auto [fd, peer] = tcp_pair();
  const bool more = false;
  const auto bio = make_socket_bio(fd.get(), &more);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  const std::string much(1 << 20, 'x');
  int put = 0;
  for (int i = 0; i < 100 && put >= 0; ++i) put = BIO_write(bio.get(), much.data(), 1 << 20);
  EXPECT_EQ(put, -1);
  EXPECT_NE(BIO_should_retry(bio.get()), 0);
  EXPECT_NE(BIO_should_write(bio.get()), 0);
  peer.reset();  // what is unread there makes this a reset
  for (int i = 0; i < 100 && (put > 0 || BIO_should_retry(bio.get()) != 0); ++i) put = BIO_write(bio.get(), much.data(), 1);
  EXPECT_EQ(put, -1);
  EXPECT_EQ(BIO_should_retry(bio.get()), 0);
}

async::Task<> server_side(Connection& connection, const TlsServer& server, Result<void>& out) {
  out = co_await connection.start_tls(server);
}

TEST(SocketBio, NothingOfALongTlsWriteIsKeptBack) {
  const test::Folder folder;
  const auto files = test::make_certificate(folder.path().string(), "mail", {{"mail.example.org"}});
  const auto context = TlsServer::create({"imap", {}, {files}}).value();
  const auto trust = TlsClient::create({files.chain, {}}).value();
  test::TestLoop loop;
  auto [near, far] = tcp_pair();
  const int fd = near.get();
  Connection server(make_socket_stream(loop.executor(), std::move(near)), {});
  Connection client(make_socket_stream(loop.executor(), std::move(far)), {});
  Result<void> done;
  loop.spawn(server_side(server, *context, done));
  ASSERT_TRUE(loop.run(client.start_tls_client(*trust, {"mail.example.org", TlsTrust::verified, {}, {}})));
  loop.finish();
  ASSERT_TRUE(done);
  for (const std::size_t size : {1u, 16'384u, 16'385u, 40'000u}) {
    ASSERT_TRUE(loop.run(server.write(std::string(size, 'x'))));
    EXPECT_EQ(unsent(fd), 0) << size;
    std::string got;
    ASSERT_TRUE(loop.run(client.read_exactly(size, got)));
    EXPECT_EQ(got, std::string(size, 'x'));
  }
}

}  // namespace
}  // namespace postern::net
