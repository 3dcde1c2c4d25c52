// SPDX-License-Identifier: Apache-2.0
#include "net/ip_address.h"

#include <gtest/gtest.h>

namespace postern::net {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(Endpoint, ParsesAndFormats) {
  for (const std::string_view text : {"192.0.2.1:25", "[2001:db8::1]:993", "0.0.0.0:0"})
    EXPECT_EQ(to_string(parse_endpoint(text).value()), text);
  EXPECT_EQ(to_string(parse_endpoint("[::ffff:192.0.2.1]:25").value()), "192.0.2.1:25");
  for (const std::string_view text :
       {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+1", "2001:db8::1:25", "[::1]", "mail:25", ":25"})
    EXPECT_FALSE(parse_endpoint(text)) << text;
}

TEST(IpAddress, RejectsWhatIsNoAddress) {
  for (const std::string_view text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", " 1.2.3.4", "1.2.3.4 ", "fe80::1%eth0", "::g", "1.2.3.04"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(IpAddress, Classes) {
  for (const auto* text : {"127.0.0.1", "127.255.0.1", "::1"}) EXPECT_TRUE(ip(text).is_loopback()) << text;
  for (const auto* text : {"10.1.1.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "fd00::1"})
    EXPECT_TRUE(ip(text).is_private()) << text;
  for (const auto* text : {"172.32.0.1", "192.169.0.1", "100.128.0.1", "8.8.8.8", "2001:db8::1"})
    EXPECT_FALSE(ip(text).is_private()) << text;
  for (const auto* text : {"169.254.1.1", "fe80::1"}) EXPECT_TRUE(ip(text).is_link_local()) << text;
  for (const auto* text : {"224.0.0.1", "255.255.255.255", "ff02::1"}) EXPECT_TRUE(ip(text).is_multicast()) << text;
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
}

TEST(IpAddress, KeysAndReverseNames) {
  EXPECT_EQ(ip("192.0.2.77").network_key().to_string(), "192.0.2.0");
  EXPECT_EQ(ip("2001:db8:1:2:3::4").host_key().to_string(), "2001:db8:1:2::");
  EXPECT_EQ(ip("2001:db8:1:2:3::4").network_key().to_string(), "2001:db8:1::");
  EXPECT_EQ(ip("192.0.2.1").reverse_name(), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(ip("2001:db8::1").reverse_name(), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(IpNetwork, ContainsAndParses) {
  const auto network = IpNetwork::parse("192.0.2.128/25").value();
  EXPECT_TRUE(network.contains(ip("192.0.2.129")));
  EXPECT_FALSE(network.contains(ip("192.0.2.127")));
  EXPECT_FALSE(network.contains(ip("::1")));
  EXPECT_TRUE(IpNetwork::parse("::/0").value().contains(ip("2001:db8::1")));
  EXPECT_EQ(IpNetwork::parse("192.0.2.1").value().to_string(), "192.0.2.1/32");
  for (const std::string_view text : {"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "::/129", "/8"})
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
}

}  // namespace
}  // namespace postern::net
