// SPDX-License-Identifier: Apache-2.0
// Unbound: the Resolver over libunbound, validating DNSSEC when it has a trust anchor. libunbound works on a thread of its own;
// answers are collected on one executor and resume their waiters on theirs. It asks only the servers it is given, and opens
// no file after create().
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/log.h"
#include "base/result.h"
#include "dns/resolver.h"
#include "net/ip_address.h"

namespace postern::dns {

/// A zone with authoritative servers of its own.
struct StubZone {
  std::string zone;
  net::Endpoint server;
};

struct UnboundOptions {
  /// Recursive servers to forward to. Empty: the `nameserver` lines of resolv_conf; when that names none, 127.0.0.1.
  std::vector<net::Endpoint> servers;
  std::vector<StubZone> stubs;
  /// DS or DNSKEY records in zone format, for example /usr/share/dns/root.key. Empty: nothing is validated, no answer is secure.
  std::string trust_anchor_file;
  std::string resolv_conf = "/etc/resolv.conf";
  std::chrono::milliseconds timeout{std::chrono::seconds(20)};  ///< of one query, all retries included
  std::chrono::seconds negative_ttl_max{900};                   ///< absence is believed for so long at most
  std::size_t cache_bytes = 4 * 1024 * 1024;                    ///< of all caches together; at least 64 KiB are used
  std::size_t most_queries = 1000;                              ///< under way at once; more are answered servfail
};

class Unbound final : public Resolver {
 public:
  /// Answers are collected on `executor`. Errors: invalid (a zone name or file that libunbound refuses, with its reason).
  static Result<std::unique_ptr<Unbound>> create(const UnboundOptions& options, async::Executor executor, Log& log);
  /// Queries under way are answered servfail. To be destroyed on the executor, or when that has stopped and still exists.
  ~Unbound() override;
  async::Task<RawAnswer> query(std::string name, Type type) override;

 private:
  struct State;
  explicit Unbound(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/// The `nameserver` lines of a resolv.conf; lines that are not understood are skipped.
std::vector<net::Endpoint> nameservers_in(std::string_view resolv_conf);

}  // namespace postern::dns
