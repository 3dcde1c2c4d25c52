// SPDX-License-Identifier: Apache-2.0
// RFC 5321 Mailbox as strangers write it: what is taken, in which form, and what is refused (security.md D15, D16, D81).
#include "mail/address.h"

#include <gtest/gtest.h>

namespace postern::mail {
namespace {

struct Good {
  std::string text;
  std::string local;
  std::string wire;
};

TEST(Address, TakesAndCanonicalises) {
  const Good rows[] = {
      {"alice@example.org", "alice", "alice@example.org"},
      {"Alice.B+tag@EXAMPLE.org", "Alice.B+tag", "Alice.B+tag@example.org"},
      {"!#$%&'*+-/=?^_`{|}~@x.example", "!#$%&'*+-/=?^_`{|}~", "!#$%&'*+-/=?^_`{|}~@x.example"},
      {"user%remote@local.example", "user%remote", "user%remote@local.example"},
      {"host!user@local.example", "host!user", "host!user@local.example"},
      {"\"alice\"@example.org", "alice", "alice@example.org"},
      {"\"a@b\"@example.org", "a@b", "\"a@b\"@example.org"},
      {"\" \"@example.org", " ", "\" \"@example.org"},
      {R"("a\"b\\c"@example.org)", "a\"b\\c", R"("a\"b\\c"@example.org)"},
      {R"("\a\ b"@example.org)", "a b", "\"a b\"@example.org"},
      {"\"a..b\"@example.org", "a..b", "\"a..b\"@example.org"},
      {"a@[192.0.2.1]", "a", "a@[192.0.2.1]"},
      {"a@[IPv6:2001:DB8:0:0::1]", "a", "a@[IPv6:2001:db8::1]"},
      {"a@[ipv6:::ffff:192.0.2.1]", "a", "a@[IPv6:::ffff:192.0.2.1]"},
      {"j\xc3\xb6rg@b\xc3\xbc"
       "cher.example",
       "j\xc3\xb6rg", "j\xc3\xb6rg@xn--bcher-kva.example"},
      {"jo\xcc\x88rg@example.org", "j\xc3\xb6rg", "j\xc3\xb6rg@example.org"},  // composed by NFC
      {std::string(64, 'a') + "@example.org", std::string(64, 'a'), std::string(64, 'a') + "@example.org"},
  };
  for (const auto& row : rows) {
    const auto address = Address::parse(row.text);
    ASSERT_TRUE(address) << row.text << ": " << address.error().text;
    EXPECT_EQ(address->local(), row.local);
    EXPECT_EQ(address->to_string(), row.wire);
    EXPECT_EQ(Address::parse(address->to_string()), address) << row.text;
  }
}

TEST(Address, Refuses) {
  const std::string rows[] = {"",
                              "@",
                              "a",
                              "a@",
                              "@example.org",
                              "<a@example.org>",
                              " a@example.org",
                              "a@example.org ",
                              "a @example.org",
                              "a@ example.org",
                              "a b@example.org",
                              "a@b@c.example",
                              "user@local.example@remote.example",
                              "@relay.example:a@example.org",
                              "@relay.example,@b.example:a@example.org",
                              ".a@example.org",
                              "a.@example.org",
                              "a..b@example.org",
                              "a@example..org",
                              "a@example.org.",
                              "a@.example.org",
                              "a@-example.org",
                              "a@exa_mple.org",
                              "\"\"@example.org",
                              "\"a@example.org",
                              "\"a\"b@example.org",
                              "a\"b\"@example.org",
                              "\"a\"",
                              "\"a\\\"@example.org",
                              "\"\\",
                              "\"",
                              "a(comment)@example.org",
                              "a,b@example.org",
                              "a:b@example.org",
                              "a;b@example.org",
                              "a\\b@example.org",
                              std::string("a\0b@example.org", 15),
                              std::string("\"a\0b\"@example.org", 17),
                              std::string("\"a\\\0\"@example.org", 17),
                              std::string("a@example.org\0", 14),
                              std::string("a@exa\0mple.org", 14),
                              "\"a\rb\"@example.org",
                              "\"a\nb\"@example.org",
                              "a\x7f@example.org",
                              "\"\x01\"@example.org",
                              "a@192.0.2.1",
                              "a@[]",
                              "a@[192.0.2]",
                              "a@[192.0.2.256]",
                              "a@[192.0.2.1",
                              "a@[192.0.2.01]",
                              "a@[2001:db8::1]",
                              "a@[IPv6:]",
                              "a@[IPv6:192.0.2.1]",
                              "a@[IPv6:2001:db8:::1]",
                              "a@[IPv6:fe80::1%eth0]",
                              "a@[x400:abc]",
                              "a@[192.0.2.1]b",
                              "a@[192.0.2.1].example",
                              "\xff@example.org",
                              "a\xc3@example.org",
                              "\xc0\x80@example.org",
                              "\xed\xa0\x80@example.org",
                              "a\xc2\x80@example.org",        // C1 control
                              "a\xc2\x85@example.org",        // NEL
                              "a\xc2\xa0@example.org",        // no-break space
                              "a\xe2\x80\xa8@example.org",    // line separator
                              "a\xe2\x80\xae@example.org",    // right-to-left override
                              "a\xef\xbf\xbf@example.org",    // noncharacter
                              "\"a\\\xc3\xb6\"@example.org",  // backslash before UTF-8
                              std::string(65, 'a') + "@example.org",
                              "\"" + std::string(63, ' ') + "\"@example.org",
                              std::string(100'000, 'a') + "@example.org"};
  for (const auto& text : rows) EXPECT_FALSE(Address::parse(text)) << text;
}

TEST(Address, KeepsTo254Octets) {
  const std::string head = "a@" + std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".";
  EXPECT_TRUE(Address::parse(head + std::string(60, 'd')));
  EXPECT_FALSE(Address::parse(head + std::string(61, 'd')));
}

TEST(Address, CompositionCountsForTheLimit) {
  std::string local;  // 32 times "ö" in two characters: 96 octets given, 64 composed
  for (int i = 0; i < 32; ++i) local += "o\xcc\x88";
  EXPECT_TRUE(Address::parse(local + "@example.org"));
  EXPECT_FALSE(Address::parse(local + "x@example.org"));
}

TEST(Address, CursorStopsAfterTheMailbox) {
  Cursor in("a@example.org> SIZE=1");
  ASSERT_TRUE(Address::parse(in));
  EXPECT_EQ(in.rest(), "> SIZE=1");
  Cursor bad("a@@example.org");
  EXPECT_FALSE(Address::parse(bad));
  EXPECT_EQ(bad.position(), 0U);
}

TEST(Address, EveryCutIsRefusedOrShorter) {
  const std::string text = R"("a\"b c"@[IPv6:2001:db8::1])";
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(Address::parse(text.substr(0, n))) << n;
  EXPECT_TRUE(Address::parse(text));
}

TEST(Address, FoldsForLookup) {
  EXPECT_EQ(Address::parse("Alice@Example.ORG")->lookup_key(), "alice@example.org");
  EXPECT_EQ(Address::parse("J\xc3\x96RG@example.org")->lookup_key(), "j\xc3\xb6rg@example.org");
  EXPECT_EQ(Address::parse("a@[IPv6:2001:DB8::1]")->lookup_key(), "a@[IPv6:2001:db8::1]");
}

TEST(Address, KnowsWhatNeedsSmtputf8) {
  EXPECT_TRUE(Address::parse("j\xc3\xb6rg@example.org")->needs_smtputf8());
  EXPECT_FALSE(Address::parse("joerg@b\xc3\xbc"
                              "cher.example")
                   ->needs_smtputf8());
  EXPECT_EQ(Address::parse("joerg@xn--bcher-kva.example")->to_unicode(),
            "joerg@b\xc3\xbc"
            "cher.example");
}

TEST(ReversePath, ShowsTheNullSender) {
  EXPECT_EQ(to_string(ReversePath{}), "<>");
  EXPECT_EQ(to_string(ReversePath{*Address::parse("a@example.org")}), "<a@example.org>");
}

}  // namespace
}  // namespace postern::mail
