// SPDX-License-Identifier: Apache-2.0
#include "auth/common_password.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "auth/passphrase.h"
#include "auth/word_lists.h"
#include "base/ascii.h"

namespace postern::auth {
namespace {

std::vector<std::string_view> lines_of(SortedLines list) {
  std::vector<std::string_view> out;
  for (auto rest = list.text(); !rest.empty(); rest.remove_prefix(out.back().size() + 1)) {
    out.push_back(rest.substr(0, rest.find('\n')));
  }
  return out;
}

TEST(WordLists, AreSortedAndWhole) {
  std::set<std::string_view> all;
  for (const auto& [list, size] : {std::pair(commonest_passwords(), 10'000U), std::pair(common_passwords(), 39'233U)}) {
    const auto lines = lines_of(list);
    EXPECT_EQ(lines.size(), size);
    EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
    for (const auto line : lines) {
      EXPECT_EQ(line, ascii::lower(line));
      EXPECT_FALSE(line.empty());
      EXPECT_TRUE(all.insert(line).second) << line << " is there twice";
    }
  }
}

TEST(WordLists, FindEveryLineAndNothingElse) {
  const auto list = commonest_passwords();
  for (const auto line : lines_of(list)) {
    EXPECT_TRUE(list.contains(line));
    EXPECT_EQ(
        list.lower_bound(std::string(line) + '\x01').compare(line) > 0 || list.lower_bound(std::string(line) + '\x01').empty(),
        true);
  }
  for (const auto* other :
       {"", "\x01", "zzzzzzzzzzzzzzzzzzzzzzz", "kettle-orbit-famine", "\xff", "123456\n", "1234567\n12345678"}) {
    EXPECT_FALSE(list.contains(other)) << other;
  }
  EXPECT_EQ(list.lower_bound(""), lines_of(list).front());
  EXPECT_EQ(list.lower_bound("\xff"), "");
}

// 7,776 words that can be told apart when they are written without anything between them.
TEST(WordLists, NoWordBeginsAnother) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < passphrase_word_count; ++i) words.push_back(passphrase_word(i));
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_TRUE(words[i].size() >= 3 && words[i].size() <= 9) << words[i];
    for (const char c : words[i]) EXPECT_TRUE(ascii::is_lower(c)) << words[i];
    if (i > 0) {
      EXPECT_LT(words[i - 1], words[i]);
      EXPECT_FALSE(words[i].starts_with(words[i - 1])) << words[i];
    }
  }
}

TEST(IsCommonPassword, SeesThroughDisguises) {
  const std::string_view cases[] = {
      "password",
      "PassWord",
      "p4ssw0rd",
      "P@$$w0rd!",
      "password2026",
      "password20260131",
      "1password1",
      "2026-password!",
      "passwordpassword",
      "password-password",
      "password password password",
      "passwordpasswordpass",
      "p4ssw0rdP@ssword",
      "passwordpassword2026",
      "drowssap",
      "6202drowssap",
      "llabteksab",
      "1ontsurt-1ontsurt",
      "trustno1",
      "7ru57n01",
      "trustno12019",
      "abc1232019",
      "1234567890123456",
      "123456123456123",
      "qwertyuiop2020",
      "letmeinletmein12",
      "p\u00e4ssword",
      "p\u00e4ssw\u00f6rd",
      "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",  // wide letters
      "\U0001d429assword",                                 // a mathematical letter
  };
  for (const auto text : cases) EXPECT_TRUE(is_common_password(text)) << text;
}

TEST(IsCommonPassword, LeavesOthersAlone) {
  const std::string_view cases[] = {
      "",
      "a",
      "kettle-orbit-famine",
      "correct horse battery staple",
      "password8317049265",         // more behind it than decoration
      "sunshine-8371-4925-kettle",  // a common word among others
      "passwordkettle",
      "letmein-orbit-sunshine",
      "\u043f\u0430\u0440\u043e\u043b\u044c",
      "\xff\xfe",
      "k3vq2-b7x4n-m2p6a-c5t3h",
  };
  for (const auto text : cases) EXPECT_FALSE(is_common_password(text)) << text;
}

TEST(IsCommonPassword, StandsLongAndNastyInput) {
  for (const std::string& text :
       {std::string(1000, 'a'), std::string(1000, '1'), std::string(1000, '\0'), std::string(1000, '\xff')}) {
    (void)is_common_password(text);
  }
  std::string look_alikes;
  while (look_alikes.size() < 512) look_alikes += "1!|6294";
  EXPECT_FALSE(is_common_password(look_alikes + "kettle"));
}

TEST(PasswordSkeleton, IsWhatTwoPasswordsShare) {
  EXPECT_EQ(password_skeleton("P4ssw0rd!!"), "password");
  EXPECT_EQ(password_skeleton("2026 Kettle 1"), "kettle");
  EXPECT_EQ(password_skeleton("123456"), "");
  EXPECT_EQ(password_skeleton("\u00c9t\u00e9 2025"), "ete");
}

TEST(GeneratePassphrase, HasSoManyWordsOfTheList) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < passphrase_word_count; ++i) words.insert(passphrase_word(i));
  struct Case {
    unsigned wanted, words;
  };
  for (const auto& one : {Case{0, 4}, {4, 4}, {5, 5}, {12, 12}, {99, 12}}) {
    const auto phrase = generate_passphrase(one.wanted);
    unsigned found = 0;
    for (auto rest = phrase.reveal(); !rest.empty(); ++found) {
      const auto end = std::min(rest.find('-'), rest.size());
      EXPECT_TRUE(words.contains(rest.substr(0, end))) << rest;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    EXPECT_EQ(found, one.words);
    EXPECT_GE(phrase.size(), 15U);
  }
  EXPECT_NE(generate_passphrase().reveal(), generate_passphrase().reveal());
}

// Drawn evenly: in 9,600 draws every eighth of the list gets its share, within six standard deviations.
TEST(GeneratePassphrase, DrawsEvenly) {
  std::array<int, 8> hits{};
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < passphrase_word_count; ++i) words.push_back(passphrase_word(i));
  constexpr int phrases = 800;
  for (int i = 0; i < phrases; ++i) {
    const auto phrase = generate_passphrase(most_passphrase_words);
    for (auto rest = phrase.reveal(); !rest.empty();) {
      const auto end = std::min(rest.find('-'), rest.size());
      const auto at = std::lower_bound(words.begin(), words.end(), rest.substr(0, end)) - words.begin();
      ++hits[static_cast<std::size_t>(at) * hits.size() / words.size()];
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  const double expected = phrases * 12 / 8.0;
  for (const int count : hits) EXPECT_NEAR(count, expected, 6 * 32.4);
}

}  // namespace
}  // namespace postern::auth
