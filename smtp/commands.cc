// SPDX-License-Identifier: Apache-2.0
// The command table. TURN, ETRN, ATRN and VERB are known and never done.
#include "smtp/commands.h"

#include <array>

#include "base/ascii.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

// RFC 5321 §4.1.4: order of commands
constexpr std::array commands{
    Command{"RCPT", needs_greeting | needs_transaction, nullptr, run_rcpt},
    Command{"MAIL", needs_greeting | needs_no_transaction, run_mail},
    Command{"DATA", needs_greeting | needs_transaction, run_data},
    Command{"BDAT", needs_nothing, nullptr, run_bdat},  // checks itself: the chunk must be read in any state
    Command{"EHLO", needs_nothing, run_ehlo},
    Command{"HELO", needs_nothing, run_helo},
    Command{"RSET", is_junk, run_rset},
    Command{"QUIT", needs_nothing, run_quit},
    Command{"STARTTLS", needs_greeting, run_starttls},
    Command{"AUTH", needs_greeting | needs_no_transaction, nullptr, run_auth},
    Command{"NOOP", is_junk, run_noop},
    Command{"VRFY", is_junk, run_vrfy},
    Command{"EXPN", is_junk, run_refused},
    Command{"HELP", is_junk, run_help},
    // RFC 5321 §F.1: TURN hands mail to whoever asks. VERB and DEBUG told too much.
    Command{"TURN", is_junk, run_refused},
    Command{"ATRN", is_junk, run_refused},
    Command{"ETRN", is_junk, run_refused},
    Command{"VERB", is_junk, run_refused},
    Command{"DEBUG", is_junk, run_refused},
};

}  // namespace

const Command* find_command(std::string_view verb) {
  for (const auto& command : commands) {
    if (ascii::iequals(command.verb, verb)) return &command;
  }
  return nullptr;
}

Refusal check_state(const Command& command, const Conversation& talk) {
  if ((command.needs & needs_greeting) != 0 && talk.helo.empty()) {
    return reply(status::bad_sequence, "Say EHLO first");
  }
  if ((command.needs & needs_no_transaction) != 0 && talk.transaction) {
    return reply(status::bad_sequence, "A transaction is open already");
  }
  if ((command.needs & needs_transaction) != 0 && !talk.transaction) return reply(status::bad_sequence, "Say MAIL first");
  return std::nullopt;
}

}  // namespace postern::smtp
