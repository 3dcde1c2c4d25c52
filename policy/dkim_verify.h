// SPDX-License-Identifier: Apache-2.0
// Verification of DKIM signatures (RFC 6376 §6). The header comes first and whole; it says which body hashes are wanted, and
// these are computed while the body streams by. At the end the keys are asked for, each signature once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "dns/resolver.h"
#include "policy/dkim_canonical.h"
#include "policy/dkim_signature.h"

namespace postern::policy {

/// Most signatures of one message that are verified, from the top (security.md D44).
inline constexpr std::size_t dkim_signatures_max = 5;

/// Body hashes of one message; signatures that want the same one share it.
class BodyHashes {
 public:
  /// Before the first feed(). Gives the number for digest() and size().
  std::size_t want(Canonical canonical, std::optional<std::uint64_t> length);
  void feed(std::string_view bytes);
  /// Once, after the last octet.
  void finish();
  const std::string& digest(std::size_t number) const { return digests_[number]; }
  /// Octets of the canonical body.
  std::uint64_t size(std::size_t number) const { return hashes_[number].size(); }
  bool wanted() const { return !hashes_.empty(); }

 private:
  std::vector<BodyHash> hashes_;
  std::vector<std::string> digests_;
};

/// What is to be checked with a key from the DNS.
struct SignedDigest {
  DkimAlgorithm algorithm = DkimAlgorithm::rsa_sha256;
  std::string key_name;  ///< "selector._domainkey.domain"
  std::string digest;    ///< SHA-256
  std::string signature;
  bool agent_is_below = false;  ///< the domain of i= is not d= itself
};
struct KeyVerdict {
  DkimCode code = DkimCode::none;
  std::string reason;
  int bits = 0;
  bool testing = false;
};
/// Asks for the key and checks; used for ARC too.
async::Task<KeyVerdict> check_digest(dns::Resolver& resolver, SignedDigest what);

struct DkimResult {
  DkimCode code = DkimCode::none;
  std::string reason;  ///< why it did not pass, or what is to be noted; printable
  std::string domain;  ///< d=; empty when the field could not be read
  std::string selector;
  std::string agent;      ///< i=
  std::string beginning;  ///< first 8 characters of b=, to tell signatures apart (RFC 6008)
  DkimAlgorithm algorithm = DkimAlgorithm::rsa_sha256;
  int bits = 0;          ///< of the key; 0: not seen
  bool partial = false;  ///< l= was given: more could have been appended
  /// May it prove the author for DMARC? Signatures with l= never do (security.md D42).
  bool counts() const { return code == DkimCode::pass && !partial; }
};

class DkimVerifier {
 public:
  /// `fields` outlives the verifier; the wanted hashes are registered at once.
  DkimVerifier(const SignedFields& fields, BodyHashes& hashes);
  /// After hashes.finish(): a result for each signature, top to bottom; empty when there is none.
  async::Task<std::vector<DkimResult>> verify(dns::Resolver& resolver, UnixTime now);

 private:
  struct Candidate {
    std::string_view field;
    Result<DkimSignature> signature;
    std::size_t hash = 0;
  };
  async::Task<> verify_into(const Candidate& candidate, dns::Resolver& resolver, UnixTime now, DkimResult& into);
  async::Task<DkimResult> verify_one(const Candidate& candidate, dns::Resolver& resolver, UnixTime now);

  const SignedFields& fields_;
  const BodyHashes& hashes_;
  std::vector<Candidate> candidates_;
  std::size_t ignored_ = 0;  ///< signatures beyond the limit
};

}  // namespace postern::policy
