// SPDX-License-Identifier: Apache-2.0
// Listener: accepts connections for one service and runs a handler for each, on the least loaded executor.
// Life: bind early, while we may still use low ports; start after privileges are dropped; stop_accepting, then stop the
// TaskGroup. When descriptors run out it pauses and leaves a reserve for the store and the log (security.md D104).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"
#include "async/task.h"
#include "async/task_group.h"
#include "base/file.h"
#include "base/log.h"
#include "net/admission.h"
#include "net/connection.h"
#include "net/crowd.h"
#include "net/ip_address.h"
#include "net/tls_context.h"

namespace postern::net {

/// A bound, listening descriptor.
struct ListenSocket {
  UniqueFd fd;
  Endpoint endpoint;  ///< with the port that was chosen when 0 was asked for
};

/// SO_REUSEADDR; IPv6 sockets are IPv6 only. The error says what to do: address in use, no right to a port below 1024, address
/// not of this machine.
Result<ListenSocket> listen_on(const Endpoint& endpoint);
/// Sockets handed over by systemd (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES) under this name; empty when there are none.
Result<std::vector<ListenSocket>> inherited_sockets(std::string_view name);

class Listener {
 public:
  /// Runs one session. The Connection lives until the returned task ends; the listener then closes it gracefully.
  using Handler = std::function<async::Task<>(Connection&)>;

  struct Options {
    std::string name;                                            ///< for the log: "smtp", "imaps" …
    std::shared_ptr<const TlsServer> implicit_tls;               ///< handshake before the handler; null: none
    std::function<std::string(Refusal)> refusal;                 ///< reply line with CRLF for plain ports; empty: just close
    std::vector<IpNetwork> proxies;                              ///< peers that begin with a PROXY header, and must
    std::chrono::milliseconds timeout{std::chrono::minutes(5)};  ///< first timeout of each Connection
  };
  /// Everything given by reference must outlive the Listener and the group's tasks.
  struct Parts {
    async::Runtime& runtime;
    async::TaskGroup& tasks;
    Admission& admission;
    Log& log;
    Crowd* crowd = nullptr;  ///< of all listeners; null: nobody counts them together
  };
  Listener(Parts parts, Options options, Handler handler);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Binds one more address; before start().
  Result<void> bind(const Endpoint& endpoint);
  void adopt(ListenSocket socket);
  /// Where it listens.
  std::vector<Endpoint> endpoints() const;

  void start();
  /// No further connection is accepted; those under way go on. Thread-safe.
  void stop_accepting();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace postern::net
