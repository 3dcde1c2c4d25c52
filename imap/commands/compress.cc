// SPDX-License-Identifier: Apache-2.0
// COMPRESS (RFC 4978). Only after the login (security.md D87); the bounds are in net/deflate_stream.h.
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 4978 §5: compress = "COMPRESS" SP algorithm; algorithm = "DEFLATE"
async::Task<Reply> compress(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  if (!in.take_keyword("DEFLATE")) in.fail("Only DEFLATE is known");
  in.end();
  if (!in.ok()) co_return in.fault();
  if (session.is_compressed()) co_return no("COMPRESSIONACTIVE", "DEFLATE is active already");
  // RFC 4978 §3: nothing may follow before the reply, or nobody knows which octets are compressed.
  if (!session.connection().buffered().empty()) co_return bad("Wait for the reply to COMPRESS");
  session.compress_after_reply();
  co_return ok("DEFLATE active");
}

}  // namespace postern::imap::commands
