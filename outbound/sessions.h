// SPDX-License-Identifier: Apache-2.0
// Sessions: connections to other servers that wait for their next message, and the limit of connections to one host.
//
// Invariants: at most per_host permits for an address are out at once, waiters get them in their order; a connection is
// either idle in here or belongs to the one holder of a permit. Idle connections say QUIT after idle_limit. Used on one executor.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/completion.h"
#include "async/deadline.h"
#include "async/task.h"
#include "async/task_group.h"
#include "base/ip_address.h"
#include "outbound/client.h"

namespace postern::outbound {

/// Messages over one connection before it is closed, unless the server's LIMITS say fewer.
inline constexpr std::size_t max_messages = 100;
/// How long a connection waits for another message. Longer would hold slots of busy servers for nothing.
inline constexpr std::chrono::seconds idle_limit{5};
/// Longest wait for a connection's turn at a host. A slow host that serves many domains would otherwise fill every slot of the
/// queue with deliveries that only wait.
inline constexpr std::chrono::seconds permit_limit{120};
/// Idle connections altogether.
inline constexpr std::size_t max_idle = 100;

class Sessions {
 public:
  Sessions(async::Executor executor, async::TaskGroup& group);
  ~Sessions();

  /// The right to one connection to an address. Gives itself back.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept : owner_(std::move(other.owner_)), address_(other.address_) { other.owner_.reset(); }
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { release(); }

   private:
    friend class Sessions;
    struct Table;
    Permit(std::weak_ptr<Table> owner, IpAddress address) : owner_(std::move(owner)), address_(address) {}
    void release();
    std::weak_ptr<Table> owner_;
    IpAddress address_;
  };
  /// Waits until fewer than `per_host` are out; nothing when `patience` ended first.
  async::Task<std::optional<Permit>> permit(IpAddress address, std::size_t per_host,
                                            std::chrono::milliseconds patience = permit_limit);

  /// A usable idle connection made under this key, or null.
  std::unique_ptr<Client> take(const std::string& key);
  /// Keeps the connection for the next message, or says goodbye when it has carried enough.
  void give(const std::string& key, std::unique_ptr<Client> client);
  /// Says goodbye in the background.
  void dismiss(std::unique_ptr<Client> client);
  /// Dismisses all that is idle.
  void clear();

 private:
  struct Idle {
    std::string key;
    std::unique_ptr<Client> client;
    std::chrono::steady_clock::time_point until;
  };
  void sweep();
  static async::Task<> goodbye(std::unique_ptr<Client> client);

  async::Executor executor_;
  async::TaskGroup& group_;
  std::shared_ptr<Permit::Table> permits_;
  std::deque<Idle> idle_;  ///< oldest first
  async::Deadline timer_;
};

}  // namespace postern::outbound
