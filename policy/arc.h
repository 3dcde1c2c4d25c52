// SPDX-License-Identifier: Apache-2.0
// ARC (RFC 8617): forwarders say, sealed, what they saw before they changed a message. The chain is checked as a whole; what
// its members say counts only as far as we trust each sealer, from the newest back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "dns/resolver.h"
#include "policy/dkim_verify.h"

namespace postern::policy {

/// Most sets of a chain (RFC 8617 §4.2.1, security.md D50).
inline constexpr std::size_t arc_sets_max = 50;

enum class ArcCode : std::uint8_t { none, pass, fail, temperror };
std::string_view to_string(ArcCode code);

struct ArcResult {
  ArcCode code = ArcCode::none;
  std::string reason;
  std::vector<std::string> sealers;  ///< d= of each ARC-Seal, first to last; canonical ASCII
  std::vector<std::string> results;  ///< ARC-Authentication-Results without the instance tag, first to last
};

class ArcVerifier {
 public:
  /// `fields` outlives the verifier; the body hash of the newest set is registered at once.
  ArcVerifier(const SignedFields& fields, BodyHashes& hashes);
  /// After hashes.finish().
  async::Task<ArcResult> verify(dns::Resolver& resolver, UnixTime now);
  /// The sealers as the header names them, before anything is verified, newest last.
  std::vector<std::string> claimed_sealers() const;

 private:
  struct Seal {
    DkimAlgorithm algorithm = DkimAlgorithm::rsa_sha256;
    std::string domain;
    std::string selector;
    std::string signature;
    std::string verdict;  ///< cv=
  };
  struct Set {
    std::optional<std::string_view> results;  ///< whole fields, without the last CRLF
    std::optional<std::string_view> message;
    std::optional<std::string_view> seal;
    Seal parsed;
  };
  void collect();
  void place(std::size_t instance, std::optional<std::string_view> Set::* member, std::string_view text);
  bool check_structure();
  static std::optional<Seal> parse_seal(std::string_view value);
  async::Task<KeyVerdict> check_message(dns::Resolver& resolver, UnixTime now) const;
  async::Task<KeyVerdict> check_seal(dns::Resolver& resolver, std::size_t set) const;
  ArcResult ended(ArcCode code, std::string reason) const;

  const SignedFields& fields_;
  const BodyHashes& hashes_;
  std::vector<Set> sets_;
  std::string problem_;  ///< of the structure
  std::optional<DkimSignature> newest_;
  std::size_t hash_ = 0;
};

/// Whether a chain that passed says, by sealers we trust only, that DMARC passed for this author: from the newest set back, every
/// sealer must be trusted until one reports dmarc=pass for the domain. A sealer is trusted when its domain or one above is
/// listed.
bool vouches(const ArcResult& chain, std::string_view author_domain, const std::vector<std::string>& trusted);

}  // namespace postern::policy
