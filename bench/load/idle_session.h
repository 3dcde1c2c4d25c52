// SPDX-License-Identifier: Apache-2.0
// An IMAP session over TLS that logs in, selects INBOX and stays in IDLE, and the way to open many of them, some at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/channel.h"
#include "bench/load/options.h"
#include "bench/load/report.h"

namespace postern::bench {

/// What all idle sessions share.
struct IdleWork {
  Address address;
  Pattern users;
  std::string password;
  std::function<void()> on_exists = {};  ///< an idle session was told of new mail
  std::uint64_t ready = 0;               ///< sessions in IDLE
  Report report;                         ///< a unit: a session in IDLE, from its connection on
};

class IdleSession final : public Channel {
 public:
  IdleSession(Loop& on, IdleWork& work, std::uint64_t number) : Channel(on), work_(work), number_(number) {}
  void begin();

 private:
  void on_ready() override {}
  void on_line(std::string_view line) override;
  void on_end(std::string_view fault) override { work_.report.error(fault); }

  IdleWork& work_;
  std::uint64_t number_;
  bool greeted_ = false;
  bool idle_ = false;
  std::uint64_t began_ns_ = 0;
};

using IdleSessions = std::vector<std::unique_ptr<IdleSession>>;
/// So many sessions, all in IDLE unless work.report has errors.
IdleSessions open_idle(Loop& loop, IdleWork& work, std::uint64_t count);

}  // namespace postern::bench
