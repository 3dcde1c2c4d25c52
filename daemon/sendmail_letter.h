// SPDX-License-Identifier: Apache-2.0
// A message as local programs write it, made fit for SMTP: lines end in CR LF, addresses have a domain, there is a From. Date and
// Message-ID are the server's to add. Pure functions of the text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemon/sendmail_line.h"
#include "mail/envelope.h"

namespace postern::daemon {

/// Who calls.
struct LocalUser {
  std::string login;
  std::string name;    ///< from the password file, may be empty
  std::string domain;  ///< of addresses without one
};

struct Letter {
  mail::Envelope envelope;
  std::string text;  ///< header and body in CR LF lines
};

/// What comes before a line with a single dot; all of it when there is none.
std::string_view up_to_dot(std::string_view text);

/// Errors invalid: an address that is none, no recipients at all, a domain that is none.
Result<Letter> make_letter(const SendmailLine& line, const LocalUser& user, std::string_view text);

}  // namespace postern::daemon
