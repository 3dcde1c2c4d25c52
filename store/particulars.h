// SPDX-License-Identifier: Apache-2.0
// What is known of a message beside its content, and ids that outlive names and numbers: when it came into this mailbox
// (RFC 8514), an id that all copies of a message in one account share, and the id of a mailbox (RFC 8474). A Session of either
// implementation is a ParticularsSource, too. Ids of other accounts cannot be told from these (security.md D91).
#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace postern::store {

struct Particulars {
  Uid uid = 0;
  UnixTime saved = 0;    ///< when it was put into this mailbox
  std::string email_id;  ///< 1 … 255 letters and digits; the same for every copy in the account
};

class ParticularsSource {
 public:
  virtual ~ParticularsSource() = default;
  /// Ascending by UID; UIDs that do not exist are left out. At most 1,000 UIDs a call (limit).
  virtual Task<Result<std::vector<Particulars>>> particulars(MailboxId mailbox, UidSet uids) = 0;
  /// Letters and digits; never another mailbox's, and the same after RENAME.
  virtual Task<Result<std::string>> object_id(MailboxId mailbox) = 0;
};

/// Of the session. Error unsupported when it has none.
Task<Result<std::vector<Particulars>>> particulars(Session& session, MailboxId mailbox, UidSet uids);
Task<Result<std::string>> object_id(Session& session, MailboxId mailbox);

/// "M" or "F" and a hash of the parts in hexadecimal.
std::string make_object_id(char kind, std::initializer_list<std::string_view> parts);

}  // namespace postern::store
