// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/open.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/spool.h"
#include "store/sqlite/account_writes.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/core.h"
#include "store/sqlite/credentials.h"
#include "store/sqlite/housekeeper.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/queue_writes.h"
#include "store/sqlite/recovery.h"
#include "store/sqlite/recovery_admin.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/warming.h"

namespace postern::store::sqlite {

namespace {

constexpr int writer_cache_kib = 64 * 1024;
constexpr int reader_cache_kib = 16 * 1024;

/// Adds what can be done about it.
Error explain(Error error, const std::filesystem::path& folder) {
  switch (error.kind) {
    case ErrorKind::denied:
      error.text += "; the data folder " + folder.string() + " must belong to the user postern runs as";
      break;
    case ErrorKind::corrupt: error.text += "; restore the newest backup, or move the file away to start empty"; break;
    case ErrorKind::no_space: error.text += "; free some space on the disk of " + folder.string(); break;
    case ErrorKind::io: error.text += "; check the disk of " + folder.string(); break;
    default: break;
  }
  return error;
}

Result<> make_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return std::unexpected(errno_error("make " + path.string(), errno));
  if (::chmod(path.c_str(), S_IRWXU) != 0) return std::unexpected(errno_error("set rights of " + path.string(), errno));
  return {};
}

/// Held as long as the descriptor lives.
Result<UniqueFd> lock_folder(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(errno_error("open " + path.string(), errno));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(errno_error("lock " + path.string(), errno));
    const auto holder = read_file(path);
    return fail(ErrorKind::conflict,
                fmt::format("the data folder {} is in use by another postern (process {}); stop it first, or use its "
                            "control socket",
                            folder.string(), holder.value_or("?")));
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(file.get(), 0) != 0) return std::unexpected(errno_error("write " + path.string(), errno));
  if (auto written = write_all_at(file.get(), pid, 0); !written) return std::unexpected(written.error());
  return file;
}

Result<std::unique_ptr<Database>> open_current(const Database::Options& options, SchemaSteps steps, Log& log) {
  auto db = Database::open(options);
  if (!db) return db;
  if (auto migrated = migrate(**db, options.path, steps, log); !migrated) return std::unexpected(migrated.error());
  return db;
}

class Implementation final : public SqliteStore {
 public:
  Implementation(const Options& options, const Surroundings& around, const std::filesystem::path& folder)
      : log_(around.log),
        core_(folder / "seg", options.disk ? *options.disk : real_disk_,
              {.segment_bytes = options.segment_bytes, .allocate_bytes = options.allocate_bytes}, options.snapshot_cache_bytes,
              around.clock, options.undelete_window),
        folder_(folder),
        search_text_(options.search_text),
        housekeeping_(options.housekeeping),
        space_limits_{options.free_space_min, options.ballast},
        backup_(options.backup) {}
  ~Implementation() override { close(); }

  Result<> start(Metrics& metrics) {
    auto lock = lock_folder(folder_);
    if (!lock) return std::unexpected(lock.error());
    lock_ = std::move(*lock);
    if (auto made = make_folder(core_.folder.folder()); !made) return made;
    if (auto opened = open_mail(); !opened) return opened;
    if (auto opened = open_auth(); !opened) return opened;
    core_.space = std::make_unique<Space>(Space::Parts{folder_, core_.folder.disk(), log_, metrics}, space_limits_);
    core_.space->start();
    if (auto opened = open_text(metrics); !opened) return opened;
    recovery_ = std::make_unique<SqliteRecovery>(SqliteRecovery::Parts{core_, folder_, backup_, log_});
    core_.writer = std::make_unique<Writer>(Writer::Parts{*core_.db, core_.folder, core_.active, core_.clock, log_, metrics,
                                                          [core = &core_](const Transaction& tx) { core->publish(tx); },
                                                          [core = &core_](Transaction* tx) {
                                                            if (tx) core->recent.write(*tx);
                                                            return !core->recent.empty();
                                                          },
                                                          [core = &core_] { core->space->full(); }, recovery_->tap()});
    recovery_->start();
    if (auto opened = open_housekeeper(metrics); !opened) return opened;
    queue_ = make_queue(core_);
    accounts_ = make_accounts(core_);
    return {};
  }

