// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <gtest/gtest.h>

namespace postern::http {
namespace {

TEST(Url, Parses) {
  const auto url = parse_url("https://MTA-STS.Example.org/.well-known/mta-sts.txt?x=1").value();
  EXPECT_TRUE(url.https);
  EXPECT_EQ(url.host, "mta-sts.example.org");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.target, "/.well-known/mta-sts.txt?x=1");
  EXPECT_EQ(parse_url("http://[::1]:8080").value().host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:8080").value().port, 8080);
  EXPECT_EQ(parse_url("http://a").value().port, 80);
  EXPECT_EQ(parse_url("http://a?q").value().target, "/?q");
}

TEST(Url, Rejects) {
  for (const std::string text : {"", "/path", "ftp://a/", "https:///x", "https://user@a/", "https://a/#f", "https://a:99999/",
                                 "https://a b/", "https://a/\r\nX: y", "file:///etc/passwd"})
    EXPECT_FALSE(parse_url(text)) << text;
  EXPECT_FALSE(parse_url("https://a/" + std::string(3000, 'x')));
}

}  // namespace
}  // namespace postern::http
