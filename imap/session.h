// SPDX-License-Identifier: Apache-2.0
// Session: one IMAP connection from greeting to BYE. The loop reads a command, finds its row, runs it, tells what changed
// meanwhile, and replies; limits, error budget, time-outs and closing live here once. Runs on the connection's executor only.
//
// Invariants: an account is there exactly after the login; a view is there exactly in selected state; output waits in out()
// until no complete command is buffered or it has grown; an idle session holds no buffers.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "async/event.h"
#include "async/task.h"
#include "auth/account_choice.h"
#include "auth/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/live.h"
#include "imap/assembly.h"
#include "imap/commands.h"
#include "imap/limits.h"
#include "imap/view.h"
#include "net/connection.h"
#include "store/mailbox_trace.h"

namespace postern::imap {

/// How many sessions each account holds from each address (security.md §1.6). Thread-safe; shared by all sessions.
class Occupancy {
 public:
  /// False when there are `most` already.
  bool enter(const std::string& key, unsigned most);
  void leave(const std::string& key);

 private:
  std::mutex mutex_;
  std::map<std::string, unsigned> held_;
};

/// What all sessions share; everything outlives them.
struct Services {
  store::Store& store;
  auth::Service& auth;
  const config::Live& config;
  const Clock& clock;
  Log& log;
  Occupancy& occupancy;
  auth::AccountChoice choice = {};
  store::TraceBook* trace = nullptr;                                  ///< null: nothing is traced
  std::size_t most_watched = limits::notify_mailboxes;                ///< by one NOTIFY
  std::chrono::milliseconds progress_every = limits::progress_every;  ///< between two INPROGRESS
};

/// Thrown to end the connection at once: the stream is broken, or a literal cannot be completed.
struct ConnectionOver {
  std::string reason;
};

/// Serves one connection until it is over. The listener has done the TLS handshake; without TLS the client gets a BYE.
async::Task<> serve(net::Connection& connection, const Services& services);

class Contexts;
class Notifier;

/// What a client hears of its selected mailbox. Without NOTIFY all of it, after commands (RFC 5465 §3.1).
struct SelectedEvents {
  bool messages = true;    ///< new ones and expunged ones
  bool flags = true;       ///< changes of flags by others
  bool immediate = false;  ///< EXPUNGE may come at any time
};

class Session {
 public:
  Session(net::Connection& connection, const Services& services);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  async::Task<> run();

  // ---- for the commands

  const Services& services() const { return services_; }
  std::shared_ptr<const config::Config> config() const { return services_.config.get(); }
  net::Connection& connection() { return connection_; }
  auth::Origin origin() const;
  /// Needs a login.
  store::Session& store() { return *store_; }
  /// Told what becomes of messages.
  const store::MailboxTrace& trace() const { return trace_; }
  /// Needs selected state.
  View& view() { return *view_; }
  bool is_selected() const { return view_ != nullptr; }
  /// State as a bit of StateBit.
  unsigned state() const;

  /// After a successful SASL exchange. Gives the reply with the new capabilities.
  Reply begin_account(auth::Login login);
  /// UNAUTHENTICATE: as if nobody had logged in, but for what was counted against the connection.
  void end_account();
  /// False when the login no longer counts: its password was revoked or changed, or the account was disabled.
  bool login_counts() const { return !ticket_ || !ticket_->is_over(); }
  /// Says BYE for that reason; the loop ends.
  void end_login();
  /// Counts failed logins; the loop hangs up when there were too many.
  void count_login_failure() { ++login_failures_; }
  /// Whether more people than its owner may use the selected mailbox, so that reading is traced. Of one's own mailbox this is
  /// asked of the store once in limits::shared_look.
  async::Task<bool> is_shared();
  /// The same for any mailbox, asked at once.
  async::Task<bool> is_shared(const store::MailboxInfo& mailbox);
  void select(std::unique_ptr<View> view);
  void unselect();
  /// Ends the session after the reply.
  void finish() { finished_ = true; }

  /// Capabilities that this account's clients do not get, with spaces between them.
  const std::string& capabilities_off() const { return capabilities_off_; }
  /// Everything is compressed behind the reply to the command that runs (RFC 4978).
  void compress_after_reply() { compress_next_ = true; }
  bool is_compressed() const { return compressed_; }

  /// NOTIFY SET: changes are told by it from now on, also between commands (RFC 5465 §3.1).
  void notify_by(std::unique_ptr<Notifier> notifier);
  /// NOTIFY NONE: nothing is told any more unless a command asks for it.
  void stop_notifying();
  /// Null while nothing is told between commands.
  Notifier* notifier() { return notifier_.get(); }
  /// Between commands, and in IDLE: what NOTIFY asked for, of the selected mailbox and of others; without NOTIFY what changed in
  /// the selected mailbox. Throws ConnectionOver.
  async::Task<> tell_news(Expunges expunges, FlagFormat format);

  /// Results of SEARCH and SORT that are kept up to date; gone with the view. Needs selected state.
  Contexts& contexts();
  /// "* NO [NOUPDATE "a"] …": changes of that result are not told (RFC 5267 §4.3.1).
  void tell_no_update(std::string_view tag, std::string_view text);

