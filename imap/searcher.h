// SPDX-License-Identifier: Apache-2.0
// Searcher: runs a SearchProgram over the view in passes of rising cost: snapshot, index entry with envelope, and the text of
// what is still undecided, which the store searches in one call for all keys. A message goes on to the next pass only while its
// truth is unknown.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "imap/message_limit.h"
#include "imap/search_key.h"
#include "imap/session.h"
#include "store/particulars.h"
#include "store/text_search.h"

namespace postern::imap {

class Searcher {
 public:
  /// Over the selected mailbox.
  Searcher(Session& session, const SearchProgram& program) : Searcher(session, session.view(), program) {}
  /// Over any view of this session; it must outlive this.
  Searcher(Session& session, const View& view, const SearchProgram& program);

  /// No more messages than that are looked at: those that its message sets leave, from the highest down (RFC 9738 §3.1).
  void respect(MessageLimit& limit) { limit_ = &limit; }
  /// Indexes of the rows that match, ascending. Errors: invalid (a sequence number without message), limit (security.md D89),
  /// closed (the client went away), io, corrupt.
  async::Task<Result<std::vector<std::size_t>>> run();
  /// The same of these rows alone, ascending; they outlive the call.
  async::Task<Result<std::vector<std::size_t>>> run(const IndexRanges& rows);

 private:
  /// A message that the snapshot did not decide.
  struct Candidate {
    std::size_t index = 0;
    const store::Row* row = nullptr;
    const Truth* truths = nullptr;  ///< by column; null: nothing is known beyond the row
  };
  Result<> resolve();
  std::size_t first_row();
  store::MetaFields fields() const;
  bool needs_info(const SearchKey& key) const;
  using Answer = std::optional<Result<store::TextTruths>>;
  bool decide_now(std::size_t index, const store::Row& row);
  std::size_t most_kept() const;
  async::Task<Result<std::vector<std::size_t>>> look_at(IndexRanges rows);
  async::Task<Result<>> rest();
  async::Task<Result<std::vector<std::size_t>>> finish();
  async::Task<> look_for(store::TextCandidates where, store::TextQuery query, async::Event& due, Answer& answer);
  async::Task<> tell_due(async::Event& due, const Answer& answer);
  Truth test(const Candidate& candidate);
  Truth leaf(std::size_t key, const Candidate& candidate) const;
  async::Task<Result<>> settle();
  async::Task<Result<>> read_infos();
  async::Task<Result<>> read_page(std::size_t begin, std::size_t end);
  async::Task<Result<>> read_particulars(const store::UidSet& uids);
  async::Task<Result<>> search_text();
  async::Task<Result<Day>> sent_day(const store::MessageInfo& info);
  async::Task<Result<>> fill(std::size_t candidate, const store::MessageInfo& info);
  async::Task<> decide();
  async::Task<> take_turn();

  Session& session_;
  const View& view_;
  const SearchProgram& program_;
  const UnixTime now_;
  MessageLimit* limit_ = nullptr;
  std::map<std::size_t, IndexRanges> sets_;  ///< by key: rows of its message set
  std::map<std::size_t, std::uint64_t> keyword_bits_;
  std::vector<std::size_t> column_of_;  ///< by key: its column of truths, for keys that the row does not decide
  std::vector<std::size_t> info_keys_;  ///< keys that the index entry decides
  std::vector<std::size_t> text_keys_;  ///< keys that the text decides
  std::size_t columns_ = 0;
  std::vector<Candidate> open_;
  std::vector<Truth> truths_;                    ///< open_.size() * columns_
  std::vector<store::Particulars> particulars_;  ///< of the page that is read
  std::vector<Truth> stack_;
  std::vector<std::size_t> matches_;
  std::size_t work_ = 0;  ///< keys tested since others had a turn
};

}  // namespace postern::imap
