// SPDX-License-Identifier: Apache-2.0
#include "bench/store/bench.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <thread>

namespace postern::bench {

namespace {

double percentile(const std::vector<double>& sorted, std::size_t percent) {
  return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
}

struct Producer {
  Deliver deliver;
  SteadyClock::time_point end;
  std::uint64_t seed = 0;
  std::vector<double>* milliseconds = nullptr;  ///< of this producer's loop
  std::exception_ptr* error = nullptr;          ///< the same
};

async::Task<> produce(Producer p) {
  std::mt19937_64 random(p.seed);
  try {
    while (SteadyClock::now() < p.end && !*p.error) {
      const auto start = SteadyClock::now();
      co_await p.deliver(random());
      p.milliseconds->push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
    }
  } catch (const std::exception&) {
    *p.error = std::current_exception();
  }
}

}  // namespace

void sleep_exactly(std::chrono::microseconds time) {
  if (time.count() == 0) return;
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  std::this_thread::sleep_for(time);
}

Result<> SlowDisk::sync(int fd) {
  sleep_exactly(delay_);
  return RealDisk::sync(fd);
}

Result<> SlowDisk::sync_folder(const std::filesystem::path& folder) {
  sleep_exactly(delay_);
  return RealDisk::sync_folder(folder);
}

Result<> SlowDisk::before_database_sync(store::sqlite::DatabaseFile) {
  sleep_exactly(delay_);
  return {};
}

double Line::median() const {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  return sorted.empty() ? 0 : sorted[sorted.size() / 2];
}

bool Line::hit() const { return !target || (less_is_better ? median() <= *target : median() >= *target); }

Crowd crowd(std::size_t producers, std::chrono::milliseconds time, Deliver deliver) {
  const std::size_t loops = std::min<std::size_t>(producers, std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts;
  std::vector<std::vector<double>> milliseconds(loops);
  std::vector<std::exception_ptr> errors(loops);
  for (std::size_t i = 0; i < loops; ++i) contexts.push_back(std::make_unique<boost::asio::io_context>(1));
  const auto start = SteadyClock::now();
  for (std::size_t i = 0; i < producers; ++i) {
    const std::size_t loop = i % loops;
    boost::asio::co_spawn(*contexts[loop], produce({deliver, start + time, i + 1, &milliseconds[loop], &errors[loop]}),
                          [](const std::exception_ptr&) {});
  }
  const auto cpu = std::clock();
  std::vector<std::thread> threads;
  for (auto& context : contexts) threads.emplace_back([&context] { context->run(); });
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  const double cpu_us = static_cast<double>(std::clock() - cpu) * 1e6 / CLOCKS_PER_SEC;
  std::vector<double> all;
  for (const auto& one : milliseconds) all.insert(all.end(), one.begin(), one.end());
  std::sort(all.begin(), all.end());
  const auto n = static_cast<double>(std::max<std::size_t>(all.size(), 1));
  return {n / seconds, cpu_us / n, percentile(all, 50), percentile(all, 99)};
}

std::string noise_body(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

std::string text_body(std::size_t bytes, std::uint64_t seed) {
  static constexpr std::array<std::string_view, 24> words{
      "the",  "meeting", "on",      "Thursday", "is",     "moved", "please", "send",    "report",   "before", "noon", "regards",
      "from", "project", "invoice", "attached", "number", "will",  "arrive", "because", "delivery", "and",    "of",   "with"};
  std::mt19937_64 random(seed);
  std::string out = "Subject: message " + std::to_string(seed) + "\r\nFrom: a@example.org\r\n\r\n";
  for (std::size_t line = 0; out.size() < bytes;) {
    std::string word(words[random() % words.size()]);
    if (random() % 4 == 0) word = std::to_string(random() % 1'000'000'007);
    line += word.size() + 1;
    out += word + (line > 70 ? "\r\n" : " ");
    if (line > 70) line = 0;
  }
  out.resize(bytes);
  return out;
}

World::World(const std::filesystem::path& folder, std::chrono::microseconds delay, std::size_t snapshot_cache_bytes)
    : folder_(folder), log_(LogLevel::error, stderr_sink()), disk_(delay) {
  std::filesystem::remove_all(folder_);
  auto opened = store::sqlite::open({.data_dir = folder_, .snapshot_cache_bytes = snapshot_cache_bytes, .disk = &disk_},
                                    {clock_, log_, metrics_});
  if (!opened) throw std::runtime_error(opened.error().text);
  store_ = std::move(*opened);
  must(store_->accounts().add_domain({"example.org"}));
}

World::~World() {
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

store::AccountId World::add_account(const std::string& login) { return must(store_->accounts().add_account({.login = login})); }

}  // namespace postern::bench