  /// True when the command that runs has taken so long that the client should hear of it.
  bool progress_due() const;
  /// Says how far the command is: `done` of `goal`, where goal 0 means that nobody knows (RFC 9585). Throws ConnectionOver.
  async::Task<> tell_progress(std::uint64_t done, std::uint64_t goal);

  bool condstore() const { return condstore_; }
  /// By any of the commands of RFC 7162 §3.1. In a mailbox the first one tells HIGHESTMODSEQ.
  void enable_condstore();
  /// IMAP4rev2 was enabled (RFC 9051 §6.3.1): ESEARCH only, nothing is \Recent, names in UTF-8.
  bool revision2() const { return revision2_; }
  void enable_revision2();
  /// UTF8=ACCEPT was enabled (RFC 6855 §3).
  bool utf8() const { return utf8_; }
  void enable_utf8() { utf8_ = true; }
  /// How mailbox names stand on the wire.
  NameForm names() const { return revision2_ || utf8_ ? NameForm::utf8 : NameForm::utf7; }
  bool qresync() const { return removal_ == Removal::vanished; }
  /// By ENABLE alone (RFC 7162 §3.2.3); brings CONDSTORE along.
  void enable_qresync();
  /// UIDONLY was enabled (RFC 9586 §3): no sequence number is taken or told.
  bool uid_only() const { return uid_only_; }
  void enable_uid_only() { uid_only_ = true; }
  /// The session put these messages into a mailbox itself: what NOTIFY and UPDATE fetch of new messages is not told of them
  /// (RFC 5465 §5.2).
  void made(store::MailboxId mailbox, const store::UidSet& uids);
  FlagFormat flag_format(const Command& command) const;

  /// Text that waits to be sent.
  std::string& out() { return out_; }
  /// Sends it. Throws ConnectionOver.
  async::Task<> flush();
  /// Sends it when it has grown over limits::flush_at.
  async::Task<> flush_if_full();
  /// Takes changes into the view, and takes \Recent for new messages. Without a mailbox, or when it was deleted, which ends the
  /// session, the update says nothing.
  async::Task<Update> take_changes(Expunges expunges);
  /// Appends an update. Output is sent as it grows, so that a change of very many messages takes no memory.
  async::Task<> tell(const Update& update, FlagFormat format);
  /// take_changes() and tell().
  async::Task<> tell_changes(Expunges expunges, FlagFormat format);
  /// Reads one line of a dialogue inside a command. Throws ConnectionOver when there is none.
  async::Task<std::string> read_line(std::size_t limit);
  /// Reads and drops the octets of a refused literal and the rest of its line, when they come unasked. Throws ConnectionOver when
  /// it is too large.
  async::Task<> drop_literal(const LiteralMark& mark);
  /// Appends "* BYE …".
  void say_bye(std::string_view text);
  /// Gives back what an idle session does not need.
  void release_buffers();
  /// The message literal that APPEND was called with, when there is one.
  std::optional<LiteralMark> message_literal() const { return assembler_.ends_in_message() ? assembler_.mark() : std::nullopt; }

 private:
  async::Task<bool> read_command();
  async::Task<bool> wait_for_command();
  async::Task<> tell_gathered();
  async::Task<> leave_view();
  async::Task<bool> take_line(std::string_view line);
  async::Task<bool> read_failed(Error error);
  async::Task<> run_command();
  async::Task<Reply> dispatch(Parser& in, std::string& tag);
  async::Task<Reply> run_row(Command& command);
  void account_for(const Reply& reply);
  async::Task<> start_compression();
  limits::CommandLimits command_limits() const;
  void greet();

  net::Connection& connection_;
  const Services& services_;
  CommandAssembler assembler_;
  std::string out_;
  std::shared_ptr<auth::SessionTicket> ticket_;
  std::unique_ptr<store::Session> store_;
  store::MailboxTrace trace_;
  std::unique_ptr<View> view_;
  std::unique_ptr<Notifier> notifier_;
  std::unique_ptr<Contexts> contexts_;
  std::string running_;                             ///< tag of the command that runs
  std::chrono::steady_clock::time_point progress_;  ///< when its progress is told next
  SelectedEvents selected_events_;
  bool asked_ = false;          ///< the command that runs asks for all changes
  store::Uid untold_from_ = 0;  ///< new messages from here on were told by EXISTS and not yet by FETCH; 0: none
  store::UidSet made_;          ///< by the session itself, in the selected mailbox, and not yet told
  std::string occupied_;        ///< key held in the Occupancy
  std::optional<std::chrono::steady_clock::time_point> shared_asked_;  ///< when it was asked whether the mailbox is shared
  bool shared_ = false;
  unsigned bad_commands_ = 0;
  unsigned login_failures_ = 0;
  bool condstore_ = false;
  Removal removal_ = Removal::expunge;
  std::string capabilities_off_;
  bool compress_next_ = false;
  bool compressed_ = false;
  bool revision2_ = false;
  bool utf8_ = false;
  bool uid_only_ = false;
  bool finished_ = false;
};

}  // namespace postern::imap
