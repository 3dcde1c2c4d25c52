// SPDX-License-Identifier: Apache-2.0
// Rights, names, \Seen of guests and annotations in the in-memory store: plain functions, called with State::mutex held.
#pragma once

#include "store/memory/state.h"

namespace postern::store::memory {

/// Who asks for which mailbox.
struct Visit {
  AccountId account = 0;
  MailboxId mailbox = 0;
};
/// A mailbox name as its owner calls it; empty: a level above mailboxes.
struct Place {
  AccountId owner = 0;
  std::string name;
};

/// Rights 0 when nothing is granted.
Grant grant_of(const State& state, AccountId me, const Mailbox& mailbox);
/// The one access check. Errors: not_found, denied.
Result<Mailbox*> allow(State& state, Visit visit, Rights needed);
/// Nothing when the account that the name speaks of does not exist. Errors: as canonical_mailbox().
Result<std::optional<Place>> place_of(State& state, AccountId me, const std::string& name);
std::string name_for(const State& state, AccountId me, const Mailbox& mailbox);
/// The mailbox of that name if the account may know of it.
Result<Mailbox*> find_visible(State& state, AccountId me, const std::string& name);
/// Where the account may make a mailbox of that name: checked. `above` is whose rights it gets, or null.
struct NewPlace {
  Place place;
  Mailbox* above = nullptr;
};
Result<NewPlace> place_for_new(State& state, AccountId me, const std::string& name);
void inherit(Mailbox& made, const Mailbox& above);

/// Which bits of a row the account may change, and whether its \Seen is its own.
std::uint64_t writable_flags(const Grant& grant, AccountId me);
bool has_own_seen(const Grant& grant, AccountId me);
/// Gives rows a new mod-sequence.
void bump_rows(State& state, Mailbox& mailbox, const UidSet& uids);
/// Tells open guests of this mailbox (0: all) what they may see now.
void refresh_guests(State& state, MailboxId mailbox);
/// The rows as the account sees them.
SnapshotPtr rows_for(const State& state, AccountId me, const Mailbox& mailbox);

/// The mailbox with name and counters as the account may see them.
MailboxInfo describe_for(const State& state, AccountId me, const Mailbox& mailbox);

Result<std::vector<AclEntry>> read_acl(State& state, Visit visit);
Result<> set_acl(State& state, Visit visit, const AclChange& change);
Result<> set_seen_each(State& state, Visit visit, bool on);
Result<std::vector<Annotation>> read_annotations(State& state, Visit visit);
Result<> annotate(State& state, Visit visit, const std::vector<Annotation>& changes);

}  // namespace postern::store::memory
