// SPDX-License-Identifier: Apache-2.0
// Finder and TextMatcher: what matches, in which place, across pieces; and that hostile lines cost linear time.
#include "store/text_match.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view lines = "SUBJECT: ONE TWO\nTO: X\nSUBJECT: \nX-SUBJECT: THREE\n";

std::size_t find(const TextNeedle& needle, mime::TextPlace place, std::string_view text) {
  return Finder(needle).find(place, text, 0);
}

TEST(TextMatch, Fields) {
  const auto at = [](const std::string& field, const std::string& text) {
    return find({TextScope::header, field, text}, mime::TextPlace::main_fields, lines);
  };
  EXPECT_EQ(at("subject", "TWO"), 13U);
  EXPECT_EQ(at("Subject", "THREE"), npos);
  EXPECT_EQ(at("x-subject", "THREE"), lines.find("THREE"));
  EXPECT_EQ(at("to", "X"), lines.find("X\n"));
  EXPECT_EQ(at("to", "TO"), npos);  // the name is not the value
  EXPECT_EQ(at("subject", "SUBJECT"), npos);
  EXPECT_EQ(at("subject", ""), 0U);
  EXPECT_EQ(at("to", ""), lines.find("TO: "));
  EXPECT_EQ(at("cc", ""), npos);
  EXPECT_EQ(at("ect", ""), npos);
  EXPECT_EQ(at("x", ""), npos);
}

TEST(TextMatch, Places) {
  const Finder header({TextScope::header, "From", "A"});
  EXPECT_TRUE(header.in(mime::TextPlace::main_fields));
  EXPECT_FALSE(header.in(mime::TextPlace::other_fields));
  EXPECT_EQ(Finder({TextScope::header, "X-A", "A"}).places(), mime::place_bit(mime::TextPlace::other_fields));
  EXPECT_EQ(Finder({TextScope::body, {}, "A"}).places(), mime::place_bit(mime::TextPlace::body));
  EXPECT_EQ(Finder({TextScope::text, {}, "A"}).places(), mime::all_places);
  EXPECT_TRUE(Finder({TextScope::text, {}, ""}).always());
  EXPECT_FALSE(Finder({TextScope::header, "a", ""}).always());
  // A needle with a line end is in no header.
  EXPECT_EQ(Finder({TextScope::text, {}, "A\nB"}).places(), mime::place_bit(mime::TextPlace::body));
  EXPECT_EQ(Finder({TextScope::header, "a", "A\nB"}).places(), 0U);
  EXPECT_FALSE(Finder({TextScope::header, "a", "A\nB"}).always());
}

TEST(TextMatch, AcrossPieces) {
  const std::vector<TextNeedle> needles = {{TextScope::body, {}, "HELLO WORLD"},
                                           {TextScope::text, {}, "SUBJECT: ONE"},
                                           {TextScope::body, {}, "SUBJECT"},
                                           {TextScope::text, {}, "ABSENT"},
                                           {TextScope::text, {}, ""}};
  const auto finders = make_finders(needles);
  TextMatcher matcher(finders);
  for (const std::string_view line : {"SUBJECT: ONE TWO\n", "TO: HELLO WORLD\n"}) matcher.add(mime::TextPlace::main_fields, line);
  for (const char c : std::string("xxHELLO WORLDyy")) matcher.add(mime::TextPlace::body, {&c, 1});
  EXPECT_TRUE(matcher.found(0));
  EXPECT_TRUE(matcher.found(1));
  EXPECT_FALSE(matcher.found(2));
  EXPECT_FALSE(matcher.found(3));
  EXPECT_TRUE(matcher.found(4));
  EXPECT_FALSE(matcher.all_found());
  EXPECT_GT(matcher.work(), 0U);
  matcher.reset();
  EXPECT_FALSE(matcher.found(0));
  matcher.add(mime::TextPlace::body, "HELLO ");
  matcher.reset();
  matcher.add(mime::TextPlace::body, "WORLD");  // of the next message
  EXPECT_FALSE(matcher.found(0));
}

TEST(TextMatch, HostileLinesAreLinear) {
  const std::string line = "X: " + std::string(4'000'000, 'A') + "\nY: B\n";
  EXPECT_EQ(find({TextScope::header, "y", "A"}, mime::TextPlace::other_fields, line), npos);
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += "X: A\n";
  EXPECT_EQ(find({TextScope::header, "y", "A"}, mime::TextPlace::other_fields, many), npos);
  EXPECT_EQ(find({TextScope::header, "a", ""}, mime::TextPlace::other_fields, many), npos);
}

TEST(TextMatch, Truths) {
  TextTruths truths(3);
  EXPECT_EQ(truths.add(5), 0U);
  EXPECT_EQ(truths.add(9), 1U);
  truths.set(1, 2);
  EXPECT_FALSE(truths.get(0, 2));
  EXPECT_TRUE(truths.get(1, 2));
  EXPECT_EQ(truths.find(9), 1U);
  EXPECT_EQ(truths.find(6), truths.size());
}

}  // namespace
}  // namespace postern::store
