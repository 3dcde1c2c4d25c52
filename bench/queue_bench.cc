// SPDX-License-Identifier: Apache-2.0
// A start with a long queue: time from opening the store until the runner has claimed and started what fits, and the memory of
// the process then. Targets: 100,000 recipients within 1 s and 100 MiB.
//
//   queue_bench FOLDER [recipients] [recipients of one message] [domains]
//
// FOLDER decides the disk. A child fills the queue, so that what it needed is not counted. Nothing leaves: the courier never
// ends.
#include <fmt/format.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "async/executor.h"
#include "async/task_group.h"
#include "auth/directory.h"
#include "queue/bounce.h"
#include "queue/runner.h"
#include "store/sqlite/open.h"

namespace postern::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t body_bytes = 4 * 1024;
constexpr std::chrono::seconds longest_start{60};
constexpr double goal_seconds = 1.0;
constexpr double goal_mebibytes = 100.0;

struct Size {
  std::size_t recipients = 100'000;
  std::size_t each = 10;
  std::size_t domains = 1'000;
};

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text.c_str());
  std::exit(1);
}

/// What a house needs around a queue.
struct Ground {
  explicit Ground(const std::filesystem::path& folder) {
    auto opened = store::sqlite::open({.data_dir = folder, .undelete_window = std::chrono::hours(1)}, {clock, log, metrics});
    if (!opened) give_up(opened.error());
    store = std::move(*opened);
  }
  SystemClock clock;
  Log log{LogLevel::error, stderr_sink()};
  Metrics metrics;
  std::unique_ptr<store::sqlite::SqliteStore> store;
};

store::Acceptance message(const Size& size, std::size_t number) {
  store::Acceptance out;
  out.body = store::body_of("Subject: a newsletter\r\n\r\n" + std::string(body_bytes, 'x') + "\r\n");
  auto& entry = out.enqueue.emplace();
  entry.sender = mail::Address::parse("news@example.org").value();
  entry.created = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) - 60;
  entry.expires = entry.created + 5 * 86'400;
  entry.prefix = "Received: by mx.example.org with ESMTPSA id x; Mon, 01 Jun 2026 12:00:00 +0000\r\n";
  for (std::size_t i = 0; i < size.each; ++i) {
    const auto index = number * size.each + i;
    const auto domain = fmt::format("d{}.example", index % size.domains);
    store::QueueRecipient row{.recipient = {.address = mail::Address::parse(fmt::format("reader{}@{}", index, domain)).value()}};
    row.domain = domain;
    row.next_at = entry.created;
    entry.recipients.push_back(std::move(row));
  }
  return out;
}

int fill(const std::filesystem::path& folder, const Size& size) {
  Ground ground(folder);
  for (std::size_t i = 0; i * size.each < size.recipients; ++i) {
    auto accepted = async::run_alone(ground.store->accept(message(size, i)));
    if (!accepted) give_up(accepted.error());
  }
  ground.store->close();
  return 0;
}

double mebibytes(const std::string& what) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(what)) return std::strtod(line.c_str() + what.size() + 1, nullptr) / 1024;
  }
  return 0;
}

/// Takes everything and never ends: the other servers of the world are all asleep.
class Asleep final : public queue::Courier {
 public:
  async::Task<std::vector<mail::Outcome>> deliver(const store::Claim&) override {
    ++started;
    co_await async::sleep(std::chrono::hours(1));
    co_return std::vector<mail::Outcome>();
  }
  std::atomic<std::size_t> started = 0;
};

bool start(const std::filesystem::path& folder) {
  const auto begin = SteadyClock::now();
  Ground ground(folder);
  config::Live live{config::Config()};
  auth::Directory directory(ground.store->accounts(), ground.log);
  if (auto loaded = async::run_alone(directory.load()); !loaded) give_up(loaded.error());
  queue::Door door({*ground.store, live, ground.clock, ground.log, ground.metrics});
  queue::Bouncer bouncer({door, directory, ground.store->queue(), live, ground.clock, ground.log, ground.metrics});
  Asleep asleep;
  async::Runtime runtime(1);
  queue::Runner runner({ground.store->queue(), asleep, bouncer, live, ground.clock, ground.log, ground.metrics},
                       runtime.executor(0));
  async::TaskGroup passes(ground.log, "bench");
  passes.spawn(runtime.executor(0), runner.poll());
  runtime.start();
  if (!passes.join(longest_start)) give_up(Error{ErrorKind::timeout, "the start took too long"});
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  const double now = mebibytes("VmRSS:");
  const double most = mebibytes("VmHWM:");
  std::printf("%-44s %10zu\n", "recipients that wait", ground.store->queue().depth());
  std::printf("%-44s %10zu\n", "deliveries started", asleep.started.load());
  std::printf("%-44s %10.3f s   (goal %.0f)\n", "from opening until they had started", seconds, goal_seconds);
  std::printf("%-44s %10.1f MiB (goal %.0f)\n", "memory then", now, goal_mebibytes);
  std::printf("%-44s %10.1f MiB\n", "at most", most);
  std::fflush(stdout);
  ground.store->close();
  return seconds <= goal_seconds && most <= goal_mebibytes;
}

}  // namespace

}  // namespace postern::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: queue_bench FOLDER [recipients] [recipients of one message] [domains]\n");
    return 2;
  }
  const auto number = [&](int at, std::size_t usual) { return argc > at ? std::strtoul(argv[at], nullptr, 10) : usual; };
  postern::bench::Size size;
  size.recipients = number(2, size.recipients);
  size.each = std::max<std::size_t>(number(3, size.each), 1);
  size.domains = std::max<std::size_t>(number(4, size.domains), 1);
  const auto folder = std::filesystem::path(argv[1]) / "queue-bench";
  std::filesystem::remove_all(folder);
  const auto child = ::fork();
  if (child == 0) return postern::bench::fill(folder, size);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) < 0 || status != 0) return 1;
  const bool good = postern::bench::start(folder);
  std::fflush(stdout);
  std::filesystem::remove_all(folder);
  // The runner's sleeping deliveries need no orderly end.
  ::_exit(good ? 0 : 1);
}
