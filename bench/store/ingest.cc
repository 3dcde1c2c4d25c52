// SPDX-License-Identifier: Apache-2.0
// The same crowd of producers against three layouts: our store, one LMDB file behind a batching writer, and a file for each
// message. Bodies of 10 KiB; each body of ours and of LMDB has an index entry and 420 octets of cached structure, a file has
// none.
#include <fcntl.h>
#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "async/offload.h"
#include "base/file.h"
#include "bench/store/bench.h"
#ifdef POSTERN_BENCH_LMDB
#include <lmdb.h>
#endif

namespace postern::bench {

namespace {

constexpr std::size_t file_threads = 16;  ///< that sync, as in storage.md §2.2
constexpr std::size_t different_bodies = 64;

std::vector<std::string> bodies_of(const Cell& cell) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < different_bodies; ++i) {
    out.push_back(cell.text ? text_body(body_bytes, i) : noise_body(body_bytes, i));
  }
  return out;
}

/// Keeps what producers share while they run.
struct Ours {
  store::Store& store;
  std::vector<store::AccountId> accounts;
  std::vector<store::BodyPtr> bodies;
  std::size_t recipients = 1;
};

async::Task<> deliver_ours(Ours& ours, std::uint64_t random) {
  store::Acceptance work{ours.bodies[random % ours.bodies.size()],
                         {std::string(meta_bytes, 'e'), std::string(meta_bytes, 's'), {}},
                         1'700'000'000,
                         {},
                         {}};
  for (std::size_t i = 0; i < ours.recipients; ++i) {
    work.deliveries.push_back(
        {ours.accounts[((random >> 8) + i) % ours.accounts.size()], "INBOX", "Return-Path: <a@b.example>\r\n", 0});
  }
  const auto done = co_await ours.store.accept(std::move(work));
  if (!done) throw std::runtime_error(done.error().text);
}

struct FileJob {
  std::filesystem::path folder;
  std::string_view body;
  std::uint64_t name = 0;
  SlowDisk& disk;

  void operator()() const {
    const auto path = folder / std::to_string(name);
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file || !write_all_at(file.get(), body, 0) || !disk.sync(file.get()) || !disk.sync_folder(folder)) {
      throw std::runtime_error("cannot write " + path.string());
    }
  }
};

async::Task<> deliver_file(async::Pool& pool, FileJob job) {
  if (const auto done = co_await async::offload(pool, std::move(job)); !done) throw std::runtime_error(done.error().text);
}

}  // namespace

Crowd ingest_ours(const Settings& settings, const Cell& cell) {
  World world(settings.folder / "ours", cell.delay);
  Ours ours{world.store(), {}, {}, cell.recipients};
  for (std::size_t i = 0; i < account_count; ++i) ours.accounts.push_back(world.add_account(fmt::format("u{}@example.org", i)));
  for (auto& body : bodies_of(cell)) ours.bodies.push_back(store::body_of(std::move(body)));
  return crowd(cell.producers, settings.cell, [&ours](std::uint64_t random) { return deliver_ours(ours, random); });
}

