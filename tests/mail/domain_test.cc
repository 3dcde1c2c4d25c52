// SPDX-License-Identifier: Apache-2.0
// One canonical form for every spelling; everything that is no host name refused (security.md D81).
#include "mail/domain.h"

#include <gtest/gtest.h>

namespace postern::mail {
namespace {

TEST(Domain, HasOneCanonicalForm) {
  const std::pair<std::string, std::string> rows[] = {
      {"example.org", "example.org"},
      {"EXAMPLE.Org", "example.org"},
      {"localhost", "localhost"},
      {"a-b.c1.example", "a-b.c1.example"},
      {"r3---sn.example", "r3---sn.example"},
      {"b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {"B\xc3\x9c"
       "CHER.example",
       "xn--bcher-kva.example"},
      {"bu\xcc\x88"
       "cher.example",
       "xn--bcher-kva.example"},  // decomposed
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"stra\xc3\x9f"
       "e.example",
       "xn--strae-oqa.example"},  // non-transitional: not strasse
      {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
      {"example\xe3\x80\x82org", "example.org"},  // ideographic full stop
      {"1.example", "1.example"},
      {std::string(63, 'a') + ".example", std::string(63, 'a') + ".example"},
  };
  for (const auto& [text, ascii] : rows) {
    const auto domain = Domain::parse(text);
    ASSERT_TRUE(domain) << text << ": " << domain.error().text;
    EXPECT_EQ(domain->ascii(), ascii);
  }
}

TEST(Domain, RefusesWhatIsNoHostName) {
  const std::string rows[] = {"",
                              ".",
                              "a.",
                              ".a",
                              "a..b",
                              "-a.example",
                              "a-.example",
                              "a_b.example",
                              "a b.example",
                              "a\tb",
                              "192.0.2.1",
                              "1",
                              "a.1",
                              "[192.0.2.1]",
                              "a/b",
                              "a@b",
                              "a:25",
                              std::string("a\0b.example", 11),
                              std::string(64, 'a') + ".example",
                              "xn--\xc3\xbc.example",
                              "xn--a.example",
                              "xn--.example",
                              "\xff.example",
                              "a\xc3.example",
                              "a\xe2\x80\xae.example",     // right-to-left override
                              "\xef\xbc\x91\xef\xbc\x92",  // fullwidth digits map to a number
                              "example.org\xe3\x80\x82",   // ends in a full stop after mapping
                              "a\xe2\x88\x95"
                              "b.example",  // division slash
                              "\xd7\x90"
                              "a.example",  // mixed directions
                              std::string(5000, '\xc3'),
                              std::string(10000, 'a')};
  for (const auto& text : rows) EXPECT_FALSE(Domain::parse(text)) << text;
}

TEST(Domain, KeepsTo253Octets) {
  std::string name;
  for (int i = 0; i < 3; ++i) name += std::string(63, 'a') + ".";
  EXPECT_TRUE(Domain::parse(name + std::string(61, 'b')));
  EXPECT_FALSE(Domain::parse(name + std::string(62, 'b')));
  EXPECT_FALSE(Domain::parse(name + std::string(60, 'b') + "\xc3\xbc"));
}

TEST(Domain, ShowsItselfToPeople) {
  EXPECT_EQ(Domain::parse("xn--bcher-kva.example")->unicode(),
            "b\xc3\xbc"
            "cher.example");
  EXPECT_EQ(Domain::parse("example.org")->unicode(), "example.org");
  EXPECT_TRUE(Domain::parse("b\xc3\xbc"
                            "cher.example")
                  ->is_international());
  EXPECT_FALSE(Domain::parse("example.org")->is_international());
}

}  // namespace
}  // namespace postern::mail
