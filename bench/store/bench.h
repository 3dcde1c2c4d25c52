// SPDX-License-Identifier: Apache-2.0
// What the store's benchmark shares: a disk with a latency of its own, crowds of producers, and rows of a table with targets.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/executor.h"
#include "store/accounts.h"
#include "store/sqlite/open.h"
#include "tests/support/identity.h"

namespace postern::bench {

using SteadyClock = std::chrono::steady_clock;

/// Sleeps exactly; a thread's timer may otherwise be 50 µs late.
void sleep_exactly(std::chrono::microseconds time);

/// The real disk, with so much added to each sync: of segments, of folders, and of SQLite's files.
class SlowDisk final : public store::sqlite::RealDisk {
 public:
  explicit SlowDisk(std::chrono::microseconds delay) : delay_(delay) {}
  Result<> sync(int fd) override;
  Result<> sync_folder(const std::filesystem::path& folder) override;
  Result<> before_database_sync(store::sqlite::DatabaseFile file) override;

 private:
  const std::chrono::microseconds delay_;
};

struct Settings {
  std::filesystem::path folder;  ///< emptied before each cell
  std::chrono::milliseconds cell{2000};
  int rounds = 3;
};

/// One line of the table.
struct Line {
  std::string name;
  std::string unit;
  std::vector<double> values;    ///< of all rounds
  std::optional<double> target;  ///< at least (or at most) this
  bool less_is_better = false;
  double median() const;
  bool hit() const;
};
using Lines = std::vector<Line>;

/// What one crowd of producers did.
struct Crowd {
  double per_second = 0;
  double cpu_us = 0;  ///< of the whole process, for each message
  double p50_ms = 0;
  double p99_ms = 0;
};
struct Cell {
  std::size_t producers = 1;
  std::chrono::microseconds delay{};
  std::size_t recipients = 1;
  bool text = false;  ///< bodies that compress; otherwise noise, which does not
};
/// One message; returns when it is durable.
using Deliver = std::function<async::Task<>(std::uint64_t random)>;
/// Producers on one loop for each core, until the time is over.
Crowd crowd(std::size_t producers, std::chrono::milliseconds time, Deliver deliver);

constexpr std::size_t body_bytes = 10 * 1024;
constexpr std::size_t meta_bytes = 210;  ///< of ENVELOPE, and as much of BODYSTRUCTURE
constexpr std::size_t account_count = 200;

/// Octets that do not compress, and mail-like text that does.
std::string noise_body(std::size_t bytes, std::uint64_t seed);
std::string text_body(std::size_t bytes, std::uint64_t seed);
/// Runs a task alone to its end and gives what must be a success.
template <class T>
T must(async::Task<Result<T>> task) {
  auto result = async::run_alone(std::move(task));
  if (!result) throw std::runtime_error(result.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A store in an emptied folder.
class World {
 public:
  static constexpr std::size_t usual_cache = std::size_t{64} << 20;
  World(const std::filesystem::path& folder, std::chrono::microseconds delay, std::size_t snapshot_cache_bytes = usual_cache);
  ~World();
  store::sqlite::SqliteStore& store() { return *store_; }
  store::AccountId add_account(const std::string& login);

 private:
  const std::filesystem::path folder_;
  SystemClock clock_;
  Log log_;
  Metrics metrics_;
  SlowDisk disk_;
  std::unique_ptr<store::sqlite::SqliteStore> store_;
};

// The layouts of storage.md §2.2: ours, one LMDB file with a batching writer, a file for each message.
Crowd ingest_ours(const Settings& settings, const Cell& cell);
/// Nothing when the program was built without liblmdb.
std::optional<Crowd> ingest_lmdb(const Settings& settings, const Cell& cell);
Crowd ingest_files(const Settings& settings, const Cell& cell);

/// Snapshot, flags, COPY, MOVE, EXPUNGE and short reads beside them.
void measure_mailbox(const Settings& settings, Lines& lines);
/// Bodies, raw and compressed.
void measure_bodies(const Settings& settings, Lines& lines);

}  // namespace postern::bench
