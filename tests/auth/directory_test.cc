// SPDX-License-Identifier: Apache-2.0
#include "auth/directory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "async/completion.h"
#include "async/executor.h"
#include "async/task_group.h"
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

  void add_alias_domain(std::string name, std::string target) {
    ASSERT_TRUE(run_alone(directory.add_domain(name)));
    const auto set = run_alone(directory.set_domain({std::move(name), std::move(target)}));
    ASSERT_TRUE(set) << set.error().text;
  }
  template <class Change>
  void set(store::AccountId id, Change change) {
    auto row = *directory.account(id);
    change(row);
    const auto done = run_alone(directory.set_account(row));
    ASSERT_TRUE(done) << done.error().text;
  }

  /// "alice@example.org bob@example.org > x@elsewhere", or the error's kind.
  std::string resolved(std::string_view text, const Writer& writer = Writer::house()) const {
    const auto found = directory.resolve(address(text), writer);
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
                           "security@example.org", "Webmaster@example.org", "hostmaster@example.org",
                           "POSTMASTER@b\u00fccher.example", "abuse@xn--bcher-kva.example"}) {
    EXPECT_EQ(resolved(text), "alice@example.org") << text;
  }
  EXPECT_EQ(resolved("root@example.org"), "not_found");
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

TEST_F(DirectoryTest, AnAdminGetsRoleMailThatNobodyClaims) {
  set(bob, [](auto& row) { row.settings["admin"] = "on"; });
  EXPECT_EQ(resolved("postmaster@example.org"), "bob@example.org");
  EXPECT_TRUE(directory.may_send_as(bob, address("abuse@example.org"))) << "to answer";
  EXPECT_FALSE(directory.may_send_as(alice, address("abuse@example.org")));
  set(alice, [](auto& row) { row.settings["admin"] = "on"; });
  EXPECT_EQ(resolved("abuse@example.org"), "alice@example.org bob@example.org");
  set(alice, [](auto& row) { row.enabled = false; });
  EXPECT_EQ(resolved("security@example.org"), "bob@example.org");
  set(bob, [](auto& row) { row.settings.clear(); });
  EXPECT_EQ(resolved("webmaster@example.org"), "bob@example.org") << "the first that is not disabled";
}

TEST_F(DirectoryTest, AliasDomainsMeanTheSameAddresses) {
  add_alias_domain("alias.example", "Example.ORG");
  ASSERT_TRUE(alias("info@example.org", "bob@example.org"));
  ASSERT_TRUE(alias("other@example.org", "info+x@alias.example"));
  for (const auto& [in, out] : {std::pair{"alice@alias.example", "alice@example.org"},
                                {"INFO+tag@ALIAS.example", "bob@example.org"},
                                {"other@alias.example", "bob@example.org"},
                                {"postmaster@alias.example", "alice@example.org"},
                                {"nobody@alias.example", "not_found"}}) {
    EXPECT_EQ(resolved(in), out) << in;
  }
  EXPECT_TRUE(directory.may_send_as(bob, address("info@alias.example")));
  EXPECT_FALSE(directory.may_send_as(alice, address("info@alias.example")));
  EXPECT_FALSE(directory.account("alice@alias.example")) << "a login name is spelt as it was made";
  EXPECT_EQ(alias("new@alias.example", "alice@example.org").error().kind, ErrorKind::conflict);
  EXPECT_EQ(run_alone(directory.add_account("new@alias.example", {})).error().kind, ErrorKind::conflict);
  EXPECT_EQ(run_alone(directory.remove_domain("example.org")).error().kind, ErrorKind::conflict);
}

