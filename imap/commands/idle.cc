// SPDX-License-Identifier: Apache-2.0
// IDLE: the only command that waits for the mailbox and for the client at once.
#include "base/ascii.h"
#include "imap/limits.h"
#include "imap/notifier.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// Longest line that can be "DONE".
constexpr std::size_t longest_done = 128;

/// Waits until the client says something, telling changes meanwhile. `idle_event` stands in when no mailbox is selected.
async::Task<net::Wake> wait_and_tell(Session& session, Command& command, async::Event& idle_event) {
  const auto end = std::chrono::steady_clock::now() + session.config()->limits.imap_idle;
  for (;;) {
    const auto* notifier = session.notifier();
    auto& event = notifier != nullptr     ? session.notifier()->event()
                  : session.is_selected() ? session.view().watch().event()
                                          : idle_event;
    const auto seen = event.sequence();
    const bool was_selected = session.is_selected();
    co_await session.tell_news(Expunges::tell, session.flag_format(command));
    co_await session.flush();
    if (session.is_selected() != was_selected) co_return net::Wake::stop;
    if (session.notifier() != notifier) continue;
    session.release_buffers();
    const auto wake = co_await session.connection().wait_input_or(event, seen, end);
    if (!wake) throw ConnectionOver{wake.error().text};
    if (*wake != net::Wake::event) co_return *wake;
  }
}

}  // namespace

// RFC 2177 §3: idle = "IDLE" CRLF "DONE". An Event is level-triggered: what is published between the look and the wait ends it.
async::Task<Reply> idle(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  session.out().append("+ Idling\r\n");
  async::Event idle_event;
  const auto wake = co_await wait_and_tell(session, command, idle_event);
  if (wake != net::Wake::input) {
    if (wake == net::Wake::deadline) session.say_bye("Idle for too long");
    if (wake == net::Wake::stop && !session.login_counts()) {
      session.end_login();
    } else if (wake == net::Wake::stop && session.connection().stop_requested()) {
      session.say_bye("Server is shutting down");
    }
    co_await session.flush();
    throw ConnectionOver{"idle ended"};
  }
  const auto line = co_await session.read_line(longest_done);
  if (!ascii::iequals(line, "DONE")) co_return bad("Expected DONE");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
