// SPDX-License-Identifier: Apache-2.0
#include "auth/account_settings.h"

#include <gtest/gtest.h>

namespace postern::auth {
namespace {

using Settings = std::map<std::string, std::string>;

TEST(AccountSettingsTest, AreCheckedByTheTable) {
  EXPECT_EQ(
      canonical_settings({{"admin", "YES"}, {"login_mail", "false"}, {"messages_per_day", "0500"}, {"quota_mail", ""}}).value(),
      (Settings{{"admin", "on"}, {"login_mail", "off"}, {"messages_per_day", "500"}}));
  for (const auto& [name, value] : Settings{{"colour", "blue"},
                                            {"Admin", "on"},
                                            {"", "on"},
                                            {"admin", "perhaps"},
                                            {"messages_per_day", "0"},
                                            {"recipients_per_day", "-1"},
                                            {"messages_per_hour", "10 "},
                                            {"recipients_per_hour", "99999999999"},
                                            {"login_mail", "on\nadmin=on"}}) {
    const auto refused = canonical_settings({{name, value}});
    ASSERT_FALSE(refused) << name << "=" << value;
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
  }
  EXPECT_NE(canonical_settings({{"colour", "blue"}}).error().text.find("login_mail"), std::string::npos) << "the remedy";
}

TEST(AccountSettingsTest, NamesAreListed) {
  const auto names = [](const std::string& value) { return canonical_settings({{"imap_capabilities_off", value}}); };
  EXPECT_EQ(names("idle, compress=deflate  LITERAL+").value().at("imap_capabilities_off"), "IDLE COMPRESS=DEFLATE LITERAL+");
  for (const std::string bad : {",", "a\nb", "a=b;c", "\"IDLE\"", "ä"}) EXPECT_FALSE(names(bad)) << bad;
  EXPECT_FALSE(names(std::string(501, 'A')));
}

TEST(AccountSettingsTest, HaveDefaults) {
  store::AccountRow row;
  EXPECT_FALSE(setting_flag(row, "admin"));
  EXPECT_TRUE(setting_flag(row, "login_mail"));
  EXPECT_FALSE(setting_number(row, "messages_per_day"));
  row.settings = {{"admin", "on"}, {"login_mail", "off"}, {"messages_per_day", "7"}, {"quota_mail", "torn"}};
  EXPECT_TRUE(setting_flag(row, "admin"));
  EXPECT_FALSE(setting_flag(row, "login_mail"));
  EXPECT_TRUE(setting_flag(row, "quota_mail"));
  EXPECT_EQ(setting_number(row, "messages_per_day"), 7U);
}

}  // namespace
}  // namespace postern::auth