  std::unique_ptr<Spool> spool() override { return make_spool(core_.folder.folder()); }
  std::unique_ptr<Session> session(const mail::Identity& identity) override { return make_session(core_, identity); }
  Task<Result<Accepted>> accept(Acceptance acceptance) override;
  Quota quota(AccountId account) const override { return core_.quotas->account(account); }
  Quota domain_quota(const std::string& domain) const override { return core_.quotas->domain(domain); }
  Result<QuotaHold> hold(AccountId account, std::uint64_t bytes) override { return core_.quotas->hold(account, bytes); }
  Queue& queue() override { return *queue_; }
  Accounts& accounts() override { return *accounts_; }
  Upkeep* upkeep() override { return housekeeper_.get(); }
  Credentials& credentials() override { return *credentials_; }
  RecoveryAdmin* recovery() override { return recovery_.get(); }

  TextIndex* text_index() override { return core_.text.get(); }
  Task<Result<std::size_t>> reap() override {
    co_return co_await core_.writer->run<std::size_t>([core = &core_](Transaction& tx, auto) -> Result<std::size_t> {
      const auto before = tx.db().integer(0, "SELECT count(*) FROM reap");
      while (core->reap(tx)) {
      }
      return static_cast<std::size_t>(before - tx.db().integer(0, "SELECT count(*) FROM reap"));
    });
  }
  Task<Result<std::vector<std::string>>> audit() override {
    using Findings = std::vector<std::string>;
    co_return co_await core_.long_lane->run<Findings>([](Database& db) -> Result<Findings> { return sqlite::audit(db); });
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    if (housekeeper_) housekeeper_->stop();
    if (recovery_) recovery_->close();
    if (core_.writer) core_.writer->close();
    if (core_.text) core_.text->close();
    for (auto* lane : {core_.file_lane.get(), core_.short_lane.get(), core_.long_lane.get()}) {
      if (lane) lane->stop();
    }
    if (credentials_) credentials_->close();
    if (core_.space) core_.space->stop();
    core_.db.reset();
    lock_.reset();
  }

 private:
  Result<> open_mail() {
    const auto path = folder_ / "mail.db";
    warming_.emplace(path);
    auto db = open_current({.path = path, .cache_kib = writer_cache_kib, .vfs = &core_.vfs}, mail_schema(), log_);
    if (!db) return std::unexpected(db.error());
    core_.db = std::move(*db);
    const auto recovered = recover(*core_.db, core_.folder, core_.clock, log_);
    if (!recovered) return std::unexpected(recovered.error());
    if (recovered->end.segment != 0) {
      if (auto resumed = core_.active.resume(recovered->end); !resumed) return resumed;
    }
    try {
      for (const auto& [id, one] : load_quotas(*core_.db)) core_.quotas->set_account(id, one.login, one.quota);
      for (const auto& [name, quota] : load_domain_quotas(*core_.db)) core_.quotas->set_domain(name, quota);
      core_.queue_depth = static_cast<std::int64_t>(queue_depth(*core_.db));
    } catch (const SqlError& error) {
      return std::unexpected(error.error);
    }
    auto short_db = Database::open({path, Database::Mode::read_only, reader_cache_kib, &core_.vfs});
    if (!short_db) return std::unexpected(short_db.error());
    auto long_db = Database::open({path, Database::Mode::read_only, reader_cache_kib, &core_.vfs});
    if (!long_db) return std::unexpected(long_db.error());
    core_.short_lane = std::make_unique<Lane>("store-short", std::move(*short_db));
    core_.long_lane = std::make_unique<Lane>("store-long", std::move(*long_db));
    core_.file_lane = std::make_unique<Lane>("store-files", nullptr);
    return {};
  }

