// SPDX-License-Identifier: Apache-2.0
// TextLookup: one search in one account's text file, in slices for the lane of long work. First the candidates' rows (with the
// prefix of each message, which is not in the file), then the blocks that hold their bodies. What the file does not have is left
// for decoding on the fly. Used by one thread at a time; it holds what it uses, so a cancelled caller may leave it alone.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "store/sqlite/database.h"
#include "store/sqlite/text_file.h"
#include "store/text_search.h"

namespace postern::store::sqlite {

class TextLookup {
 public:
  /// Longest slice (design.md §4).
  static constexpr std::chrono::milliseconds slice_time{5};

  struct Order {
    AccountId account = 0;
    TextCandidates where;
    std::vector<TextNeedle> needles;
    std::uint64_t work = max_text_work;  ///< as TextQuery::work
    TextViewPtr view;                    ///< may be null
  };
  explicit TextLookup(Order order);

  /// Goes on for a slice; true when there is more to do. Errors: not_found (no such mailbox of the account), limit.
  Result<bool> slice(Database& db);

  // -- when slice() gave false
  UidSet left_over() const;
  /// Takes over what was found on the fly of those; those that it does not have are gone. Gives the answer.
  TextTruths finish(const TextTruths& scanned) &&;
  std::uint64_t work_left() const { return work_; }
  /// A block of the view was damaged.
  bool damaged() const { return damaged_; }

 private:
  struct Candidate {
    std::uint64_t blob = 0;
    std::uint64_t checksum = 0;
    std::size_t row = 0;  ///< in truths_
  };
  /// An entry of the block under test that somebody asks for.
  struct Wanted {
    std::size_t begin = 0;  ///< in candidates_
    std::size_t end = 0;
  };

  bool in_time() const { return std::chrono::steady_clock::now() < end_of_slice_; }
  Result<> read_rows(Database& db);
  Query query_rows(Database& db, std::int64_t lo, std::int64_t hi) const;
  bool verified() const { return order_.view && order_.view->verified; }
  Result<> take_row(Query& row);
  const TextBlock& block() const { return *order_.view->blocks[block_]; }
  bool more_blocks() const { return order_.view && block_ < order_.view->blocks.size(); }
  Result<> step();
  bool find_wanted();
  Result<> next_section();
  void end_block();
  Result<> look_for(std::size_t needle);
  void mark(std::size_t entry, std::size_t needle);
  Result<> pay(std::uint64_t work);

  Order order_;
  const std::vector<Finder> finders_;
  const mime::TextPlaces places_;
  TextMatcher prefix_matcher_;
  TextTruths truths_;
  std::uint64_t work_;
  std::chrono::steady_clock::time_point end_of_slice_;

  std::size_t range_ = 0;  ///< of the UID set
  Uid next_uid_ = 0;       ///< in that range
  bool rows_read_ = false;
  std::vector<Candidate> candidates_;  ///< by blob once all rows were read
  std::vector<bool> answered_;         ///< by row
  // Where it is: block, section of it (text_places: none yet), needle.
  std::size_t block_ = 0;
  std::size_t place_ = mime::text_places;
  std::size_t needle_ = 0;
  std::vector<Wanted> wanted_;  ///< by entry of the block under test
  SectionReader reader_;
  std::string_view text_;          ///< of the section
  std::vector<std::size_t> ends_;  ///< of its entries
  bool damaged_ = false;
};

/// The search of a session: takes its turn at the gate, runs the slices, decodes what is left.
struct Core;
struct TextVisit {
  Session& session;     ///< who searches; checks each read
  AccountId owner = 0;  ///< whose mailbox it is, and whose text
};
Task<Result<TextTruths>> search_text(Core& core, TextVisit visit, TextCandidates where, TextQuery query);

}  // namespace postern::store::sqlite
