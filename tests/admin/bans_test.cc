// SPDX-License-Identifier: Apache-2.0
// ban.*: the guard is the real one.
#include "tests/admin/house.h"

namespace postern::admin {
namespace {

struct BanCommands : AdminHouse {
  BanCommands() {
    EXPECT_TRUE(run("domain.add", R"({"name":"example.org"})"));
    EXPECT_TRUE(loop_.run(directory_.add_account("alice@example.org", {})));
  }
  auth::Step login(std::string ip, std::string user, std::string_view password) {
    return loop_.run(front_.service->login({auth::Protocol::imap, std::move(ip), true, {}}, std::move(user), Secret(password)));
  }
  std::string add(const std::string& rest) { return text("ban.add", "{" + rest + "}"); }
};

TEST_F(BanCommands, SayWhatIsWrong) {
  EXPECT_EQ(text("ban.add", "{}"), "invalid: address is missing");
  EXPECT_EQ(add(R"("address":"mail.example.org")"),
            "invalid: mail.example.org is no address and no network; write for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64 "
            "(the bits after the prefix must be 0)");
  EXPECT_EQ(add(R"("address":"192.0.2.7/24")").find("invalid: 192.0.2.7/24 is no address"), 0U);
  EXPECT_EQ(add(R"("address":"192.0.2.7","until":-1)"), "invalid: until must be a number of at least 0");
  EXPECT_EQ(add(R"("address":"192.0.2.7","until":1)"), "invalid: the end of the ban has passed already");
  EXPECT_EQ(add(R"("address":"192.0.2.7","note":")" + std::string(501, 'x') + "\""),
            "invalid: the note is longer than 500 octets");
  EXPECT_EQ(text("ban.remove", R"({"address":"192.0.2.7"})"),
            "not_found: 192.0.2.7/32 is not banned; `postern ban list` shows all");
  EXPECT_EQ(text("ban.explain", R"({"address":"192.0.2.0/24"})").find("invalid: 192.0.2.0/24 is no address"), 0U);
  EXPECT_EQ(text("ban.explain", R"({"address":"nobody@example.org"})"),
            "not_found: nobody@example.org is no account; `postern account list` shows all");
}

TEST_F(BanCommands, AddListAndRemove) {
  EXPECT_EQ(text("ban.list", "{}"), R"({"now":1800000000,"bans":[]})");
  const auto added = add(R"("address":"192.0.2.0/24","until":1800003600,"note":"ticket 4711")");
  EXPECT_EQ(added.find(R"({"network":"192.0.2.0/24","in_force":true,"since":1800000000,"until":1800003600,"lifted":0,)"
                       R"("by":"admin","times":0,"reason":"banned by the admin","note":"ticket 4711",)"),
            0U)
      << added;
  EXPECT_TRUE(front_.office->bans().turns_away(*IpAddress::parse("192.0.2.7")));
  EXPECT_EQ(run("ban.list", "{}")->at("bans").as_array().at(0).at("turned_away").to_number<int>(), 1);
  EXPECT_EQ(text("ban.remove", R"({"address":"192.0.2.7"})"),
            "not_found: 192.0.2.7/32 is not banned; what is banned there is 192.0.2.0/24; `postern ban list` shows all");
  EXPECT_EQ(run("ban.remove", R"({"address":"192.0.2.0/24"})")->at("lifted").to_number<int>(), 1800000000);
  EXPECT_FALSE(front_.office->bans().turns_away(*IpAddress::parse("192.0.2.7")));
  EXPECT_TRUE(run("ban.list", "{}")->at("bans").as_array().empty());
  EXPECT_EQ(run("ban.list", R"({"all":true})")->at("bans").as_array().size(), 1U);
}

TEST_F(BanCommands, ExplainAnAddress) {
  EXPECT_EQ(run("ban.explain", R"({"address":"192.0.2.7"})")->at("verdict").as_string(), "free");
  for (int i = 0; i < 3; ++i) login("192.0.2.7", "alice@example.org", "wrong " + std::to_string(i));
  auto said = *run("ban.explain", R"({"address":"192.0.2.7"})");
  EXPECT_EQ(said.at("day").at("used").to_number<int>(), 3);
  EXPECT_EQ(said.at("day").at("limit").to_number<int>(), 50);
  EXPECT_EQ(said.at("day").at("renewed").to_number<int>(), 1800000000 + 86'400);
  EXPECT_EQ(said.at("day").at("evidence").at("names").as_array().at(0).as_string(), "alice@example.org");
  EXPECT_EQ(said.at("network").at("of").as_string(), "192.0.2.0/24");
  add(R"("address":"192.0.2.7")");
  said = *run("ban.explain", R"({"address":"192.0.2.7"})");
  EXPECT_EQ(said.at("verdict").as_string(), "banned");
  EXPECT_EQ(said.at("remedy").as_string(), "postern ban remove 192.0.2.7/32");
  text("ban.remove", R"({"address":"192.0.2.7/32"})");
  said = *run("ban.explain", R"({"address":"192.0.2.7"})");
  EXPECT_EQ(said.at("verdict").as_string(), "free");
  EXPECT_EQ(said.at("day").at("used").to_number<int>(), 0) << "forgotten";
  EXPECT_EQ(said.at("bans").as_array().size(), 1U) << "but it was banned";
}

TEST_F(BanCommands, ExplainAnAccountAndWarnOfThoseShutOut) {
  const auto made = run("app_password.add", R"({"login":"alice@example.org","label":"phone"})");
  ASSERT_TRUE(made) << made.error().text;
  const std::string password(made->at("password").as_string());
  ASSERT_TRUE(login("198.51.100.9", "alice@example.org", password).login);
  for (int i = 0; i < 40; ++i) login(fmt::format("10.0.{}.1", i), "alice@example.org", "wrong " + std::to_string(i));
  const auto said = *run("ban.explain", R"({"address":"alice@example.org"})");
  EXPECT_EQ(said.at("verdict").as_string(), "waits");
  EXPECT_EQ(said.at("strangers").at("used").to_number<int>(), 30);
  EXPECT_EQ(said.at("known_networks").as_array().at(0).at("of").as_string(), "198.51.100.0/24");
  EXPECT_TRUE(login("198.51.100.9", "alice@example.org", password).login);
  const auto added = run("ban.add", R"({"address":"198.51.100.9"})");
  EXPECT_EQ(added->at("known_to").as_array().at(0).as_string(), "alice@example.org");
}

}  // namespace
}  // namespace postern::admin
