// SPDX-License-Identifier: Apache-2.0
// A DKIM-Signature field and a key record as values (RFC 6376 §3.5, §3.6.1), without I/O and without cryptography. ARC uses
// the same tags (RFC 8617 §4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mime/header.h"
#include "policy/dkim_canonical.h"
#include "policy/tag_list.h"

namespace postern::policy {

/// Most header names of one signature that are looked at (security.md D44).
inline constexpr std::size_t signed_fields_max = 250;
/// How far signing and expiry times may be off (security.md D44).
inline constexpr UnixTime dkim_clock_skew = 300;

/// What became of a signature, in the words of RFC 8601 §2.7.1; `policy` is a signature that we do not accept although it may
/// be right: a key that is too weak, an algorithm of the past.
enum class DkimCode : std::uint8_t { none, pass, fail, policy, neutral, temperror, permerror };
std::string_view to_string(DkimCode code);

enum class DkimAlgorithm : std::uint8_t { rsa_sha256, ed25519_sha256, rsa_sha1 };
std::string_view to_string(DkimAlgorithm algorithm);

struct DkimSignature {
  DkimAlgorithm algorithm = DkimAlgorithm::rsa_sha256;
  std::string signature;  ///< octets of b=
  std::string body_hash;  ///< octets of bh=
  Canonical header = Canonical::simple;
  Canonical body = Canonical::simple;
  std::string domain;    ///< d=, canonical ASCII
  std::string selector;  ///< s=, lower case
  std::string agent;     ///< i= as written (quoted-printable resolved), or "@" and d=
  std::string agent_domain;
  std::vector<std::string> fields;  ///< h=, lower case, in order
  std::optional<std::uint64_t> length;
  std::optional<UnixTime> signed_at;
  std::optional<UnixTime> expires;
  /// Where the key is: "selector._domainkey.domain".
  std::string key_name() const { return selector + "._domainkey." + domain; }
};

/// Where the tags stand: ARC-Message-Signature has i= as its number and no v=.
enum class SignatureKind : std::uint8_t { dkim, arc_message };

/// From the field's value, folded as received. Error invalid or unsupported, with the reason.
Result<DkimSignature> parse_dkim_signature(std::string_view value, SignatureKind kind = SignatureKind::dkim);
/// RFC 6376 §3.7: the value with what stands in b= removed, everything else as it is.
std::string without_signature(std::string_view field);

/// A key record that fits one signature.
struct DkimKeyRecord {
  std::string key;           ///< octets of p=; never empty
  bool ed25519 = false;      ///< k=
  bool testing = false;      ///< t=y
  bool exact_agent = false;  ///< t=s: the domain of i= must be d= itself
  bool takes_sha256 = true;  ///< h=
  bool for_mail = true;      ///< s=
};
/// Error not_found: the key was revoked (empty p=). Error invalid: not a key record.
Result<DkimKeyRecord> parse_dkim_key(std::string_view text);

/// The fields of one header block, found by name from the bottom up (RFC 6376 §5.4.2).
class SignedFields {
 public:
  explicit SignedFields(std::string_view header);
  /// Appends what is hashed for these names: each name takes the next field from the bottom; names without a field left add
  /// nothing, so that a field added later breaks the signature.
  void append(std::string& out, const std::vector<std::string>& names, Canonical canonical) const;
  /// All fields of this name, top to bottom, "Name: value" without the last CRLF.
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<mime::Field>& fields() const { return fields_; }
  std::string_view text(const mime::Field& field) const;

 private:
  std::string_view header_;
  std::vector<mime::Field> fields_;
  std::vector<std::string> names_;  ///< of fields_, lower case
};

}  // namespace postern::policy
