// SPDX-License-Identifier: Apache-2.0
// backup.* and restore.*: the server's half of backups and restores. It makes a snapshot in its own folder, which the command
// line collects with the admin's rights, and it reads what the command line has made ready there; so the server needs no way to
// the folder of the backups (store/sqlite/backup.h, restore_source.h).
#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "admin/commands_recovery.h"
#include "admin/json.h"
#include "mime/encoded_word.h"

namespace postern::admin {

namespace json = boost::json;

std::unexpected<Error> no_recovery() { return fail(ErrorKind::unsupported, "this store keeps nothing that could be got back"); }

Result<store::AccountId> account_of(const Context& context, std::string_view login) {
  const auto table = context.directory.table();
  for (const auto& account : table->accounts) {
    if (account.login == login) return account.id;
  }
  return fail(
      ErrorKind::not_found,
      fmt::format("there is no account {}; when it was removed, a backup has it: postern restore account {} --from FOLDER", login,
                  login));
}

namespace {

/// The next value of an ENVELOPE: a text, "" for NIL, or nothing at a parenthesis, which is skipped.
class EnvelopeReader {
 public:
  explicit EnvelopeReader(std::string_view text) : rest_(text) {}

  std::string next() {
    skip(" ");
    if (rest_.starts_with('"')) return quoted();
    if (rest_.starts_with('{')) return literal();
    const auto end = std::min(rest_.find_first_of(" ()"), rest_.size());
    rest_.remove_prefix(end);  // NIL
    return {};
  }
  /// True when the next thing is this character; takes it.
  bool take(char c) {
    skip(" ");
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

 private:
  void skip(std::string_view any) { rest_.remove_prefix(std::min(rest_.find_first_not_of(any), rest_.size())); }
  std::string quoted() {
    std::string out;
    rest_.remove_prefix(1);
    while (!rest_.empty() && !rest_.starts_with('"')) {
      if (rest_.starts_with('\\')) rest_.remove_prefix(1);
      if (rest_.empty()) break;
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    rest_.remove_prefix(std::min<std::size_t>(1, rest_.size()));
    return out;
  }
  std::string literal() {
    std::size_t size = 0;
    std::from_chars(rest_.data() + 1, rest_.data() + rest_.size(), size);
    const auto end = rest_.find('\n');
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(out.size());
    return out;
  }

  std::string_view rest_;
};

/// A password that was refused while its account was gone must not be remembered as wrong.
void admit_new(Context context, const store::AccountTable& before) {
  const auto now = context.directory.table();
  for (const auto& row : now->accounts) {
    const auto same = [&](const store::AccountRow& old) { return old.id == row.id; };
    if (std::ranges::none_of(before.accounts, same)) context.office.let_in(row);
  }
}

}  // namespace

Brief brief_of(std::string_view envelope) {
  EnvelopeReader reader(envelope);
  Brief out;
  if (!reader.take('(')) return out;
  out.date = mime::clean_text(reader.next());
  out.subject = mime::decode_words(reader.next());
  // RFC 9051 §7.5.2: name, route, mailbox, host of the first address.
  if (!reader.take('(') || !reader.take('(')) return out;
  reader.next();
  reader.next();
  out.from = reader.next();
  if (const auto host = reader.next(); !host.empty()) out.from += "@" + host;
  out.from = mime::clean_text(out.from);
  return out;
}

namespace {

Result<store::RestoreScope> parse_scope(std::string_view word) {
  if (word == "message") return store::RestoreScope::message;
  if (word == "mailbox") return store::RestoreScope::mailbox;
  if (word == "account") return store::RestoreScope::account;
  if (word == "everything") return store::RestoreScope::everything;
  return fail(ErrorKind::invalid, "restore what? message, mailbox, account or everything");
}

Result<store::RestoreOrder> parse_order(const Arguments& arguments) {
  store::RestoreOrder order;
  const auto scope = parse_scope(optional_text(arguments, "scope"));
  if (!scope) return std::unexpected(scope.error());
  order.scope = *scope;
  order.job = optional_text(arguments, "job");
  order.account = optional_text(arguments, "login");
  order.mailbox = optional_text(arguments, "mailbox");
  order.into = optional_text(arguments, "into");
  order.beside = optional_text(arguments, "beside");
  const auto uid = optional_number(arguments, "uid");
  if (!uid) return std::unexpected(uid.error());
  if (uid->value_or(0) > UINT32_MAX) return fail(ErrorKind::invalid, "a UID is a number below 4294967296");
  order.uid = static_cast<store::Uid>(uid->value_or(0));
  if (optional_flag(arguments, "replace").value_or(false)) order.collision = store::Collision::replace;
  if (optional_flag(arguments, "force").value_or(false)) order.quota = store::QuotaRule::ignore;
  return order;
}

json::object describe(const store::RestoreProgress& progress) {
  json::array notes;
  for (const auto& note : progress.notes) notes.emplace_back(note);
  return {{"mailboxes", progress.mailboxes}, {"mailboxes_done", progress.mailboxes_done},
          {"messages", progress.messages},   {"repaired", progress.repaired},
          {"finished", progress.finished},   {"notes", std::move(notes)}};
}

}  // namespace

namespace commands_of {

async::Task<Answer> backup_stage(Context context, Arguments) {
  auto* recovery = context.store.recovery();
  if (!recovery) co_return no_recovery();
  const auto staged = co_await recovery->stage_backup();
  if (!staged) co_return std::unexpected(staged.error());
  co_return json::object{{"folder", staged->folder.string()}, {"time", staged->time}};
}

async::Task<Answer> backup_release(Context context, Arguments arguments) {
  auto* recovery = context.store.recovery();
  if (!recovery) co_return no_recovery();
  auto folder = text_argument(arguments, "folder");
  if (!folder) co_return std::unexpected(folder.error());
  if (auto released = co_await recovery->release_backup(std::move(*folder)); !released)
    co_return std::unexpected(released.error());
  co_return json::object();
}

async::Task<Answer> restore_begin(Context context, Arguments arguments) {
  auto* recovery = context.store.recovery();
  if (!recovery) co_return no_recovery();
  auto order = parse_order(arguments);
  if (!order) co_return std::unexpected(order.error());
  const auto begun = co_await recovery->begin_restore(std::move(*order));
  if (!begun) co_return std::unexpected(begun.error());
  // Accounts and addresses may be there again: from now on they log in and get mail.
  const auto before = context.directory.table();
  if (auto loaded = co_await context.directory.load(); !loaded) co_return std::unexpected(loaded.error());
  admit_new(context, *before);
  co_return describe(*begun);
}

async::Task<Answer> restore_step(Context context, Arguments arguments) {
  auto* recovery = context.store.recovery();
  if (!recovery) co_return no_recovery();
  auto job = text_argument(arguments, "job");
  if (!job) co_return std::unexpected(job.error());
  const auto done = co_await recovery->step_restore(std::move(*job));
  if (!done && done.error().kind == ErrorKind::over_quota) {
    co_return fail(ErrorKind::over_quota,
                   done.error().text + "; make room, raise the quota, or run the command again with --force");
  }
  if (!done) co_return std::unexpected(done.error());
  co_return describe(*done);
}

async::Task<Answer> restore_end(Context context, Arguments arguments) {
  auto* recovery = context.store.recovery();
  if (!recovery) co_return no_recovery();
  auto job = text_argument(arguments, "job");
  if (!job) co_return std::unexpected(job.error());
  if (auto ended = co_await recovery->end_restore(std::move(*job)); !ended) co_return std::unexpected(ended.error());
  co_return json::object();
}

}  // namespace commands_of

}  // namespace postern::admin