TEST_F(DirectoryTest, AliasDomainsAreCheckedWhenMade) {
  add_alias_domain("alias.example", "example.org");
  ASSERT_TRUE(run_alone(directory.add_domain("new.example")));
  ASSERT_TRUE(alias("x@b\u00fccher.example", "alice@example.org"));
  const struct {
    store::DomainRow row;
    ErrorKind kind;
  } cases[] = {{{"new.example", "new.example"}, ErrorKind::limit},
               {{"new.example", "alias.example"}, ErrorKind::limit},
               {{"new.example", "elsewhere.example"}, ErrorKind::not_found},
               {{"new.example", "no domain"}, ErrorKind::invalid},
               {{"new.example", "example.org", "alice@example.org"}, ErrorKind::conflict},
               {{"example.org", "new.example"}, ErrorKind::limit},
               {{"b\u00fccher.example", "new.example"}, ErrorKind::conflict},
               {{"unknown.example", ""}, ErrorKind::not_found}};
  for (const auto& [row, kind] : cases) {
    const auto refused = run_alone(directory.set_domain(row));
    ASSERT_FALSE(refused) << row.name << " " << row.alias_of;
    EXPECT_EQ(refused.error().kind, kind) << refused.error().text;
  }
}

TEST_F(DirectoryTest, ACatchAllTakesWhatNobodyElseDoes) {
  ASSERT_TRUE(alias("all@example.org", "bob@example.org"));
  ASSERT_TRUE(run_alone(directory.set_domain({"example.org", "", "All@Example.org"})));
  EXPECT_EQ(resolved("whoever@example.org"), "bob@example.org");
  EXPECT_EQ(resolved("whoever+x@example.org"), "bob@example.org");
  EXPECT_EQ(resolved("alice@example.org"), "alice@example.org");
  EXPECT_EQ(resolved("alice+x@example.org"), "alice@example.org");
  EXPECT_EQ(resolved("postmaster@example.org"), "alice@example.org");
  EXPECT_EQ(resolved("whoever@b\u00fccher.example"), "not_found");
  EXPECT_FALSE(directory.may_send_as(bob, address("whoever@example.org"))) << "no right by itself";
  EXPECT_EQ(alias("typo@example.org", "nobdy@example.org").error().kind, ErrorKind::not_found) << "slips are still found";
  for (const auto& [catch_all, kind] : {std::pair{"nobody@example.org", ErrorKind::not_found},
                                        {"x@elsewhere.example", ErrorKind::not_found},
                                        {"no address", ErrorKind::invalid}}) {
    EXPECT_EQ(run_alone(directory.set_domain({"example.org", "", catch_all})).error().kind, kind) << catch_all;
  }
  ASSERT_TRUE(run_alone(directory.remove_alias("all@example.org", "bob@example.org")));
  EXPECT_EQ(resolved("whoever@example.org"), "not_found") << "its address is gone: it catches nothing, and does not loop";
}

TEST_F(DirectoryTest, DetailsAreKept) {
  ASSERT_TRUE(alias("info@example.org", "alice@example.org"));
  ASSERT_TRUE(alias("lists@example.org", "alice+lists@example.org"));
  for (const auto& [in, out] : {std::pair{"alice@example.org", ""},
                                {"Alice+Shop@example.org", "Shop"},
                                {"alice+a+b@example.org", "a+b"},
                                {"alice+@example.org", ""},
                                {"info+x@example.org", "x"},
                                {"lists@example.org", "lists"},
                                {"lists+y@example.org", "lists"}}) {
    const auto found = directory.resolve(address(in));
    ASSERT_TRUE(found) << in;
    EXPECT_EQ(found->mailboxes.at(0).detail, out) << in;
  }
  set(alice, [](auto& row) { row.settings["plus_addresses"] = "off"; });
  EXPECT_EQ(resolved("alice+shop@example.org"), "not_found");
  EXPECT_EQ(resolved("alice@example.org"), "alice@example.org");
  EXPECT_FALSE(directory.may_send_as(alice, address("alice+shop@example.org")));
}

