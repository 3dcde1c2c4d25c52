// SPDX-License-Identifier: Apache-2.0
// How many messages a second the store accepts: producers × sync latency × body size.
//
//   store_bench FOLDER [seconds per cell]
//
// FOLDER decides the disk (a tmpfs shows the program, a real disk shows both). The latency is added to every sync.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <thread>

#include "store/accounts.h"
#include "store/sqlite/open.h"

namespace postern::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

class SlowDisk final : public store::sqlite::RealDisk {
 public:
  explicit SlowDisk(std::chrono::microseconds delay) : delay_(delay) {}
  Result<> sync(int fd) override {
    std::this_thread::sleep_for(delay_);
    return RealDisk::sync(fd);
  }
  Result<> before_commit() override {
    std::this_thread::sleep_for(delay_);
    return {};
  }

 private:
  const std::chrono::microseconds delay_;
};

struct Cell {
  std::size_t producers = 1;
  std::chrono::microseconds delay{};
  std::size_t body_bytes = 10 * 1024;
};
struct Producer {
  store::Store& store;
  const std::vector<store::AccountId>& accounts;
  store::BodyPtr body;
  SteadyClock::time_point end;
  std::size_t seed = 0;
  std::vector<double>& milliseconds;
};

constexpr std::size_t account_count = 200;
constexpr std::size_t meta_bytes = 210;

async::Task<> produce(Producer p) {
  for (std::size_t i = p.seed; SteadyClock::now() < p.end; i = i * 1103515245 + 12345) {
    const store::AccountId account = p.accounts[(i >> 8) % p.accounts.size()];
    store::Acceptance work{p.body, {std::string(meta_bytes, 'e'), std::string(meta_bytes, 's'), {}}, 1'700'000'000, {}, {}};
    work.deliveries.push_back({account, "INBOX", "Return-Path: <a@b.example>\r\n", 0});
    const auto start = SteadyClock::now();
    const auto done = co_await p.store.accept(std::move(work));
    if (!done) {
      std::fprintf(stderr, "refused: %s\n", done.error().text.c_str());
      co_return;
    }
    p.milliseconds.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
  }
}

async::Task<> add_accounts(store::Store& store, std::vector<store::AccountId>& out) {
  for (std::size_t i = 0; i < account_count; ++i) {
    out.push_back((co_await store.accounts().add_account({0, "u" + std::to_string(i) + "@example.org", "", true, 0, 0})).value());
  }
}

void run(const Cell& cell, const std::filesystem::path& folder, std::chrono::seconds duration) {
  std::filesystem::remove_all(folder);
  SystemClock clock;
  Log log(LogLevel::error, stderr_sink());
  Metrics metrics;
  SlowDisk disk(cell.delay);
  auto store = store::sqlite::open({.data_dir = folder, .disk = &disk}, {clock, log, metrics});
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().text.c_str());
    std::exit(1);
  }
  boost::asio::io_context loop;
  std::vector<store::AccountId> accounts;
  boost::asio::co_spawn(loop, add_accounts(**store, accounts), [](const std::exception_ptr&) {});
  loop.run();
  loop.restart();
  std::vector<double> milliseconds;
  const auto body = store::body_of(std::string(cell.body_bytes, 'x'));
  const auto end = SteadyClock::now() + duration;
  for (std::size_t i = 0; i < cell.producers; ++i) {
    boost::asio::co_spawn(loop, produce({**store, accounts, body, end, i * 7919 + 1, milliseconds}),
                          [](const std::exception_ptr&) {});
  }
  const auto cpu = std::clock();
  loop.run();
  const double cpu_us = static_cast<double>(std::clock() - cpu) * 1e6 / CLOCKS_PER_SEC;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto n = milliseconds.size();
  std::printf("%9zu %9.1f %9zu %10.0f %8.2f %8.2f %8.1f\n", cell.producers, static_cast<double>(cell.delay.count()) / 1000,
              cell.body_bytes / 1024, static_cast<double>(n) / static_cast<double>(duration.count()), n ? milliseconds[n / 2] : 0,
              n ? milliseconds[n * 99 / 100] : 0, n ? cpu_us / static_cast<double>(n) : 0);
  std::fflush(stdout);
  store->reset();
  std::filesystem::remove_all(folder);
}

}  // namespace

}  // namespace postern::bench

int main(int argc, char** argv) {
  using namespace postern::bench;
  if (argc < 2) {
    std::fprintf(stderr, "usage: store_bench FOLDER [seconds per cell]\n");
    return 2;
  }
  const std::chrono::seconds duration(argc > 2 ? std::atoi(argv[2]) : 2);
  std::printf("producers  sync ms  body KiB      msg/s   p50 ms   p99 ms   CPU us\n");
  for (const std::size_t body : {std::size_t{10} << 10, std::size_t{100} << 10}) {
    for (const std::chrono::microseconds delay : {std::chrono::microseconds(0), std::chrono::microseconds(1000)}) {
      for (const std::size_t producers : {std::size_t{1}, std::size_t{20}, std::size_t{100}}) {
        run({producers, delay, body}, std::filesystem::path(argv[1]) / "store-bench", duration);
      }
    }
  }
}
