// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ledger_file.h"

namespace postern::store::sqlite {

namespace {

constexpr int cache_kib = 4 * 1024;
/// How long posted work waits for more, unless somebody waits for work behind it or there is so much: each transaction writes
/// whole pages, however little it changes.
constexpr std::chrono::milliseconds linger{50};
constexpr std::size_t linger_most = 1024;
constexpr const char* memory_only = ":memory:";
/// A disk that fails does so for every write; it is told once in so long.
constexpr std::chrono::minutes complaint_pause{10};
constexpr const char* side_files[] = {"", "-wal", "-shm"};

/// One piece of work inside the transaction; undone alone when it fails.
Result<> run_one(Database& db, std::move_only_function<Result<>(Database&)>& work) {
  db.run("SAVEPOINT one");
  Result<> result;
  try {
    result = work(db);
  } catch (const SqlError& error) {
    result = std::unexpected(error.error);
  }
  if (!result && !db.idle()) db.run("ROLLBACK TO one");
  if (!db.idle()) db.run("RELEASE one");
  return result;
}

}  // namespace

LedgerFile::LedgerFile(Parts parts)
    : parts_(std::move(parts)),
      path_(parts_.folder / parts_.kind.file),
      lost_(parts_.metrics.counter(parts_.kind.lost_metric, "Pieces of work for " + parts_.kind.file + " that were lost")),
      pool_({.name = "store-" + parts_.kind.file.substr(0, parts_.kind.file.find('.')), .threads = 1}) {
  open();
}

LedgerFile::~LedgerFile() { close(); }

void LedgerFile::open() {
  auto opened = try_open(path_);
  if (!opened && (opened.error().kind == ErrorKind::corrupt || opened.error().kind == ErrorKind::unsupported)) {
    put_aside(opened.error());
    opened = try_open(path_);
  }
  on_disk_ = opened.has_value();
  if (opened) return;
  parts_.log.error(
      "store",
      fmt::format("{} cannot be used; {} are kept in memory until the next start", parts_.kind.file, parts_.kind.contents),
      {{"error", opened.error().text}});
  if (auto memory = try_open(memory_only); !memory) {
    parts_.log.error("store", fmt::format("no room for {} in memory either", parts_.kind.file), {{"error", memory.error().text}});
  }
}

Result<> LedgerFile::try_open(const std::filesystem::path& path) {
  db_.reset();
  auto db = Database::open({.path = path, .cache_kib = cache_kib, .checkpoint_pages = Database::usual_checkpoint_pages});
  if (!db) return std::unexpected(db.error());
  if (auto migrated = migrate(**db, path, parts_.kind.schema, parts_.log); !migrated) return migrated;
  try {
    (*db)->script("PRAGMA synchronous=NORMAL");
    auto check = (*db)->query("PRAGMA quick_check(1)");
    if (check.step() && check.text(0) != "ok") return fail(ErrorKind::corrupt, std::string(check.text(0)));
  } catch (const SqlError& error) {
    return std::unexpected(error.error);
  }
  db_ = std::move(*db);
  return {};
}

void LedgerFile::put_aside(const Error& why) {
  db_.reset();
  const auto aside = path_.string() + ".broken-" + std::to_string(parts_.clock.unix_now());
  for (const char* side : side_files) {
    std::error_code error;
    std::filesystem::rename(path_.string() + side, aside + side, error);
  }
  parts_.log.error("store", fmt::format("{} is put aside; {} begin anew", parts_.kind.file, parts_.kind.contents),
                   {{"error", why.text}, {"kept", aside}});
}

bool LedgerFile::add(Job job) {
  const std::lock_guard lock(mutex_);
  if (closed_ || waiting_.size() >= parts_.kind.max_waiting) return false;
  urgent_ = urgent_ || job.done;
  waiting_.push_back(std::move(job));
  if (urgent_ || waiting_.size() >= linger_most) hurry_.notify_one();
  if (!scheduled_) scheduled_ = pool_.submit([this] { drain(); });
  return true;
}

void LedgerFile::post(std::move_only_function<void(Database&)> work) {
  Job job{[work = std::move(work)](Database& db) mutable -> Result<> {
            work(db);
            return {};
          },
          nullptr};
  if (!add(std::move(job))) lost({ErrorKind::unavailable, "too much waits, or the server stops"}, 1);
}

/// What waits, after a moment; nothing when nothing does, and then the next add() schedules again.
std::vector<LedgerFile::Job> LedgerFile::gather() {
  std::unique_lock lock(mutex_);
  scheduled_ = !waiting_.empty();
  if (!scheduled_) return {};
  hurry_.wait_for(lock, linger, [this] { return urgent_ || closed_ || waiting_.size() >= linger_most; });
  urgent_ = false;
  return std::exchange(waiting_, {});
}

void LedgerFile::drain() {
  for (auto jobs = gather(); !jobs.empty(); jobs = gather()) carry(std::move(jobs));
}

/// One transaction for all of them. Each hears its own end, after the commit.
void LedgerFile::carry(std::vector<Job> jobs) {
  std::vector<Result<>> ends(jobs.size());
  std::optional<Error> broken;
  try {
    if (!db_) throw SqlError{{ErrorKind::unavailable, parts_.kind.file + " is not open"}};
    TransactionGuard guard(*db_);
    for (std::size_t i = 0; i < jobs.size(); ++i) ends[i] = run_one(*db_, jobs[i].work);
    guard.commit();
  } catch (const SqlError& error) {
    broken = error.error;
  }
  if (broken) {
    for (auto& end : ends) end = std::unexpected(*broken);
  }
  const auto damaged = std::ranges::find_if(ends, [](const auto& end) { return !end && end.error().kind == ErrorKind::corrupt; });
  if (damaged != ends.end()) {
    put_aside(damaged->error());
    open();
  }
  const Result<>* lost_end = nullptr;
  std::size_t unheard = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (ends[i] || jobs[i].done) continue;
    ++unheard;
    lost_end = &ends[i];
  }
  if (lost_end != nullptr) lost(lost_end->error(), unheard);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].done) jobs[i].done(std::move(ends[i]));
  }
}

void LedgerFile::lost(const Error& why, std::size_t pieces) {
  lost_.add(static_cast<double>(pieces));
  const auto now = parts_.clock.steady();
  {
    const std::lock_guard lock(mutex_);
    if (now < next_complaint_) return;
    next_complaint_ = now + complaint_pause;
  }
  parts_.log.warning("store", fmt::format("{} was not written", parts_.kind.file), {{"error", why.text}, {"lost", pieces}});
}

void LedgerFile::close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
  }
  hurry_.notify_one();
  pool_.stop();
  drain();
  db_.reset();
}

}  // namespace postern::store::sqlite
