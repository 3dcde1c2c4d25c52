// SPDX-License-Identifier: Apache-2.0
#include "auth/index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace postern::auth {
namespace {

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

/// Tables that the checks would not let in: a restored backup may hold them.
store::AccountTable table(std::vector<store::AddressRow> addresses) {
  return {.domains = {{"example.org"}}, .accounts = {{.id = 1, .login = "alice@example.org"}}, .addresses = std::move(addresses)};
}

TEST(IndexTest, StoredLoopsEnd) {
  const Index index(table(
      {{"a@example.org", 0, "b@example.org"}, {"b@example.org", 0, "a+x@example.org"}, {"s@example.org", 0, "s@example.org"}}));
  for (const auto* text : {"a@example.org", "b@example.org", "s@example.org"}) {
    EXPECT_EQ(index.resolve(address(text)).error().kind, ErrorKind::limit) << text;
  }
}

TEST(IndexTest, ChainsAndTargetsAreBounded) {
  std::vector<store::AddressRow> rows;
  for (int i = 0; i < 30; ++i) rows.push_back({fmt::format("c{}@example.org", i), 0, fmt::format("c{}@example.org", i + 1)});
  rows.push_back({"c30@example.org", 1, ""});
  for (int i = 0; i < 1001; ++i) rows.push_back({"wide@example.org", 0, fmt::format("x{}@elsewhere.example", i)});
  const Index index(table(std::move(rows)));
  EXPECT_TRUE(index.resolve(address("c21@example.org")));
  EXPECT_EQ(index.resolve(address("c0@example.org")).error().kind, ErrorKind::limit);
  EXPECT_EQ(index.resolve(address("wide@example.org")).error().kind, ErrorKind::limit);
}

TEST(IndexTest, LongListsAreWhole) {
  store::AccountTable all{.domains = {{"example.org"}}};
  store::GroupRow staff{.name = "staff", .address = "staff@example.org"};
  for (store::AccountId id = 1; id <= 1000; ++id) {
    const auto login = fmt::format("u{}@example.org", id);
    all.accounts.push_back({.id = id, .login = login});
    all.addresses.push_back({login, id, ""});
    all.addresses.push_back({"list@example.org", id, ""});
    staff.members.push_back(id);
  }
  all.groups.push_back(staff);
  const Index index(std::move(all));
  for (const auto* text : {"staff@example.org", "list@example.org"}) {
    EXPECT_EQ(index.resolve(address(text)).value().accounts.size(), 1000U) << text;
  }
}

TEST(IndexTest, AliasDomainsInACircleEnd) {
  const Index index({.domains = {{"a.example", "b.example"}, {"b.example", "a.example"}, {"c.example", "gone.example"}}});
  EXPECT_EQ(index.resolve(address("x@a.example")).error().kind, ErrorKind::limit);
  EXPECT_EQ(index.resolve(address("x@c.example")).error().kind, ErrorKind::not_found);
  EXPECT_FALSE(index.right_to_send(1, address("x@a.example")));
}

TEST(IndexTest, DiamondsDeliverOnceAndDanglingRowsNowhere) {
  const Index index(table({{"top@example.org", 0, "l@example.org"},
                           {"top@example.org", 0, "r@example.org"},
                           {"l@example.org", 1, ""},
                           {"r@example.org", 1, ""},
                           {"gone@example.org", 77, ""},
                           {"broken@example.org", 0, "not an address"}}));
  EXPECT_EQ(index.resolve(address("top@example.org")).value().accounts.size(), 1U);
  EXPECT_EQ(index.resolve(address("gone@example.org")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(index.resolve(address("broken@example.org")).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace postern::auth
