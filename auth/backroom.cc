// SPDX-License-Identifier: Apache-2.0
#include "auth/backroom.h"

#include "async/executor.h"
#include "base/ip_address.h"

namespace postern::auth {
namespace {

constexpr std::chrono::minutes rounds{1};
/// Rows that wait for no more.
constexpr std::size_t rows_enough = 256;

}  // namespace

Backroom::Backroom(Parts parts)
    : parts_(std::move(parts)),
      dropped_(parts_.metrics.counter("postern_login_records_dropped_total", "Logins that were too many to be recorded", {})),
      thread_([this] { work(); }) {}

Backroom::~Backroom() { finish(); }

void Backroom::record(store::LoginRow row) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || rows_.size() >= max_rows) return dropped_.add();
    rows_.push_back(std::move(row));
    wake = rows_.size() == 1 || rows_.size() == rows_enough;
  }
  if (wake) changed_.notify_all();
}

bool Backroom::run(std::string name, std::move_only_function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || jobs_.size() >= max_jobs || !names_.insert(name).second) return false;
    jobs_.push_back({std::move(name), std::move(job)});
  }
  changed_.notify_all();
  return true;
}

void Backroom::on_new_network(NewNetworkNotice notice) {
  const std::lock_guard lock(mutex_);
  notice_ = std::move(notice);
}

void Backroom::settle() {
  std::unique_lock lock(mutex_);
  ++hurry_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return rows_.empty() && jobs_.empty() && !busy_; });
  --hurry_;
}

void Backroom::finish() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Backroom::work() {
  std::unique_lock lock(mutex_);
  for (auto next = std::chrono::steady_clock::now() + rounds;;) {
    changed_.wait_until(lock, next, [this] { return ending_ || !rows_.empty() || !jobs_.empty(); });
    if (ending_ && rows_.empty() && jobs_.empty()) return;
    if (!rows_.empty()) linger(lock);
    Load load{std::exchange(rows_, {}), std::exchange(jobs_, {})};
    busy_ = true;
    lock.unlock();
    if (const auto now = std::chrono::steady_clock::now(); now >= next) {
      next = now + rounds;
      if (parts_.every_minute) parts_.every_minute();
    }
    std::vector<std::string> done;
    for (const auto& job : load.jobs) done.push_back(job.name);
    carry(std::move(load));
    lock.lock();
    for (const auto& name : done) names_.erase(name);
    busy_ = false;
    changed_.notify_all();
  }
}

void Backroom::linger(std::unique_lock<std::mutex>& lock) {
  changed_.wait_for(lock, parts_.linger,
                    [this] { return ending_ || hurry_ > 0 || !jobs_.empty() || rows_.size() >= rows_enough; });
}

void Backroom::carry(Load load) {
  if (!load.rows.empty()) write(std::move(load.rows));
  for (auto& job : load.jobs) job.work();
}

void Backroom::write(std::vector<store::LoginRow> rows) {
  const auto rules = parts_.rules();
  if (rules.life.count() == 0) return learn_networks(rows);
  store::LoginRetention keep;
  keep.oldest = parts_.clock.unix_now() - rules.life.count();
  keep.rows = rules.rows;
  const auto found = async::run_alone(parts_.credentials.record_logins(rows, keep));
  if (!found) {
    parts_.log.warning("auth", "logins_not_recorded", {{"count", rows.size()}, {"error", found.error().text}});
    return;
  }
  if (!rules.new_network_mail) return;
  for (const auto& one : *found) tell(rows, one);
}

/// Without a record, networks are learnt all the same: the guard locks nobody out of them.
void Backroom::learn_networks(const std::vector<store::LoginRow>& rows) {
  for (const auto& row : rows) {
    if (row.account == 0 || row.network.empty()) continue;
    const auto learnt = async::run_alone(parts_.credentials.add_known_network({row.account, row.network, row.at, row.at}));
    if (!learnt) parts_.log.warning("auth", "network_not_learnt", {{"user", row.name}, {"error", learnt.error().text}});
  }
}

void Backroom::tell(const std::vector<store::LoginRow>& rows, const store::NewNetwork& found) {
  const auto& row = rows[found.row];
  NewNetworkNotice notice;
  {
    const std::lock_guard lock(mutex_);
    notice = notice_;
  }
  if (!notice || found.first_of_all || found.in_a_day > max_notices_a_day || is_inner(row.ip)) return;
  parts_.log.info("auth", "new_network", {{"user", row.name}, {"ip", row.ip}, {"network", row.network}});
  const auto told = async::run_alone(notice({row.account, row.name, row}));
  if (!told) parts_.log.warning("auth", "new_network_not_told", {{"user", row.name}, {"error", told.error().text}});
}

std::string network_text(const std::string& ip) {
  const auto address = IpAddress::parse(ip);
  if (!address) return {};
  constexpr int v4_prefix = 24;
  constexpr int v6_prefix = 48;
  return IpNetwork(*address, address->is_v4() ? v4_prefix : v6_prefix).to_string();
}

bool is_inner(const std::string& ip) {
  const auto address = IpAddress::parse(ip);
  return !address || address->is_loopback() || address->is_private() || address->is_link_local();
}

}  // namespace postern::auth
