// SPDX-License-Identifier: Apache-2.0
// Rights as commands need them: the text of a set on the wire, and what a mailbox's name or grant means to a session. The store
// checks every call by itself; what is here only lets commands answer as RFC 4314 says.
#pragma once

#include "imap/session.h"
#include "store/sharing.h"

namespace postern::imap {

/// "lrswipkxtea" and, for clients of RFC 2086, the letters "c" and "d" where a part of them is there (RFC 4314 §2.1.1).
std::string rights_on_wire(store::Rights rights);
/// True when the name may be in the namespace of others; own names cost no question to the store.
bool may_be_foreign(std::string_view name);
/// What the session may do with a mailbox. Errors: not_found.
async::Task<Result<store::Grant>> grant_on(Session& session, const store::MailboxInfo& info);
/// Bits of a row that may be set for good (RFC 4314 §4, PERMANENTFLAGS).
std::uint64_t settable_flags(const store::Grant& grant);
/// Whether SELECT can say READ-WRITE (RFC 4314 §4).
bool can_change(const store::Grant& grant);

}  // namespace postern::imap