TEST_F(DirectoryTest, SeparatorsAreConfigured) {
  config::Live live{config::Config{}};
  Directory other(store->accounts(), log, &live);
  ASSERT_TRUE(run_alone(other.load()));
  ASSERT_TRUE(run_alone(other.add_account("jean-luc@example.org", {})));
  const auto login_of = [&](std::string_view text) {
    const auto found = other.resolve(address(text));
    return found ? found->mailboxes.at(0).login + "/" + found->mailboxes.at(0).detail : std::string("none");
  };
  EXPECT_EQ(login_of("alice-shop@example.org"), "none");
  config::Config config;
  config.server.address_separators = "+-";
  live.replace(config);
  EXPECT_EQ(login_of("alice-shop@example.org"), "alice@example.org/shop");
  EXPECT_EQ(login_of("jean-luc@example.org"), "jean-luc@example.org/");
  EXPECT_EQ(login_of("jean-luc-shop+x@example.org"), "jean-luc@example.org/shop+x") << "the longest rest that exists";
  config.server.address_separators = "";
  live.replace(config);
  EXPECT_EQ(login_of("alice+shop@example.org"), "none");
}

TEST_F(DirectoryTest, GroupsHaveAnAddressAndChooseTheirWriters) {
  using Senders = store::GroupRow::Senders;
  const auto carol = run_alone(directory.add_account("carol@example.org", {})).value();
  ASSERT_TRUE(alias("bob@example.org", "copy@elsewhere.example"));
  for (const auto& [name, senders] :
       {std::pair{"all", Senders::anyone}, {"staff", Senders::inside}, {"club", Senders::members}}) {
    const auto made = run_alone(directory.set_group(
        {.name = name, .members = {alice, bob}, .address = std::string(name) + "@Example.org", .senders = senders},
        Directory::Existing::refuse));
    ASSERT_TRUE(made) << made.error().text;
  }
  ASSERT_TRUE(alias("everybody@example.org", "staff@example.org"));
  ASSERT_TRUE(alias("everybody@example.org", "carol@example.org"));
  const std::string both = "alice@example.org bob@example.org> copy@elsewhere.example";
  const auto inside = Writer::logged_in(carol);
  const auto member = Writer::logged_in(alice);
  const struct {
    const char* to;
    Writer writer;
    std::string expected;
  } cases[] = {{"all@example.org", {}, both},
               {"ALL+x@example.org", {}, both},
               {"staff@example.org", {}, "unsupported"},
               {"staff@example.org", inside, both},
               {"staff@example.org", Writer::logged_in(0), both},
               {"club@example.org", {}, "unsupported"},
               {"club@example.org", inside, "unsupported"},
               {"club@example.org", Writer::logged_in(0), "unsupported"},
               {"club@example.org", member, both},
               {"club@example.org", Writer::house(), both},
               {"everybody@example.org", {}, "carol@example.org"},
               {"everybody@example.org", inside, "alice@example.org bob@example.org carol@example.org> copy@elsewhere.example"}};
  for (const auto& c : cases) EXPECT_EQ(resolved(c.to, c.writer), c.expected) << c.to;
  EXPECT_FALSE(directory.may_send_as(alice, address("all@example.org"))) << "membership is no right to send";
  EXPECT_EQ(directory.groups_of(alice), (std::vector<std::string>{"all", "club", "staff"}));
  EXPECT_EQ(directory.access_rules(alice).size(), 4U);
}

