// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

#include "tests/support/net.h"

namespace postern::net {
namespace {

using namespace std::string_literals;

const std::string v2 = "\r\n\r\n\0\r\nQUIT\n"s;

TEST(ProxyProtocol, Version1) {
  const auto header = parse_proxy_header("PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\nEHLO").value().value();
  EXPECT_EQ(header.length, 44U);
  EXPECT_EQ(to_string(*header.source), "192.0.2.1:40000");
  EXPECT_EQ(to_string(*header.target), "198.51.100.2:25");
  EXPECT_EQ(to_string(*parse_proxy_header("PROXY TCP6 2001:db8::1 ::1 1 2\r\n").value()->source), "[2001:db8::1]:1");
  EXPECT_FALSE(parse_proxy_header("PROXY UNKNOWN whatever\r\n").value()->source);
}

TEST(ProxyProtocol, Version2) {
  const std::string v4 = v2 + "\x21\x11\0\x0c"s + "\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\0\x19"s;
  const auto header = parse_proxy_header(v4 + "EHLO").value().value();
  EXPECT_EQ(header.length, v4.size());
  EXPECT_EQ(to_string(*header.source), "192.0.2.1:40000");
  EXPECT_EQ(to_string(*header.target), "198.51.100.2:25");
  EXPECT_FALSE(parse_proxy_header(v2 + "\x20\0\0\0"s).value()->source);
  const std::string v6 = v2 + "\x21\x21\0\x24"s + std::string(31, '\0') + "\1"s + "\0\1\0\2"s;
  EXPECT_EQ(to_string(*parse_proxy_header(v6).value()->target), "[::1]:2");
}

TEST(ProxyProtocol, EveryTruncationAsksForMore) {
  for (const std::string& whole :
       {"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n"s, v2 + "\x21\x11\0\x0c"s + std::string(12, '\1')})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto part = parse_proxy_header(std::string_view(whole).substr(0, size));
      ASSERT_TRUE(part) << size;
      EXPECT_FALSE(*part) << size;
    }
}

TEST(ProxyProtocol, MalformedHeadersAreInvalid) {
  for (const auto& text :
       {"EHLO a\r\n"s, "PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n"s, "PROXY TCP4 ::1 ::1 1 1\r\n"s, "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"s,
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n"s, "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n"s, "PROXY " + std::string(200, 'x'),
        v2 + "\x31\x11\0\0"s, v2 + "\x22\x11\0\0"s, v2 + "\x21\x11\xff\xff"s, v2 + "\x21\x11\0\4abcd"s, v2 + "\x21\x31\0\0"s})
    EXPECT_FALSE(parse_proxy_header(text)) << text;
}

TEST(ProxyProtocol, SetsThePeerOfAConnection) {
  test::TestLoop loop;
  auto pair = loop.make_pair();
  loop.run(pair.client->write("PROXY TCP4 203.0.113.9 198.51.100.2 40000 25\r\nEHLO a\r\n"));
  ASSERT_TRUE(loop.run(read_proxy_header(*pair.server)));
  EXPECT_EQ(to_string(pair.server->peer()), "203.0.113.9:40000");
  EXPECT_EQ(loop.run(pair.server->read_line(100)), "EHLO a");
}

}  // namespace
}  // namespace postern::net
