// SPDX-License-Identifier: Apache-2.0
#include "policy/forged_results.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

constexpr std::string_view own = "mail.example.org";

TEST(ForgedResults, ReadsTheId) {
  struct Row {
    std::string_view value, id;
  };
  for (const auto& row : std::initializer_list<Row>{{"mail.example.org; spf=pass", "mail.example.org"},
                                                    {" Mail.Example.ORG 1; none", "mail.example.org"},
                                                    {"(a (b) \\) c) x.example;", "x.example"},
                                                    {"\"mail.example.org\"; none", "mail.example.org"},
                                                    {"\"a\\\"b\";", "a\"b"},
                                                    {"x(comment);", "x"},
                                                    {"", ""},
                                                    {"(unclosed", ""},
                                                    {"(", ""},
                                                    {"(\\", ""},
                                                    {"\"unclosed", "unclosed"},
                                                    {";", ""}}) {
    EXPECT_EQ(authserv_id(row.value), row.id) << row.value;
  }
}

TEST(ForgedResults, RemovesOursAndLeavesTheRest) {
  const std::string header =
      "Authentication-Results: mail.example.org;\r\n\tspf=pass\r\n"
      "Subject: x\r\n"
      "Authentication-Results: other.example; spf=pass\r\n"
      "authentication-results : MAIL.example.org; dkim=pass\r\n"
      "X-Authentication-Results: mail.example.org; kept\r\n"
      "\r\n";
  EXPECT_TRUE(has_forged_results(header, own));
  EXPECT_EQ(remove_forged_results(header, own),
            "Subject: x\r\nAuthentication-Results: other.example; spf=pass\r\n"
            "X-Authentication-Results: mail.example.org; kept\r\n\r\n");
}

// A name with other letters is the same host as its form for DNS.
TEST(ForgedResults, OurNameInAnyForm) {
  for (const char* id :
       {"m\xc3\xbcller.example", "xn--mller-kva.example", "\"XN--Mller-KVA.example\"", "M\xc3\x9cLLER.example"}) {
    EXPECT_TRUE(has_forged_results("Authentication-Results: " + std::string(id) + "; spf=pass\r\n\r\n", "xn--mller-kva.example"))
        << id;
  }
}

TEST(ForgedResults, ChangesNothingElse) {
  for (const char* header : {"", "\r\n", "no field\r\nA: b\r\n\r\n", "A: b", "Authentication-Results:\r\n\r\n"}) {
    EXPECT_FALSE(has_forged_results(header, own));
    EXPECT_EQ(remove_forged_results(header, own), header);
  }
}

}  // namespace
}  // namespace postern::policy
