// SPDX-License-Identifier: Apache-2.0
#include "store/keywords.h"

#include <gtest/gtest.h>

#include "store/messages.h"

namespace postern::store {

namespace {

std::vector<std::string> many(std::size_t n) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back("k" + std::to_string(i));
  return out;
}

std::uint64_t everything() { return ~std::uint64_t{0}; }
std::uint64_t nothing() { return 0; }

}  // namespace

TEST(Keywords, FirstSpellingWins) {
  std::vector<std::string> names;
  const auto first = assign_keywords(names, {"$Forwarded", "work"}, everything);
  EXPECT_EQ(assign_keywords(names, {"$forwarded"}, everything), keyword_bit(0));
  EXPECT_EQ(*first, keyword_bit(0) | keyword_bit(1));
  EXPECT_EQ(names.front(), "$Forwarded");
  EXPECT_EQ(keyword_names(names, *first | flag::seen), (std::vector<std::string>{"$Forwarded", "work"}));
}

TEST(Keywords, TheFiftySixthIsRefusedUnlessOneIsFree) {
  auto names = many(55);
  const auto before = names;
  EXPECT_EQ(assign_keywords(names, {"new"}, everything).error().kind, ErrorKind::limit);
  EXPECT_EQ(names, before);
  EXPECT_EQ(assign_keywords(names, {"k7", "new"}, nothing), keyword_bit(7) | keyword_bit(0));
  EXPECT_EQ(names[0], "new");
  EXPECT_EQ(names[7], "k7");
  EXPECT_EQ(names[8], "");
}

TEST(Keywords, RefusesEmptyAndEndlessNames) {
  std::vector<std::string> names;
  EXPECT_FALSE(assign_keywords(names, {""}, nothing));
  EXPECT_FALSE(assign_keywords(names, {std::string(129, 'x')}, nothing));
  EXPECT_TRUE(names.empty());
}

TEST(KeywordMap, FollowsNamesAndDropsWhatDoesNotFit) {
  std::vector<std::string> target = {"b"};
  const auto map = map_keywords({"a", "b"}, keyword_bit(0) | keyword_bit(1) | flag::seen, target, everything);
  EXPECT_FALSE(map.identity);
  EXPECT_EQ(map.apply(keyword_bit(0) | flag::seen), keyword_bit(1) | flag::seen);
  EXPECT_EQ(map.apply(keyword_bit(1)), keyword_bit(0));
  auto full = many(55);
  const auto none = map_keywords({"a"}, keyword_bit(0), full, everything);
  EXPECT_EQ(none.apply(keyword_bit(0) | flag::flagged), flag::flagged);
}

TEST(FlagMask, AddsRemovesReplaces) {
  std::vector<std::string> names = {"work"};
  const auto add = flag_mask(names, {FlagChange::Mode::add, flag::seen, {"home"}, {}}, everything);
  EXPECT_EQ(add->apply(flag::deleted | keyword_bit(0)), flag::deleted | flag::seen | keyword_bit(0) | keyword_bit(1));
  const auto remove = flag_mask(names, {FlagChange::Mode::remove, flag::seen, {"WORK", "unknown"}, {}}, everything);
  EXPECT_EQ(remove->apply(flag::seen | flag::draft | keyword_bit(0)), flag::draft);
  const auto replace = flag_mask(names, {FlagChange::Mode::replace, flag::answered, {}, {}}, everything);
  EXPECT_EQ(replace->apply(flag::seen | keyword_bit(0)), flag::answered);
  EXPECT_EQ(names.size(), 2u);
}

}  // namespace postern::store
