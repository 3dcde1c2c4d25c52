// SPDX-License-Identifier: Apache-2.0
// RETURN options and partial ranges.
#include "imap/search_return.h"

namespace postern::imap {
namespace {

using Part = std::pair<std::size_t, std::size_t>;

TEST(ImapSearchReturn, PartialRanges) {
  struct Row {
    std::string text;
    std::string canonical;  ///< empty: refused
    std::size_t total = 0;
    Part part;
  };
  const Row rows[] = {
      {"1:2", "1:2", 5, {0, 2}},
      {"2:1", "1:2", 5, {0, 2}},
      {"4:9", "4:9", 5, {3, 5}},
      {"6:9", "6:9", 5, {5, 5}},
      {"-1:-2", "-1:-2", 5, {3, 5}},
      {"-2:-1", "-1:-2", 5, {3, 5}},
      {"-4:-9", "-4:-9", 5, {0, 2}},
      {"-6:-9", "-6:-9", 5, {0, 0}},
      {"1:4294967295", "1:4294967295", 3, {0, 3}},
      {"1:1", "1:1", 0, {0, 0}},
      {"-1:-1", "-1:-1", 0, {0, 0}},
      {"0:1", "", 0, {}},
      {"1", "", 0, {}},
      {"-1:1", "", 0, {}},
      {"1:-1", "", 0, {}},
      {"1:*", "", 0, {}},
      {"4294967296:1", "", 0, {}},
      {"", "", 0, {}},
  };
  for (const auto& row : rows) {
    Parser in(row.text);
    const auto range = parse_partial_range(in);
    in.end();
    EXPECT_EQ(in.ok(), !row.canonical.empty()) << row.text;
    if (!in.ok()) continue;
    EXPECT_EQ(range.to_string(), row.canonical);
    EXPECT_EQ(range.of(row.total), row.part) << row.text;
  }
}

TEST(ImapSearchReturn, Options) {
  Parser none("ALL");
  EXPECT_FALSE(parse_search_returns(none).extended);
  Parser empty("RETURN () ALL");
  EXPECT_TRUE(parse_search_returns(empty).all);
  for (const std::string text : {"RETURN (PARTIAL 1:2 ALL) ALL", "RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL", "RETURN (FOO) ALL",
                                 "RETURN (MIN", "RETURN(MIN) ALL", "RETURN (PARTIAL) ALL"}) {
    Parser in(text);
    parse_search_returns(in);
    EXPECT_FALSE(in.ok()) << text;
  }
}

}  // namespace
}  // namespace postern::imap
