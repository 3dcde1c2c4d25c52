// SPDX-License-Identifier: Apache-2.0
#include "tests/store/conformance.h"

namespace postern::store::test {

class AccountsTest : public Conformance {
 protected:
  Accounts& accounts() { return store_->accounts(); }
  Credentials& credentials() { return store_->credentials(); }
};

TEST_P(AccountsTest, LoadGivesEverything) {
  must(accounts().add_address({"info@example.org", alice_, ""}));
  must(accounts().add_address({"info@example.org", 0, "away@elsewhere.example"}));
  const auto table = must(accounts().load());
  ASSERT_EQ(table.accounts.size(), 2u);
  EXPECT_EQ(table.domains, (std::vector<DomainRow>{{"example.org"}}));
  EXPECT_EQ(table.accounts[0].login, "alice@example.org");
  EXPECT_TRUE(table.accounts[0].enabled);
  EXPECT_EQ(table.addresses, (std::vector<AddressRow>{{"alice@example.org", alice_, ""},
                                                      {"bob@example.org", bob_, ""},
                                                      {"info@example.org", 0, "away@elsewhere.example"},
                                                      {"info@example.org", alice_, ""}}));
}

TEST_P(AccountsTest, DomainsStayWhileTheyAreUsed) {
  EXPECT_EQ(error_of(accounts().add_domain({"example.org"})), ErrorKind::exists);
  EXPECT_EQ(error_of(accounts().remove_domain("example.org")), ErrorKind::conflict);
  EXPECT_EQ(error_of(accounts().remove_domain("other.org")), ErrorKind::not_found);
  must(accounts().add_domain({"other.org"}));
  must(accounts().add_address({"x@other.org", alice_, ""}));
  EXPECT_EQ(error_of(accounts().remove_domain("other.org")), ErrorKind::conflict);
  must(accounts().remove_address({"x@other.org", alice_, ""}));
  must(accounts().remove_domain("other.org"));
}

TEST_P(AccountsTest, AddressesAreUniqueByTarget) {
  EXPECT_EQ(error_of(accounts().add_address({"alice@example.org", alice_, ""})), ErrorKind::exists);
  EXPECT_EQ(error_of(accounts().add_address({"x@example.org", 999, ""})), ErrorKind::not_found);
  EXPECT_EQ(error_of(accounts().remove_address({"x@example.org", alice_, ""})), ErrorKind::not_found);
}

TEST_P(AccountsTest, SettingsChangeLoginDoesNot) {
  must(accounts().set_account({alice_, "mallory@example.org", "Alice", false, 100, 5}));
  const auto row = must(accounts().load()).accounts.at(0);
  EXPECT_EQ(row, (AccountRow{alice_, "alice@example.org", "Alice", false, 100, 5}));
  EXPECT_EQ(store_->quota(alice_).limit_bytes, 100u);
  EXPECT_EQ(error_of(accounts().set_account({999, "", "", true, 0, 0})), ErrorKind::not_found);
  EXPECT_EQ(error_of(accounts().add_account({0, "alice@example.org", "", true, 0, 0})), ErrorKind::exists);
}

TEST_P(AccountsTest, RemovalTakesMailboxesAndMessages) {
  fill(inbox(), 3);
  const auto watch = must(alice().open(inbox()));
  must(accounts().remove_account(alice_));
  EXPECT_EQ(error_of(accounts().remove_account(alice_)), ErrorKind::not_found);
  EXPECT_EQ(error_of(alice().list()), ErrorKind::not_found);
  EXPECT_EQ(watch->latest(), nullptr);
  EXPECT_EQ(error_of(store_->accept(acceptance("m", {{alice_, "INBOX", "", 0}}))), ErrorKind::not_found);
  EXPECT_EQ(store_->quota(alice_).used_messages, 0u);
  const auto table = must(accounts().load());
  EXPECT_EQ(table.accounts.size(), 1u);
  EXPECT_EQ(table.addresses.size(), 1u);
  EXPECT_GT(add_account(*store_, "alice@example.org"), bob_);
}

TEST_P(AccountsTest, CredentialsRoundTrip) {
  const CredentialRow row{0, alice_, "app", "phone", std::string("\0sealed\xff", 8), 42};
  const CredentialId id = must(credentials().add(row));
  CredentialRow expected = row;
  expected.id = id;
  EXPECT_EQ(must(credentials().get(alice_)), (std::vector<CredentialRow>{expected}));
  EXPECT_EQ(credentials().get_now(alice_).value().rows, (std::vector<CredentialRow>{expected}));
  EXPECT_TRUE(must(credentials().get(bob_)).empty());
  EXPECT_EQ(error_of(credentials().remove(bob_, id)), ErrorKind::not_found);
  must(credentials().remove(alice_, id));
  EXPECT_TRUE(must(credentials().get(alice_)).empty());
}

TEST_P(AccountsTest, ANewPasswordRemembersTheOldOnes) {
  must(credentials().add({0, alice_, "app", "phone", "app", 1}));
  for (const char* sealed : {"one", "two", "three"}) must(credentials().set_password({0, alice_, "password", "", sealed, 1}));
  const auto rows = must(credentials().get(alice_));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].sealed, "three");
  EXPECT_EQ(must(credentials().history(alice_, 10)), (std::vector<std::string>{"two", "one"}));
  EXPECT_EQ(must(credentials().history(alice_, 1)), (std::vector<std::string>{"two"}));
  must(credentials().add({0, bob_, "password", "", "b", 1}));
  EXPECT_EQ(must(credentials().owners()), (std::vector<AccountId>{alice_, bob_}));
  must(credentials().remove_all(alice_));
  EXPECT_TRUE(must(credentials().history(alice_, 10)).empty());
  EXPECT_EQ(must(credentials().owners()), (std::vector<AccountId>{bob_}));
}

