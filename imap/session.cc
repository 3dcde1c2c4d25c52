// SPDX-License-Identifier: Apache-2.0
// The loop: reading commands, running them, telling changes, counting errors, saying BYE.
#include "imap/session.h"

#include <utility>

#include "base/ascii.h"
#include "base/secret.h"
#include "imap/capabilities.h"
#include "imap/contexts.h"
#include "imap/limits.h"
#include "imap/message_page.h"
#include "imap/notifier.h"
#include "store/sharing.h"

namespace postern::imap {
namespace {

/// Between attempts to read while a refused literal is dropped.
constexpr std::size_t drop_chunk = 64 * 1024;

constexpr std::string_view login_ended = "Your login is no longer valid, log in again";

/// The text a client sees when the stream ends on our side; empty when nobody is listening any more.
std::string_view farewell(ErrorKind kind, bool logged_in) {
  switch (kind) {
    case ErrorKind::unavailable: return "Server is shutting down";
    case ErrorKind::timeout: return logged_in ? "Idle for too long" : "Too slow to log in";
    default: return {};
  }
}

/// "UID FETCH" or "FETCH" as the table knows it.
std::string command_name(Parser& in) {
  std::string name(in.atom());
  if (!ascii::iequals(name, "UID")) return name;
  in.sp();
  return "UID " + std::string(in.atom());
}

/// True when an EXPUNGE or FETCH of the next command is already on its way and numbers must stay as they are.
Expunges expunges_after(const CommandRow& row, const net::Connection& connection) {
  const bool may = (row.traits & may_expunge) != 0 && !connection.has_complete_line();
  return may ? Expunges::tell : Expunges::hold;
}

}  // namespace

bool Occupancy::enter(const std::string& key, unsigned most) {
  const std::lock_guard lock(mutex_);
  auto& held = held_[key];
  if (held >= most) return false;
  ++held;
  return true;
}

void Occupancy::leave(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(key);
  if (found != held_.end() && --found->second == 0) held_.erase(found);
}

async::Task<> serve(net::Connection& connection, const Services& services) {
  Session session(connection, services);
  co_await session.run();
}

Session::Session(net::Connection& connection, const Services& services)
    : connection_(connection), services_(services), assembler_(limits::before_login) {}

Session::~Session() {
  if (!occupied_.empty()) services_.occupancy.leave(occupied_);
}

unsigned Session::state() const {
  if (!store_) return not_authenticated;
  return view_ ? selected : authenticated;
}

auth::Origin Session::origin() const {
  const auto* tls = connection_.tls();
  return {.protocol = auth::Protocol::imap,
          .ip = connection_.peer().address.to_string(),
          .tls = tls != nullptr,
          .channel_binding = tls != nullptr ? tls->channel_binding : std::string()};
}

limits::CommandLimits Session::command_limits() const { return store_ ? limits::after_login : limits::before_login; }

void Session::greet() {
  const auto current = config();
  const auto capabilities = capabilities_before_login(*current, services_.auth.mechanisms(origin()));
  append_reply(out_, "*", ok("CAPABILITY " + capabilities, current->server.hostname + " ready"));
}

async::Task<> Session::run() {
  try {
    // product.md promise 3: no login without TLS, so there is nothing to do here without it.
    if (!connection_.is_tls()) {
      say_bye("TLS is needed");
      co_return co_await flush();
    }
    connection_.set_deadline(std::chrono::steady_clock::now() + config()->limits.imap_preauth);
    greet();
    co_await flush();
    while (!finished_ && co_await read_command()) {
      if (login_counts()) {
        co_await run_command();
      } else {
        end_login();
      }
    }
    co_await flush();
  } catch (const ConnectionOver& over) {
    services_.log.debug("imap", "connection over", {{"reason", over.reason}});
  }
}

// ---- input

async::Task<bool> Session::read_command() {
  assembler_.reset(command_limits());
  if (!connection_.has_complete_line()) {
    co_await flush();
    if (connection_.buffered().empty()) release_buffers();
    if (notifier_ && !co_await wait_for_command()) co_return false;
  }
  for (;;) {
    const auto line = co_await connection_.read_line(command_limits().line);
    if (!line) {
      if (!co_await read_failed(line.error())) co_return false;
      assembler_.reset(command_limits());
      continue;
    }
    if (co_await take_line(*line)) co_return true;
    if (finished_) co_return false;
  }
}

/// Tells news until the client says something; false when the session is over.
async::Task<bool> Session::wait_for_command() {
  const auto end = std::chrono::steady_clock::now() + config()->limits.imap_idle;
  while (notifier_) {
    auto& event = notifier_->event();
    const auto seen = event.sequence();
    const bool immediate = selected_events_.immediate;
    co_await tell_news(immediate ? Expunges::tell : Expunges::hold,
                       {.uid = immediate || qresync(), .modseq = condstore_, .uid_only = uid_only_});
    if (finished_) co_return false;
    co_await flush();
    if (!notifier_) break;
    if (connection_.buffered().empty()) release_buffers();
    const auto wake = co_await connection_.wait_input_or(event, seen, end);
    if (!wake) throw ConnectionOver{wake.error().text};
    if (*wake == net::Wake::deadline) co_return co_await read_failed({ErrorKind::timeout, "idle for too long"});
    if (*wake != net::Wake::event) break;  // read_line() says why when it was no input
  }
  co_return true;
}

/// True when the command is complete.
async::Task<bool> Session::take_line(std::string_view line) {
  switch (assembler_.take_line(line)) {
    case CommandAssembler::Need::complete:
    case CommandAssembler::Need::message: co_return true;
    case CommandAssembler::Need::literal: break;
    case CommandAssembler::Need::refused: {
      const std::string tag(Parser(assembler_.text().empty() ? line : assembler_.text()).tag());
      if (const auto mark = assembler_.mark()) co_await drop_literal(*mark);
      append_reply(out_, tag.empty() ? "*" : tag, assembler_.refusal());
      account_for(bad(""));
      co_await flush();
      assembler_.reset(command_limits());
      co_return false;
    }
  }
  if (assembler_.mark()->waits) {
    out_.append("+ Go on\r\n");
    co_await flush();
  }
  const auto size = static_cast<std::size_t>(assembler_.mark()->size);
  const auto got = co_await connection_.read_exactly(size, assembler_.text());
  if (!got) throw ConnectionOver{got.error().text};
  co_return false;
}

/// True when the session goes on.
async::Task<bool> Session::read_failed(Error error) {
  if (error.kind == ErrorKind::too_large || error.kind == ErrorKind::invalid) {
    append_reply(out_, "*", bad(error.kind == ErrorKind::too_large ? "Line too long" : "Lines end with CRLF and have no NUL"));
    account_for(bad(""));
    co_await flush();
    co_return !finished_;
  }
  if (!login_counts()) {
    end_login();
  } else if (const auto text = farewell(error.kind, store_ != nullptr); !text.empty()) {
    say_bye(text);
    // The deadline that ended the wait must not end the farewell.
    connection_.set_deadline(std::nullopt);
  }
  co_return false;
}

async::Task<std::string> Session::read_line(std::size_t limit) {
  const auto line = co_await connection_.read_line(limit);
  if (line) co_return std::string(*line);
  if (const auto text = farewell(line.error().kind, store_ != nullptr); !text.empty()) {
    say_bye(text);
    connection_.set_deadline(std::nullopt);
    co_await flush();
  }
  throw ConnectionOver{line.error().text};
}

async::Task<> Session::drop_literal(const LiteralMark& mark) {
  if (mark.waits) co_return;
  if (mark.size > limits::max_discard) {
    say_bye("Literal too long");
    co_await flush();
    throw ConnectionOver{"literal too long to be dropped"};
  }
  for (auto left = mark.size; left > 0;) {
    const auto chunk = co_await connection_.read_chunk(static_cast<std::size_t>(std::min<std::uint64_t>(left, drop_chunk)));
    if (!chunk) throw ConnectionOver{chunk.error().text};
    left -= chunk->size();
  }
  // What follows belongs to the same command; it may announce further literals.
  const auto rest = co_await connection_.read_line(command_limits().line);
  if (!rest) throw ConnectionOver{rest.error().text};
  if (const auto next = literal_mark(*rest)) co_await drop_literal(*next);
}

// ---- commands

async::Task<> Session::run_command() {
  Parser in(assembler_.text(), names());
  std::string tag(in.tag());
  const bool secret = !store_;
  const auto reply = co_await dispatch(in, tag);
  // security.md D76: what came before the login may hold a password.
  if (secret) wipe(assembler_.text());
  append_reply(out_, tag.empty() ? "*" : tag, reply);
  account_for(reply);
  co_await flush_if_full();
  if (compress_next_) co_await start_compression();
}

// RFC 4978 §3: the reply is the last thing that is not compressed; a client waits for it.
async::Task<> Session::start_compression() {
  co_await flush();
  compress_next_ = false;
  compressed_ = true;
  if (const auto started = connection_.start_compression(); !started) throw ConnectionOver{started.error().text};
}

async::Task<Reply> Session::dispatch(Parser& in, std::string& tag) {
  in.sp();
  const auto name = command_name(in);
  const auto* row = in.ok() ? find_command(name) : nullptr;
  if (row != nullptr && is_capability_off(*config(), capabilities_off_, row->capability)) row = nullptr;
  Reply reply = !in.ok() ? bad("Expected a tag and a command") : bad("Unknown command");
  const bool refused = row != nullptr && uid_only_ && (row->traits & by_number) != 0;
  if (row != nullptr && !refused && (row->states & state()) != 0) {
    Command command{tag, *row, in};
    co_return co_await run_row(command);
  }
  if (row != nullptr) reply = refused ? uid_required() : bad(store_ ? "Not in this state" : "Log in first");
  if (assembler_.ends_in_message()) co_await drop_literal(*assembler_.mark());
  co_return reply;
}

async::Task<Reply> Session::run_row(Command& command) {
  asked_ = (command.row.traits & asks_changes) != 0;
  running_ = command.tag;
  progress_ = std::chrono::steady_clock::now() + services_.progress_every;
  auto reply = co_await command.row.run(*this, command);
  if (view_ && (command.row.traits & tells_itself) == 0) {
    const bool wanted = selected_events_.messages || asked_;
    if (wanted || !view_->watch().latest()) {
      co_await tell_changes(expunges_after(command.row, connection_), flag_format(command));
    } else {
      co_await tell_gathered();
    }
  }
  running_.clear();
  asked_ = false;
  co_return reply;
}

// security.md D94: bad commands are counted; after the login a good one forgives.
void Session::account_for(const Reply& reply) {
  if (reply.status == Reply::Status::bad) {
    ++bad_commands_;
  } else if (store_) {
    bad_commands_ = 0;
  }
  const auto current = config();
  const unsigned most = store_ ? current->limits.errors : limits::bad_before_login;
  const bool guessing = !store_ && login_failures_ >= current->auth.session_failures;
  if (finished_ || (bad_commands_ < most && !guessing)) return;
  say_bye(guessing ? "Too many failed logins" : "Too many bad commands");
  finished_ = true;
}

FlagFormat Session::flag_format(const Command& command) const {
  // RFC 7162 §3.2.4: with QRESYNC every FETCH response that was not asked for has the UID.
  return {.uid = (command.row.traits & by_uid) != 0 || qresync(), .modseq = condstore_, .uid_only = uid_only_};
}

/// RFC 3501 §7.1.5: the server says BYE when it ends a session by itself.
void Session::end_login() {
  say_bye(login_ended);
  finished_ = true;
}

Reply Session::begin_account(auth::Login login) {
  const auto current = config();
  const auto key = login.identity.login() + " " + connection_.peer().address.to_string();
  if (!services_.occupancy.enter(key, current->limits.imap_per_user_address)) {
    return no("LIMIT", "Too many connections of this account from your address");
  }
  occupied_ = key;
  capabilities_off_ = auth::choice_of(services_.choice, login.identity.account(), auth::imap_capabilities_off);
  store_ = services_.store.session(login.identity);
  trace_ = store::MailboxTrace(services_.trace, services_.clock,
                               {login.identity.login(), "imap", connection_.peer().address.to_string()});
  ticket_ = std::move(login.ticket);
  if (ticket_) ticket_->on_end(connection_.executor(), [this] { connection_.request_stop(); });
  connection_.settle();
  connection_.set_timeout(current->limits.imap_idle);
  services_.log.info("imap", "login", {{"login", login.identity.login()}, {"ip", connection_.peer().address.to_string()}});
  return ok("CAPABILITY " + capabilities_after_login(*current, capabilities_off_), "Logged in");
}

// RFC 8437 §3: what was selected, enabled and saved is forgotten; a compressed stream stays compressed.
void Session::end_account() {
  unselect();
  notifier_.reset();
  selected_events_ = {};
  untold_from_ = 0;
  store_.reset();
  ticket_.reset();
  trace_ = {};
  services_.occupancy.leave(std::exchange(occupied_, {}));
  capabilities_off_.clear();
  condstore_ = revision2_ = utf8_ = uid_only_ = false;
  removal_ = Removal::expunge;
  connection_.set_deadline(std::chrono::steady_clock::now() + config()->limits.imap_preauth);
}

void Session::enable_condstore() {
  if (!condstore_ && view_) {
    fmt::format_to(std::back_inserter(out_), "* OK [HIGHESTMODSEQ {}] CONDSTORE is on\r\n", view_->snapshot().highest);
  }
  condstore_ = true;
}

void Session::enable_revision2() {
  revision2_ = true;
  if (view_) view_->forget_recent();
}

void Session::enable_qresync() {
  enable_condstore();
  removal_ = Removal::vanished;
}

void Session::select(std::unique_ptr<View> view) {
  unselect();
  view_ = std::move(view);
  shared_asked_.reset();
}

async::Task<bool> Session::is_shared() {
  if (view_->is_foreign()) co_return true;
  const auto now = std::chrono::steady_clock::now();
  if (services_.trace == nullptr || (shared_asked_ && now - *shared_asked_ < limits::shared_look)) co_return shared_;
  const auto entries = co_await store::sharing_of(*store_).acl(view_->mailbox());
  shared_asked_ = now;
  shared_ = entries && entries->size() > 1;  // the first one is the owner
  co_return shared_;
}

async::Task<bool> Session::is_shared(const store::MailboxInfo& mailbox) {
  if (services_.trace == nullptr) co_return false;
  const auto grant = co_await store::sharing_of(*store_).grant(mailbox.id);
  if (!grant || grant->owner != store_->identity().account()) co_return true;
  const auto entries = co_await store::sharing_of(*store_).acl(mailbox.id);
  co_return entries && entries->size() > 1;
}

void Session::unselect() {
  view_.reset();
  contexts_.reset();
  untold_from_ = 0;
  made_ = {};
}

// RFC 5465 §6.1: without a group of its own the selected mailbox has no events.
void Session::notify_by(std::unique_ptr<Notifier> notifier) {
  notifier_ = std::move(notifier);
  untold_from_ = 0;
  const auto* group = notifier_->request().selected();
  const unsigned events = group == nullptr ? unsigned{no_event} : group->events;
  selected_events_ = {.messages = (events & message_new) != 0,
                      .flags = (events & flag_change) != 0,
                      .immediate = group != nullptr && group->filter == EventGroup::Filter::selected};
}

void Session::stop_notifying() {
  notifier_.reset();
  untold_from_ = 0;
  selected_events_ = {.messages = false, .flags = false, .immediate = false};
}

// ---- output

async::Task<> Session::flush() {
  if (out_.empty()) co_return;
  const auto patience = connection_.timeout();
  connection_.set_timeout(limits::write_timeout);
  const auto sent = co_await connection_.write(out_);
  connection_.set_timeout(patience);
  out_.clear();
  if (!sent) throw ConnectionOver{sent.error().text};
}

async::Task<> Session::flush_if_full() {
  if (out_.size() >= limits::flush_at) co_await flush();
}

async::Task<Update> Session::take_changes(Expunges expunges) {
  if (!view_) co_return Update{};
  const auto before = contexts_ ? view_->snapshot_ptr() : nullptr;
  auto update = view_->advance(expunges);
  if (update.mailbox_gone) {
    co_await leave_view();
    co_return Update{};
  }
  if (contexts_) {
    contexts_->note(update.changed, update.first_added);
    contexts_->tell_vanished(*this, update.vanished, *before);
  }
  if (update.first_added != 0 && notifier_ && untold_from_ == 0) untold_from_ = update.first_added;
  if (update.first_added != 0 && !view_->read_only() && !revision2_) {
    const auto recent_before = view_->recent_count();
    const auto above = co_await store_->take_recent(view_->mailbox());
    if (above && *above < UINT32_MAX) view_->add_recent(std::max(*above + 1, update.first_added));
    update.recent = update.recent || view_->recent_count() != recent_before;
  }
  co_return update;
}

/// The mailbox went, or the right to read it. Who had it only by a grant is not told whether it still exists.
async::Task<> Session::leave_view() {
  std::string_view text = "The selected mailbox was deleted";
  if (view_->is_foreign()) {
    const auto grant = co_await store::sharing_of(*store_).grant(view_->mailbox());
    text = grant ? "Your right to read the selected mailbox was withdrawn"
                 : "The selected mailbox was deleted, or is not shared with you any more";
  }
  say_bye(text);
  finished_ = true;
  unselect();
}

Contexts& Session::contexts() {
  if (!contexts_) contexts_ = std::make_unique<Contexts>();
  return *contexts_;
}

void Session::tell_no_update(std::string_view tag, std::string_view text) {
  std::string code = "NOUPDATE ";
  append_string(code, tag);
  append_reply(out_, "*", no(std::move(code), std::string(text)));
}

bool Session::progress_due() const {
  if (running_.empty() || std::chrono::steady_clock::now() < progress_) return false;
  return !is_capability_off(*config(), capabilities_off_, "INPROGRESS");
}

// RFC 9585 §4: an untagged OK that names the command
async::Task<> Session::tell_progress(std::uint64_t done, std::uint64_t goal) {
  std::string code = "INPROGRESS (";
  append_string(code, running_);
  code += goal == 0 ? std::string(" NIL NIL)") : fmt::format(" {} {})", done, goal);
  append_reply(out_, "*", ok(std::move(code), "Still working"));
  progress_ = std::chrono::steady_clock::now() + services_.progress_every;
  co_await flush();
}

async::Task<> Session::tell(const Update& update, FlagFormat format) {
  if (!view_) co_return;
  view_->append_update(out_, update, uid_only_ ? Removal::vanished : removal_);
  for (const auto& row : selected_events_.flags || asked_ ? std::span(update.changed) : std::span<const store::Row>()) {
    view_->append_changed(out_, row, format);
    if (out_.size() >= limits::flush_at) co_await flush();
  }
}

async::Task<> Session::tell_changes(Expunges expunges, FlagFormat format) {
  const auto update = co_await take_changes(expunges);
  co_await tell(update, format);
  co_await tell_gathered();
}

/// What follows from changes that were told: behind EXISTS the results that are kept up to date, then what the client wants to
/// know of new messages, in one response for each (RFC 5465 §5.2, §7).
async::Task<> Session::tell_gathered() {
  std::vector<WantedFetch> wanted;
  if (contexts_ && view_) wanted = co_await contexts_->tell(*this);
  const auto from = std::exchange(untold_from_, 0);
  const auto made = std::exchange(made_, {});
  if (!view_) co_return;
  const auto* group = notifier_ ? notifier_->request().selected() : nullptr;
  if (from != 0 && group != nullptr && group->fetch) wanted.push_back({{{from, view_->snapshot().uidnext - 1}}, *group->fetch});
  for (auto& one : wanted) one.uids = one.uids.minus(made);
  co_await tell_messages(*this, wanted);
}

void Session::made(store::MailboxId mailbox, const store::UidSet& uids) {
  if (!view_ || view_->mailbox() != mailbox || (!notifier_ && !contexts_)) return;
  for (const auto& range : uids.ranges()) made_.add(range);
}

// RFC 5465 §5.8: when the account cannot be watched any more the client learns it, and it is as after NOTIFY NONE.
async::Task<> Session::tell_news(Expunges expunges, FlagFormat format) {
  if (notifier_) co_await notifier_->follow_selected();
  if (selected_events_.messages || (view_ && !view_->watch().latest())) co_await tell_changes(expunges, format);
  if (!notifier_ || finished_) co_return;
  const auto told = co_await notifier_->tell();
  if (told) co_return;
  services_.log.info("imap", "notifying ends", {{"error", told.error().text}});
  append_reply(out_, "*", ok("NOTIFICATIONOVERFLOW", "No changes will be told any more"));
  stop_notifying();
}

void Session::say_bye(std::string_view text) { out_.append("* BYE ").append(text).append("\r\n"); }

void Session::release_buffers() {
  if (out_.empty()) std::string().swap(out_);
}

}  // namespace postern::imap