TEST_F(DirectoryTest, GroupsAreCheckedWhenMade) {
  using Existing = Directory::Existing;
  ASSERT_TRUE(alias("info@example.org", "alice@example.org"));
  ASSERT_TRUE(run_alone(directory.set_group({.name = "staff", .address = "staff@example.org"}, Existing::refuse)));
  const struct {
    store::GroupRow row;
    Existing existing;
    ErrorKind kind;
  } cases[] = {{{.name = "staff"}, Existing::refuse, ErrorKind::exists},
               {{.name = "others"}, Existing::replace, ErrorKind::not_found},
               {{.name = ""}, Existing::refuse, ErrorKind::invalid},
               {{.name = "two words"}, Existing::refuse, ErrorKind::invalid},
               {{.name = std::string(65, 'x')}, Existing::refuse, ErrorKind::invalid},
               {{.name = "x", .access = {.hours = "never"}}, Existing::refuse, ErrorKind::invalid},
               {{.name = "x", .members = {99}}, Existing::refuse, ErrorKind::not_found},
               {{.name = "x", .address = "alice@example.org"}, Existing::refuse, ErrorKind::exists},
               {{.name = "x", .address = "info@example.org"}, Existing::refuse, ErrorKind::exists},
               {{.name = "x", .address = "STAFF@example.org"}, Existing::refuse, ErrorKind::exists},
               {{.name = "x", .address = "x@elsewhere.example"}, Existing::refuse, ErrorKind::not_found}};
  for (const auto& c : cases) {
    const auto refused = run_alone(directory.set_group(c.row, c.existing));
    ASSERT_FALSE(refused) << c.row.name << " " << c.row.address;
    EXPECT_EQ(refused.error().kind, c.kind) << refused.error().text;
  }
  EXPECT_EQ(alias("staff@example.org", "alice@example.org").error().kind, ErrorKind::exists);
  EXPECT_EQ(run_alone(directory.add_account("staff@example.org", {})).error().kind, ErrorKind::exists);
  ASSERT_TRUE(run_alone(directory.set_group({.name = "staff", .address = "staff@example.org"}, Existing::replace)));
  ASSERT_TRUE(run_alone(directory.remove_group("staff")));
  EXPECT_EQ(run_alone(directory.remove_group("staff")).error().kind, ErrorKind::not_found);
}

TEST_F(DirectoryTest, RightsToSendAreGrantedAndTakenBack) {
  add_alias_domain("alias.example", "b\u00fccher.example");
  EXPECT_EQ(run_alone(directory.add_send_as(alice, "Sales@B\u00fccher.example")).value(), "sales@xn--bcher-kva.example");
  EXPECT_EQ(run_alone(directory.add_send_as(bob, "@Partner.example")).value(), "@partner.example");
  for (const auto* text : {"sales@b\u00fccher.example", "SALES+x@xn--bcher-kva.example", "sales@alias.example"}) {
    EXPECT_EQ(directory.right_to_send(alice, address(text)).value_or(""), "the right to send as sales@xn--bcher-kva.example")
        << text;
  }
  for (const auto* text : {"sale@b\u00fccher.example", "x@partner.example", "sales@example.org"}) {
    EXPECT_FALSE(directory.may_send_as(alice, address(text))) << text;
  }
  for (const auto* text : {"x@partner.example", "\"any body\"@PARTNER.example"})
    EXPECT_TRUE(directory.may_send_as(bob, address(text)));
  for (const auto* text : {"x@sub.partner.example", "x@artner.example"}) EXPECT_FALSE(directory.may_send_as(bob, address(text)));
  EXPECT_EQ(run_alone(directory.add_send_as(alice, "sales@b\u00fccher.example")).error().kind, ErrorKind::exists);
  for (const auto* text : {"", "@", "sales", "sales@", "*@example.org", "@[192.0.2.1]", "@a b"}) {
    const auto refused = run_alone(directory.add_send_as(alice, text));
    if (std::string_view(text) == "*@example.org") continue;  // an address like any other
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid) << text;
  }
  EXPECT_TRUE(run_alone(directory.remove_send_as(bob, "@PARTNER.example")));
  EXPECT_FALSE(directory.may_send_as(bob, address("x@partner.example")));
  EXPECT_EQ(run_alone(directory.remove_send_as(bob, "@partner.example")).error().kind, ErrorKind::not_found);
}

TEST_F(DirectoryTest, DisabledAccountsTakeMailOrNot) {
  set(bob, [](auto& row) { row.enabled = false; });
  EXPECT_FALSE(directory.resolve(address("bob@example.org"))->mailboxes.at(0).takes_mail);
  set(bob, [](auto& row) { row.when_disabled = store::AccountRow::WhenDisabled::accept_mail; });
  EXPECT_TRUE(directory.resolve(address("bob@example.org"))->mailboxes.at(0).takes_mail);
}

