// SPDX-License-Identifier: Apache-2.0
// Header blocks: field boundaries to the octet, lookup, unfolding, the end of the header in pieces, limits, HEADER.FIELDS.
#include "mime/header.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

TEST(Header, FieldsHaveExactOffsets) {
  const std::string_view block = "From: a@b\r\nSubject : one\r\n\ttwo\nX:\r\n\r\nbody: no\r\n";
  const Header header(block);
  ASSERT_EQ(header.fields().size(), 3u);
  EXPECT_EQ(header.fields()[0].name, "From");
  EXPECT_EQ(header.fields()[0].raw, " a@b");
  EXPECT_EQ(header.fields()[1].name, "Subject");
  EXPECT_EQ(header.fields()[1].raw, " one\r\n\ttwo");
  EXPECT_EQ(header.fields()[1].value(), "one\ttwo");
  EXPECT_EQ(header.fields()[2].value(), "");
  for (const Field& field : header.fields()) {
    EXPECT_EQ(block.substr(field.begin, field.name.size()), field.name);
    EXPECT_EQ(block[field.end - 1], '\n');
  }
  EXPECT_EQ(header.fields()[1].begin, header.fields()[0].end);
  EXPECT_FALSE(header.damaged());
}

TEST(Header, SkipsAndFlagsLinesThatAreNoField) {
  for (const std::string_view block : {">From x\r\nA: 1\r\n", " leading fold\r\nA: 1\r\n", ": no name\r\nA: 1\r\n",
                                       "caf\xc3\xa9: 8-bit name\r\nA: 1\r\n", "no colon\r\n folded\r\nA: 1"}) {
    const Header header(block);
    ASSERT_EQ(header.fields().size(), 1u) << block;
    EXPECT_EQ(header.value("a"), "1") << block;
    EXPECT_TRUE(header.damaged()) << block;
  }
}

TEST(Header, FindsByNameWithoutCase) {
  const Header header("Received: 1\r\nreceived: 2\r\nRECEIVED : 3\r\nReceived-SPF: no\r\n");
  EXPECT_EQ(header.value("Received"), "1");
  EXPECT_EQ(header.count("Received"), 3u);
  ASSERT_EQ(header.all("received").size(), 3u);
  EXPECT_EQ(header.all("received")[2]->value(), "3");
  EXPECT_EQ(header.first("Subject"), nullptr);
  EXPECT_EQ(header.value("Subject"), "");
}

TEST(Header, UnfoldNeverKeepsLineEndsOrNul) {
  EXPECT_EQ(unfold(" a\r\n b"), "a b");
  EXPECT_EQ(unfold("a\n\tb"), "a\tb");
  EXPECT_EQ(unfold("a\rb"), "a b");
  EXPECT_EQ(unfold(std::string_view("a\0b", 3)), "a b");
  EXPECT_EQ(unfold("\r\n \r\n "), "");
}

TEST(Header, EndIsTheSameInOnePieceAndInMany) {
  struct Case {
    std::string text;
    std::size_t fields_end, body_begin;
    bool found;
  };
  const Case cases[] = {{"A: 1\r\n\r\nbody\r\n\r\n", 6, 8, true},
                        {"A: 1\n\nbody", 5, 6, true},
                        {"\r\nbody", 0, 2, true},
                        {"A: 1\r\n", 6, 6, false},
                        {"", 0, 0, false},
                        {"A: 1\r\n\r\r\nB: 2\r\n\r\n", 15, 17, true},
                        {"A\n\rB\n\n", 5, 6, true},
                        {"\r", 1, 1, false}};
  for (const Case& one : cases) {
    const HeaderEnd end = find_header_end(one.text);
    EXPECT_EQ(end.fields_end, one.fields_end) << one.text;
    EXPECT_EQ(end.body_begin, one.body_begin) << one.text;
    EXPECT_EQ(end.found, one.found) << one.text;
    for (std::size_t step = 1; step <= one.text.size(); ++step) {
      HeaderEndFinder finder;
      std::size_t taken = 0;
      for (std::size_t at = 0; at < one.text.size() && !finder.done(); at += step) {
        taken += finder.feed(std::string_view(one.text).substr(at, step));
      }
      EXPECT_EQ(taken, one.body_begin) << one.text << " in steps of " << step;
      EXPECT_EQ(finder.size(), one.body_begin);
      EXPECT_EQ(finder.done(), one.found);
    }
  }
}

TEST(Header, LimitsAreExact) {
  const std::string field = "X: " + std::string(max_field - 5, 'x') + "\r\n";
  EXPECT_TRUE(check_limits(field));
  EXPECT_EQ(check_limits("X" + field).error().kind, ErrorKind::too_large);
  std::string many;
  for (std::size_t i = 0; i < max_fields; ++i) many += "A: 1\r\n";
  EXPECT_TRUE(check_limits(many));
  EXPECT_EQ(check_limits(many + "A: 1\r\n").error().kind, ErrorKind::limit);
  EXPECT_EQ(check_limits(std::string(max_header_block + 1, 'x')).error().kind, ErrorKind::too_large);
}

TEST(Header, SelectsFieldsAsTheyStand) {
  const std::string_view block = "From: a\r\nTo: b,\r\n c\r\nfrom: d\r\nX: y\r\n\r\n";
  const std::vector<std::string> names = {"FROM", "to"};
  EXPECT_EQ(select_fields(block, names, Select::only), "From: a\r\nTo: b,\r\n c\r\nfrom: d\r\n\r\n");
  EXPECT_EQ(select_fields(block, names, Select::except), "X: y\r\n\r\n");
  EXPECT_EQ(select_fields("From: a", names, Select::only), "From: a");
  EXPECT_EQ(select_fields(block, {}, Select::only), "\r\n");
}

}  // namespace
}  // namespace postern::mime
