// SPDX-License-Identifier: Apache-2.0
// Crowd: the connections of all listeners together, and which of them are guests: those that have not shown yet who they are
// (no login; on the ports without logins no recipient that was accepted). Guests hold at most half of the places; the oldest
// gives way to the newest (security.md §1.6), so that people with a login and mail under way find room in a flood.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/metrics.h"

namespace postern::net {

/// Thread-safe.
class Crowd {
 public:
  /// Ends the connection. Called with the Crowd locked, from whichever thread makes room: it must only hand on.
  using Leave = std::function<void()>;

  /// At most `total` connections; 0 means no limit, for guests as well. `dropped` counts guests that had to leave.
  explicit Crowd(std::size_t total, Counter dropped = {});
  ~Crowd();

  /// One connection among the others; gives its place back when it goes. May outlive the Crowd.
  class Place {
   public:
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) = delete;
    ~Place();
    /// The connection is no guest any more. Once is enough; later calls do nothing.
    void settle();

   private:
    friend class Crowd;
    struct Held;
    explicit Place(std::unique_ptr<Held> held);
    std::unique_ptr<Held> held_;
  };

  /// False when everything is taken by others than guests. Where guests hold what they may, the oldest one leaves, and so it does
  /// in a full house while guests hold more than a tenth of it.
  bool make_room();
  /// Takes a place as a guest; after make_room().
  Place join(Leave leave);

  std::size_t size() const;
  std::size_t guests() const;
  void set_total(std::size_t total);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::net
