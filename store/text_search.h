// SPDX-License-Identifier: Apache-2.0
// Searching in the text of messages. search_text() works on every Session: one that keeps text ready implements TextSearch; for
// all others, and for messages whose text is not ready yet, each message is read and decoded on the fly. The answer is the
// same: both use mime/search_text.h and store/text_match.h. It is never stale: what a call of append() or accept() has
// acknowledged is found by the next search.
//
// Bounds (security.md D89): needles, needles times messages, and octets compared. Work goes in slices, and `gone` is asked
// between them.
#pragma once

#include <functional>
#include <vector>

#include "store/store.h"
#include "store/text_match.h"

namespace postern::store {

/// Needles of one search.
inline constexpr std::size_t max_text_needles = 1'000;
/// Needles times messages of one search: one bit each.
inline constexpr std::uint64_t max_text_truths = std::uint64_t{1} << 28;
/// Octets of text that one search may compare, each needle counted.
inline constexpr std::uint64_t max_text_work = std::uint64_t{8} << 30;

struct TextQuery {
  std::vector<TextNeedle> needles;
  std::uint64_t work = max_text_work;
  /// Asked between slices on the caller's executor; true ends the search with Error closed. May be empty.
  std::function<bool()> gone;
};

/// One mailbox, and which of its messages.
struct TextCandidates {
  MailboxId mailbox = 0;
  UidSet uids;  ///< of messages that exist; others cost time only
};

/// A Session that has the text of its messages at hand.
class TextSearch {
 public:
  virtual ~TextSearch() = default;
  /// As search_text().
  virtual Task<Result<TextTruths>> search_text(TextCandidates where, TextQuery query) = 0;
};

/// For each of the messages that exist (TextTruths::present), which needles it has. Errors: limit (the bounds above), closed,
/// not_found (no such mailbox), corrupt or io (a message cannot be read, so nobody knows).
Task<Result<TextTruths>> search_text(Session& session, TextCandidates where, TextQuery query);

/// Decodes each message on the fly. `query.work` goes down by what was done.
Task<Result<TextTruths>> scan_messages(Session& session, TextCandidates where, TextQuery& query);

/// Errors: limit, when a search is beyond the bounds.
Result<> check_bounds(const TextQuery& query, std::uint64_t messages);

}  // namespace postern::store