TEST_F(DirectoryTest, WrongRulesSettingsAndNamesAreRefused) {
  const auto refused = [&](auto change) {
    auto row = *directory.account(bob);
    change(row);
    return run_alone(directory.set_account(row)).error().kind;
  };
  EXPECT_EQ(refused([](auto& row) { row.settings["colour"] = "blue"; }), ErrorKind::invalid);
  EXPECT_EQ(refused([](auto& row) { row.access.hours = "late"; }), ErrorKind::invalid);
  EXPECT_EQ(refused([](auto& row) { row.access.networks = {"here"}; }), ErrorKind::invalid);
  EXPECT_EQ(refused([](auto& row) { row.name = "two\nlines"; }), ErrorKind::invalid);
  EXPECT_EQ(refused([](auto& row) { row.name = "\xff"; }), ErrorKind::invalid);
  set(bob, [](auto& row) { row.access.hours = "Mon 7-9"; });
  EXPECT_EQ(directory.account(bob)->access.hours, "mon 07:00-09:00");
}

TEST_F(DirectoryTest, ManyAccountsComeTogetherOrNotAtAll) {
  ASSERT_TRUE(run_alone(directory.set_group({.name = "staff", .address = "staff@example.org"}, Directory::Existing::refuse)));
  std::vector<store::NewAccount> rows(3);
  rows[0] = {{.login = "Dora@example.org", .name = "Dora"}, {"D@example.org"}, {"staff"}, {"@Example.org"}};
  rows[1] = {.row = {.login = "d@example.org"}};
  rows[2] = {.row = {.login = "emil@elsewhere.example"}};
  auto copy = rows;
  const auto against = directory.objections(copy);
  EXPECT_FALSE(against[0]);
  EXPECT_EQ(against[1]->text, "d@example.org is given to two accounts");
  EXPECT_EQ(against[1]->column, "login");
  EXPECT_TRUE(against[2]->text.starts_with("elsewhere.example is not a domain")) << against[2]->text;
  EXPECT_EQ(run_alone(directory.add_accounts(rows)).error().text, "2: d@example.org is given to two accounts");
  EXPECT_FALSE(directory.account("dora@example.org"));
  rows[1].row.login = "emil@example.org";
  rows[1].groups = {"club"};
  EXPECT_FALSE(run_alone(directory.add_accounts(rows)));
  rows[1].groups = {"staff"};
  rows.pop_back();
  ASSERT_EQ(run_alone(directory.add_accounts(rows)).value().size(), 2U);
  EXPECT_EQ(resolved("d+x@example.org"), "dora@example.org");
  EXPECT_EQ(resolved("staff@example.org"), "dora@example.org emil@example.org");
  EXPECT_TRUE(directory.may_send_as(directory.account("dora@example.org")->id, address("any@example.org")));
}

TEST_F(DirectoryTest, ExplainsItselfStepByStep) {
  add_alias_domain("alias.example", "example.org");
  ASSERT_TRUE(run_alone(
      directory.set_group({.name = "staff", .members = {alice}, .address = "staff@example.org"}, Directory::Existing::refuse)));
  ASSERT_TRUE(alias("team@example.org", "staff@example.org"));
  ASSERT_TRUE(alias("team@example.org", "x@elsewhere.example"));
  set(alice, [](auto& row) { row.enabled = false; });
  std::string text;
  const auto explained = directory.explain(address("team+q@alias.example"), {});
  for (const auto& step : explained.steps)
    text += fmt::format("{}{}: {}\n", std::string(step.depth, ' '), step.address, step.text);
  EXPECT_EQ(text,
            "team+q@alias.example: alias.example is an alias of example.org\n"
            "team+q@example.org: no address of its own: it means team@example.org with the detail \"q\"\n"
            " team@example.org: 2 targets\n"
            "  staff@example.org: group staff with 1 members\n"
            "   alice@example.org: an account, disabled; its mail is refused\n"
            " x@elsewhere.example: an address elsewhere: mail is forwarded\n");
  EXPECT_EQ(explained.end->mailboxes.at(0).detail, "q");
  EXPECT_EQ(directory.explain(address("nobody@example.org"), {}).steps.at(0).text, "there is no such address");
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
  async::Task<Result<std::vector<store::AccountId>>> add_accounts(std::vector<store::NewAccount>) override {
    co_return std::vector<store::AccountId>();
  }
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
