// SPDX-License-Identifier: Apache-2.0
// The validator of RFC 8617 §5.2.
#include "policy/arc.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "mail/domain.h"
#include "policy/arc_fields.h"
#include "policy/authentication_results.h"

namespace postern::policy {

std::string_view to_string(ArcCode code) {
  static constexpr std::array<std::string_view, 4> names{"none", "pass", "fail", "temperror"};
  return names[static_cast<std::size_t>(code)];
}

std::size_t arc_instance_of_tags(std::string_view value) {
  const auto tags = TagList::salvage(value);
  const auto number = whole_number(tags.find("i").value_or(""));
  return number && *number <= arc_sets_max ? static_cast<std::size_t>(*number) : 0;
}

// RFC 8617 §4.1.1
//   arc-info = instance [CFWS] ";" authres-payload
std::size_t arc_instance_of_results(std::string_view value) {
  const auto spec = ascii::trim(value.substr(0, value.find(';')));
  const auto equals = spec.find('=');
  if (equals == std::string_view::npos || ascii::trim(spec.substr(0, equals)) != "i") return 0;
  const auto number = whole_number(ascii::trim(spec.substr(equals + 1)));
  return number && *number <= arc_sets_max ? static_cast<std::size_t>(*number) : 0;
}

namespace {

std::string_view value_of(std::string_view field) { return field.substr(std::min(field.size(), field.find(':') + 1)); }

KeyVerdict failed(std::string reason) {
  KeyVerdict out;
  out.code = DkimCode::fail;
  out.reason = std::move(reason);
  return out;
}

bool is_at_or_below(std::string_view name, std::string_view parent) {
  return name == parent ||
         (name.size() > parent.size() && name.ends_with(parent) && name[name.size() - parent.size() - 1] == '.');
}

}  // namespace

ArcVerifier::ArcVerifier(const SignedFields& fields, BodyHashes& hashes) : fields_(fields), hashes_(hashes) {
  collect();
  if (sets_.empty() || !check_structure()) return;
  auto signature = parse_dkim_signature(value_of(*sets_.back().message), SignatureKind::arc_message);
  if (!signature) {
    problem_ = "ARC-Message-Signature: " + signature.error().text;
    return;
  }
  newest_ = std::move(*signature);
  hash_ = hashes.want(newest_->body, newest_->length);
}

void ArcVerifier::place(std::size_t instance, std::optional<std::string_view> Set::* member, std::string_view text) {
  if (instance == 0) {
    problem_ = "an ARC field without a number from 1 to 50";
    if (sets_.empty()) sets_.resize(1);
    return;
  }
  if (sets_.size() < instance) sets_.resize(instance);
  auto& slot = sets_[instance - 1].*member;
  if (slot) problem_ = "two ARC fields of one kind with number " + std::to_string(instance);
  slot = text;
}

void ArcVerifier::collect() {
  for (const auto& field : fields_.fields()) {
    const auto text = fields_.text(field);
    if (field.is(arc_results_name)) place(arc_instance_of_results(field.raw), &Set::results, text);
    if (field.is(arc_message_name)) place(arc_instance_of_tags(field.raw), &Set::message, text);
    if (field.is(arc_seal_name)) place(arc_instance_of_tags(field.raw), &Set::seal, text);
  }
}

// RFC 8617 §4.1.3: a, b, cv, d, i, s and t; no h.
std::optional<ArcVerifier::Seal> ArcVerifier::parse_seal(std::string_view value) {
  const auto tags = TagList::parse(value);
  if (!tags || tags->find("h")) return std::nullopt;
  Seal out;
  const auto algorithm = tags->find("a").value_or("");
  if (ascii::iequals(algorithm, to_string(DkimAlgorithm::ed25519_sha256))) {
    out.algorithm = DkimAlgorithm::ed25519_sha256;
  } else if (!ascii::iequals(algorithm, to_string(DkimAlgorithm::rsa_sha256))) {
    return std::nullopt;
  }
  const auto domain = mail::Domain::parse(tags->find("d").value_or(""));
  const auto signature = base64_decode(without_space(tags->find("b").value_or("")));
  if (!domain || !signature || signature->empty() || tags->find("s").value_or("").empty()) return std::nullopt;
  out.domain = domain->ascii();
  out.selector = ascii::lower(*tags->find("s"));
  out.signature = *signature;
  out.verdict = ascii::lower(tags->find("cv").value_or(""));
  return out;
}

// RFC 8617 §5.2 steps 2 and 3: complete sets without gaps; the first says none, all others pass.
bool ArcVerifier::check_structure() {
  for (std::size_t i = 0; i < sets_.size() && problem_.empty(); ++i) {
    auto& set = sets_[i];
    const auto number = std::to_string(i + 1);
    if (!set.results || !set.message || !set.seal) {
      problem_ = "ARC set " + number + " is not complete";
      break;
    }
    auto seal = parse_seal(value_of(*set.seal));
    if (!seal) {
      problem_ = "ARC-Seal " + number + " is not well formed";
    } else if (seal->verdict != (i == 0 ? "none" : "pass")) {
      problem_ = "ARC-Seal " + number + " says cv=" + (seal->verdict == "fail" ? "fail" : "something else");
    } else {
      set.parsed = std::move(*seal);
    }
  }
  return problem_.empty();
}

std::vector<std::string> ArcVerifier::claimed_sealers() const {
  std::vector<std::string> out;
  for (const auto& set : sets_) out.push_back(set.parsed.domain);
  return out;
}

ArcResult ArcVerifier::ended(ArcCode code, std::string reason) const {
  ArcResult out;
  out.code = code;
  out.reason = std::move(reason);
  out.sealers = claimed_sealers();
  for (const auto& set : sets_) {
    if (!set.results) continue;
    const auto value = value_of(*set.results);
    out.results.emplace_back(value.substr(std::min(value.size(), value.find(';') + 1)));
  }
  return out;
}

// RFC 8617 §5.2 step 4: the newest message signature, as one of DKIM.
async::Task<KeyVerdict> ArcVerifier::check_message(dns::Resolver& resolver, UnixTime now) const {
  const auto& signature = *newest_;
  if (signature.algorithm == DkimAlgorithm::rsa_sha1) co_return failed("rsa-sha1");
  if (std::ranges::find(signature.fields, "arc-seal") != signature.fields.end()) co_return failed("h= has ARC-Seal");
  if (signature.expires && *signature.expires + dkim_clock_skew < now) co_return failed("expired");
  if (signature.length) co_return failed("l= is not taken");
  if (signature.body_hash != hashes_.digest(hash_)) co_return failed("body hash did not verify");
  std::string text;
  fields_.append(text, signature.fields, signature.header);
  append_canonical_field(text, without_signature(*sets_.back().message), signature.header);
  SignedDigest what;
  what.algorithm = signature.algorithm;
  what.key_name = signature.key_name();
  what.digest = sha256(text);
  what.signature = signature.signature;
  co_return co_await check_digest(resolver, std::move(what));
}

// RFC 8617 §5.1.1: all sets up to this one, each as results, message signature, seal, in relaxed form.
async::Task<KeyVerdict> ArcVerifier::check_seal(dns::Resolver& resolver, std::size_t set) const {
  std::string text;
  for (std::size_t i = 0; i <= set; ++i) {
    append_canonical_field(text, *sets_[i].results, Canonical::relaxed);
    text += "\r\n";
    append_canonical_field(text, *sets_[i].message, Canonical::relaxed);
    text += "\r\n";
    const bool own = i == set;
    append_canonical_field(text, own ? without_signature(*sets_[i].seal) : std::string(*sets_[i].seal), Canonical::relaxed);
    if (!own) text += "\r\n";
  }
  const auto& seal = sets_[set].parsed;
  SignedDigest what;
  what.algorithm = seal.algorithm;
  what.key_name = seal.selector + "._domainkey." + seal.domain;
  what.digest = sha256(text);
  what.signature = seal.signature;
  co_return co_await check_digest(resolver, std::move(what));
}

async::Task<ArcResult> ArcVerifier::verify(dns::Resolver& resolver, UnixTime now) {
  if (sets_.empty()) co_return ended(ArcCode::none, {});
  if (!problem_.empty()) co_return ended(ArcCode::fail, problem_);
  const auto message = co_await check_message(resolver, now);
  if (message.code == DkimCode::temperror) co_return ended(ArcCode::temperror, "ARC-Message-Signature: " + message.reason);
  if (message.code != DkimCode::pass) co_return ended(ArcCode::fail, "ARC-Message-Signature: " + message.reason);
  for (std::size_t set = sets_.size(); set > 0; --set) {
    const auto seal = co_await check_seal(resolver, set - 1);
    const auto where = "ARC-Seal " + std::to_string(set) + ": ";
    if (seal.code == DkimCode::temperror) co_return ended(ArcCode::temperror, where + seal.reason);
    if (seal.code != DkimCode::pass) co_return ended(ArcCode::fail, where + seal.reason);
  }
  co_return ended(ArcCode::pass, {});
}

bool vouches(const ArcResult& chain, std::string_view author_domain, const std::vector<std::string>& trusted) {
  if (chain.code != ArcCode::pass) return false;
  for (std::size_t i = chain.sealers.size(); i > 0; --i) {
    const auto& sealer = chain.sealers[i - 1];
    const bool known = std::ranges::any_of(trusted, [&](const std::string& domain) { return is_at_or_below(sealer, domain); });
    if (!known) return false;
    for (const auto& result : read_results(chain.results[i - 1])) {
      if (result.method != "dmarc" || result.result != "pass") continue;
      const auto from = mail::Domain::parse(result.property("header.from"));
      if (from && from->ascii() == author_domain) return true;
    }
  }
  return false;
}

}  // namespace postern::policy