Crowd ingest_files(const Settings& settings, const Cell& cell) {
  const auto folder = settings.folder / "files";
  std::filesystem::remove_all(folder);
  for (std::size_t i = 0; i < account_count; ++i) std::filesystem::create_directories(folder / std::to_string(i));
  SlowDisk disk(cell.delay);
  const auto bodies = bodies_of(cell);
  async::Pool pool({.name = "files", .threads = file_threads, .queue_limit = 10'000});
  const Deliver deliver = [&](std::uint64_t random) {
    const auto place = folder / std::to_string((random >> 8) % account_count);
    return deliver_file(pool, {place, bodies[random % bodies.size()], random, disk});
  };
  const Crowd out = crowd(cell.producers, settings.cell, deliver);
  pool.stop();
  std::filesystem::remove_all(folder);
  return out;
}

#ifdef POSTERN_BENCH_LMDB
namespace {

constexpr std::size_t lmdb_map_bytes = std::size_t{16} << 30;
constexpr std::size_t lmdb_batch = 512;

void check(int code) {
  if (code != 0) throw std::runtime_error(mdb_strerror(code));
}

/// One writer thread that commits what has come together, with our rules for lingering; one sync for each commit.
class LmdbWriter {
 public:
  LmdbWriter(const std::filesystem::path& folder, std::chrono::microseconds delay) : delay_(delay) {
    check(mdb_env_create(&env_));
    check(mdb_env_set_mapsize(env_, lmdb_map_bytes));
    check(mdb_env_set_maxdbs(env_, 3));
    check(mdb_env_open(env_, folder.c_str(), MDB_NOSYNC, 0600));
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, 0, &txn));
    check(mdb_dbi_open(txn, "body", MDB_CREATE | MDB_INTEGERKEY, &body_));
    check(mdb_dbi_open(txn, "message", MDB_CREATE | MDB_INTEGERKEY, &message_));
    check(mdb_dbi_open(txn, "meta", MDB_CREATE | MDB_INTEGERKEY, &meta_));
    check(mdb_txn_commit(txn));
    thread_ = std::thread(&LmdbWriter::loop, this);
  }
  ~LmdbWriter() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    arrived_.notify_all();
    thread_.join();
    mdb_env_close(env_);
  }

  async::Task<> deliver(std::uint64_t mailbox, std::string_view body) {
    auto [promise, future] = async::make_promise<bool>();
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = waiting_.empty();
      waiting_.push_back({mailbox, body, std::move(promise)});
    }
    if (first) arrived_.notify_one();
    co_await std::move(future).get();
  }

 private:
  struct Job {
    std::uint64_t mailbox;
    std::string_view body;
    async::Promise<bool> done;
  };

  void loop() {
    std::size_t previous = 0;
    for (;;) {
      std::vector<Job> jobs = take(previous > 1);
      if (jobs.empty()) return;
      previous = jobs.size();
      commit(jobs);
      sleep_exactly(delay_);
      async::Batch batch;
      for (Job& job : jobs) job.done.set(true, batch);
    }
  }

  std::vector<Job> take(bool linger) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    for (std::size_t before = 0; linger && delay_.count() > 0 && waiting_.size() > before && waiting_.size() < lmdb_batch;) {
      before = waiting_.size();
      lock.unlock();
      sleep_exactly(std::chrono::microseconds(20));
      lock.lock();
    }
    std::vector<Job> out;
    while (!waiting_.empty() && out.size() < lmdb_batch) {
      out.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    return out;
  }

  void commit(const std::vector<Job>& jobs) {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, 0, &txn));
    for (const Job& job : jobs) {
      put(txn, body_, ++next_body_, job.body, MDB_APPEND);
      const std::uint64_t id = job.mailbox << 32 | ++next_uid_[job.mailbox % account_count];
      const std::array<std::uint64_t, 6> row{next_body_, 1, 0, 1'700'000'000, job.body.size(), 0};
      put(txn, message_, id, {reinterpret_cast<const char*>(row.data()), sizeof row}, 0);
      put(txn, meta_, id, meta_text_, 0);
    }
    check(mdb_txn_commit(txn));
  }

  static void put(MDB_txn* txn, MDB_dbi dbi, std::uint64_t key, std::string_view value, unsigned flags) {
    MDB_val k{sizeof key, &key};
    MDB_val v{value.size(), const_cast<char*>(value.data())};
    check(mdb_put(txn, dbi, &k, &v, flags));
  }

  const std::chrono::microseconds delay_;
  const std::string meta_text_ = std::string(2 * meta_bytes, 'm');
  MDB_env* env_ = nullptr;
  MDB_dbi body_ = 0, message_ = 0, meta_ = 0;
  std::uint64_t next_body_ = 0;
  std::array<std::uint64_t, account_count> next_uid_{};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::optional<Crowd> ingest_lmdb(const Settings& settings, const Cell& cell) {
  const auto folder = settings.folder / "lmdb";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto bodies = bodies_of(cell);
  Crowd out;
  {
    LmdbWriter writer(folder, cell.delay);
    out = crowd(cell.producers, settings.cell, [&](std::uint64_t random) {
      return writer.deliver((random >> 8) % account_count, bodies[random % bodies.size()]);
    });
  }
  std::filesystem::remove_all(folder);
  return out;
}
#else
std::optional<Crowd> ingest_lmdb(const Settings&, const Cell&) { return std::nullopt; }
#endif

}  // namespace postern::bench
