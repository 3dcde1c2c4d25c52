// SPDX-License-Identifier: Apache-2.0
#include "imap/rights.h"

namespace postern::imap {

std::string rights_on_wire(store::Rights rights) {
  std::string out = store::rights_text(rights);
  if ((rights & (store::right::create | store::right::remove_mailbox)) != 0) out += 'c';
  if ((rights & (store::right::remove_message | store::right::expunge)) != 0) out += 'd';
  return out;
}

bool may_be_foreign(std::string_view name) { return store::parse_foreign(name, {}).has_value(); }

async::Task<Result<store::Grant>> grant_on(Session& session, const store::MailboxInfo& info) {
  if (!may_be_foreign(info.name)) co_return store::Grant{session.store().identity().account(), store::right::all, false};
  co_return co_await store::sharing_of(session.store()).grant(info.id);
}

std::uint64_t settable_flags(const store::Grant& grant) {
  std::uint64_t out = 0;
  if ((grant.rights & store::right::write) != 0) out |= ~(store::flag::seen | store::flag::deleted);
  if ((grant.rights & store::right::seen) != 0) out |= store::flag::seen;
  if ((grant.rights & store::right::remove_message) != 0) out |= store::flag::deleted;
  return out;
}

bool can_change(const store::Grant& grant) {
  return (grant.rights & (store::right::seen | store::right::write | store::right::insert | store::right::remove_message |
                          store::right::expunge)) != 0;
}

}  // namespace postern::imap
