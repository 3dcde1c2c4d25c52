// SPDX-License-Identifier: Apache-2.0
// Sets, their limits, and what they mean in a mailbox.
#include "imap/sequence_set.h"

namespace postern::imap {
namespace {

/// A mailbox with these UIDs.
store::Snapshot snapshot_of(const std::vector<store::Uid>& uids) {
  auto chunk = std::make_shared<store::Snapshot::Chunk>();
  for (const auto uid : uids) chunk->push_back({.uid = uid});
  store::Snapshot snapshot;
  if (!chunk->empty()) snapshot.set_chunks({chunk});
  return snapshot;
}

std::string show(const Result<IndexRanges>& ranges) {
  if (!ranges) return "!";
  std::string out;
  for (const auto& range : *ranges) out += fmt::format("[{},{})", range.begin, range.end);
  return out;
}

TEST(ImapSequenceSet, Parse) {
  for (const std::string good : {"1", "*", "1:*", "*:1", "1,2,3", "5:2", "4294967295", "$"}) {
    EXPECT_TRUE(SequenceSet::parse(good).has_value()) << good;
  }
  for (const std::string bad : {"", "0", "1:", ":1", "1,", ",1", "1::2", "a", "4294967296", "1:0", "-1", "1 2", "$,1", "01"}) {
    EXPECT_FALSE(SequenceSet::parse(bad).has_value()) << bad;
  }
}

TEST(ImapSequenceSet, Resolve) {
  const auto three = snapshot_of({10, 20, 30});
  const auto empty = snapshot_of({});
  struct Row {
    std::string set;
    Numbering numbering;
    const store::Snapshot& snapshot;
    std::string rows;
  };
  const Row rows[] = {
      {"1:3", Numbering::sequence, three, "[0,3)"},
      {"3:1", Numbering::sequence, three, "[0,3)"},
      {"*", Numbering::sequence, three, "[2,3)"},
      {"1,3", Numbering::sequence, three, "[0,1)[2,3)"},
      {"1,2", Numbering::sequence, three, "[0,2)"},
      {"2:*,1:*", Numbering::sequence, three, "[0,3)"},
      {"4", Numbering::sequence, three, "!"},
      {"2:4", Numbering::sequence, three, "!"},
      {"1:*", Numbering::sequence, empty, "!"},
      {"10:20", Numbering::uid, three, "[0,2)"},
      {"11:19", Numbering::uid, three, ""},
      {"1:*", Numbering::uid, three, "[0,3)"},
      {"99", Numbering::uid, three, ""},
      {"99:*", Numbering::uid, three, "[2,3)"},  // * is 30, and 30:99 holds it
      {"25:4294967295", Numbering::uid, three, "[2,3)"},
      {"1:*", Numbering::uid, empty, ""},
      {"*", Numbering::uid, empty, ""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(show(SequenceSet::parse(row.set)->resolve(row.snapshot, row.numbering)), row.rows) << row.set;
  }
}

TEST(ImapSequenceSet, ManyRangesAreBounded) {
  std::string many = "1:*";
  for (int i = 1; i < 10'000; ++i) many += ",1:*";
  const auto set = SequenceSet::parse(many);
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(show(set->resolve(snapshot_of({1, 2}), Numbering::uid)), "[0,2)");
}

TEST(ImapSequenceSet, OneRangeTooMany) {
  std::string many = "1";
  for (int i = 1; i <= 10'000; ++i) many += ",1";
  const auto set = SequenceSet::parse(many);
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().kind, ErrorKind::limit);
}

TEST(ImapSequenceSet, RangesAnswerQuestions) {
  const IndexRanges ranges = {{0, 2}, {5, 6}};
  EXPECT_EQ(count(ranges), 3U);
  for (const std::size_t in : {0U, 1U, 5U}) EXPECT_TRUE(contains(ranges, in));
  for (const std::size_t out : {2U, 4U, 6U}) EXPECT_FALSE(contains(ranges, out));
  EXPECT_EQ(uids_of(snapshot_of({3, 4, 5, 6, 7, 9}), ranges).to_string(), "3:4,9");
}

TEST(ImapSequenceSet, PartsAndChoices) {
  const IndexRanges ranges = {{0, 3}, {5, 6}, {8, 10}};
  EXPECT_EQ(show(part_of(ranges, 0, 6)), "[0,3)[5,6)[8,10)");
  EXPECT_EQ(show(part_of(ranges, 2, 5)), "[2,3)[5,6)[8,9)");
  EXPECT_EQ(show(part_of(ranges, 4, 100)), "[8,10)");
  EXPECT_EQ(show(part_of(ranges, 3, 3)), "");
  EXPECT_EQ(show(chosen_of(ranges, [](std::size_t index) { return index != 1 && index != 5; })), "[0,1)[2,3)[8,10)");
}

}  // namespace
}  // namespace postern::imap
