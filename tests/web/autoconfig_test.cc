// SPDX-License-Identifier: Apache-2.0
#include "web/autoconfig.h"

#include <gtest/gtest.h>

namespace postern::web {
namespace {

TEST(Autoconfig, NamesWhatListens) {
  config::Config config;
  config.server.hostname = "mx.example.org";
  config.listen.pop3s.clear();
  config.listen.imaps = {{"0.0.0.0", 2993}};
  const auto xml = autoconfig_xml(config, "example.org");
  EXPECT_NE(xml.find("<emailProvider id=\"example.org\">"), std::string::npos) << xml;
  EXPECT_NE(xml.find("<hostname>mx.example.org</hostname>"), std::string::npos) << xml;
  EXPECT_NE(xml.find("<port>2993</port>"), std::string::npos) << xml;
  EXPECT_NE(xml.find("<socketType>STARTTLS</socketType>"), std::string::npos) << xml;
  EXPECT_EQ(xml.find("pop3"), std::string::npos) << xml;
}

TEST(Autoconfig, HostileNamesAreText) {
  const auto xml = autoconfig_xml({}, "<x>&\"");
  EXPECT_EQ(xml.find("<x>"), std::string::npos) << xml;
}

TEST(Autoconfig, FindsTheDomain) {
  struct Case {
    std::string query, host, domain;  // "" = refused
  };
  const Case cases[] = {
      {"emailaddress=alice%40example.org", "x", "example.org"},
      {"a=b&emailaddress=alice@EXAMPLE.org&c=d", "x", "example.org"},
      {"", "autoconfig.example.org", "example.org"},
      {"", "example.org", ""},
      {"emailaddress=%zz", "x", ""},
      {"emailaddress=alice@", "x", ""},
      {"emailaddress=..%2f..%2fetc", "x", ""},
  };
  for (const auto& c : cases) {
    http::Request request;
    request.query = c.query;
    request.host = c.host;
    const auto domain = autoconfig_domain(request);
    EXPECT_EQ(domain ? domain->ascii() : "", c.domain) << c.query << " " << c.host;
  }
}

}  // namespace
}  // namespace postern::web
