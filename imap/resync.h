// SPDX-License-Identifier: Apache-2.0
// Resync: the QRESYNC parameter of SELECT (RFC 7162 §3.2.5), with which a client comes back to a mailbox it knows: what it knows,
// and which of the messages that went it has to be told of.
#pragma once

#include <optional>

#include "imap/grammar.h"
#include "store/snapshot.h"

namespace postern::imap {

/// UIDs that are not in the snapshot. What went while a command ran is told later, as a change.
store::UidSet without_present(const store::UidSet& uids, const store::Snapshot& snapshot);

struct Resync {
  std::uint32_t uidvalidity = 0;
  store::ModSeq since = 0;
  std::optional<store::UidSet> known;  ///< nothing: all that exist
  store::UidSet matched_numbers;       ///< the client's sequence numbers, as many as matched_uids
  store::UidSet matched_uids;

  bool is_known(store::Uid uid) const { return !known || known->contains(uid); }
  /// Of `gone`, what this client may still have. Numbers that still match show that all below them is as the client knows it.
  store::UidSet vanished(const store::Snapshot& snapshot, const store::UidSet& gone) const;
};

struct SelectParameters {
  bool condstore = false;
  std::optional<Resync> resync;
};

/// [SP "(" select-param *(SP select-param) ")"]. Faults go to the parser.
SelectParameters parse_select_parameters(Parser& in);

}  // namespace postern::imap
