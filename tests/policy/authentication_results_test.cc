// SPDX-License-Identifier: Apache-2.0
#include "policy/authentication_results.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

// RFC 8601 Appendix B
TEST(AuthenticationResults, ReadsTheExamplesOfTheRfc) {
  EXPECT_TRUE(read_results(" example.org 1; none").empty());
  auto results = read_results(" example.com;\r\n spf=pass smtp.mailfrom=example.net");
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].method, "spf");
  EXPECT_EQ(results[0].result, "pass");
  EXPECT_EQ(results[0].property("smtp.mailfrom"), "example.net");
  results =
      read_results(" example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net");
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].property("smtp.auth"), "sender@example.net");
  results = read_results(
      " example.com;\r\n dkim=pass reason=\"good signature\"\r\n header.i=@mail-router.example.net;\r\n"
      " dkim=fail reason=\"bad signature\" header.i=@newyork.example.com");
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[1].reason, "bad signature");
  EXPECT_EQ(results[1].property("header.i"), "@newyork.example.com");
  results = read_results(
      " foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
      " policy (A dot can go here) . (like that) expired");
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].method, "dkim");
  EXPECT_EQ(results[0].result, "fail");
}

TEST(AuthenticationResults, ReadingMalformedTextEnds) {
  for (const std::string& text : {std::string(), std::string(";"), std::string("a;;b=c"), std::string("a; b"),
                                  std::string("a; =c"), std::string("a; b=\"unclosed"), std::string("a; b=c (unclosed"),
                                  std::string(100'000, '('), "a" + std::string(100'000, ';')}) {
    EXPECT_LE(read_results(text).size(), results_max);
  }
  EXPECT_TRUE(read_results("a; x= .y=z").empty()) << "a method without a result";
  std::string many = "a";
  for (int i = 0; i < 1000; ++i) many += "; x=y";
  EXPECT_EQ(read_results(many).size(), results_max);
}

TEST(AuthenticationResults, Writes) {
  EXPECT_EQ(write_results("mx.example.org", {}), "Authentication-Results: mx.example.org; none\r\n");
  MethodResult spf{"spf", "fail", "-all", "", {{"smtp.mailfrom", "a@b.example"}, {"smtp.x", ""}}};
  MethodResult dkim{"dkim", "pass", "", "", {{"header.d", "b.example"}, {"header.b", "a/b+c="}, {"header.i", "@b.example"}}};
  EXPECT_EQ(write_results("mx.example.org", {spf, dkim}),
            "Authentication-Results: mx.example.org;\r\n\tspf=fail (-all) smtp.mailfrom=a@b.example;\r\n"
            "\tdkim=pass header.d=b.example header.b=\"a/b+c=\" header.i=@b.example\r\n");
}

// RFC 5322 §2.1.1
TEST(AuthenticationResults, FoldsBeforeALineIsTooLong) {
  constexpr std::size_t longest = 78;
  for (std::size_t size = 30; size < 60; ++size) {
    const MethodResult one{"dkim", "pass", "", "", {{"header.d", std::string(size, 'd')}, {"header.s", "selector"}}};
    const auto field = write_results("mx.example.org", {one, one});
    std::size_t fullest = 0;
    for (std::size_t begin = 0; begin < field.size();) {
      const auto end = field.find("\r\n", begin);
      fullest = std::max(fullest, end - begin);
      begin = end + 2;
    }
    EXPECT_LE(fullest, longest) << field;
    // "\tdkim=pass header.d=" and " header.s=selector;" stand on one line as long as they fit.
    EXPECT_EQ(field.contains("d header.s"), 20 + size + 19 <= longest) << size << field;
  }
}

TEST(AuthenticationResults, WhatAPeerSaidStaysInItsPlace) {
  for (const std::string& hostile :
       {std::string("a\r\nFrom: x@y.example"), std::string("a; dmarc=pass"), std::string("\"; dmarc=pass"), std::string("a\\"),
        std::string("(a) ) dmarc=pass"), std::string("\xff\xfe\0x", 4), std::string(5000, 'x'), std::string("a@b;c=d@e")}) {
    const MethodResult one{"spf", "fail", hostile, hostile, {{"smtp.mailfrom", hostile}}};
    const auto field = write_results("mx.example.org", {one});
    EXPECT_TRUE(field.ends_with("\r\n"));
    for (auto end = field.find("\r\n"); end + 2 < field.size(); end = field.find("\r\n", end + 2)) {
      EXPECT_EQ(field[end + 2], '\t') << field;
    }
    const auto again = read_results(field.substr(field.find(':') + 1));
    ASSERT_EQ(again.size(), 1U) << field;
    EXPECT_EQ(again[0].method, "spf");
    EXPECT_EQ(again[0].properties.size(), 1U) << field;
  }
}

}  // namespace
}  // namespace postern::policy
