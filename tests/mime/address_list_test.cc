// SPDX-License-Identifier: Apache-2.0
// Address lists: RFC 5322's own examples, what occurs outside of it, and what attackers send.
#include "mime/address_list.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

/// "name|route|local|host" for each entry, "{name" and "}" for groups, "!" in front when damaged.
std::string show(std::string_view value) {
  const AddressList list = parse_address_list(value);
  std::string out = list.damaged ? "!" : "";
  for (const AddressEntry& entry : list.entries) {
    if (!out.empty() && out != "!") out += ' ';
    switch (entry.kind) {
      case AddressEntry::Kind::group_begin: out += '{' + entry.name; break;
      case AddressEntry::Kind::group_end: out += '}'; break;
      case AddressEntry::Kind::mailbox: out += entry.name + '|' + entry.route + '|' + entry.local + '|' + entry.host; break;
    }
  }
  return out;
}

TEST(AddressList, ReadsEveryForm) {
  struct Case {
    std::string_view value, shown;
  };
  const Case cases[] = {
      {"", ""},
      {"a@b.example", "||a|b.example"},
      {"John Doe <jdoe@machine.example>", "John Doe||jdoe|machine.example"},
      {"\"Joe Q. Public\" <john.q.public@example.com>, Mary Smith <mary@x.test>",
       "Joe Q. Public||john.q.public|example.com Mary Smith||mary|x.test"},
      {"Who? <one@y.test>, <boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
       "Who?||one|y.test ||boss|nil.test Giant; \"Big\" Box||sysservices|example.net"},
      {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
       "{A Group Ed Jones||c|a.test ||joe|where.test John||jdoe|one.test }"},
      {"Undisclosed recipients:;", "{Undisclosed recipients }"},
      {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete||pete|silly.test"},
      {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org;",
       "{A Group Chris Jones||c|public.example ||joe|example.org }"},
      {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public||john.q.public|example.com"},
      {"Mary Smith <@node.test,@hop.test:mary@example.net>, , jdoe@test  . example",
       "Mary Smith|@node.test,@hop.test|mary|example.net ||jdoe|test.example"},
      {"\"john doe\"@x.test", "||john doe|x.test"},
      {"a.b . c@x.test", "||a.b.c|x.test"},
      {"a@[192.0.2.1]", "||a|[192.0.2.1]"},
      {"a@[IPv6:2001:db8::1]", "||a|[IPv6:2001:db8::1]"},
      {"a@x.test (Full Name)", "Full Name||a|x.test"},
      {"=?utf-8?Q?J=C3=B6rg?= <j@x.test>", "=?utf-8?Q?J=C3=B6rg?=||j|x.test"},
      {"[list] Name <a@x.test>", "[list] Name||a|x.test"},
      {"g1: a@b.c;, d@e.f", "{g1 ||a|b.c } ||d|e.f"},
      // broken ones
      {"alice", "!||alice|"},
      {"alice bob, c@d.e", "!||alice bob| ||c|d.e"},
      {"<>", "!|||"},
      {"a@", "!||a|"},
      {"@b.c", "!|||b.c"},
      {"a@b@c", "!||a|b"},
      {"a b@c.d", "!||ab|c.d"},
      {"Name <a@b.c", "!Name||a|b.c"},
      {"Name <a@b.c> junk, d@e.f", "!Name||a|b.c ||d|e.f"},
      {"\"never closed <a@b.c>", "!||never closed <a@b.c>|"},
      {"(never closed <a@b.c>", "!"},
      {"a@b.c (ends in backslash \\", "!ends in backslash \\||a|b.c"},
      {"g: a@b.c", "!{g ||a|b.c }"},
      {"g: h: a@b.c;", "!{g } {h ||a|b.c }"},
      {";;;>>>)))", "!"},
      {"a@[1.2.3.4", "!||a|[1.2.3.4]"},
      {"a@b..c", "!||a|b..c"},
      {"a@b.c; d@e.f", "!||a|b.c ||d|e.f"},
  };
  for (const Case& one : cases) EXPECT_EQ(show(one.value), one.shown) << one.value;
}

TEST(AddressList, NamesAreDecodedAndHarmless) {
  const auto list = parse_address_list("=?utf-8?Q?J=C3=B6rg_=0D=0AX=3A?= =?utf-8?B?w7Y=?= <j@x.test>");
  ASSERT_EQ(list.entries.size(), 1u);
  EXPECT_EQ(list.entries[0].display_name(), "J\xc3\xb6rg   X:\xc3\xb6");
}

TEST(AddressList, GivesAddressesOnlyForMailboxes) {
  const auto list = parse_address_list("g: \"john doe\"@x.test, alice, a..b@x.test;");
  ASSERT_EQ(list.entries.size(), 5u);
  EXPECT_FALSE(list.entries[0].address());
  const auto address = list.entries[1].address();
  ASSERT_TRUE(address);
  EXPECT_EQ(address->local(), "john doe");
  EXPECT_FALSE(list.entries[2].address());
  EXPECT_EQ(list.mailboxes(), 3u);
  EXPECT_EQ(list.first_mailbox(), &list.entries[1]);
  EXPECT_TRUE(list.has_group);
}

TEST(AddressList, StopsAtItsLimit) {
  std::string many;
  for (std::size_t i = 0; i <= max_addresses; ++i) many += "a@b,";
  const auto list = parse_address_list(many);
  EXPECT_EQ(list.mailboxes(), max_addresses);
  EXPECT_TRUE(list.truncated);
}

}  // namespace
}  // namespace postern::mime
