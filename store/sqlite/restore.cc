// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/restore.h"

#include <algorithm>
#include <chrono>

#include "base/ascii.h"
#include "store/mailbox_name.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/restore_plan.h"
#include "store/sqlite/row_copy.h"
#include "store/sqlite/schema.h"

namespace postern::store::sqlite {

namespace {

constexpr int backup_cache_kib = 16 * 1024;
constexpr std::size_t max_job_name = 64;
/// A step ends with the slice during which so much time has gone.
constexpr std::chrono::seconds step_time{2};
/// A slice that others were in the way of is tried so often again.
constexpr int most_repeats = 5;
/// Jobs that nobody went on with for so long are given up at the next begin(), and those that ended are forgotten.
constexpr std::int64_t job_days = 7;
constexpr std::int64_t day = 86400;

bool is_job_name(std::string_view name) {
  const auto plain = [](char c) { return ascii::is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; };
  return !name.empty() && name.size() <= max_job_name && std::all_of(name.begin(), name.end(), plain);
}

Result<> check(const RestoreOrder& order) {
  if (!is_job_name(order.job)) return fail(ErrorKind::invalid, "a restore needs a job name of letters, digits and dashes");
  if (order.scope != RestoreScope::everything && order.account.empty()) return fail(ErrorKind::invalid, "which account?");
  const bool one = order.scope == RestoreScope::message || order.scope == RestoreScope::mailbox;
  if (one && order.mailbox.empty()) return fail(ErrorKind::invalid, "which mailbox?");
  if (order.scope == RestoreScope::message && order.uid == 0)
    return fail(ErrorKind::invalid, "which message? its UID is missing");
  for (const auto& name : {order.into, order.beside}) {
    if (name.empty()) continue;
    if (auto canonical = canonical_mailbox(name); !canonical) return std::unexpected(canonical.error());
  }
  if (order.beside.empty()) return fail(ErrorKind::invalid, "where shall restored mailboxes go?");
  return {};
}

/// What of a job is not finished goes; the rest stays.
void drop_unfinished(Transaction& tx, const std::string& job) {
  std::vector<MailboxId> growing;
  {
    auto row = tx.db().query("SELECT mailbox FROM restoring WHERE job=?1 AND state=?2 AND mailbox!=0", job, restore_state::to_do);
    while (row.step()) growing.push_back(static_cast<MailboxId>(row.integer(0)));
  }
  for (const MailboxId id : growing) {
    if (MailboxState* mailbox = tx.mailbox(AccountId{0}, id)) drop_mailbox(tx, *mailbox, Fate::lost);
  }
  tx.db().run("DELETE FROM restoring WHERE job=?1 AND state=?2", job, restore_state::to_do);
  tx.db().run("DELETE FROM restored_blob WHERE job=?1", job);
}

/// Only what came in addition to the mail that was there is kept in mind.
void end_job(Transaction& tx, const std::string& job) {
  drop_unfinished(tx, job);
  tx.db().run("UPDATE restoring SET state=?2 WHERE job=?1 AND mode IN (?3,?4)", job, restore_state::told, RestoreMode::fresh,
              RestoreMode::add);
  tx.db().run("DELETE FROM restoring WHERE job=?1 AND state!=?2", job, restore_state::told);
}

/// Tables of auth.db that make a login work as before.
constexpr std::array credential_tables{RowChoice{"credential", "account"}, RowChoice{"old_password", "account"},
                                       RowChoice{"policy", "account"}, RowChoice{"known_network", "account"}};

Result<> copy_logins(const std::filesystem::path& from, const std::filesystem::path& to, AccountId account) {
  if (!std::filesystem::exists(from)) return {};
  auto backup = Database::open({from, Database::Mode::read_only, backup_cache_kib});
  if (!backup) return std::unexpected(backup.error());
  auto live = Database::open({to, Database::Mode::read_write, backup_cache_kib});
  if (!live) return std::unexpected(live.error());
  try {
    TransactionGuard guard(**live);
    for (const RowChoice choice : credential_tables) copy_rows(**backup, **live, choice, account);
    guard.commit();
    return {};
  } catch (const SqlError& error) {
    return std::unexpected(error.error);
  }
}

/// Clears the mark of a step when it ends, however it ends.
class Busy {
 public:
  explicit Busy(std::shared_ptr<RestoreJob> job) : job_(std::move(job)), mine_(!job_->busy.exchange(true)) {}
  ~Busy() {
    if (mine_) job_->busy = false;
  }
  Busy(const Busy&) = delete;
  bool mine() const { return mine_; }

