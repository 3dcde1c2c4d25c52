// SPDX-License-Identifier: Apache-2.0
// The steps of RFC 6376 §6.1, cheap ones first: a wrong body hash costs no question, an unfit key no arithmetic.
#include "policy/dkim_verify.h"

#include <algorithm>

#include "async/together.h"
#include "base/ascii.h"
#include "base/encoding.h"
#include "policy/dkim_key.h"

namespace postern::policy {

std::size_t BodyHashes::want(Canonical canonical, std::optional<std::uint64_t> length) {
  const auto same = std::ranges::find_if(hashes_, [&](const BodyHash& hash) { return hash.is(canonical, length); });
  if (same != hashes_.end()) return static_cast<std::size_t>(same - hashes_.begin());
  hashes_.emplace_back(canonical, length);
  return hashes_.size() - 1;
}

void BodyHashes::feed(std::string_view bytes) {
  for (auto& hash : hashes_) hash.feed(bytes);
}

void BodyHashes::finish() {
  for (auto& hash : hashes_) digests_.push_back(hash.finish());
}

namespace {

/// Key records that are tried when a name has several (RFC 6376 §3.6.2.2 leaves it open).
constexpr std::size_t key_records_max = 3;
/// Longest key record in octets (security.md D46).
constexpr std::size_t key_record_max = 4 * 1024;
constexpr std::size_t beginning_size = 8;

KeyVerdict verdict(DkimCode code, std::string reason) {
  KeyVerdict out;
  out.code = code;
  out.reason = std::move(reason);
  return out;
}

/// Why this record cannot be used for this signature; empty when it can (RFC 6376 §6.1.2).
std::string unfit(const DkimKeyRecord& record, const SignedDigest& what) {
  if (record.ed25519 != (what.algorithm == DkimAlgorithm::ed25519_sha256)) return "the key is of another type";
  if (!record.takes_sha256) return "the key does not allow SHA-256";
  if (!record.for_mail) return "the key is not for mail";
  if (record.exact_agent && what.agent_is_below) return "the key does not allow subdomains in i=";
  return {};
}

// RFC 8301 §3.2, security.md D43
std::string unfit(const PublicKey& key) {
  if (key.is_ed25519()) return {};
  if (key.bits() < rsa_bits_min) return "RSA key of " + std::to_string(key.bits()) + " bits is too weak";
  if (key.bits() > rsa_bits_max) return "RSA key of " + std::to_string(key.bits()) + " bits is too large";
  return {};
}

KeyVerdict check_with(const std::string& text, const SignedDigest& what) {
  if (text.size() > key_record_max) return verdict(DkimCode::permerror, "the key record is longer than 4 KiB");
  const auto record = parse_dkim_key(text);
  if (!record) return verdict(DkimCode::permerror, record.error().text);
  if (auto why = unfit(*record, what); !why.empty()) return verdict(DkimCode::permerror, std::move(why));
  const auto key = PublicKey::from(*record);
  if (!key) return verdict(DkimCode::permerror, key.error().text);
  KeyVerdict out;
  out.bits = key->bits();
  out.testing = record->testing;
  out.reason = unfit(*key);
  if (!out.reason.empty()) {
    out.code = DkimCode::policy;
  } else if (!key->verify(what.digest, what.signature)) {
    // RFC 6376 §3.6.1, t=y: who is testing is not punished for it.
    out.code = out.testing ? DkimCode::neutral : DkimCode::fail;
    out.reason = out.testing ? "signature did not verify, the key is for testing" : "signature did not verify";
  } else {
    out.code = DkimCode::pass;
    if (!key->is_ed25519() && out.bits < rsa_bits_good) out.reason = std::to_string(out.bits) + " bit key";
    if (out.testing) out.reason = "the key is for testing";
  }
  return out;
}

}  // namespace

async::Task<KeyVerdict> check_digest(dns::Resolver& resolver, SignedDigest what) {
  const auto answer = co_await resolver.txt(what.key_name);
  if (dns::is_temporary(answer.status)) {
    co_return verdict(DkimCode::temperror, "key: " + std::string(dns::to_string(answer.status)));
  }
  KeyVerdict out = verdict(DkimCode::permerror, "no key");
  for (std::size_t i = 0; i < std::min(answer.records.size(), key_records_max); ++i) {
    out = check_with(answer.records[i], what);
    if (out.code == DkimCode::pass) break;
  }
  co_return out;
}

DkimVerifier::DkimVerifier(const SignedFields& fields, BodyHashes& hashes) : fields_(fields), hashes_(hashes) {
  for (const auto& field : fields.fields()) {
    if (!field.is("DKIM-Signature")) continue;
    if (candidates_.size() >= dkim_signatures_max) {
      ++ignored_;
      continue;
    }
    Candidate candidate{fields.text(field), parse_dkim_signature(field.raw), 0};
    if (candidate.signature) candidate.hash = hashes.want(candidate.signature->body, candidate.signature->length);
    candidates_.push_back(std::move(candidate));
  }
}

namespace {

/// Why the signature fails before its key is needed; nothing when it does not.
std::optional<KeyVerdict> check_without_key(const DkimSignature& signature, const BodyHashes& hashes, std::size_t hash,
                                            UnixTime now) {
  // RFC 8301 §3.1
  if (signature.algorithm == DkimAlgorithm::rsa_sha1) return verdict(DkimCode::policy, "rsa-sha1 is no longer accepted");
  if (signature.signed_at && *signature.signed_at > now + dkim_clock_skew)
    return verdict(DkimCode::policy, "signed in the future");
  if (signature.expires && *signature.expires + dkim_clock_skew < now) return verdict(DkimCode::fail, "expired");
  if (signature.length && *signature.length > hashes.size(hash)) return verdict(DkimCode::fail, "the body is shorter than l=");
  if (signature.body_hash != hashes.digest(hash)) return verdict(DkimCode::fail, "body hash did not verify");
  return std::nullopt;
}

/// What the signature covers (RFC 6376 §3.7).
std::string signed_digest(const SignedFields& fields, const DkimSignature& signature, std::string_view field) {
  std::string text;
  fields.append(text, signature.fields, signature.header);
  append_canonical_field(text, without_signature(field), signature.header);
  return sha256(text);
}

}  // namespace

async::Task<DkimResult> DkimVerifier::verify_one(const Candidate& candidate, dns::Resolver& resolver, UnixTime now) {
  DkimResult out;
  if (!candidate.signature) {
    const bool unknown = candidate.signature.error().kind == ErrorKind::unsupported;
    out.code = unknown ? DkimCode::neutral : DkimCode::permerror;
    out.reason = candidate.signature.error().text;
    co_return out;
  }
  const auto& signature = *candidate.signature;
  out.domain = signature.domain;
  out.selector = signature.selector;
  out.agent = signature.agent;
  out.beginning = base64_encode(signature.signature).substr(0, beginning_size);
  out.algorithm = signature.algorithm;
  out.partial = signature.length.has_value();
  auto found = check_without_key(signature, hashes_, candidate.hash, now);
  if (!found) {
    SignedDigest what;
    what.algorithm = signature.algorithm;
    what.key_name = signature.key_name();
    what.digest = signed_digest(fields_, signature, candidate.field);
    what.signature = signature.signature;
    what.agent_is_below = signature.agent_domain != signature.domain;
    found = co_await check_digest(resolver, std::move(what));
  }
  out.code = found->code;
  out.reason = std::move(found->reason);
  out.bits = found->bits;
  if (out.code == DkimCode::pass && out.partial) out.reason = "l= covers a part of the body only";
  co_return out;
}

async::Task<> DkimVerifier::verify_into(const Candidate& candidate, dns::Resolver& resolver, UnixTime now, DkimResult& into) {
  into = co_await verify_one(candidate, resolver, now);
}

async::Task<std::vector<DkimResult>> DkimVerifier::verify(dns::Resolver& resolver, UnixTime now) {
  std::vector<DkimResult> out(candidates_.size());
  std::vector<async::Task<>> checks;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    checks.push_back(verify_into(candidates_[i], resolver, now, out[i]));
  }
  co_await async::together(std::move(checks));
  if (ignored_ > 0) {
    DkimResult more;
    more.code = DkimCode::neutral;
    more.reason = std::to_string(ignored_) + " more signatures were not looked at";
    out.push_back(std::move(more));
  }
  co_return out;
}

}  // namespace postern::policy
