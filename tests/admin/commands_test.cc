// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "tests/admin/house.h"

namespace postern::admin {
namespace {

struct Case {
  const char* command;
  const char* arguments;
  const char* expected;  ///< the whole answer, or with … at its end the beginning of it
};

struct Commands : AdminHouse {
  void expect_answers(std::span<const Case> cases) {
    for (const auto& c : cases) {
      std::string expected = c.expected;
      auto answer = text(c.command, c.arguments);
      if (const auto cut = expected.find("…"); cut != std::string::npos) {
        expected.resize(cut);
        answer.resize(std::min(answer.size(), cut));
      }
      EXPECT_EQ(answer, expected) << c.command << " " << c.arguments;
    }
  }
};

TEST_F(Commands, AnswerEachRequestExactly) {
  enqueue("carol@example.net");
  const Case cases[] = {
      {"domain.add", R"({"name":"example.org"})", "{}"},
      {"domain.add", R"({"name":"Example.ORG"})", "exists: …"},
      {"domain.add", R"({"name":"ex ample"})", "invalid: ex ample is not a domain name: …"},
      {"domain.add", R"({"name":7})", "invalid: name is missing"},
      {"domain.add", "{}", "invalid: name is missing"},
      {"domain.list", "{}", R"({"domains":[{"name":"example.org"…)"},
      {"account.add", R"({"login":"alice@example.org","password":"long enough"})", R"({"id":1,"login":"alice@example.org"})"},
      {"account.add", R"({"login":"alice@example.org"})", "exists: alice@example.org exists already…"},
      {"account.add", R"({"login":"eve@elsewhere.net"})", "not_found: elsewhere.net is not a domain of this server…"},
      {"account.add", R"({"login":"no address"})", "invalid: no address is not an address…"},
      {"account.add", R"({"login":""})", "invalid: login is missing"},
      {"account.add", R"({"login":"x@example.org","quota_bytes":-1})", "invalid: quota_bytes must be a number of at least 0"},
      {"account.add", R"({"login":"x@example.org","quota_messages":"many"})", "invalid: quota_messages must be a number …"},
      {"account.add", R"({"login":"weak@example.org","password":"short"})", "invalid: Too short: the gate says no."},
      {"account.set", R"({"login":"alice@example.org","name":"Alice","quota_bytes":10,"enabled":false})", "{}"},
      {"account.set", R"({"login":"nobody@example.org"})",
       "not_found: there is no account nobody@example.org; `postern account …"},
      {"account.list", "{}",
       R"({"accounts":[{"id":1,"login":"alice@example.org","name":"Alice","enabled":false,"quota_bytes":10,…)"},
      {"account.password", R"({"login":"alice@example.org","password":"short"})", "invalid: Too short…"},
      {"account.password", R"({"login":"ALICE@example.org","password":"another one"})", R"({"login":"alice@example.org"})"},
      {"alias.add", R"({"alias":"info@example.org","target":"alice@example.org"})", "{}"},
      {"alias.add", R"({"alias":"info@example.org"})", "invalid: target is missing"},
      {"alias.add", R"({"alias":"info@example.org","target":"nobody@example.org"})", "not_found: nobody@example.org…"},
      {"alias.list", "{}", R"({"aliases":[{"alias":"info@example.org","target":"alice@example.org"}]})"},
      {"alias.remove", R"({"alias":"info@example.org","target":"carol@example.net"})", "not_found: …"},
      {"domain.remove", R"({"name":"example.org"})", "conflict: …"},
      {"domain.remove", R"({"name":"example.com"})", "not_found: …"},
      {"domain.set", R"({"name":"example.com"})", "not_found: there is no domain example.com; …"},
      {"domain.set", R"({"name":"Example.org","quota_bytes":-1})", "invalid: quota_bytes …"},
      {"domain.set", R"({"name":"Example.org","quota_bytes":1000,"account_quota_messages":7})", "{}"},
      {"domain.list", "{}", R"({"domains":[{"name":"example.org","alias_of":"","catch_all":"","quota_bytes":1000…)"},
      {"alias.remove", R"({"alias":"info@example.org","target":"alice@example.org"})", "{}"},
      {"account.remove", R"({"login":"alice@example.org"})", "{}"},
      {"account.remove", R"({"login":"alice@example.org"})", "not_found: there is no account alice@example.org…"},
      {"domain.remove", R"({"name":"example.org"})", "{}"},
      {"queue.retry", "{}", "invalid: say which: an id, --domain, --sender, --recipient, --error or --all"},
      {"queue.retry", R"({"id":99})", "not_found: no queue entry 99; `postern queue list` shows all"},
      {"queue.retry", R"({"id":"1"})", "invalid: id must be a number of at least 0"},
      {"queue.show", "{}", "invalid: id is missing"},
      {"queue.show", R"({"id":99})", "not_found: no queue entry 99…"},
      {"queue.hold", R"({"domain":"example.net"})", R"({"recipients":1})"},
      {"queue.release", R"({"sender":"alice@example.org"})", R"({"recipients":1})"},
      {"queue.hold", R"({"domain":"nowhere.example"})", R"({"recipients":0})"},
      {"queue.remove", R"({"all":true})", R"({"recipients":1})"},
      {"rm -rf", "{}", "unsupported: there is no command rm -rf"},
  };
  expect_answers(cases);
}

TEST_F(Commands, PasswordsAreJudgedOrMade) {
  text("domain.add", R"({"name":"example.org"})");
  text("account.add", R"({"login":"alice@example.org","password":"another one"})");
  const Case cases[] = {
      {"account.password", R"({"login":"alice@example.org","password":"rather long"})",
       R"({"login":"alice@example.org","advice":"Accepted. It could be longer."})"},
      {"account.password", R"({"login":"alice@example.org","words":6})",
       R"({"login":"alice@example.org","password":"generated-password-of-6"})"},
      {"account.password", R"({"login":"alice@example.org","app_style":true})",
       R"({"login":"alice@example.org","password":"generated-password-of-0"})"},
      {"account.password", R"({"login":"alice@example.org","words":3})", "invalid: a generated password has 4 to 12 words…"},
      {"account.password", R"({"login":"alice@example.org","words":5,"app_style":true})", "invalid: say words or app_style…"},
      {"account.password", R"({"login":"alice@example.org","password":"a further one","old_password":"wrong"})",
       "denied: The old password is wrong."},
      {"account.password", R"({"login":"alice@example.org","password":"a further one","old_password":"generated-password-of-0"})",
       R"({"login":"alice@example.org"})"},
      {"account.judge", "{}", "invalid: wishes is missing"},
      {"account.judge", R"({"wishes":[7]})", "invalid: wishes must be objects"},
      {"account.judge", R"({"wishes":[{"login":"alice@example.org"}]})", "invalid: password is missing"},
      {"account.judge",
       R"({"wishes":[{"login":"new@example.org","password":"short"},{"login":"alice@example.org","password":"long enough now"}]})",
       R"({"judgements":[{"login":"new@example.org","accepted":false,"weakness":"too_short","text":"Too short: the gate says no."},)"
       R"({"login":"alice@example.org","accepted":true}]})"},
      {"account.weak", "{}", R"({"accounts":[],"now":1800000000})"},
  };
  expect_answers(cases);
}

TEST_F(Commands, RefusedPasswordLeavesNoAccount) {
  text("domain.add", R"({"name":"example.org"})");
  EXPECT_FALSE(run("account.add", R"({"login":"weak@example.org","password":"short"})"));
  EXPECT_FALSE(directory_.account("weak@example.org"));
}

TEST_F(Commands, WeakPasswordsAreListedUntilTheyChange) {
  text("domain.add", R"({"name":"example.org"})");
  const auto id = run("account.add", R"({"login":"alice@example.org"})")->at("id").to_number<mail::AccountId>();
  auto& credentials = store_->credentials();
  const auto credential = loop_.run(credentials.set_password({.account = id, .sealed = "old"})).value();
  ASSERT_TRUE(loop_.run(credentials.flag_weak({id, credential, "common", 1'700'000'000})));
  EXPECT_EQ(text("account.weak"), R"({"accounts":[{"login":"alice@example.org","weakness":"common",)"
                                  R"("text":"on lists of passwords attackers try first","since":1700000000}],"now":1800000000})");
  ASSERT_TRUE(loop_.run(credentials.set_password({.account = id, .sealed = "new"})));
  EXPECT_EQ(text("account.weak"), R"({"accounts":[],"now":1800000000})");
}

TEST_F(Commands, GeneratedPasswordIsToldOnceAndSet) {
  text("domain.add", R"({"name":"example.org"})");
  const auto answer = run("account.add", R"({"login":"alice@example.org"})");
  ASSERT_TRUE(answer);
  const auto account = answer->at("id").to_number<mail::AccountId>();
  EXPECT_EQ(std::string(answer->at("password").as_string()), auth_.passwords[account]);
  EXPECT_GE(auth_.passwords[account].size(), 15U);
}

TEST_F(Commands, NewAccountHasTheConfiguredQuota) {
  config::Config config;
  config.quota.default_bytes = 1000;
  config.quota.default_messages = 10;
  live_.replace(config);
  text("domain.add", R"({"name":"example.org"})");
  text("account.add", R"({"login":"alice@example.org","quota_messages":5})");
  EXPECT_EQ(directory_.account("alice@example.org")->quota_bytes, 1000U);
  EXPECT_EQ(directory_.account("alice@example.org")->quota_messages, 5U);
}

TEST_F(Commands, QueueEntryIsShownWithItsHeaderOnly) {
  const auto id = enqueue("carol@example.net");
  const auto answer = run("queue.show", fmt::format(R"({{"id":{}}})", id));
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::string(answer->at("header").as_string()), "Subject: lunch\r\nX-Two: 2");
  EXPECT_EQ(std::string(answer->at("recipients").as_array().at(0).at("state").as_string()), "waiting");
}

TEST_F(Commands, FullDiskIsToldAsSuch) {
  store_->fail_writes(Error{ErrorKind::no_space, "the disk is full"});
  EXPECT_EQ(text("domain.add", R"({"name":"example.org"})"), "no_space: the disk is full");
}

}  // namespace
}  // namespace postern::admin
