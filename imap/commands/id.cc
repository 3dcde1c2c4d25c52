// SPDX-License-Identifier: Apache-2.0
// ID: names the product, reads and forgets what the client says.
#include "imap/limits.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// Longest key and value (RFC 2971 §3.3).
constexpr std::size_t longest_key = 30;
constexpr std::size_t longest_value = 1024;

// RFC 2971 §4: id = "ID" SP id-params-list; id-params-list = "(" *(string SP nstring) ")" / nil
void read_fields(Parser& in) {
  in.sp();
  if (in.take_keyword("NIL")) return in.end();
  in.expect('(');
  for (std::size_t n = 0; in.ok() && !in.is(')'); ++n) {
    if (n > 0) in.sp();
    const auto key = in.string();
    in.sp();
    const auto value = in.nstring();
    const bool long_value = value && value->size() > longest_value;
    if (n == limits::id_fields || key.size() > longest_key || long_value) return in.fail("Too many or too long fields");
  }
  in.expect(')');
  in.end();
}

}  // namespace

// RFC 2971 §3.1. We name the product and nothing an attacker could use; what the client says changes nothing.
async::Task<Reply> id(Session& session, Command& command) {
  read_fields(command.args);
  if (!command.args.ok()) co_return command.args.fault();
  session.out().append("* ID (\"name\" \"Postern\")\r\n");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