TEST_P(AccountsTest, ADomainKeepsItsSettings) {
  must(accounts().add_domain({"alias.org", "example.org"}));
  const DomainRow row{"example.org", "", "all@example.org", {1000, 10}, {500, 5}};
  must(accounts().set_domain(row));
  EXPECT_EQ(must(accounts().load()).domains, (std::vector<DomainRow>{{"alias.org", "example.org"}, row}));
  EXPECT_EQ(error_of(accounts().set_domain({"other.org"})), ErrorKind::not_found);
  EXPECT_EQ(error_of(accounts().remove_domain("example.org")), ErrorKind::conflict);
}

TEST_P(AccountsTest, AccountsKeepTheirRules) {
  AccountRow row = must(accounts().load()).accounts.at(0);
  row.when_disabled = AccountRow::WhenDisabled::accept_mail;
  row.access = {AccessRules::imap, {"192.0.2.0/24", "2001:db8::/32"}, "mon-fri 07:00-19:00"};
  row.settings = {{"login_mail", "off"}};
  must(accounts().set_account(row));
  EXPECT_EQ(must(accounts().load()).accounts.at(0), row);
}

TEST_P(AccountsTest, GroupsAndSendAs) {
  const GroupRow staff{"staff",
                       {AccessRules::imap | AccessRules::submission, {}, ""},
                       {alice_, bob_},
                       "all@example.org",
                       GroupRow::Senders::members};
  must(accounts().set_group(staff));
  must(accounts().add_send_as({bob_, "info@example.org"}));
  EXPECT_EQ(error_of(accounts().add_send_as({bob_, "info@example.org"})), ErrorKind::exists);
  EXPECT_EQ(error_of(accounts().add_send_as({999, "info@example.org"})), ErrorKind::not_found);
  EXPECT_EQ(error_of(accounts().set_group({"x", {}, {999}})), ErrorKind::not_found);
  auto table = must(accounts().load());
  EXPECT_EQ(table.groups, std::vector<GroupRow>{staff});
  EXPECT_EQ(table.send_as, (std::vector<SendAsRow>{{bob_, "info@example.org"}}));
  must(accounts().set_group({"staff", {}, {bob_}}));
  must(accounts().remove_account(bob_));
  table = must(accounts().load());
  EXPECT_EQ(table.groups, (std::vector<GroupRow>{{"staff", {}, {}}}));
  EXPECT_TRUE(table.send_as.empty());
  must(accounts().remove_group("staff"));
  EXPECT_EQ(error_of(accounts().remove_group("staff")), ErrorKind::not_found);
  EXPECT_EQ(error_of(accounts().remove_send_as({alice_, "x@example.org"})), ErrorKind::not_found);
}

