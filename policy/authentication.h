// SPDX-License-Identifier: Apache-2.0
// Authentication: SPF, DKIM, ARC and DMARC of one message, as one run. It begins when the header is complete, hashes the body
// while that streams by, asks DNS at the end, and gives plain values: evidence for the rules, the Authentication-Results field,
// and whether a notice may go to the sender. Trouble with DNS is a temporary result, never a loss (security.md D48).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/ip_address.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "policy/arc.h"
#include "policy/authentication_results.h"
#include "policy/author.h"
#include "policy/dkim_verify.h"
#include "policy/dmarc.h"
#include "policy/spf.h"

namespace postern::policy {

/// What is done about DMARC for mail of one domain, whatever it publishes.
struct DmarcOverride {
  std::string domain;  ///< of the author, and all below it
  DmarcPolicy policy = DmarcPolicy::none;
};

/// The admin's choices.
struct AuthenticationOptions {
  bool spf = true;
  bool spf_helo = true;
  bool dkim = true;
  bool arc = true;
  bool dmarc = true;
  OrganizationBy organization = OrganizationBy::tree_walk;
  std::vector<DmarcOverride> overrides;       ///< the longest domain that fits counts
  std::vector<std::string> forwarders;        ///< domains proven by SPF or DKIM whose mail need not pass DMARC
  std::vector<IpNetwork> forwarder_networks;  ///< the same by address
  std::vector<std::string> trusted_sealers;   ///< of ARC
  unsigned queries = 100;                     ///< to DNS for one message
};

/// Why a failed DMARC is not acted on as published (RFC 7489 §7.2, RFC 9990: PolicyOverrideType).
enum class OverrideReason : std::uint8_t { none, sampled_out, trusted_forwarder, mailing_list, local_policy };
std::string_view to_string(OverrideReason reason);

struct Authentication {
  SpfResult spf;   ///< of MAIL FROM; for the null sender of the HELO name
  SpfResult helo;  ///< of the HELO name; none when that was not asked
  bool null_sender = false;
  std::vector<DkimResult> dkim;
  ArcResult arc;
  Author author;
  DmarcResult dmarc;
  DmarcPolicy disposition = DmarcPolicy::none;  ///< what DMARC asks us to do, our overrides considered
  OverrideReason overridden = OverrideReason::none;
  std::string override_text;  ///< for log and report
  std::string mail_from;      ///< "user@example.org", or empty
  /// MAIL FROM passed SPF, or a signature of its organization did: notices may go there (design.md §3).
  bool sender_proven = false;
  /// For Authentication-Results, in the order spf, dkim, arc, dmarc.
  std::vector<MethodResult> results() const;
};

/// Who brought the message.
struct ClientFacts {
  IpAddress ip;
  std::string helo;
  mail::ReversePath sender;
  std::string own_hostname;
  UnixTime now = 0;
  unsigned dice = 0;  ///< 0 to 99, for pct= of DMARC
};

/// One message under way.
class AuthenticationRun {
 public:
  /// `header` as it was received, with its empty line.
  AuthenticationRun(std::string header, AuthenticationOptions options);
  ~AuthenticationRun();
  AuthenticationRun(const AuthenticationRun&) = delete;
  AuthenticationRun& operator=(const AuthenticationRun&) = delete;
  /// The next octets of the body.
  void feed(std::string_view body);
  /// Once, after the last octet. Never fails. Asks about sender, greeting, signatures and seals at once; how long that may
  /// take is the resolver's limit (policy/timed_resolver.h).
  async::Task<Authentication> finish(dns::Resolver& resolver, ClientFacts client);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern::policy
