// SPDX-License-Identifier: Apache-2.0
// MtaSts: finds and keeps the policies by which other domains demand TLS for their mail (RFC 8461). DNS says that there is one,
// HTTPS at mta-sts.<domain> has it, under a certificate that proves that name (security.md D55: 64 KiB, 60 s, no redirects).
//
// Invariants: a policy that was found holds until it ends, whatever DNS and the web say meanwhile; one fetch at a time for each
// domain; after a failed one the next comes five minutes later. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "async/event.h"
#include "async/task.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "base/log.h"
#include "dns/resolver.h"
#include "net/tls_context.h"
#include "outbound/route.h"
#include "outbound/sts_policy.h"
#include "outbound/tls_policy.h"
#include "store/sts_book.h"

namespace postern::outbound {

/// What is known of a domain's policy now.
struct StsFinding {
  std::optional<StsPolicy> policy;  ///< the one in force; nothing, or of mode none: no demand
  std::string text;                 ///< that policy as it was fetched
  std::string why;                  ///< for people
  std::string failure;              ///< why it could not be renewed, in the words of RFC 8460 §4.3.2.2; empty: it could
  bool enforced() const { return policy && policy->mode == StsPolicy::Mode::enforce; }
};

class MtaSts {
 public:
  struct Parts {
    dns::Resolver& resolver;
    store::StsBook& book;
    std::shared_ptr<net::TlsClient> tls;  ///< with the system's roots
    const Clock& clock;
    Log& log;
    /// Why an address must not be asked; empty when it may.
    std::function<std::string(const IpAddress&)> refusal;
    std::uint16_t port = 443;
  };
  static constexpr std::size_t domains_max = 20'000;
  static constexpr std::chrono::minutes pause_after_failure{5};
  static constexpr std::chrono::hours fresh_for{24};  ///< then it is fetched again, before it ends

  /// Reads the book; all parts outlive it.
  explicit MtaSts(Parts parts);

  /// `domain`: in A-labels. Never fails.
  async::Task<StsFinding> find(std::string domain);
  /// Fetches policies again before they end, until the group stops (RFC 8461 §3.3).
  async::Task<> run(async::TaskGroup& group);
  /// One look at policies that are older than a day.
  async::Task<> refresh();

 private:
  struct Entry {
    store::StsRow row;  ///< expires 0: none known
    std::optional<StsPolicy> policy;
    std::string failure;                     ///< of the last fetch, in the words of RFC 8460
    std::string trouble;                     ///< the same for people
    UnixTime not_before = 0;                 ///< no fetch before
    std::shared_ptr<async::Event> fetching;  ///< published when the fetch under way has ended; null: none is
  };
  enum class Want : std::uint8_t { when_new, always };
  std::optional<Entry> entry(const std::string& domain) const;
  async::Task<> renew(std::string domain, std::string id, Want want);
  async::Task<Result<std::string>> fetch_policy(std::string domain, std::string& failure);
  void settle(const std::string& domain, const std::string& id, const Result<std::string>& text, std::string failure);
  void end_fetch(const std::string& domain);
  StsFinding finding(const std::string& domain, std::string trouble) const;

  Parts parts_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;  ///< under the mutex
};

/// Raises the demand to what the policy says of this host; never lowers it. A host that an enforced policy does not name must
/// not be used (RFC 8461 §5).
void add_sts(const StsFinding& found, const Hop& hop, TlsDemand& demand);

}  // namespace postern::outbound
