// SPDX-License-Identifier: Apache-2.0
// Letters: short plain-text mail from the house to people of ours (a mailbox fills up, a login from a new network). They go
// through the Door like any message and only into mailboxes of ours: null sender, never a recipient elsewhere.
#pragma once

#include <string>

#include "async/task.h"
#include "auth/directory.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/live.h"
#include "queue/accept.h"

namespace postern::queue {

struct Letter {
  std::string to;       ///< an address of ours; aliases and postmaster are followed
  std::string subject;  ///< UTF-8
  std::string text;     ///< UTF-8, lines ended by LF
};

/// What letters need; all of it outlives them.
struct Writing {
  Door& door;
  const auth::Directory& directory;
  config::Live& config;
  Clock& clock;
  Log& log;
};

/// The message as stored: From is postmaster of the recipient's domain, Auto-Submitted keeps vacation programs quiet
/// (RFC 3834 §5). Errors: invalid (an address or a subject that no header can hold).
Result<std::string> compose_letter(const Letter& letter, UnixTime now);

/// Text for people as the body of a text/plain part: lines ended by CRLF, quoted-printable.
std::string quoted_text(std::string_view text);

/// Durable when it returns. Errors: not_found (no mailbox of ours), those of the Door.
async::Task<Result<>> send_letter(Writing writing, Letter letter);

}  // namespace postern::queue
