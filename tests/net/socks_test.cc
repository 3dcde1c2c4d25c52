// SPDX-License-Identifier: Apache-2.0
// The client side of SOCKS5 against a scripted server.
#include "net/socks.h"

#include <gtest/gtest.h>

#include "tests/support/socks_fake.h"

namespace postern::net {
namespace {

class SocksTest : public testing::Test {
 protected:
  /// "connected: " and the target's first words, or the error's kind and text.
  std::string connect(SocksTarget target, std::optional<SocksLogin> login = std::nullopt) {
    auto pair = loop_.make_pair();
    server_ = std::move(pair.server);
    loop_.spawn(fake_.serve(*server_));
    auto done = loop_.run(socks_connect(*pair.client, std::move(target), std::move(login)));
    std::string out = done ? "connected: " : fmt::format("{}: {}", to_string(done.error().kind), done.error().text);
    if (done) out += loop_.run(test::next_line(*pair.client));
    pair.client->cancel();
    server_->cancel();
    loop_.finish();
    return out;
  }
  static SocksTarget name(std::string host) { return {std::move(host), {}, 25}; }

  test::SocksFake fake_;
  test::TestLoop loop_;
  std::unique_ptr<Connection> server_;
};

TEST_F(SocksTest, NamesAndAddresses) {
  EXPECT_EQ(connect(name("mx.example.net")), "connected: hello");
  EXPECT_EQ(connect({"mx.example.net", IpAddress::parse("192.0.2.7").value(), 2525}), "connected: hello");
  EXPECT_EQ(connect({"", IpAddress::parse("2001:db8::7").value(), 65535}), "connected: hello");
  EXPECT_EQ(fake_.asked, (std::vector<std::string>{"name mx.example.net:25", "192.0.2.7:2525", "2001:db8::7:65535"}));
}

TEST_F(SocksTest, Logins) {
  fake_.user = "us";
  fake_.password = "a secret";
  EXPECT_EQ(connect(name("a.example"), SocksLogin{"us", Secret("a secret")}), "connected: hello");
  EXPECT_EQ(fake_.logins, std::vector<std::string>{"us a secret"});
  EXPECT_EQ(connect(name("a.example"), SocksLogin{"us", Secret("wrong")}), "denied: the proxy refuses user name and password");
  EXPECT_EQ(connect(name("a.example")), "denied: the proxy wants a login; give proxy_user");
  fake_.user.clear();
  EXPECT_EQ(connect(name("a.example"), SocksLogin{"us", Secret("a secret")}), "connected: hello") << "offered, not wanted";
}

TEST_F(SocksTest, Refusals) {
  struct Row {
    unsigned char code;
    const char* text;
  };
  for (const auto& row :
       {Row{1, "unavailable: the proxy failed"}, Row{2, "denied: the proxy does not permit this target"},
        Row{4, "unavailable: the proxy finds the host unreachable"}, Row{5, "unavailable: the target refuses the connection"},
        Row{8, "unavailable: the proxy does not know this kind of address"},
        Row{200, "unavailable: the proxy answered with code 200"}}) {
    fake_.code = row.code;
    EXPECT_EQ(connect(name("a.example")), row.text);
  }
}

TEST_F(SocksTest, WhatIsNoProxy) {
  using namespace std::string_literals;
  for (const auto& raw : {"HTTP/1.1 400 Bad Request\r\n\r\n"s, "\4\0"s, "\5\1"s, "\5\0HTTP"s, "\5\0\5\0\0\7aaaaaaaa"s}) {
    fake_.raw_answer = raw;
    EXPECT_TRUE(connect(name("a.example")).starts_with("invalid: the proxy does not speak SOCKS5")) << raw;
  }
  for (const auto& raw : {"\5"s, "\5\0\5"s, "\5\0\5\0\0\1\1\2"s, "\5\0\5\0\0\3\xff"s + "abc"s}) {
    fake_.raw_answer = raw;
    EXPECT_TRUE(connect(name("a.example")).contains("the proxy gave no answer")) << raw.size();
  }
}

TEST_F(SocksTest, WhatDoesNotFitIsNotSent) {
  EXPECT_TRUE(connect(name("")).starts_with("invalid"));
  EXPECT_TRUE(connect(name(std::string(256, 'a'))).starts_with("invalid"));
  EXPECT_TRUE(connect(name("a.example"), SocksLogin{"", Secret("x")}).starts_with("invalid"));
  EXPECT_TRUE(connect(name("a.example"), SocksLogin{"us", Secret(std::string(256, 'x'))}).starts_with("invalid"));
  EXPECT_TRUE(fake_.asked.empty());
}

}  // namespace
}  // namespace postern::net
