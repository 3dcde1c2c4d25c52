// SPDX-License-Identifier: Apache-2.0
// [authentication] How SPF, DKIM, ARC and DMARC of mail on port 25 are looked at; what comes of it is said by [rules]. As in
// config.h, one field for each key, the initialisers are the defaults.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/boxed.h"
#include "config/endpoint.h"

namespace postern::config {

/// How an organization's domain is found for DMARC: up the DNS (RFC 9989) or by the public suffix list (RFC 7489).
enum class Organization : unsigned char { tree_walk, public_suffix };

/// A domain in canonical form.
struct ListedDomain {
  std::string name;
  static Result<ListedDomain> parse(std::string_view text);
  std::string to_string() const { return name; }
  bool operator==(const ListedDomain&) const = default;
};

/// Who may break DMARC by forwarding: "lists.example.org", or "192.0.2.0/24".
struct Forwarder {
  std::string domain;  ///< empty when it is a network
  std::optional<Network> network;
  static Result<Forwarder> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const Forwarder&) const = default;
};

/// Our own DMARC policy for an author's domain and all below it: "example.org none".
struct DomainPolicy {
  enum class Policy : unsigned char { none, quarantine, reject };
  std::string domain;
  Policy policy = Policy::none;
  static Result<DomainPolicy> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const DomainPolicy&) const = default;
};

struct Authentication {
  bool spf = true;
  bool spf_helo = true;  ///< also for the greeting's name
  bool dkim = true;
  bool arc = true;
  bool dmarc = true;
  bool add_results = true;  ///< Authentication-Results above the message
  Organization organization = Organization::tree_walk;
  std::vector<DomainPolicy> dmarc_overrides;
  std::vector<Forwarder> forwarders;
  std::vector<ListedDomain> trusted_sealers;  ///< of ARC
  unsigned questions = 100;                   ///< to DNS for one message
  bool any() const { return spf || dkim || arc || dmarc; }
  bool operator==(const Authentication&) const = default;
};

extern template class Boxed<Authentication>;

}  // namespace postern::config
