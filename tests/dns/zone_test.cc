// SPDX-License-Identifier: Apache-2.0
#include "dns/zone.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/wire.h"

namespace postern::dns {
namespace {

constexpr std::string_view text = R"(
  ; a comment
  example.org.            MX    20 b.example.org.
  example.org             MX    10 mail.example.org.   ; the better one
  null.example.org.       MX    0 .
  Mail.example.org.       A     192.0.2.1
  mail.example.org.       AAAA  2001:db8::1
  v4.example.org.         A     192.0.2.4
  example.org.            TXT   "v=spf1 mx" " -all; end"
  1.2.0.192.in-addr.arpa. PTR   mail.example.org.
  www.example.org.        CNAME alias.example.org.
  alias.example.org.      CNAME mail.example.org.
  loop.example.org.       CNAME loop.example.org.
  *.wild.example.org.     A     192.0.2.9
  _25._tcp.mail.secure.example. TLSA 3 1 1 0a0b0c
  secure.example.         SECURE
  broken.example.         SERVFAIL
  bogus.example.          BOGUS
  slow.example.           TIMEOUT
)";

struct ZoneTest : testing::Test {
  Zone zone{text};
};

TEST_F(ZoneTest, Records) {
  const auto mx = async::run_alone(zone.mx("example.org."));
  ASSERT_TRUE(mx.ok());
  EXPECT_EQ(mx.records, (std::vector<Mx>{{10, "mail.example.org"}, {20, "b.example.org"}}));
  EXPECT_FALSE(mx.secure);
  EXPECT_EQ(async::run_alone(zone.mx("null.example.org")).records.front().host, "");
  EXPECT_EQ(async::run_alone(zone.txt("EXAMPLE.org")).records.front(), "v=spf1 mx -all; end");
  EXPECT_EQ(async::run_alone(zone.ptr(IpAddress::v4({192, 0, 2, 1}))).records.front(), "mail.example.org");
  const auto both = async::run_alone(zone.addresses("mail.example.org"));
  EXPECT_EQ(both.records.front().to_string(), "2001:db8::1");
  EXPECT_EQ(both.records.back().to_string(), "192.0.2.1");
  EXPECT_EQ(async::run_alone(zone.addresses("v4.example.org")).records.size(), 1U);
  const auto tlsa = async::run_alone(zone.tlsa("_25._tcp.mail.secure.example"));
  EXPECT_TRUE(tlsa.secure);
  EXPECT_EQ(tlsa.records.front(), (Tlsa{3, 1, 1, "\x0a\x0b\x0c"}));
  EXPECT_EQ(zone.queries(), 9U);
}

TEST_F(ZoneTest, AliasesAndWildcards) {
  const auto www = async::run_alone(zone.a("www.example.org"));
  EXPECT_EQ(www.records.front().to_string(), "192.0.2.1");
  EXPECT_EQ(www.canonical, "mail.example.org");
  EXPECT_EQ(async::run_alone(zone.cname("www.example.org")).records.front(), "alias.example.org");
  EXPECT_EQ(async::run_alone(zone.a("loop.example.org")).status, Status::servfail);
  EXPECT_TRUE(async::run_alone(zone.a("a.b.wild.example.org")).ok());
  EXPECT_EQ(async::run_alone(zone.mx("a.wild.example.org")).status, Status::nodata);
}

TEST_F(ZoneTest, Statuses) {
  const std::pair<std::string, Status> cases[] = {{"nothing.example.org", Status::nxdomain}, {"example.org", Status::nodata},
                                                  {"wild.example.org", Status::nodata},      {"broken.example", Status::servfail},
                                                  {"bogus.example", Status::bogus},          {"slow.example", Status::timeout}};
  for (const auto& [name, status] : cases) EXPECT_EQ(async::run_alone(zone.a(name)).status, status) << name;
  EXPECT_EQ(async::run_alone(zone.addresses("broken.example")).status, Status::servfail);
  EXPECT_EQ(async::run_alone(zone.addresses("nothing.example.org")).status, Status::nxdomain);
}

TEST_F(ZoneTest, BadTextIsRejected) {
  for (const std::string line : {"a A 1.2.3", "a MX mail", "a TXT \"open", "a NS b", "a TLSA 3 1 300 00", "a..b CNAME c..d"})
    EXPECT_THROW(Zone{line}, std::invalid_argument) << line;
}

TEST(Wire, HostileRecordData) {
  using std::string_literals::operator""s;
  EXPECT_EQ(read_name("\3www\7EXAMPLE\0"s), "www.example");
  EXPECT_EQ(read_name("\0"s), "");
  EXPECT_EQ(read_name("\3a.b\2\xff\n\0"s), "a\\046b.\\255\\010");
  for (const auto& data :
       {""s, "\3ww"s, "\3www"s, "\0x"s, "\xc0\x0c"s, "\x40" + std::string(64, 'a') + "\0"s, std::string(300, '\1')})
    EXPECT_FALSE(read_name(data)) << data.size();
  for (const auto& data : {""s, "\5abc"s, "\1ab"s}) EXPECT_FALSE(read_txt(data));
  EXPECT_EQ(read_txt("\0"s), "");
  for (const auto& data : {""s, "\0"s, "\0\1"s, "\0\1\3ab"s}) EXPECT_FALSE(read_mx(data));
  for (const auto& data : {""s, "\3\1\1"s}) EXPECT_FALSE(read_tlsa(data));
  for (const auto& data : {""s, "abc"s, "abcde"s, std::string(17, 'a')}) EXPECT_FALSE(read_address(data));
  for (const auto& name : {"a..b"s, "."s + "a", std::string(64, 'a'), "a." + std::string(260, 'b')})
    EXPECT_FALSE(write_name(name)) << name;
  EXPECT_EQ(write_name("a.bc."), "\1a\2bc\0"s);
  EXPECT_EQ(write_name("."), "\0"s);
}

}  // namespace
}  // namespace postern::dns
