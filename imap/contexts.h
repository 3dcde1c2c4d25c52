// SPDX-License-Identifier: Apache-2.0
// Contexts: results of SEARCH and SORT that are kept up to date (RFC 5267 §4). The session notes which messages changed in its
// picture; tell() tests these alone again, and says what came into a result (ADDTO) and what left it (REMOVEFROM).
//
// A context holds UIDs only. Positions are told for SORT; results of SEARCH stand in the order of the mailbox, position 0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "imap/message_page.h"
#include "imap/search_key.h"
#include "imap/sorter.h"
#include "store/snapshot.h"

namespace postern::imap {

class Session;

/// A result that a client wants to be told the changes of.
struct Context {
  std::string tag;  ///< of the command that asked
  Numbering numbering = Numbering::sequence;
  SearchProgram program;
  std::vector<SortCriterion> order;  ///< of SORT; empty: SEARCH
  std::vector<store::Uid> members;   ///< in order; of SEARCH ascending
};

/// Whether the result can change by itself (OLDER, YOUNGER), or speaks of sequence numbers or of "$": these are not kept up to
/// date.
bool can_be_updated(const SearchProgram& program);

class Contexts {
 public:
  bool has(std::string_view tag) const;
  /// False when there are too many, or too much in them.
  bool add(Context context);
  /// False when there is none of this tag.
  bool cancel(std::string_view tag);

  /// These rows of the picture came, or their flags changed. To be tested at the next tell().
  void note(const std::vector<store::Row>& changed, store::Uid first_added);
  /// Says REMOVEFROM for what is about to leave the picture; numbers are those that the client still has.
  void tell_vanished(Session& session, const store::UidSet& vanished, const store::Snapshot& picture);
  /// Tests what was noted, in the picture as it is now, and says what changed. A context that cannot be tested ends with
  /// NOUPDATE. Gives what is to be told of new messages that came into results (RFC 5465 §7). Throws ConnectionOver.
  async::Task<std::vector<WantedFetch>> tell(Session& session);

 private:
  /// Messages that need to be tested again.
  struct Noted {
    store::UidSet rows;
    store::Uid first_added = 0;
    bool is_new(store::Uid uid) const { return first_added != 0 && uid >= first_added; }
  };
  async::Task<Result<>> update(Session& session, Context& context, const Noted& noted, std::vector<WantedFetch>& wanted);
  async::Task<Result<>> insert(Session& session, Context& context, std::vector<std::size_t> rows);
  async::Task<Result<>> insert_one(Session& session, Context& context, std::size_t row);
  async::Task<Result<>> insert_all(Session& session, Context& context, std::vector<std::size_t> rows);

  std::vector<Context> contexts_;
  Noted noted_;
};

}  // namespace postern::imap
