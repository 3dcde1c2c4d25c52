// SPDX-License-Identifier: Apache-2.0
// app_password.*, account.mail_login, account.logins and the hash of another server, as the control socket sees them.
#include "admin/cli/time.h"
#include "tests/admin/house.h"

namespace postern::admin {
namespace {

struct CredentialCommands : AdminHouse {
  void SetUp() override {
    text("domain.add", R"({"name":"example.org"})");
    text("account.add", R"({"login":"alice@example.org","password":"long enough"})");
  }
  std::string add(const std::string& more) { return text("app_password.add", R"({"login":"alice@example.org",)" + more + "}"); }
};

TEST_F(CredentialCommands, AnAppPasswordIsToldOnce) {
  const auto answer = run("app_password.add", R"({"login":"alice@example.org","label":"phone","protocols":["imap","smtp"]})");
  ASSERT_TRUE(answer) << answer.error().text;
  const std::string password(answer->at("password").as_string());
  EXPECT_EQ(password.size(), 23U);
  const auto listed = text("app_password.list", R"({"login":"alice@example.org"})");
  EXPECT_EQ(listed.find(password), std::string::npos);
  EXPECT_NE(listed.find(R"("label":"phone","created":1800000000,"protocols":["imap","smtp"],"networks":[],"expires":0)"),
            std::string::npos)
      << listed;
  EXPECT_EQ(text("app_password.revoke", R"({"login":"alice@example.org","label":"phone"})"),
            R"({"login":"alice@example.org","label":"phone","sessions":0})");
  EXPECT_EQ(text("app_password.revoke", R"({"login":"alice@example.org","label":"phone"})"),
            "not_found: there is no app password phone of alice@example.org; `postern account app-password list "
            "alice@example.org` shows all");
}

TEST_F(CredentialCommands, SayWhatIsWrong) {
  EXPECT_EQ(add(R"("label":7)"), "invalid: label is missing");
  EXPECT_EQ(add(R"("label":"x","protocols":"imap")"), "invalid: protocols must be a list of texts");
  EXPECT_EQ(add(R"("label":"x","networks":[7])"), "invalid: networks must be a list of texts");
  EXPECT_EQ(add(R"("label":"x","protocols":["ftp"])"), "invalid: ftp is no protocol of ours; name imap, pop3 or smtp");
  EXPECT_EQ(add(R"("label":"x","expires":-1)"), "invalid: expires must be a number of at least 0");
  EXPECT_EQ(text("app_password.add", R"({"login":"bob@example.org","label":"x"})"),
            "not_found: there is no account bob@example.org; `postern account list` shows all");
  EXPECT_EQ(text("account.mail_login", R"({"login":"alice@example.org","mail_login":"none"})"),
            "invalid: mail login is \"any\" or \"app-passwords-only\"");
  EXPECT_EQ(text("account.logins", R"({"since":"yesterday"})"), "invalid: since must be a number of at least 0");
}

TEST_F(CredentialCommands, MailLoginIsShownWhereAppPasswordsAre) {
  EXPECT_EQ(text("account.mail_login", R"({"login":"alice@example.org","mail_login":"app-passwords-only"})"),
            R"({"login":"alice@example.org","mail_login":"app-passwords-only","app_passwords":0})");
  const auto listed = text("app_password.list", R"({"login":"alice@example.org"})");
  EXPECT_NE(listed.find(R"("mail_login":"app-passwords-only")"), std::string::npos) << listed;
  EXPECT_EQ(text("account.mail_login", R"({"login":"alice@example.org","mail_login":"any"})"),
            R"({"login":"alice@example.org","mail_login":"any","app_passwords":0})");
}

TEST_F(CredentialCommands, AHashOfAnotherServerIsTakenOrRefusedWithTheReason) {
  EXPECT_EQ(
      text("account.password", R"({"login":"alice@example.org","hash":"{PLAIN}secret"})").find("unsupported: a hash begins"), 0U);
  EXPECT_EQ(
      text("account.password",
           R"({"login":"alice@example.org","hash":"{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuBDGJSkhgQxwt0BxInPAjrO10hnTo08m"})"),
      R"({"login":"alice@example.org"})");
}

TEST_F(CredentialCommands, LoginsAreListedNewestFirst) {
  const auto login = [&](std::string_view password) {
    return loop_.run(front_.service->login({auth::Protocol::imap, "192.0.2.7", true, {}}, "alice@example.org", Secret(password)))
        .login.has_value();
  };
  const auto made = run("app_password.add", R"({"login":"alice@example.org","label":"phone"})");
  EXPECT_TRUE(login(made->at("password").as_string()));
  EXPECT_FALSE(login("wrong"));
  EXPECT_EQ(text("account.logins", R"({"login":"alice@example.org"})"),
            R"({"now":1800000000,"logins":[)"
            R"({"at":1800000000,"account":"alice@example.org","protocol":"imap","ip":"192.0.2.7","credential":"",)"
            R"("mechanism":"password","outcome":"bad_credentials","reason":"wrong password"},)"
            R"({"at":1800000000,"account":"alice@example.org","protocol":"imap","ip":"192.0.2.7","credential":"phone",)"
            R"("mechanism":"password","outcome":"success","reason":""}]})");
  EXPECT_EQ(run("account.logins", R"({"failed":true})")->at("logins").as_array().size(), 1U);
  EXPECT_EQ(run("account.logins", R"({"most":1})")->at("logins").as_array().size(), 1U);
  EXPECT_TRUE(run("account.logins", R"({"since":1900000000})")->at("logins").as_array().empty());
}

TEST_F(CredentialCommands, WhoIsDisabledOrRemovedIsOut) {
  const auto made = run("app_password.add", R"({"login":"alice@example.org","label":"phone"})");
  const Secret password(std::string_view(made->at("password").as_string()));
  const auto login = [&] {
    return loop_.run(front_.service->login({auth::Protocol::imap, "192.0.2.7", true, {}}, "alice@example.org", password)).login;
  };
  const auto first = login();
  ASSERT_TRUE(first);
  text("account.set", R"({"login":"alice@example.org","enabled":false})");
  EXPECT_TRUE(first->ticket->is_over());
  EXPECT_FALSE(login());
  text("account.set", R"({"login":"alice@example.org","enabled":true})");
  const auto second = login();
  ASSERT_TRUE(second);
  const auto id = directory_.account("alice@example.org")->id;
  text("account.remove", R"({"login":"alice@example.org"})");
  EXPECT_TRUE(second->ticket->is_over());
  EXPECT_TRUE(loop_.run(store_->credentials().get(id)).value().empty());
}

TEST(Times, AsAnAdminWritesThem) {
  constexpr std::int64_t now = 1'800'000'000;  // 2027-01-15 08:00:00
  EXPECT_EQ(cli::time_ahead("90d", now).value(), now + 90 * 86'400);
  EXPECT_EQ(cli::time_ahead("12h", now).value(), now + 12 * 3600);
  EXPECT_EQ(cli::time_ahead("2w", now).value(), now + 14 * 86'400);
  EXPECT_EQ(cli::time_ahead("2027-01-31", now).value(), 1'801'440'000) << "its end";
  EXPECT_EQ(cli::time_ago("30m", now).value(), now - 1800);
  EXPECT_EQ(cli::time_ago("2027-01-15", now).value(), 1'799'971'200) << "its beginning";
  EXPECT_EQ(cli::utc_text(now), "2027-01-15 08:00:00");
  for (const auto* bad : {"", "d", "9", "9y", "-1d", "2027-02-30", "2027-13-01", "2027-1", "tomorrow", "9d9", "99999999d"}) {
    EXPECT_FALSE(cli::time_ahead(bad, now)) << bad;
    EXPECT_FALSE(cli::time_ago(bad, now)) << bad;
  }
}

}  // namespace
}  // namespace postern::admin
