// SPDX-License-Identifier: Apache-2.0
#include "auth/strength.h"

#include <gtest/gtest.h>

#include "auth/passwords.h"

namespace postern::auth {
namespace {

const auto words = guessable_words("alice.smith@example.org", "Alice Smith", "mx.example.org");

std::string verdict(std::string_view password, StrengthRules rules = {}) {
  const auto result = check_strength(Secret(password), rules, words);
  return result ? "fine" : result.error().text;
}

TEST(GuessableWords, TakesNamesApart) {
  EXPECT_EQ(words, (std::vector<std::string>{"alice", "smith", "example", "org", "postern"}));
}

// security.md §5: reason and remedy.
TEST(CheckStrength, SaysWhatIsWrong) {
  struct Case {
    std::string_view password, begins;
  };
  const Case cases[] = {
      {"sh0rt", "Too short: 5 of at least 15 characters. Four unrelated words work well."},
      {"Tr0ub4dor&3", "Too short: 11 of at least 15"},
      {"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9", "Too short: 14 of"},
      {"alice.smith2026", "Contains your name or address (alice)"},
      {"postern-postern-2026", "Contains your name or address (postern)"},
      {"passwordpassword", "This password is made of words attackers try first"},
      {"letmeinletmein12", "This password is made of words attackers try first"},
      {"aaaaaaaaaaaaaaaaaaaa", ""},
      {"%&%&%&%&%&%&%&%&%&%&", "Easy pattern"},
      {"123456789012345", ""},
      {"qwertyuiopasdfgh", ""},
  };
  for (const auto& one : cases) {
    const auto text = verdict(one.password);
    EXPECT_TRUE(text.starts_with(one.begins)) << one.password << ": " << text;
    EXPECT_NE(text, "fine") << one.password;
    EXPECT_EQ(text.find(one.password), std::string::npos) << "echoed: " << text;
  }
}

TEST(CheckStrength, AcceptsStrongOnes) {
  for (const auto* password :
       {"correct horse battery staple", "kettle-orbit-famine", "xW9#kQ2$vL7!mR4%", "zwölf Boxkämpfer jagen Viktor"}) {
    EXPECT_EQ(verdict(password), "fine") << password;
  }
}

TEST(CheckStrength, AcceptsEveryGeneratedPassword) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(verdict(generate_password().reveal()), "fine");
}

TEST(CheckStrength, BoundsTheLength) {
  std::string strong;
  while (strong.size() < max_password_length) strong += generate_password().reveal();
  EXPECT_EQ(verdict(strong.substr(0, max_password_length)), "fine");
  EXPECT_EQ(verdict(strong.substr(0, max_password_length) + "x"), "Too long: 129 of at most 128 characters.");
}

TEST(CheckStrength, FollowsTheRulesGiven) {
  EXPECT_EQ(verdict("Tr0ub4dor&3", {.min_length = 8}), "fine");
  EXPECT_NE(verdict("kettle-orbit-famine", {.min_bits = 90}), "fine");
}

}  // namespace
}  // namespace postern::auth
