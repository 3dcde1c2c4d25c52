// SPDX-License-Identifier: Apache-2.0
// Backroom: what a login leaves behind, on a thread of its own: the record of logins, the word about a new network, a hash to be
// made anew. A login only drops it here: it never waits for any of it and never fails with it. Bounded: what does not fit is
// dropped and counted. Records of the last moment may be lost in a crash.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "async/task.h"
#include "auth/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "mail/identity.h"
#include "store/credentials.h"

namespace postern::auth {

/// A first login from a network, to be told to the account.
struct NewNetworkLogin {
  mail::AccountId account = 0;
  std::string login;  ///< "alice@example.org"
  store::LoginRow row;
};
/// Tells it. Errors are logged.
using NewNetworkNotice = std::function<async::Task<Result<>>(NewNetworkLogin)>;

class Backroom {
 public:
  /// Rows and jobs that may wait.
  static constexpr std::size_t max_rows = 4096;
  static constexpr std::size_t max_jobs = 64;
  /// Messages about new networks that an account gets in a day.
  static constexpr std::size_t max_notices_a_day = 3;

  struct Parts {
    store::Credentials& credentials;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
    std::function<RecordRules()> rules;
    std::function<void()> every_minute;  ///< small things to look after; may be empty
    /// Rows wait so long for more: each transaction costs a sync, which deliveries beside it wait for.
    std::chrono::milliseconds linger{100};
  };
  explicit Backroom(Parts parts);
  ~Backroom();
  Backroom(const Backroom&) = delete;

  void record(store::LoginRow row);
  /// Runs it here some time. False when too much waits or a job with this name does.
  bool run(std::string name, std::move_only_function<void()> job);
  void on_new_network(NewNetworkNotice notice);
  /// Waits until all that was dropped here before is done. Not to be called here.
  void settle();
  /// Does what waits and ends. Nothing is taken afterwards.
  void finish();

 private:
  struct Job {
    std::string name;
    std::move_only_function<void()> work;
  };
  struct Load {
    std::vector<store::LoginRow> rows;
    std::vector<Job> jobs;
  };
  void work();
  void linger(std::unique_lock<std::mutex>& lock);
  void carry(Load load);
  void write(std::vector<store::LoginRow> rows);
  void learn_networks(const std::vector<store::LoginRow>& rows);
  void tell(const std::vector<store::LoginRow>& rows, const store::NewNetwork& found);

  Parts parts_;
  Counter dropped_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under the mutex:
  std::vector<store::LoginRow> rows_;
  std::vector<Job> jobs_;
  std::unordered_set<std::string> names_;  ///< of jobs that wait or run
  NewNetworkNotice notice_;
  std::size_t hurry_ = 0;  ///< who waits in settle()
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the rest
};

/// The network of an address as it is remembered: /24, or /48 of IPv6. Empty for what is no address.
std::string network_text(const std::string& ip);
/// Private, loopback and link-local addresses: a new one is no news to anybody.
bool is_inner(const std::string& ip);

}  // namespace postern::auth
