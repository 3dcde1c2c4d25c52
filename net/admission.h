// SPDX-License-Identifier: Apache-2.0
// Admission: how many connections one address, one network and everybody together may hold, and how fast they may come.
// A Permit is held for the life of a connection. The table is bounded and its hash seeded, so that chosen addresses cannot
// make it slow (security.md §1.6, "Hash flooding").
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"

namespace postern::net {

/// 0 means no limit. The rate of a network is that of an address as many times as it may hold an address' connections
/// (180 in a minute by default); only what its addresses were let in with counts for it, so that one of them cannot use it up.
struct AdmissionLimits {
  std::size_t per_address = 20;      ///< connections of one IPv4 address or IPv6 /64
  std::size_t per_network = 60;      ///< connections of one IPv4 /24 or IPv6 /48
  std::size_t total = 2000;          ///< connections of this listener
  std::size_t rate_per_minute = 60;  ///< new connections of one address in 60 s, and five times that in ten minutes
  std::vector<IpNetwork> exempt;     ///< only `total` applies to these
};

enum class Refusal : unsigned char { per_address, per_network, total, rate, banned };

/// Why a connection may not come in.
struct Rejection {
  Refusal reason = Refusal::banned;
  /// How often this address (`total`: anybody) was turned away in the running minute, from 1; 0 for who is banned.
  std::size_t times = 0;

  /// True the first time, the tenth, the hundredth …: a flood fills neither the log nor the time of the thread that writes it.
  bool worth_a_line() const;
};

/// For log and reply: "too many connections from your address" and the like.
std::string_view to_string(Refusal refusal);

/// Thread-safe.
class Admission {
 public:
  /// True for a peer that must not come in at all. Asked first, for every connection; from any thread.
  using Ban = std::function<bool(const IpAddress& peer)>;
  Admission(AdmissionLimits limits, const Clock& clock, Ban banned = {});
  ~Admission();

  /// One admitted connection; gives its place back when it goes. May outlive the Admission.
  class Permit {
   public:
    Permit();
    Permit(Permit&& other) noexcept;
    Permit& operator=(Permit&& other) noexcept;
    ~Permit();
    void reset();

   private:
    friend class Admission;
    struct Held;
    std::unique_ptr<Held> held_;
  };

  std::expected<Permit, Rejection> enter(const IpAddress& peer);
  /// Counts somebody turned away because the server is full (net/crowd.h), not this listener alone.
  Rejection full_house();
  /// Connections held now.
  std::size_t active() const;
  /// Addresses and networks remembered now; bounded.
  std::size_t table_size() const;
  /// The exempt list stays as it was.
  void set_limits(const AdmissionLimits& limits);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::net