  /// Before there is a writer, which tells it what changes. Switched off, nothing is kept: it would grow old.
  Result<> open_text(Metrics& metrics) {
    const auto text = folder_ / "text";
    if (!search_text_) {
      std::error_code error;
      std::filesystem::remove_all(text, error);
      return {};
    }
    if (auto made = make_folder(text); !made) return made;
    auto db = Database::open({folder_ / "mail.db", Database::Mode::read_only, reader_cache_kib, &core_.vfs});
    if (!db) return std::unexpected(db.error());
    core_.text =
        std::make_unique<TextIndexer>(TextIndexer::Parts{text, std::move(*db), core_.folder, log_, metrics, core_.space.get()});
    return {};
  }

  Result<> open_housekeeper(Metrics& metrics) {
    auto db = Database::open({folder_ / "mail.db", Database::Mode::read_only, reader_cache_kib, &core_.vfs});
    if (!db) return std::unexpected(db.error());
    housekeeper_ = std::make_unique<Housekeeper>(
        Housekeeper::Parts{*core_.writer, core_.folder, *core_.space, *core_.long_lane, std::move(*db), folder_,
                           core_.undelete_window, core_.clock, log_, metrics, core_.text.get()},
        housekeeping_);
    housekeeper_->start();
    return {};
  }

  Result<> open_auth() {
    const auto path = folder_ / "auth.db";
    auto db = open_current(
        {.path = path, .cache_kib = writer_cache_kib, .vfs = &core_.vfs, .checkpoint_pages = Database::usual_checkpoint_pages},
        auth_schema(), log_);
    if (!db) return std::unexpected(db.error());
    auto reading = Database::open({path, Database::Mode::read_only, reader_cache_kib, &core_.vfs});
    if (!reading) return std::unexpected(reading.error());
    credentials_ = std::make_unique<SqliteCredentials>(std::move(*db), std::move(*reading));
    return {};
  }

  Log& log_;
  RealDisk real_disk_;
  Core core_;
  const std::filesystem::path folder_;
  const bool search_text_;
  UniqueFd lock_;
  bool closed_ = false;
  std::optional<Warming> warming_;
  const HousekeepingOptions housekeeping_;
  const Space::Limits space_limits_;
  const BackupOptions backup_;
  std::unique_ptr<Housekeeper> housekeeper_;
  std::unique_ptr<SqliteRecovery> recovery_;
  std::unique_ptr<Queue> queue_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<SqliteCredentials> credentials_;
};

Task<Result<Accepted>> Implementation::accept(Acceptance acceptance) {
  std::vector<NewBody> bodies;
  bodies.push_back({acceptance.body, arrival_text(acceptance), {}, false});
  auto prepared = co_await core_.prepare(std::move(bodies));
  if (!prepared) co_return std::unexpected(prepared.error());
  auto work = [acceptance = std::move(acceptance)](Transaction& tx, std::span<const NewBody> placed) {
    return sqlite::accept(tx, acceptance, placed.front());
  };
  co_return co_await core_.writer->run<Accepted>(std::move(work), std::move(*prepared));
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> open(const Options& options, const Surroundings& surroundings) {
  if (auto made = make_folder(options.data_dir); !made) return std::unexpected(explain(made.error(), options.data_dir));
  // SQLite is told to follow no symbolic links; the way to the folder may have some.
  std::error_code error;
  const auto folder = std::filesystem::canonical(options.data_dir, error);
  if (error) return std::unexpected(explain(errno_error("find " + options.data_dir.string(), error.value()), options.data_dir));
  auto store = std::make_unique<Implementation>(options, surroundings, folder);
  auto started = store->start(surroundings.metrics);
  if (!started && started.error().kind == ErrorKind::no_space && give_up_ballast(folder)) {
    // Opening needs a little room itself; then reading and deleting work.
    store = std::make_unique<Implementation>(options, surroundings, folder);
    started = store->start(surroundings.metrics);
  }
  if (!started) return std::unexpected(explain(started.error(), folder));
  return store;
}

}  // namespace postern::store::sqlite
