// SPDX-License-Identifier: Apache-2.0
// The table of commands: verb, when it is allowed, what it does. Each command lives in commands/<verb>.cc. A command changes
// the conversation and gives a Reply; it sends nothing itself.
#pragma once

#include <cstdint>
#include <string_view>

#include "async/task.h"
#include "smtp/handler.h"

namespace postern::smtp {

/// What a command may use.
struct Context {
  Conversation& talk;
  Handler& handler;
  ChallengeLine& line;  ///< for AUTH
};

/// When a command is allowed. The loop checks in this order.
enum Needs : std::uint8_t {
  needs_nothing = 0,
  needs_greeting = 1,        ///< EHLO or HELO came before
  needs_no_transaction = 2,  ///< no MAIL is open
  needs_transaction = 4,     ///< MAIL is open
  is_junk = 8                ///< moves no mail: counted against limits.junk_commands
};

struct Command {
  std::string_view verb;
  std::uint8_t needs = needs_nothing;  ///< bits of Needs
  Reply (*run)(Context&, std::string_view arguments) = nullptr;
  async::Task<Reply> (*run_async)(Context&, std::string_view arguments) = nullptr;  ///< instead of run
};

/// The row of a verb in any case; null when there is none.
const Command* find_command(std::string_view verb);
/// Refusal when the conversation is not in the state that the command needs.
Refusal check_state(const Command& command, const Conversation& talk);

Reply run_ehlo(Context& context, std::string_view arguments);
Reply run_helo(Context& context, std::string_view arguments);
Reply run_mail(Context& context, std::string_view arguments);
Reply run_data(Context& context, std::string_view arguments);
Reply run_rset(Context& context, std::string_view arguments);
Reply run_noop(Context& context, std::string_view arguments);
Reply run_quit(Context& context, std::string_view arguments);
Reply run_vrfy(Context& context, std::string_view arguments);
/// 502 whatever follows.
Reply run_refused(Context& context, std::string_view arguments);
Reply run_help(Context& context, std::string_view arguments);
Reply run_starttls(Context& context, std::string_view arguments);
async::Task<Reply> run_rcpt(Context& context, std::string_view arguments);
async::Task<Reply> run_bdat(Context& context, std::string_view arguments);
async::Task<Reply> run_auth(Context& context, std::string_view arguments);

/// Opens the transaction's intake: DATA, and the first BDAT.
void begin_content(Context& context);
/// The message is whole: hands it to the door. The transaction is over, whatever the reply.
async::Task<Reply> finish_message(Context& context);

}  // namespace postern::smtp
