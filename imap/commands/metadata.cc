// SPDX-License-Identifier: Apache-2.0
// GETMETADATA and SETMETADATA (RFC 5464). The name "" is the server.
#include "imap/annotations.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// RFC 5464 §5: "(" ("MAXSIZE" SP number / "DEPTH" SP ("0" / "1" / "infinity")) … ")"
void read_options(Parser& in, EntryRequest& out) {
  in.expect('(');
  do {
    if (in.take_keyword("MAXSIZE")) {
      in.sp();
      out.max_size = in.number();
    } else if (in.take_keyword("DEPTH")) {
      in.sp();
      if (in.take_keyword("0")) {
        out.depth = EntryRequest::Depth::itself;
      } else if (in.take_keyword("1")) {
        out.depth = EntryRequest::Depth::children;
      } else if (in.take_keyword("infinity")) {
        out.depth = EntryRequest::Depth::all;
      } else {
        in.fail("Expected 0, 1 or infinity");
      }
    } else {
      in.fail("Unknown option");
    }
  } while (in.take(' '));
  in.expect(')');
  in.sp();
}

/// True when a list begins here that holds options, not entries.
bool options_follow(const Parser& in) { return in.is('(') && in.rest().size() > 1 && in.rest()[1] != '/' && in.rest()[1] != '"'; }

/// The mailbox's id; 0 for the server.
async::Task<Result<store::MailboxId>> find(Session& session, const std::string& name) {
  if (name.empty()) co_return store::MailboxId{0};
  const auto info = co_await session.store().status(name);
  if (!info) co_return std::unexpected(info.error());
  co_return info->id;
}

/// A mailbox name, or "" for the server.
std::string mailbox_or_server(Parser& in) {
  if (in.rest().starts_with("\"\"")) return in.astring();
  return in.mailbox();
}

/// literal8 and NIL besides strings.
std::optional<std::string> read_value(Parser& in) {
  in.take('~');
  return in.nstring();
}

// RFC 5464 §4.3
Reply failed(const Error& error) {
  switch (error.kind) {
    case ErrorKind::too_large:
      return no(fmt::format("METADATA MAXSIZE {}", store::max_annotation_octets), "The value is too long");
    case ErrorKind::limit: return no("METADATA TOOMANY", "There are too many entries already");
    default: return from_error(error);
  }
}

}  // namespace

// RFC 5464 §4.2; options stand before the mailbox in its grammar, behind it in its examples: both are taken.
async::Task<Reply> get_metadata(Session& session, Command& command) {
  auto& in = command.args;
  EntryRequest request;
  in.sp();
  if (in.is('(')) read_options(in, request);
  const auto name = mailbox_or_server(in);
  in.sp();
  if (options_follow(in)) read_options(in, request);
  parse_entries(in, request.entries);
  in.end();
  if (!in.ok()) co_return in.fault();
  const auto mailbox = co_await find(session, name);
  if (!mailbox) co_return from_error(mailbox.error());
  const auto all = co_await store::sharing_of(session.store()).annotations(*mailbox);
  if (!all) co_return from_error(all.error());
  std::uint64_t longest = 0;
  append_annotations(session.out(), name, session.names(), choose_entries(request, *all, longest));
  if (longest != 0) co_return ok(fmt::format("METADATA LONGENTRIES {}", longest), "Some values are longer");
  co_return ok("Done");
}

// RFC 5464 §4.3: all or nothing; NIL takes an entry away.
async::Task<Reply> set_metadata(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto name = mailbox_or_server(in);
  in.sp();
  in.expect('(');
  std::vector<store::Annotation> changes;
  do {
    std::vector<std::string> entry;
    parse_entries(in, entry);
    in.sp();
    auto value = read_value(in);
    if (!in.ok()) break;
    if (entry.size() != 1) in.fail("Expected one entry and its value");
    if (changes.size() == limits::metadata_entries) in.refuse(no("METADATA TOOMANY", "Too many entries at once"));
    if (in.ok()) changes.push_back({std::move(entry.front()), std::move(value)});
  } while (in.take(' '));
  in.expect(')');
  in.end();
  if (!in.ok()) co_return in.fault();
  const auto mailbox = co_await find(session, name);
  if (!mailbox) co_return from_error(mailbox.error());
  const auto done = co_await store::sharing_of(session.store()).annotate(*mailbox, std::move(changes));
  co_return done ? ok("Done") : failed(done.error());
}

}  // namespace postern::imap::commands
