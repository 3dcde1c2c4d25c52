// SPDX-License-Identifier: Apache-2.0
// BlockedPort: notices when no server at all answers on port 25 from here, as with providers that close it for their customers.
// A few different servers must have failed and none may have answered for an hour.
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "net/ip_address.h"

namespace postern::outbound {

/// Used on one executor.
class BlockedPort {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::uint16_t port = 25;
  /// Different addresses that must have failed since the last success.
  static constexpr std::size_t enough = 5;
  /// How long one success speaks for the port.
  static constexpr std::chrono::hours trust{1};

  void note_success(const net::Endpoint& to, Time now) {
    if (to.port != port) return;
    last_success_ = now;
    failed_.clear();
  }
  /// No connection within the limit, no way there, or a refusal: providers do it in all three ways.
  void note_failure(const net::Endpoint& to) {
    if (to.port == port && failed_.size() < enough) failed_.insert(to.address.to_string());
  }
  bool is_blocked(Time now) const { return failed_.size() >= enough && (last_success_ == Time() || now - last_success_ > trust); }
  /// What to tell the admin.
  static std::string advice() {
    return "no server at all answers on port 25 from here: the provider of this machine may block it; ask there to open it, or "
           "set outbound.smart_host";
  }

 private:
  Time last_success_;
  std::set<std::string> failed_;
};

}  // namespace postern::outbound
