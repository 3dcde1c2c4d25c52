// SPDX-License-Identifier: Apache-2.0
// CREATE with the USE parameter of RFC 6154.
#include "imap/mailbox_name.h"
#include "imap/notifier.h"
#include "imap/session.h"
#include "imap/special_use.h"

namespace postern::imap::commands {
namespace {

// RFC 6154 §5.2: create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")"
store::SpecialUse read_use(Parser& in) {
  auto use = store::SpecialUse::none;
  in.expect('(');
  if (!in.take_keyword("USE")) in.fail("Unknown parameter");
  in.sp();
  in.expect('(');
  while (in.ok() && !in.is(')')) {
    if (use != store::SpecialUse::none) {
      in.refuse(no("USEATTR", "One special use is enough for a mailbox"));
      break;
    }
    in.expect('\\');
    const auto found = special_use(in.atom());
    if (!found) in.refuse(no("USEATTR", "This special use is not known"));
    use = found.value_or(store::SpecialUse::none);
    in.take(' ');
  }
  in.expect(')');
  in.expect(')');
  return use;
}

}  // namespace

// RFC 3501 §6.3.3: a separator at the end only says that names below will follow.
async::Task<Reply> create(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  auto wire = in.astring();
  if (wire.size() > 1 && wire.ends_with('/')) wire.pop_back();
  auto use = store::SpecialUse::none;
  if (in.take(' ')) use = read_use(in);
  in.end();
  if (!in.ok()) co_return in.fault();
  auto name = decode_new_mailbox(wire, in.names());
  if (!name) co_return no("CANNOT", "This is no valid mailbox name");
  const auto made = co_await session.store().create(*std::move(name), use);
  if (!made) co_return from_error(made.error());
  if (auto* notifier = session.notifier()) notifier->made_by_session(made->name);
  // RFC 8474 §4.1
  const auto id = co_await session.store().object_id(made->id);
  co_return id ? ok("MAILBOXID (" + *id + ")", "Created") : ok("Created");
}

}  // namespace postern::imap::commands
