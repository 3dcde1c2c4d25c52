// SPDX-License-Identifier: Apache-2.0
// What a client notices of housekeeping: p50 and p99 of an APPEND of one message on an idle store, and while compaction, the
// whole audit with all bodies, and backups run. The target is a p99 of at most twice the idle one.
//
//   housekeeping_bench FOLDER [seconds per phase] [messages]
//
// FOLDER decides the disk. A millisecond is added to every sync, so that figures of different disks can be compared.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <random>
#include <thread>

#include "async/executor.h"
#include "store/accounts.h"
#include "store/recovery_admin.h"
#include "store/sqlite/open.h"
#include "store/upkeep.h"
#include "tests/support/identity.h"

namespace postern::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t body_bytes = 10 * 1024;
constexpr std::size_t messages_each_call = 100;
constexpr std::uint64_t segment_bytes = 64 << 20;
constexpr std::chrono::milliseconds think_time{2};
constexpr std::chrono::seconds between_backups{1};
constexpr std::chrono::milliseconds ask_interval{20};

class SlowDisk final : public store::sqlite::RealDisk {
 public:
  Result<> sync(int fd) override {
    delay();
    return RealDisk::sync(fd);
  }
  Result<> before_database_sync(store::sqlite::DatabaseFile) override {
    delay();
    return {};
  }
  void slow_down() { slow_ = true; }

 private:
  void delay() const {
    if (slow_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::atomic<bool> slow_ = false;
};

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text.c_str());
  std::exit(1);
}
template <class T>
T must(async::Task<Result<T>> task) {
  auto result = async::run_alone(std::move(task));
  if (!result) give_up(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Octets that stay as long as they are.
std::string noise(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(body_bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

store::NewMessage message(std::uint64_t seed) {
  return {store::body_of(noise(seed)), {std::string(200, 'e'), std::string(200, 's'), "p"}, 0, {}, 1'700'000'000};
}

/// Half of the messages are deleted for good, spread over all segments.
void fill(store::sqlite::SqliteStore& store, store::Session& session, store::MailboxId box, std::size_t messages) {
  for (std::size_t done = 0; done < messages;) {
    std::vector<store::NewMessage> some;
    for (std::size_t i = 0; i < messages_each_call; ++i) some.push_back(message(done++));
    must(session.append(box, std::move(some)));
  }
  store::UidSet odd;
  for (store::Uid uid = 1; uid <= messages; uid += 2) odd.add(uid);
  must(session.expunge(box, odd, store::ExpungeMode::any));
  std::this_thread::sleep_for(std::chrono::seconds(2));  // the undelete window of a second
  must(store.reap());
}

async::Task<> append_slowly(store::Session& session, store::MailboxId box, SteadyClock::time_point end,
                            std::vector<double>& milliseconds) {
  for (std::uint64_t seed = 1'000'000; SteadyClock::now() < end; ++seed) {
    std::vector<store::NewMessage> one;
    one.push_back(message(seed));
    const auto start = SteadyClock::now();
    auto done = co_await session.append(box, std::move(one));
    if (!done) give_up(done.error());
    milliseconds.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
    co_await async::sleep(think_time);
  }
}

double measure(const char* name, store::Session& session, store::MailboxId box, std::chrono::seconds duration) {
  std::vector<double> milliseconds;
  async::run_alone(append_slowly(session, box, SteadyClock::now() + duration, milliseconds));
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto n = milliseconds.size();
  std::printf("%-40s %8zu %8.2f %8.2f %8.2f\n", name, n, milliseconds[n / 2], milliseconds[n * 99 / 100], milliseconds.back());
  std::fflush(stdout);
  return milliseconds[n * 99 / 100];
}

/// Jobs one after the other until told to stop; gives how many ended.
std::size_t keep_busy(store::Upkeep& upkeep, store::JobOrder order, const std::atomic<bool>& stop) {
  std::size_t ended = 0;
  while (!stop) {
    const auto job = upkeep.start(order);
    if (!job) give_up(job.error());
    while (!stop && !upkeep.job(*job)->ended_now()) std::this_thread::sleep_for(ask_interval);
    const auto state = *upkeep.job(*job);
    ended += state.ended_now();
    if (order.kind == store::JobOrder::Kind::compact && state.ended_now()) {
      std::printf("  compacted %llu files, %.0f MiB given back\n", static_cast<unsigned long long>(state.segments_done),
                  static_cast<double>(state.bytes_reclaimed) / (1 << 20));
      return ended;
    }
  }
  return ended;
}

void keep_backing_up(store::Store& store, const std::atomic<bool>& stop) {
  auto* recovery = store.recovery();
  while (recovery != nullptr && !stop) {
    auto staged = async::run_alone(recovery->stage_backup());
    if (!staged) give_up(staged.error());
    if (auto gone = async::run_alone(recovery->release_backup(staged->folder)); !gone) give_up(gone.error());
    std::this_thread::sleep_for(between_backups);
  }
}

void run(const std::filesystem::path& folder, std::chrono::seconds duration, std::size_t messages) {
  std::filesystem::remove_all(folder);
  SystemClock clock;
  Log log(LogLevel::error, stderr_sink());
  Metrics metrics;
  SlowDisk disk;
  auto opened = store::sqlite::open({.data_dir = folder,
                                     .undelete_window = std::chrono::seconds(1),
                                     .segment_bytes = segment_bytes,
                                     .housekeeping = {.compact_above = 100, .audit_at = "", .history = {}},
                                     .disk = &disk},
                                    {clock, log, metrics});
  if (!opened) give_up(opened.error());
  auto& store = **opened;
  const auto account = must(store.accounts().add_account({0, "alice@example.org", "", true, 0, 0}));
  const auto session = store.session(test::identity(account));
  const auto box = must(session->status("INBOX")).id;
  fill(store, *session, box, messages);
  disk.slow_down();
  std::printf("%-40s %8s %8s %8s %8s\n", "APPEND of one message of 10 KiB, ms", "count", "p50", "p99", "max");
  const double idle = measure("idle", *session, box, duration);
  const auto beside = [&](const char* name, auto work) {
    std::atomic<bool> stop = false;
    std::thread worker([&] { work(stop); });
    const double p99 = measure(name, *session, box, duration);
    stop = true;
    worker.join();
    std::printf("  p99 is %.2f of idle\n", p99 / idle);
  };
  using Kind = store::JobOrder::Kind;
  auto& upkeep = *store.upkeep();
  beside("audit of rows and bodies", [&](auto& stop) { keep_busy(upkeep, {.kind = Kind::audit, .bodies = true}, stop); });
  beside("compaction", [&](auto& stop) { keep_busy(upkeep, {.kind = Kind::compact, .all = true}, stop); });
  beside("audit and backup", [&](auto& stop) {
    std::thread backup([&] { keep_backing_up(store, stop); });
    keep_busy(upkeep, {.kind = Kind::audit, .bodies = true}, stop);
    backup.join();
  });
  store.close();
  std::filesystem::remove_all(folder);
}

}  // namespace

}  // namespace postern::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: housekeeping_bench FOLDER [seconds per phase] [messages]\n");
    return 2;
  }
  const std::chrono::seconds duration(argc > 2 ? std::atoi(argv[2]) : 10);
  const std::size_t messages = argc > 3 ? static_cast<std::size_t>(std::atoi(argv[3])) : 40'000;
  postern::bench::run(std::filesystem::path(argv[1]) / "housekeeping-bench", duration, messages);
}
