// SPDX-License-Identifier: Apache-2.0
// Addresses, ports and networks as admins write them, right and wrong.
#include "config/endpoint.h"

#include <gtest/gtest.h>

namespace postern::config {
namespace {

TEST(Endpoint, ReadsAndShows) {
  const std::pair<const char*, const char*> rows[] = {{"192.0.2.1:25", "192.0.2.1:25"},
                                                      {"0.0.0.0:0", "0.0.0.0:0"},
                                                      {"[::]:25", "[::]:25"},
                                                      {"[2001:DB8:0::1]:65535", "[2001:db8::1]:65535"}};
  for (const auto& [text, shown] : rows) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), shown);
  }
}

TEST(Endpoint, Refuses) {
  for (const char* text : {"", ":", "25", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:25x",
                           "192.0.2.256:25", "::1:25", "[::1]", "[::1]25", "[::1:25", "[192.0.2]:25", "localhost:25",
                           "[::1%lo]:25", " 192.0.2.1:25", "192.0.2.1 :25", "192.0.2.1:25:25"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
  EXPECT_FALSE(Endpoint::parse(std::string_view("192.0.2.1\0:25", 13)));
}

TEST(Endpoint, TakesADefaultPort) {
  EXPECT_EQ(Endpoint::parse("192.0.2.1", 53)->to_string(), "192.0.2.1:53");
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]", 53)->to_string(), "[2001:db8::1]:53");
  EXPECT_EQ(Endpoint::parse("2001:db8::1", 53)->to_string(), "[2001:db8::1]:53");
  EXPECT_EQ(Endpoint::parse("192.0.2.1:5353", 53)->port, 5353);
  EXPECT_FALSE(Endpoint::parse("", 53));
}

TEST(HostPort, ReadsNamesAndAddresses) {
  EXPECT_TRUE(HostPort::parse("")->empty());
  EXPECT_EQ(HostPort::parse("Mail.Example.org:587")->to_string(), "mail.example.org:587");
  EXPECT_EQ(HostPort::parse("[2001:DB8::1]:587")->to_string(), "[2001:db8::1]:587");
  for (const char* text :
       {"mail.example.org", "mail.example.org:", ":587", "mail_x.example.org:587", "a b:587", "mail.example.org:587/x"}) {
    EXPECT_FALSE(HostPort::parse(text)) << text;
  }
}

struct Membership {
  const char* network;
  const char* ip;
  bool inside;
};

TEST(Network, ContainsItsAddressesOfBothFamilies) {
  const Membership rows[] = {{"192.0.2.0/24", "192.0.2.0", true},
                             {"192.0.2.0/24", "192.0.2.255", true},
                             {"192.0.2.0/24", "192.0.3.0", false},
                             {"192.0.2.0/24", "::ffff:192.0.2.9", true},
                             {"192.0.2.0/24", "2001:db8::1", false},
                             {"192.0.2.7", "192.0.2.7", true},
                             {"192.0.2.7", "192.0.2.6", false},
                             {"0.0.0.0/0", "203.0.113.1", true},
                             {"0.0.0.0/0", "2001:db8::1", false},
                             {"::/0", "203.0.113.1", true},
                             {"2001:db8::/33", "2001:db8:7fff::1", true},
                             {"2001:db8::/33", "2001:db8:8000::1", false},
                             {"192.0.2.0/24", "", false},
                             {"192.0.2.0/24", "192.0.2", false},
                             {"10.0.0.0/9", "10.127.255.255", true},
                             {"10.0.0.0/9", "10.128.0.0", false}};
  for (const auto& row : rows) {
    const auto network = Network::parse(row.network);
    ASSERT_TRUE(network) << row.network;
    EXPECT_EQ(network->contains(row.ip), row.inside) << row.network << " " << row.ip;
  }
}

TEST(Network, ShowsItself) {
  for (const char* text : {"192.0.2.0/24", "0.0.0.0/0", "192.0.2.7/32", "2001:db8::/32", "::/0"})
    EXPECT_EQ(Network::parse(text)->to_string(), text);
}

TEST(Network, Refuses) {
  for (const char* text : {"", "/", "192.0.2.0/", "192.0.2.0/33", "192.0.2.1/24", "2001:db8::/129", "2001:db8::1/64",
                           "192.0.2/24", "192.0.2.0/24/24", "192.0.2.0/-1", "192.0.2.0/24 ", "all"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

}  // namespace
}  // namespace postern::config