TEST_P(AccountsTest, ADomainWithAGroupsAddressStays) {
  must(accounts().add_domain({"lists.example"}));
  must(accounts().set_group({.name = "staff", .address = "staff@lists.example"}));
  EXPECT_EQ(error_of(accounts().remove_domain("lists.example")), ErrorKind::conflict);
  must(accounts().set_group({.name = "staff"}));
  must(accounts().remove_domain("lists.example"));
}

TEST_P(AccountsTest, ManyAccountsAreMadeTogetherOrNotAtAll) {
  must(accounts().set_group({.name = "staff", .members = {alice_}}));
  const auto before = must(accounts().load());
  const NewAccount dora{{.login = "dora@example.org"}, {"d@example.org"}, {"staff"}, {"@example.org"}};
  for (const auto& bad : {NewAccount{{.login = "alice@example.org"}}, NewAccount{{.login = "emil@example.org"}, {}, {"nobody"}},
                          NewAccount{{.login = "emil@example.org"}, {"e@example.org", "e@example.org"}}}) {
    EXPECT_NE(error_of(accounts().add_accounts({dora, bad})), ErrorKind::internal);
    const auto after = must(accounts().load());
    EXPECT_EQ(after.accounts, before.accounts);
    EXPECT_EQ(after.addresses, before.addresses);
    EXPECT_EQ(after.groups, before.groups);
    EXPECT_EQ(after.send_as, before.send_as);
  }
  const auto ids = must(accounts().add_accounts({dora, {{.login = "emil@example.org"}}}));
  ASSERT_EQ(ids.size(), 2u);
  const auto table = must(accounts().load());
  EXPECT_EQ(table.groups.at(0).members, (std::vector<AccountId>{alice_, ids[0]}));
  EXPECT_EQ(table.send_as, (std::vector<SendAsRow>{{ids[0], "@example.org"}}));
  EXPECT_EQ(table.accounts.size(), before.accounts.size() + 2);
  EXPECT_EQ(table.addresses.size(), before.addresses.size() + 3);
}

TEST_P(AccountsTest, ADomainsQuotaIsForAllItsAccounts) {
  must(accounts().set_domain({"example.org", "", "", {1000, 0}, {}}));
  must(store_->accept(acceptance(std::string(600, 'a'), {{alice_, "INBOX", "", 0}})));
  EXPECT_EQ(store_->domain_quota("example.org").used_bytes, 600u);
  EXPECT_EQ(error_of(store_->accept(acceptance(std::string(600, 'b'), {{bob_, "INBOX", "", 0}}))), ErrorKind::over_quota);
  EXPECT_EQ(error_of(store_->accept(acceptance(std::string(300, 'b'), {{alice_, "INBOX", "", 0}, {bob_, "INBOX", "", 0}}))),
            ErrorKind::over_quota);
  EXPECT_FALSE(store_->hold(bob_, 401));
  auto held = store_->hold(bob_, 400);
  EXPECT_TRUE(held);
  EXPECT_FALSE(store_->hold(alice_, 1));
  must(store_->accept(acceptance(std::string(400, 'b'), {{bob_, "INBOX", "", 0}})));
  EXPECT_EQ(store_->domain_quota("example.org").used_bytes, 1000u);
  must(accounts().remove_account(alice_));
  EXPECT_EQ(store_->domain_quota("example.org").used_bytes, 400u);
  EXPECT_EQ(store_->domain_quota("example.org").used_messages, 1u);
}

TEST_P(AccountsTest, QuotaNoticesAreRemembered) {
  must(accounts().set_quota_notice({alice_, "", 80}));
  must(accounts().set_quota_notice({0, "example.org", 95}));
  must(accounts().set_quota_notice({alice_, "", 95}));
  auto notices = must(accounts().quota_notices());
  EXPECT_EQ(notices.size(), 2u);
  EXPECT_NE(std::find(notices.begin(), notices.end(), QuotaNotice{alice_, "", 95}), notices.end());
  must(accounts().set_quota_notice({0, "example.org", 0}));
  must(accounts().remove_account(alice_));
  EXPECT_TRUE(must(accounts().quota_notices()).empty());
}

POSTERN_CONFORMANCE(AccountsTest);

}  // namespace postern::store::test
