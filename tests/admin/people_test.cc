// SPDX-License-Identifier: Apache-2.0
// Groups, rights to send, rules and settings, explanations and the import, as commands.
#include <span>

#include "tests/admin/house.h"

namespace postern::admin {
namespace {

struct People : AdminHouse {
  People() {
    for (const auto* domain : {"example.org", "alias.example"}) {
      EXPECT_TRUE(run("domain.add", R"({"name":")" + std::string(domain) + R"("})"));
    }
    for (const auto* login : {"alice@example.org", "bob@example.org"}) {
      EXPECT_TRUE(run("account.add", R"({"login":")" + std::string(login) + R"("})"));
    }
  }
  /// The answer begins with the text.
  void expect(const char* command, const char* arguments, std::string_view expected) {
    EXPECT_EQ(text(command, arguments).substr(0, expected.size()), expected) << command << " " << arguments;
  }
  std::string import(const std::string& file, const std::string& step) {
    const auto answer = loop_.run(run_command(context(), "account.import", {{"text", file}, {"step", step}}));
    return answer ? boost::json::serialize(*answer) : std::string(to_string(answer.error().kind)) + ": " + answer.error().text;
  }
};

TEST_F(People, RulesAndSettingsOfAnAccount) {
  expect("account.set",
         R"({"login":"alice@example.org","protocols":["imap"],"networks":["192.0.2.7"],"hours":"Mon-Fri 7-19",)"
         R"("when_disabled":"accept","settings":{"login_mail":"no","admin":"on"}})",
         "{}");
  expect("account.show", R"({"login":"Alice@example.org"})",
         R"({"id":1,"login":"alice@example.org","name":"","enabled":true,"quota_bytes":0,"quota_messages":0,"used_bytes":0,)"
         R"("used_messages":0,"when_disabled":"accept","protocols":["imap"],"networks":["192.0.2.7/32"],)"
         R"("hours":"mon-fri 07:00-19:00","aliases":[],"groups":[],"send_as":[],"settings":{"admin":"on","login_mail":"off"},)"
         R"("mail_login":"any","app_passwords":0})");
  expect("account.set", R"({"login":"alice@example.org","protocols":[],"networks":[],"hours":"","settings":{"admin":""}})", "{}");
  expect("account.show", R"({"login":"alice@example.org"})", R"({"id":1,"login":"alice@example.org")");
  EXPECT_EQ(directory_.account("alice@example.org")->access, store::AccessRules{});
  EXPECT_EQ(directory_.account("alice@example.org")->settings.size(), 1U);
  for (const auto& [arguments, error] : {std::pair{R"("protocols":["jmap"])", "invalid: jmap is no protocol"},
                                         {R"("protocols":"imap")", "invalid: protocols must be a list"},
                                         {R"("networks":["here"])", "invalid: here is no network"},
                                         {R"("hours":"late")", "invalid: \"late\" is no time"},
                                         {R"("when_disabled":"keep")", "invalid: mail for a disabled"},
                                         {R"("settings":{"colour":"blue"})", "invalid: there is no setting \"colour\""},
                                         {R"("settings":{"admin":7})", "invalid: settings must be"},
                                         {R"("settings":["admin"])", "invalid: settings must be"},
                                         {R"("name":"two\nlines")", "invalid: a display name is one line"}}) {
    expect("account.set", (R"({"login":"bob@example.org",)" + std::string(arguments) + "}").c_str(), error);
  }
  expect("account.set", "{\"login\":\"bob@example.org\",\"name\":\"p\u0430ypal\"}",
         R"({"warning":"the display name mixes Latin)");
  expect("account.settings", "{}", R"({"settings":[{"name":"admin","kind":"on or off","usual":"off","help":"Gets mail for)");
}

TEST_F(People, GroupsAndTheirMembers) {
  expect("group.add", R"({"name":"staff","address":"Staff@example.org","senders":"inside","hours":"mon-fri"})",
         R"({"name":"staff"})");
  expect("group.add", R"({"name":"staff"})", "exists: there is a group staff already");
  expect("group.add", R"({"name":"a b"})", "invalid: a group's name");
  expect("group.add", R"({"name":"x","senders":"everybody"})", "invalid: who may write");
  expect("group.member_add", R"({"name":"staff","login":"alice@example.org"})",
         R"({"name":"staff","login":"alice@example.org","members":1})");
  expect("group.member_add", R"({"name":"staff","login":"alice@example.org"})", "exists: alice@example.org is a member");
  expect("group.member_add", R"({"name":"staff","login":"eve@example.org"})", "not_found: there is no account eve@");
  expect("group.member_add", R"({"name":"club","login":"alice@example.org"})", "not_found: there is no group club");
  expect("group.set", R"({"name":"staff","senders":"members"})", R"({"name":"staff"})");
  expect("group.set", R"({"name":"club"})", "not_found: there is no group club");
  expect("group.list", "{}",
         R"({"groups":[{"name":"staff","address":"staff@example.org","senders":"members","protocols":["imap","pop3","smtp"],)"
         R"("networks":[],"hours":"mon-fri 00:00-24:00","members":["alice@example.org"]}]})");
  expect("group.member_remove", R"({"name":"staff","login":"bob@example.org"})", "not_found: bob@example.org is no member");
  expect("group.member_remove", R"({"name":"staff","login":"alice@example.org"})", R"({"name":"staff",)");
  expect("domain.remove", R"({"name":"example.org"})", "conflict: ");
  expect("group.remove", R"({"name":"staff"})", R"({"name":"staff","members":0})");
  expect("group.remove", R"({"name":"staff"})", "not_found: ");
}

TEST_F(People, RightsToSend) {
  expect("send_as.add", R"({"login":"alice@example.org","address":"@EXAMPLE.org"})",
         R"({"login":"alice@example.org","address":"@example.org","ours":true})");
  expect("send_as.add", R"({"login":"alice@example.org","address":"x@partner.example"})",
         R"({"login":"alice@example.org","address":"x@partner.example","ours":false})");
  expect("send_as.add", R"({"login":"alice@example.org","address":"@example.org"})", "exists: ");
  expect("send_as.add", R"({"login":"alice@example.org","address":"nothing"})", "invalid: nothing is neither");
  expect("send_as.add", R"({"login":"eve@example.org","address":"@example.org"})", "not_found: ");
  expect("send_as.list", R"({"login":"bob@example.org"})", R"({"send_as":[]})");
  expect("send_as.list", "{}",
         R"({"send_as":[{"login":"alice@example.org","address":"@example.org"},)"
         R"({"login":"alice@example.org","address":"x@partner.example"}]})");
  expect("send_as.remove", R"({"login":"alice@example.org","address":"@example.org"})", R"({"login":"alice@example.org")");
  expect("send_as.remove", R"({"login":"alice@example.org","address":"@example.org"})",
         "not_found: alice@example.org has no right to send as @example.org; `postern account send-as`");
}

TEST_F(People, DomainsWithAliasAndCatchAll) {
  expect("domain.set", R"({"name":"alias.example","alias_of":"example.org"})", "{}");
  expect("domain.set", R"({"name":"example.org","catch_all":"bob@example.org"})", "{}");
  expect("domain.set", R"({"name":"example.org","catch_all":"nobody@example.org"})",
         "not_found: nobody@example.org does not exist");
  expect("domain.list", "{}", R"({"domains":[{"name":"alias.example","alias_of":"example.org","catch_all":"")");
  expect("address.explain", R"({"address":"who@alias.example"})",
         R"({"accepted":true,"reply":"","mailboxes":[{"login":"bob@example.org","detail":"","takes_mail":true,"full":false}],)"
         R"("forwards":[],"address":"who@alias.example","steps":[{"depth":0,"address":"who@alias.example",)");
  expect("domain.set", R"({"name":"example.org","catch_all":""})", "{}");
  expect("address.explain", R"({"address":"who@alias.example"})",
         R"({"accepted":false,"reply":"550 5.1.1 No such mailbox here")");
}

TEST_F(People, ExplanationsKnowWhoWrites) {
  run("group.add", R"({"name":"club","address":"club@example.org","senders":"members"})");
  run("group.member_add", R"({"name":"club","login":"alice@example.org"})");
  expect("address.explain", R"({"address":"club@example.org"})",
         R"({"accepted":false,"reply":"550 5.7.1 Only its members may write to this address")");
  expect("address.explain", R"({"address":"club@example.org","from":"bob@example.org"})", R"({"accepted":false)");
  expect("address.explain", R"({"address":"club@example.org","from":"inside"})", R"({"accepted":false)");
  expect("address.explain", R"({"address":"club@example.org","from":"alice@example.org"})", R"({"accepted":true)");
  expect("address.explain", R"({"address":"club@example.org","from":"eve"})", "not_found: there is no account eve");
  expect("address.explain", R"({"address":"x@elsewhere.example"})", R"({"accepted":false,"reply":"550 5.7.1 Relaying)");
  expect("address.explain", R"({"address":"no address"})", "invalid: no address is not an address");
  run("account.set", R"({"login":"bob@example.org","enabled":false})");
  expect("address.explain", R"({"address":"bob@example.org"})", R"({"accepted":false,"reply":"550 5.2.1 Mailbox is disabled")");
}

TEST_F(People, TheImportTellsWhatIsWrongAndChangesNothing) {
  const std::string file =
      "login,password,groups,aliases\n"
      "dora@example.org,short,,\n"
      "alice@example.org,,,\n"
      "emil@elsewhere.example,,,\n"
      "fred@example.org,,club,dora@example.org\n";
  EXPECT_EQ(
      import(file, "read"),
      R"({"problems":[)"
      R"({"line":3,"column":"login","error":"alice@example.org exists already, as an account or an alias; remove it first"},)"
      R"({"line":4,"column":"login","error":"elsewhere.example is not a domain of this server; add it first"},)"
      R"({"line":5,"column":"aliases","error":"dora@example.org is given to two accounts"}],)"
      R"("people":4,"passwords":1,"hashes":0,"generated":3})");
  EXPECT_EQ(import(file, "judge").substr(0, 24), "invalid: line 3: login: ");
  EXPECT_EQ(import(file, "make").substr(0, 24), "invalid: line 3: login: ");
  EXPECT_EQ(import("login,password\ndora@example.org,short\n", "judge"),
            R"({"problems":[{"line":2,"column":"password","error":"Too short: the gate says no."}],"next":1})");
  EXPECT_EQ(import("", "read").substr(0, 26), "invalid: the file is empty");
  EXPECT_EQ(import("login\nx@example.org\n", "guess"), "invalid: step is \"read\", \"judge\" or \"make\"");
  EXPECT_EQ(directory_.table()->accounts.size(), 2U);
}

TEST_F(People, TheImportMakesAllOrNone) {
  run("group.add", R"({"name":"staff"})");
  const std::string good =
      "login,name,password,groups,aliases,quota\n"
      "dora@example.org,Dora,a good password,staff,d@example.org,1GiB\n"
      "emil@example.org,Emil,,staff,,\n";
  // The gate of the house refuses it only when it is set.
  const auto refused = import(good + "fred@example.org,,short,,,\n", "make");
  EXPECT_EQ(refused, "invalid: line 4: fred@example.org: Too short: the gate says no. Nothing was made.");
  EXPECT_EQ(directory_.table()->accounts.size(), 2U);
  EXPECT_EQ(directory_.table()->addresses.size(), 2U);
  EXPECT_EQ(import(good, "make"),
            R"({"made":[{"login":"dora@example.org"},{"login":"emil@example.org","password":"generated-password-of-5"}]})");
  EXPECT_EQ(auth_.passwords[directory_.account("dora@example.org")->id], "a good password");
  EXPECT_EQ(directory_.account("dora@example.org")->quota_bytes, 1ULL << 30);
  EXPECT_EQ(directory_.groups_of(directory_.account("emil@example.org")->id), std::vector<std::string>{"staff"});
  EXPECT_EQ(import(good, "make").substr(0, 24), "invalid: line 2: login: ") << "twice is once too often";
}

}  // namespace
}  // namespace postern::admin
