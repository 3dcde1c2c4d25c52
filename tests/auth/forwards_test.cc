// SPDX-License-Identifier: Apache-2.0
// What accounts forward: where it goes, what stays, what is refused.
#include <gtest/gtest.h>

#include "async/executor.h"
#include "auth/account_settings.h"
#include "auth/directory.h"
#include "config/way_out.h"
#include "store/memory/memory.h"

namespace postern::auth {
namespace {

using async::run_alone;

struct ForwardsTest : ::testing::Test {
  FakeClock clock;
  Log log{LogLevel::off, null_sink()};
  std::unique_ptr<store::memory::MemoryStore> store = store::memory::make(clock);
  config::Live live{config::Config()};
  Directory directory{store->accounts(), log, &live};

  ForwardsTest() {
    run_alone(directory.load()).value();
    run_alone(directory.add_domain("example.org")).value();
    for (const auto* login : {"alice@example.org", "bob@example.org", "carol@example.org"}) {
      run_alone(directory.add_account(login, {})).value();
    }
  }
  Result<> forward(std::string_view login, std::string to, std::string copy = "") {
    auto row = directory.account(login).value();
    row.settings["forward_to"] = std::move(to);
    row.settings["forward_copy"] = std::move(copy);
    return run_alone(directory.set_account(row));
  }
  void forbid(std::string_view pattern) {
    auto config = *live.get();
    config.way_out->forwarding.forbid_for = {config::RouteDomain::parse(pattern).value()};
    live.replace(std::move(config));
  }
  std::string resolved(std::string_view text) const {
    const auto found = directory.resolve(mail::Address::parse(text).value());
    if (!found) return std::string(to_string(found.error().kind));
    std::string out;
    for (const auto& one : found->mailboxes) out += (out.empty() ? "" : " ") + one.login;
    for (const auto& one : found->forwards) out += "> " + one.to().to_string();
    return out;
  }
};

TEST_F(ForwardsTest, ACopyStaysUnlessTheAccountWantsNone) {
  ASSERT_TRUE(forward("alice@example.org", "alice@elsewhere.example, Second@Elsewhere.example"));
  EXPECT_EQ(resolved("alice@example.org"), "alice@example.org> alice@elsewhere.example> Second@elsewhere.example");
  ASSERT_TRUE(forward("alice@example.org", "alice@elsewhere.example", "off"));
  EXPECT_EQ(resolved("alice+shop@example.org"), "> alice@elsewhere.example");
  ASSERT_TRUE(forward("alice@example.org", "bob@example.org", "off"));
  EXPECT_EQ(resolved("alice@example.org"), "bob@example.org");
  ASSERT_TRUE(forward("alice@example.org", ""));
  EXPECT_EQ(resolved("alice@example.org"), "alice@example.org");
}

TEST_F(ForwardsTest, AliasesGroupsAndRolesLeadThere) {
  ASSERT_TRUE(forward("alice@example.org", "alice@elsewhere.example", "off"));
  ASSERT_TRUE(run_alone(directory.add_alias("info@example.org", "alice@example.org")));
  EXPECT_EQ(resolved("info@example.org"), "> alice@elsewhere.example");
  EXPECT_EQ(resolved("postmaster@example.org"), "> alice@elsewhere.example");
  const auto alice = directory.account("alice@example.org")->id;
  const auto bob = directory.account("bob@example.org")->id;
  ASSERT_TRUE(run_alone(directory.set_group({.name = "staff", .members = {alice, bob}, .address = "staff@example.org"},
                                            Directory::Existing::refuse)));
  EXPECT_EQ(resolved("staff@example.org"), "bob@example.org> alice@elsewhere.example");
}

TEST_F(ForwardsTest, WhoForwardsEverythingStillSendsAsHimself) {
  ASSERT_TRUE(forward("alice@example.org", "bob@example.org", "off"));
  const auto own = mail::Address::parse("alice@example.org").value();
  EXPECT_TRUE(directory.may_send_as(directory.account("alice@example.org")->id, own));
  EXPECT_FALSE(directory.may_send_as(directory.account("bob@example.org")->id, own)) << "a forward is no right to send";
}

TEST_F(ForwardsTest, LoopsAndStrangeTargetsAreRefused) {
  ASSERT_TRUE(forward("alice@example.org", "bob@example.org"));
  ASSERT_TRUE(run_alone(directory.add_alias("all@example.org", "carol@example.org")));
  struct Row {
    const char* login;
    const char* to;
    ErrorKind kind;
  };
  for (const auto& row :
       {Row{"bob@example.org", "alice@example.org", ErrorKind::limit},
        Row{"bob@example.org", "bob@example.org", ErrorKind::limit},
        Row{"bob@example.org", "bob+x@example.org", ErrorKind::limit},
        Row{"carol@example.org", "all@example.org", ErrorKind::limit},
        Row{"bob@example.org", "nobody@example.org", ErrorKind::not_found},
        Row{"bob@example.org", "no address", ErrorKind::invalid}, Row{"bob@example.org", "x@[192.0.2.1]", ErrorKind::invalid},
        Row{"bob@example.org", "\"odd name\"@elsewhere.example", ErrorKind::invalid},
        Row{"bob@example.org",
            "a@x.example b@x.example c@x.example d@x.example e@x.example f@x.example g@x.example "
            "h@x.example i@x.example j@x.example k@x.example",
            ErrorKind::limit}}) {
    const auto refused = forward(row.login, row.to);
    ASSERT_FALSE(refused) << row.to;
    EXPECT_EQ(refused.error().kind, row.kind) << row.to << ": " << refused.error().text;
  }
  EXPECT_EQ(resolved("bob@example.org"), "bob@example.org");
}

TEST_F(ForwardsTest, TheAdminForbidsIt) {
  ASSERT_TRUE(forward("alice@example.org", "alice@elsewhere.example", "off"));
  ASSERT_TRUE(run_alone(directory.add_alias("away@example.org", "x@elsewhere.example")));
  forbid("example.org");
  EXPECT_EQ(resolved("alice@example.org"), "alice@example.org") << "what may not go on stays, whatever the account wants";
  EXPECT_EQ(resolved("away@example.org"), "unsupported");
  const auto refused = forward("bob@example.org", "bob@elsewhere.example");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("forbid_for"), std::string::npos) << refused.error().text;
  EXPECT_FALSE(run_alone(directory.add_alias("more@example.org", "y@elsewhere.example")));
  EXPECT_TRUE(forward("bob@example.org", "carol@example.org")) << "inside it goes on";
  forbid(".example.org");
  EXPECT_EQ(resolved("alice@example.org"), "> alice@elsewhere.example");
}

TEST_F(ForwardsTest, ADisabledAccountForwardsNothing) {
  ASSERT_TRUE(forward("alice@example.org", "alice@elsewhere.example", "off"));
  auto row = directory.account("alice@example.org").value();
  row.enabled = false;
  ASSERT_TRUE(run_alone(directory.set_account(row)));
  EXPECT_EQ(resolved("alice@example.org"), "alice@example.org");
}

}  // namespace
}  // namespace postern::auth
