// SPDX-License-Identifier: Apache-2.0
// BanDesk: what the admin asks of bans and the guard, and what the listeners ask for every connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/bans.h"
#include "auth/guard.h"
#include "base/ip_address.h"
#include "base/result.h"

namespace postern::auth {

struct Workshop;

/// A ban that the admin has made or lifted. It is in force at once, whatever becomes of the disk.
struct BanDone {
  store::BanRow row;
  std::vector<std::string> known_to;  ///< accounts that log in from there and cannot now
  std::optional<Error> not_kept;      ///< why it will be forgotten at the next start
};

class BanDesk {
 public:
  explicit BanDesk(std::shared_ptr<Workshop> workshop) : workshop_(std::move(workshop)) {}

  /// True when the address must not connect. Cheap, from any thread.
  bool turns_away(const IpAddress& address) const;
  std::vector<BanInForce> list(Bans::Which which) const;
  /// Error invalid, with the remedy.
  async::Task<Result<BanDone>> add(BanOrder order);
  /// Lifts the ban of exactly this network and forgets its failures. Error not_found.
  async::Task<Result<BanDone>> remove(IpNetwork network);
  AddressReport explain(const IpAddress& address) const;
  /// By login name. Error not_found.
  Result<NameReport> explain(std::string_view login) const;

 private:
  std::shared_ptr<Workshop> workshop_;
};

}  // namespace postern::auth
