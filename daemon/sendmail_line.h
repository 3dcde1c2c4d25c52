// SPDX-License-Identifier: Apache-2.0
// The command line of sendmail(8), as cron, scripts and mail programs have used it for forty years: letters in groups, values
// attached or behind. A pure function of the words; what cannot be meant here is refused with what to do instead.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/envelope.h"

namespace postern::daemon {

struct SendmailLine {
  enum class Task : unsigned char {
    send,
    list_queue,   ///< -bp, or called as mailq
    make_aliases  ///< -bi, or called as newaliases
  };
  /// Where a message on standard input ends.
  enum class End : unsigned char { at_dot, at_end };
  /// Who gets it, beside the recipients of the command line.
  enum class Recipients : unsigned char { of_line, of_header };

  Task task = Task::send;
  End end = End::at_dot;
  Recipients from = Recipients::of_line;
  std::optional<std::string> sender;  ///< -f or -r, as written; "" and "<>" are the null sender
  std::string name;                   ///< -F: the sender's full name
  std::vector<std::string> recipients;
  unsigned char notify = mail::notify_unset;  ///< -N (RFC 3461 §4.1)
  mail::Return ret = mail::Return::unset;     ///< -R (RFC 3461 §4.3)
  std::string envid;                          ///< -V (RFC 3461 §4.4)
};

/// `program` is the name it was called by, without folders; the words follow it. Errors: invalid, with the word and the remedy.
Result<SendmailLine> parse_sendmail_line(std::string_view program, std::span<const std::string> words);

}  // namespace postern::daemon
