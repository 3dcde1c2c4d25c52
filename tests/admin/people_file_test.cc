// SPDX-License-Identifier: Apache-2.0
#include "admin/people_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace postern::admin {
namespace {

/// "line, column: text" of each problem.
std::string problems_of(std::string_view text) {
  std::string out;
  for (const auto& one : read_people(text).problems) {
    out += fmt::format("{}{}{}: {}\n", one.line, one.column.empty() ? "" : ", ", one.column, one.text);
  }
  return out;
}

TEST(PeopleFile, ReadsEveryColumn) {
  const auto file = read_people(
      "\xef\xbb\xbf# our people\r\n"
      "E-Mail,Display Name,password,enabled,when_disabled,quota,quota_messages,protocols,networks,hours,settings,aliases,groups,"
      "send_as\r\n"
      "\r\n"
      "alice@example.org, Alice Liddell ,\" a, \"\"good\"\" password \",yes,refuse,5GiB,100,\"imap,smtp\",192.0.2.0/24 "
      "2001:db8::/32,"
      "\"mon-fri 7-19, sat 9-12\",login_mail=off admin=yes,info@example.org|sales@example.org,staff,@example.net\r\n"
      "bob@example.org,,,no,accept\r\n");
  ASSERT_TRUE(file.problems.empty()) << file.problems.front().text;
  ASSERT_EQ(file.people.size(), 2U);
  const auto& [line, account, has_quota, has_messages, password, hash] = file.people[0];
  EXPECT_EQ(line, 4U);
  EXPECT_EQ(account.row.login, "alice@example.org");
  EXPECT_EQ(account.row.name, "Alice Liddell");
  EXPECT_EQ(password, " a, \"good\" password ") << "a password is taken as it stands";
  EXPECT_EQ(account.row.quota_bytes, 5ULL << 30);
  EXPECT_EQ(account.row.quota_messages, 100U);
  EXPECT_EQ(account.row.access.protocols, store::AccessRules::imap | store::AccessRules::submission);
  EXPECT_EQ(account.row.access.networks, (std::vector<std::string>{"192.0.2.0/24", "2001:db8::/32"}));
  EXPECT_EQ(account.row.access.hours, "mon-fri 07:00-19:00, sat 09:00-12:00");
  EXPECT_EQ(account.row.settings, (std::map<std::string, std::string>{{"admin", "on"}, {"login_mail", "off"}}));
  EXPECT_EQ(account.aliases, (std::vector<std::string>{"info@example.org", "sales@example.org"}));
  EXPECT_EQ(account.groups, std::vector<std::string>{"staff"});
  EXPECT_EQ(account.send_as, std::vector<std::string>{"@example.net"});
  EXPECT_TRUE(has_quota && has_messages && hash.empty());
  const auto& bob = file.people[1];
  EXPECT_FALSE(bob.account.row.enabled);
  EXPECT_EQ(bob.account.row.when_disabled, store::AccountRow::WhenDisabled::accept_mail);
  EXPECT_FALSE(bob.has_quota);
}

TEST(PeopleFile, SemicolonsTabsAndLinesInQuotes) {
  const auto semicolons = read_people("login;name\nalice@example.org;\"Liddell; Alice\"\n");
  EXPECT_EQ(semicolons.people.at(0).account.row.name, "Liddell; Alice");
  const auto tabs = read_people("login\tname\n\nalice@example.org\tAlice, the first");
  EXPECT_EQ(tabs.people.at(0).account.row.name, "Alice, the first");
  const auto lines = read_people("login,aliases\nalice@example.org,\"a@example.org\nb@example.org\"\nbob@example.org,\n");
  EXPECT_EQ(lines.people.at(0).account.aliases.size(), 2U);
  EXPECT_EQ(lines.people.at(1).line, 4U) << "lines inside of quotes count";
}

TEST(PeopleFile, TellsEveryMistakeWithLineColumnAndRemedy) {
  EXPECT_EQ(problems_of("login,name,enabled,quota,hours,networks,protocols,settings,hash,when_disabled,quota_messages\n"
                        "alice,Alice,perhaps,5 lots,late,here,jmap,colour=blue,{MD5}x,keep,few\n"
                        ",Bob\n"
                        "carol@example.org,a,b,c,d,e,f,g,h,i,j,k\n"
                        "dora@example.org,\"open\n"),
            "2, login: write the whole address, for example alice@example.org\n"
            "2, enabled: write yes or no\n"
            "2, quota: write a size such as 5GiB, or 0 for no limit\n"
            "2, hours: \"late\" is no time of the week; write for example \"mon-fri 07:00-19:00\" or \"mon-fri 07:00-19:00, sat "
            "09:00-12:00\"\n"
            "2, networks: here is no network; write 192.0.2.0/24, 2001:db8::/32 or one address\n"
            "2, protocols: jmap is no protocol of ours; name imap, pop3 or smtp\n"
            "2, settings: there is no setting \"colour\"; there are admin, team, plus_addresses, login_mail, quota_mail, "
            "pop3_to_trash, pop3_folders, pop3_login_delay, imap_capabilities_off, forward_to, forward_copy, messages_per_hour, "
            "messages_per_day, "
            "recipients_per_hour, "
            "new_recipients_per_day, recipients_per_day\n" +
                problems_of("login,hash\nalice@example.org,{MD5}x\n") +
                "2, when_disabled: write accept or refuse\n"
                "2, quota_messages: write a number of messages, or 0 for no limit\n"
                "3, login: the address is missing\n"
                "4: 12 fields, but the header names 11 columns; put a field with the separator in it between quotes\n"
                "5: a quote is not closed, or followed by something; write \"\" for a quote\n");
}

TEST(PeopleFile, RefusesFilesThatAreNone) {
  const std::string columns = people_columns();
  EXPECT_EQ(problems_of(""), "1: the file is empty; its first line names the columns: " + columns + "\n");
  EXPECT_EQ(problems_of("\n\n# nothing\n"), "1: the file is empty; its first line names the columns: " + columns + "\n");
  EXPECT_EQ(problems_of("login,name\n"), "1: there is nobody in the file; write one person a line\n");
  EXPECT_EQ(problems_of("alice@example.org,x\n"), "1, alice@example.org: there is no such column; there are " + columns +
                                                      "\n1, x: there is no such column; there are " + columns +
                                                      "\n1, login: the column is missing\n");
  EXPECT_EQ(problems_of("login,email\na@b,c@d\n"), "1, login: the column is there twice\n");
  EXPECT_EQ(problems_of("login,password,hash\na@b.example,x,{SSHA512}y\n").substr(0, 9), "2, hash: ");
  EXPECT_EQ(problems_of("login,name\na@b.example,\xff\n"), "2, name: this is not UTF-8; save the file as UTF-8\n");
  EXPECT_EQ(problems_of(std::string_view("login,name\na@b.example,x\0y\n", 27)),
            "2, name: this is not UTF-8; save the file as UTF-8\n");
  EXPECT_EQ(problems_of("login,name\na@b.example,\"x\"y\n"),
            "2: a quote is not closed, or followed by something; write \"\" for a quote\n");
}

TEST(PeopleFile, IsBounded) {
  std::string many = "login\n";
  for (std::size_t i = 0; i <= max_people; ++i) many += fmt::format("u{}@example.org\n", i);
  EXPECT_EQ(problems_of(many), "5002: more than 5000 people; split the file\n");
  std::string wrong = "login,enabled\n";
  for (int i = 0; i < 3000; ++i) wrong += "a@b.example,perhaps\n";
  EXPECT_LE(read_people(wrong).problems.size(), 1001U);
}

TEST(PeopleFile, Sizes) {
  const std::pair<const char*, std::optional<std::uint64_t>> cases[] = {{"0", 0},
                                                                        {"1000", 1000},
                                                                        {"5GiB", 5ULL << 30},
                                                                        {"500 MB", 500ULL << 20},
                                                                        {"2k", 2048},
                                                                        {"1 TiB", 1ULL << 40},
                                                                        {"", std::nullopt},
                                                                        {"GiB", std::nullopt},
                                                                        {"5 lots", std::nullopt},
                                                                        {"-1", std::nullopt},
                                                                        {"99999999999999999999", std::nullopt},
                                                                        {"4096TiB", std::nullopt},
                                                                        {"1.5GiB", std::nullopt}};
  for (const auto& [text, size] : cases) EXPECT_EQ(size_of_text(text), size) << text;
}

}  // namespace
}  // namespace postern::admin