 private:
  const std::shared_ptr<RestoreJob> job_;
  const bool mine_;
};

}  // namespace

std::filesystem::path Restores::folder_of(const std::string& job) const { return parts_.data_dir / "restore" / job; }

Result<Restores::JobPtr> Restores::open(const RestoreOrder& order) {
  const auto path = folder_of(order.job) / "mail.db";
  if (!std::filesystem::exists(path)) return fail(ErrorKind::not_found, "there is no " + path.string() + " to restore from");
  auto backup = Database::open({path, Database::Mode::read_write, backup_cache_kib});
  if (!backup) return std::unexpected(backup.error());
  if (auto migrated = migrate(**backup, path, mail_schema(), parts_.log); !migrated) return std::unexpected(migrated.error());
  const std::lock_guard lock(mutex_);
  auto& job = jobs_[order.job];
  if (!job) job = std::make_shared<RestoreJob>(order, folder_of(order.job), std::move(*backup), parts_.core.folder.disk());
  return job;
}

Restores::JobPtr Restores::find(const std::string& job) {
  const std::lock_guard lock(mutex_);
  const auto known = jobs_.find(job);
  return known == jobs_.end() ? nullptr : known->second;
}

Task<Result<>> Restores::end_old_jobs() {
  auto work = [before = parts_.core.clock.unix_now() - job_days * day](Transaction& tx, auto) -> Result<> {
    std::vector<std::string> old;
    auto row = tx.db().query("SELECT DISTINCT job FROM restoring WHERE begun<?1", before);
    while (row.step()) old.emplace_back(row.text(0));
    for (const auto& job : old) {
      drop_unfinished(tx, job);
      tx.db().run("DELETE FROM restoring WHERE job=?1", job);
    }
    return {};
  };
  co_return co_await parts_.core.writer->run<void>(std::move(work));
}

Task<Result<>> Restores::copy_credentials(JobPtr job, AccountId account) {
  auto work = [job, account, to = parts_.data_dir / "auth.db"]() { return copy_logins(job->folder / "auth.db", to, account); };
  co_return co_await job->lane.run_plain<void>(std::move(work));
}

/// Accounts one by one, each in a command of its own. Credentials come first: without their account nobody can use them.
Task<Result<RestoreProgress>> Restores::plan(JobPtr job) {
  using Sources = std::vector<SourceAccount>;
  auto read = [job](Database& db) { return read_sources(db, job->order); };
  const auto sources = co_await job->lane.run<Sources>(std::move(read));
  if (!sources) co_return std::unexpected(sources.error());
  const auto backup = job->folder / "mail.db";
  if (job->order.scope == RestoreScope::everything) {
    auto world = [backup](Transaction& tx, auto) { return plan_world(tx, backup); };
    if (auto done = co_await parts_.core.writer->run<void>(std::move(world)); !done) co_return std::unexpected(done.error());
  }
  std::vector<std::string> notes;
  for (const SourceAccount& account : *sources) {
    auto ask = [account](Database& db) -> Result<bool> { return is_lost(db, account); };
    const auto lost = co_await parts_.core.short_lane->run<bool>(std::move(ask));
    if (!lost) co_return std::unexpected(lost.error());
    if (*lost) {
      if (auto copied = co_await copy_credentials(job, account.id); !copied) co_return std::unexpected(copied.error());
    }
    using Notes = std::vector<std::string>;
    auto work = [job, account, backup](Transaction& tx, auto) { return plan_account(tx, job->order, account, backup); };
    auto said = co_await parts_.core.writer->run<Notes>(std::move(work));
    if (!said) co_return std::unexpected(said.error());
    notes.insert(notes.end(), said->begin(), said->end());
  }
  auto count = [job](Database& db) -> Result<RestoreProgress> { return progress_of(db, job->order.job); };
  auto progress = co_await parts_.core.short_lane->run<RestoreProgress>(std::move(count));
  if (progress) progress->notes = std::move(notes);
  co_return progress;
}

Task<Result<RestoreProgress>> Restores::begin(RestoreOrder order) {
  if (auto checked = check(order); !checked) co_return std::unexpected(checked.error());
  if (auto ended = co_await end_old_jobs(); !ended) co_return std::unexpected(ended.error());
  auto job = open(order);
  if (!job) co_return std::unexpected(job.error());
  const Busy busy(*job);
  if (!busy.mine()) co_return fail(ErrorKind::conflict, "this restore is under way already");
  co_return co_await plan(*job);
}

Task<Result<RestoreProgress>> Restores::step(std::string name) {
  auto job = find(name);
  if (!job)
    co_return fail(ErrorKind::not_found, "this restore was not begun; run the command again, it goes on where it stopped");
  const Busy busy(job);
  if (!busy.mine()) co_return fail(ErrorKind::conflict, "this restore is under way already");
  RestoreProgress did;
  int repeated = 0;
  const auto end = std::chrono::steady_clock::now() + step_time;
  do {
    auto next = [job](Database& db) -> Result<std::optional<RestoreItem>> { return next_item(db, job->order.job); };
    auto item = co_await parts_.core.short_lane->run<std::optional<RestoreItem>>(std::move(next));
    if (!item) co_return std::unexpected(item.error());
    if (!*item) break;
    const auto done = co_await work_on(parts_.core, job, std::move(**item), did);
    // A body that was found went meanwhile: the slice is worked out again.
    if (!done && done.error().kind == ErrorKind::unavailable && ++repeated <= most_repeats) continue;
    if (!done) co_return std::unexpected(done.error());
  } while (std::chrono::steady_clock::now() < end);
  auto count = [job](Database& db) -> Result<RestoreProgress> { return progress_of(db, job->order.job); };
  auto progress = co_await parts_.core.short_lane->run<RestoreProgress>(std::move(count));
  if (!progress) co_return progress;
  progress->messages = did.messages;
  progress->repaired = did.repaired;
  progress->notes = std::move(did.notes);
  co_return progress;
}

Task<Result<>> Restores::end(std::string name) {
  if (!is_job_name(name)) co_return fail(ErrorKind::invalid, "no such restore");
  JobPtr job;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = jobs_.find(name); known != jobs_.end()) {
      job = std::move(known->second);
      jobs_.erase(known);
    }
  }
  if (job) job->lane.stop();
  auto work = [name](Transaction& tx, auto) -> Result<> {
    end_job(tx, name);
    return {};
  };
  if (auto forgotten = co_await parts_.core.writer->run<void>(std::move(work)); !forgotten) co_return forgotten;
  auto remove = [folder = folder_of(name)]() -> Result<> {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    return error ? std::unexpected(errno_error("remove " + folder.string(), error.value())) : Result<>();
  };
  co_return co_await parts_.core.file_lane->run_plain<void>(std::move(remove));
}

void Restores::stop() {
  std::map<std::string, JobPtr> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  for (auto& [name, job] : jobs) job->lane.stop();
}

}  // namespace postern::store::sqlite
