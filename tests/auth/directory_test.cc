// SPDX-License-Identifier: Apache-2.0
#include "auth/directory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "async/completion.h"
#include "async/executor.h"
#include "async/task_group.h"
#include "auth/index.h"
#include "store/memory/memory.h"

namespace postern::auth {
namespace {

using async::run_alone;

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

struct DirectoryTest : ::testing::Test {
  FakeClock clock;
  Log log{LogLevel::off, null_sink()};
  std::unique_ptr<store::memory::MemoryStore> store = store::memory::make(clock);
  Directory directory{store->accounts(), log};
  store::AccountId alice = 0, bob = 0;

  DirectoryTest() {
    run_alone(directory.load()).value();
    run_alone(directory.add_domain("Example.ORG")).value();
    run_alone(directory.add_domain("b\u00fccher.example")).value();
    alice = run_alone(directory.add_account("Alice@example.org", {})).value();
    bob = run_alone(directory.add_account("bob@example.org", {})).value();
  }
  Result<> alias(std::string from, std::string to) { return run_alone(directory.add_alias(std::move(from), std::move(to))); }

  /// "alice@example.org bob@example.org > x@elsewhere", or the error's kind.
  std::string resolved(std::string_view text) const {
    const auto found = directory.resolve(address(text));
    if (!found) return std::string(to_string(found.error().kind));
    std::string out;
    for (const auto& one : found->mailboxes) out += (out.empty() ? "" : " ") + one.login;
    for (const auto& one : found->forwards) out += "> " + one.to().to_string();
    return out;
  }
};

TEST_F(DirectoryTest, ResolvesNamesAndAliases) {
  ASSERT_TRUE(alias("info@example.org", "alice@example.org"));
  ASSERT_TRUE(alias("team@example.org", "info@example.org"));
  ASSERT_TRUE(alias("team@example.org", "bob@example.org"));
  ASSERT_TRUE(alias("away@example.org", "x@elsewhere.example"));
  ASSERT_TRUE(alias("bob@example.org", "copy@elsewhere.example"));
  ASSERT_TRUE(alias("bob+exact@example.org", "alice@example.org"));
  ASSERT_TRUE(alias("info@b\u00fccher.example", "team@example.org"));
  ASSERT_TRUE(alias("tagged@example.org", "alice+lists@example.org"));
  const std::pair<const char*, const char*> cases[] = {
      {"alice@example.org", "alice@example.org"},
      {"ALICE@EXAMPLE.org", "alice@example.org"},
      {"\"alice\"@example.org", "alice@example.org"},
      {"info@example.org", "alice@example.org"},
      {"team@example.org", "alice@example.org bob@example.org> copy@elsewhere.example"},
      {"away@example.org", "> x@elsewhere.example"},
      {"bob@example.org", "bob@example.org> copy@elsewhere.example"},
      {"info@xn--bcher-kva.example", "alice@example.org bob@example.org> copy@elsewhere.example"},
      {"tagged@example.org", "alice@example.org"},
      // subaddresses: exact first, then without the tag
      {"alice+shop@example.org", "alice@example.org"},
      {"alice+a+b@example.org", "alice@example.org"},
      {"alice+@example.org", "alice@example.org"},
      {"info+x@example.org", "alice@example.org"},
      {"bob+exact@example.org", "alice@example.org"},
      {"+alice@example.org", "not_found"},
      {"nobody+x@example.org", "not_found"},
      {"nobody@example.org", "not_found"},
      {"alice@elsewhere.example", "denied"},
      {"alice@sub.example.org", "denied"},
      {"alice@[192.0.2.1]", "denied"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(resolved(in), out) << in;
}

// RFC 5321 §4.5.1, RFC 2142
TEST_F(DirectoryTest, PostmasterAndAbuseAlwaysResolve) {
  for (const auto* text : {"postmaster@example.org", "Postmaster@example.org", "abuse@example.org", "postmaster+x@example.org",
                           "POSTMASTER@b\u00fccher.example", "abuse@xn--bcher-kva.example"}) {
    EXPECT_EQ(resolved(text), "alice@example.org") << text;
  }
  EXPECT_EQ(resolved("hostmaster@example.org"), "not_found");
  EXPECT_EQ(resolved("postmaster@elsewhere.example"), "denied");
  ASSERT_TRUE(alias("postmaster@example.org", "bob@example.org"));
  EXPECT_EQ(resolved("postmaster@example.org"), "bob@example.org");
}

TEST_F(DirectoryTest, PostmasterNeedsAnAccount) {
  const auto empty = store::memory::make(clock);
  Directory fresh(empty->accounts(), log);
  ASSERT_TRUE(run_alone(fresh.load()));
  ASSERT_TRUE(run_alone(fresh.add_domain("example.org")));
  EXPECT_EQ(fresh.resolve(address("postmaster@example.org")).error().kind, ErrorKind::not_found);
}

TEST_F(DirectoryTest, LoopsAreRefusedWhenMade) {
  EXPECT_EQ(alias("a@example.org", "a@example.org").error().kind, ErrorKind::limit);
  ASSERT_TRUE(alias("a@example.org", "alice@example.org"));
  ASSERT_TRUE(alias("b@example.org", "a@example.org"));
  ASSERT_TRUE(alias("c@example.org", "b@example.org"));
  EXPECT_EQ(alias("a@example.org", "c@example.org").error().kind, ErrorKind::limit);
  EXPECT_EQ(alias("a@example.org", "c+tag@example.org").error().kind, ErrorKind::limit);
  EXPECT_EQ(alias("A@Example.org", "B@Example.org").error().kind, ErrorKind::limit);
  EXPECT_EQ(alias("alice@example.org", "c@example.org").error().kind, ErrorKind::limit);
  ASSERT_TRUE(alias("bob@example.org", "c@example.org"));
  EXPECT_EQ(alias("a@example.org", "bob@example.org").error().kind, ErrorKind::limit);
}

TEST_F(DirectoryTest, AliasesAreCheckedWhenMade) {
  EXPECT_EQ(alias("x@example.org", "nobody@example.org").error().kind, ErrorKind::not_found);
  EXPECT_EQ(alias("x@elsewhere.example", "alice@example.org").error().kind, ErrorKind::not_found);
  EXPECT_EQ(alias("no address", "alice@example.org").error().kind, ErrorKind::invalid);
  EXPECT_EQ(alias("x@example.org", "a@b@c").error().kind, ErrorKind::invalid);
  ASSERT_TRUE(alias("x@example.org", "alice@example.org"));
  EXPECT_EQ(alias("x@example.org", "ALICE@example.org").error().kind, ErrorKind::exists);
}

TEST_F(DirectoryTest, AliasesGoAgain) {
  ASSERT_TRUE(alias("x@example.org", "Y@elsewhere.example"));
  ASSERT_TRUE(alias("x@example.org", "alice@example.org"));
  EXPECT_TRUE(run_alone(directory.remove_alias("X@example.org", "Y@elsewhere.example")));
  EXPECT_EQ(resolved("x@example.org"), "alice@example.org");
  EXPECT_EQ(run_alone(directory.remove_alias("x@example.org", "bob@example.org")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_alone(directory.remove_alias("alice@example.org", "alice@example.org")).error().kind, ErrorKind::denied);
}

TEST_F(DirectoryTest, LoginsInAnySpelling) {
  for (const auto* text : {"alice@example.org", "Alice@Example.ORG", "ALICE@EXAMPLE.ORG"}) {
    ASSERT_TRUE(directory.account(text)) << text;
    EXPECT_EQ(directory.account(text)->id, alice);
  }
  for (const auto* text :
       {"", "alice", "alice@", "nobody@example.org", "alice+x@example.org", "alice@example.org ", "alice@elsewhere.example"}) {
    EXPECT_FALSE(directory.account(text)) << text;
  }
  EXPECT_EQ(directory.account(bob)->login, "bob@example.org");
  EXPECT_FALSE(directory.account(store::AccountId{99}));
}

TEST_F(DirectoryTest, SendersAreTheirOwnAddresses) {
  ASSERT_TRUE(alias("info@example.org", "alice@example.org"));
  ASSERT_TRUE(alias("team@example.org", "info@example.org"));
  ASSERT_TRUE(alias("away@example.org", "alice@elsewhere.example"));
  for (const auto* text : {"alice@example.org", "Alice+tag@example.org", "info@example.org", "team@example.org"}) {
    EXPECT_TRUE(directory.may_send_as(alice, address(text))) << text;
    EXPECT_FALSE(directory.may_send_as(bob, address(text))) << text;
  }
  for (const auto* text :
       {"bob@example.org", "nobody@example.org", "alice@elsewhere.example", "away@example.org", "alice@[192.0.2.1]"}) {
    EXPECT_FALSE(directory.may_send_as(alice, address(text))) << text;
  }
}

TEST_F(DirectoryTest, AccountsAreCheckedWhenMade) {
  const std::pair<const char*, ErrorKind> cases[] = {{"alice@example.org", ErrorKind::exists},
                                                     {"ALICE@example.org", ErrorKind::exists},
                                                     {"x@elsewhere.example", ErrorKind::not_found},
                                                     {"no address", ErrorKind::invalid}};
  for (const auto& [login, kind] : cases) EXPECT_EQ(run_alone(directory.add_account(login, {})).error().kind, kind) << login;
  ASSERT_TRUE(alias("info@example.org", "alice@example.org"));
  EXPECT_EQ(run_alone(directory.add_account("info@example.org", {})).error().kind, ErrorKind::exists);
}

TEST_F(DirectoryTest, ChangesAreVisibleAtOnce) {
  auto row = *directory.account(bob);
  row.login = "other@example.org";
  row.name = "Robert";
  ASSERT_TRUE(run_alone(directory.set_account(row)));
  EXPECT_EQ(directory.account(bob)->name, "Robert");
  EXPECT_EQ(directory.account(bob)->login, "bob@example.org") << "logins do not change";
  ASSERT_TRUE(run_alone(directory.remove_account("BOB@example.org")));
  EXPECT_EQ(resolved("bob@example.org"), "not_found");
  EXPECT_EQ(run_alone(directory.remove_account("bob@example.org")).error().kind, ErrorKind::not_found);
}

TEST_F(DirectoryTest, DomainsComeAndGo) {
  EXPECT_TRUE(directory.is_local(mail::Domain::parse("EXAMPLE.org").value()));
  EXPECT_FALSE(directory.is_local(mail::Domain::parse("example.net").value()));
  EXPECT_EQ(run_alone(directory.add_domain("not a domain")).error().kind, ErrorKind::invalid);
  EXPECT_EQ(run_alone(directory.add_domain("example.org")).error().kind, ErrorKind::exists);
  EXPECT_EQ(run_alone(directory.remove_domain("example.org")).error().kind, ErrorKind::conflict);
  EXPECT_TRUE(run_alone(directory.remove_domain("B\u00dcCHER.example")));
  EXPECT_EQ(directory.table()->domains.size(), 1U);
}

TEST_F(DirectoryTest, AFailingStoreChangesNothing) {
  store->fail_writes(Error{ErrorKind::no_space, "full"});
  EXPECT_EQ(alias("x@example.org", "alice@example.org").error().kind, ErrorKind::no_space);
  EXPECT_EQ(resolved("x@example.org"), "not_found");
}

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
  for (int i = 0; i < 101; ++i) rows.push_back({"wide@example.org", 0, fmt::format("x{}@elsewhere.example", i)});
  const Index index(table(std::move(rows)));
  EXPECT_TRUE(index.resolve(address("c21@example.org")));
  EXPECT_EQ(index.resolve(address("c0@example.org")).error().kind, ErrorKind::limit);
  EXPECT_EQ(index.resolve(address("wide@example.org")).error().kind, ErrorKind::limit);
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

/// Answers load() when the test says so, with the next of its tables.
struct SlowAccounts final : store::Accounts {
  async::Task<Result<store::AccountTable>> load() override {
    auto [promise, future] = async::make_promise<Result<store::AccountTable>>();
    asked.push_back(std::move(promise));
    co_return co_await std::move(future).get();
  }
  void answer(std::size_t which, std::string domain) {
    store::AccountTable table;
    table.domains.push_back({std::move(domain)});
    asked.at(which).set(std::move(table));
  }
  async::Task<Result<>> add_domain(store::DomainRow) override { co_return Result<>(); }
  async::Task<Result<>> remove_domain(std::string) override { co_return Result<>(); }
  async::Task<Result<store::AccountId>> add_account(store::AccountRow) override { co_return store::AccountId(1); }
  async::Task<Result<>> set_account(store::AccountRow) override { co_return Result<>(); }
  async::Task<Result<>> remove_account(store::AccountId) override { co_return Result<>(); }
  async::Task<Result<>> add_address(store::AddressRow) override { co_return Result<>(); }
  async::Task<Result<>> remove_address(store::AddressRow) override { co_return Result<>(); }
  async::Task<Result<>> set_domain(store::DomainRow) override { co_return Result<>(); }
  async::Task<Result<>> set_group(store::GroupRow) override { co_return Result<>(); }
  async::Task<Result<>> remove_group(std::string) override { co_return Result<>(); }
  async::Task<Result<>> add_send_as(store::SendAsRow) override { co_return Result<>(); }
  async::Task<Result<>> remove_send_as(store::SendAsRow) override { co_return Result<>(); }
  async::Task<Result<std::vector<store::QuotaNotice>>> quota_notices() override { co_return std::vector<store::QuotaNotice>(); }
  async::Task<Result<>> set_quota_notice(store::QuotaNotice) override { co_return Result<>(); }

  std::vector<async::Promise<Result<store::AccountTable>>> asked;
};

async::Task<> reload(Directory& directory) { (co_await directory.load()).value(); }

TEST(DirectoryReload, AnOlderTableDoesNotReplaceANewerOne) {
  Log log{LogLevel::off, null_sink()};
  SlowAccounts accounts;
  Directory directory(accounts, log);
  async::Runtime runtime(1);
  async::TaskGroup tasks(log, "test");
  tasks.spawn(runtime.executor(0), reload(directory));
  tasks.spawn(runtime.executor(0), reload(directory));
  async::post(runtime.executor(0), [&accounts] {
    accounts.answer(1, "new.example");
    accounts.answer(0, "old.example");
  });
  runtime.start();
  ASSERT_TRUE(tasks.join(std::chrono::seconds(20)));
  EXPECT_TRUE(directory.is_local(mail::Domain::parse("new.example").value()));
}

}  // namespace
}  // namespace postern::auth
