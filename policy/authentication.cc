// SPDX-License-Identifier: Apache-2.0
// The order of things: body hashes, SPF, DKIM and ARC at once, then DMARC over what these have proven, then our own overrides.
#include "policy/authentication.h"

#include <algorithm>
#include <array>

#include "async/together.h"
#include "base/ascii.h"
#include "mail/domain.h"
#include "policy/bounded_resolver.h"
#include "policy/public_suffix.h"

namespace postern::policy {

std::string_view to_string(OverrideReason reason) {
  static constexpr std::array<std::string_view, 5> names{"none", "sampled_out", "trusted_forwarder", "mailing_list",
                                                         "local_policy"};
  return names[static_cast<std::size_t>(reason)];
}

namespace {

bool is_at_or_below(std::string_view name, std::string_view parent) {
  return name == parent ||
         (name.size() > parent.size() && name.ends_with(parent) && name[name.size() - parent.size() - 1] == '.');
}

bool is_listed(std::string_view domain, const std::vector<std::string>& list) {
  return !domain.empty() && std::ranges::any_of(list, [domain](const auto& entry) { return is_at_or_below(domain, entry); });
}

/// The override with the longest domain that fits; null when none does.
const DmarcOverride* override_for(std::string_view author, const std::vector<DmarcOverride>& overrides) {
  const DmarcOverride* best = nullptr;
  for (const auto& entry : overrides) {
    const bool better = best == nullptr || entry.domain.size() > best->domain.size();
    if (better && is_at_or_below(author, entry.domain)) best = &entry;
  }
  return best;
}

/// The HELO name as a domain; empty for literals and nonsense.
std::string helo_domain(std::string_view helo) {
  const auto domain = mail::Domain::parse(helo);
  return domain && domain->ascii().contains('.') ? domain->ascii() : std::string();
}

bool signed_by_organization_of(std::string_view domain, const std::vector<DkimResult>& signatures) {
  const auto organization = organizational_domain(domain);
  return std::ranges::any_of(signatures, [&](const DkimResult& signature) {
    return signature.counts() && organizational_domain(signature.domain) == organization;
  });
}

}  // namespace

struct AuthenticationRun::State {
  State(std::string given, AuthenticationOptions chosen)
      : header(std::move(given)), options(std::move(chosen)), fields(header), dkim(fields, hashes), arc(fields, hashes) {}

  async::Task<> check_spf_of(dns::Resolver& resolver, const ClientFacts& client, Authentication& out) const;
  async::Task<> check_dmarc(dns::Resolver& resolver, const ClientFacts& client, Authentication& out) const;
  void apply_overrides(const ClientFacts& client, Authentication& out) const;
  bool is_forwarded(const ClientFacts& client, const Authentication& out) const;

  std::string header;
  AuthenticationOptions options;
  SignedFields fields;
  BodyHashes hashes;
  DkimVerifier dkim;
  ArcVerifier arc;
};

AuthenticationRun::AuthenticationRun(std::string header, AuthenticationOptions options)
    : state_(std::make_unique<State>(std::move(header), std::move(options))) {}
AuthenticationRun::~AuthenticationRun() = default;

void AuthenticationRun::feed(std::string_view body) {
  if (state_->options.dkim || state_->options.arc) state_->hashes.feed(body);
}

// RFC 7208 §2.3 and §2.4: the HELO name, and MAIL FROM; the null sender stands for postmaster at the HELO name.
async::Task<> AuthenticationRun::State::check_spf_of(dns::Resolver& resolver, const ClientFacts& client,
                                                     Authentication& out) const {
  SpfQuery query;
  query.ip = client.ip;
  query.helo = client.helo;
  query.receiver = client.own_hostname;
  query.now = client.now;
  const auto helo = helo_domain(client.helo);
  const bool has_domain = client.sender && client.sender->domain() != nullptr;
  out.null_sender = !client.sender;
  query.domain = has_domain ? client.sender->domain()->ascii() : out.null_sender ? helo : std::string();
  if (has_domain) query.local = client.sender->local();
  auto greeting = query;
  greeting.domain = helo;
  greeting.local.clear();
  const bool both = !out.null_sender && options.spf_helo && !helo.empty();
  std::vector<async::Task<>> checks;
  checks.push_back(async::keep(check_spf(resolver, std::move(query)), out.spf));
  if (both) checks.push_back(async::keep(check_spf(resolver, std::move(greeting)), out.helo));
  co_await async::together(std::move(checks));
  if (out.null_sender) out.helo = out.spf;
}

async::Task<> AuthenticationRun::State::check_dmarc(dns::Resolver& resolver, const ClientFacts& client,
                                                    Authentication& out) const {
  DmarcQuestion question;
  question.by = options.organization;
  question.dice = client.dice;
  if (out.spf.code == SpfCode::pass) question.spf = out.spf.domain;
  if (out.spf.code == SpfCode::temperror) question.undecided.push_back(out.spf.domain);
  for (const auto& signature : out.dkim) {
    if (signature.counts()) question.dkim.push_back(signature.domain);
    if (signature.code == DkimCode::temperror) question.undecided.push_back(signature.domain);
  }
  if (!out.author.is_clear()) {  // security.md D40: no author, no pass
    out.dmarc.code = DmarcCode::permerror;
    out.dmarc.reason = out.author.problem;
    co_return;
  }
  DmarcCheck check(resolver);
  std::vector<DmarcResult> results;
  for (const auto& domain : out.author.domains) {
    question.author = domain;
    results.push_back(co_await check.check(question));
  }
  out.dmarc = worst_of(std::move(results));
}

/// A forwarder is known by its address, or by a domain of its own that SPF or DKIM has proven.
bool AuthenticationRun::State::is_forwarded(const ClientFacts& client, const Authentication& out) const {
  const auto& networks = options.forwarder_networks;
  if (std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(client.ip); })) return true;
  if (out.spf.code == SpfCode::pass && is_listed(out.spf.domain, options.forwarders)) return true;
  return std::ranges::any_of(out.dkim, [&](const DkimResult& signature) {
    return signature.counts() && is_listed(signature.domain, options.forwarders);
  });
}

void AuthenticationRun::State::apply_overrides(const ClientFacts& client, Authentication& out) const {
  const auto& dmarc = out.dmarc;
  const auto* const local = override_for(dmarc.author, options.overrides);
  const bool failed = dmarc.code == DmarcCode::fail;
  out.disposition = failed ? dmarc.wished : DmarcPolicy::none;
  if (failed && dmarc.wished != dmarc.published) out.overridden = OverrideReason::sampled_out;
  // Our own word about a domain counts for mail without a record too: nothing has proven its author.
  const bool unproven = failed || dmarc.code == DmarcCode::none;
  if (local != nullptr && unproven && local->policy != out.disposition) {
    out.disposition = local->policy;
    out.overridden = OverrideReason::local_policy;
    out.override_text = "override for " + local->domain;
  }
  if (out.disposition == DmarcPolicy::none) return;
  if (vouches(out.arc, dmarc.author, options.trusted_sealers)) {
    out.overridden = OverrideReason::local_policy;
    out.override_text = "arc=pass, sealed by " + out.arc.sealers.back();
  } else if (is_forwarded(client, out)) {
    const bool list = !fields.all("List-Id").empty() || !fields.all("List-Post").empty();
    out.overridden = list ? OverrideReason::mailing_list : OverrideReason::trusted_forwarder;
    out.override_text = "forwarder of our list";
  } else {
    return;
  }
  out.disposition = DmarcPolicy::none;
}

async::Task<Authentication> AuthenticationRun::finish(dns::Resolver& outer, ClientFacts client) {
  auto& state = *state_;
  const auto& options = state.options;
  BoundedResolver resolver(outer, options.queries);
  state.hashes.finish();
  Authentication out;
  out.author = read_author(state.header);
  if (client.sender) out.mail_from = client.sender->to_string();
  std::vector<async::Task<>> checks;
  if (options.spf) checks.push_back(state.check_spf_of(resolver, client, out));
  if (options.dkim) checks.push_back(async::keep(state.dkim.verify(resolver, client.now), out.dkim));
  if (options.arc) checks.push_back(async::keep(state.arc.verify(resolver, client.now), out.arc));
  co_await async::together(std::move(checks));
  if (options.dmarc) {
    co_await state.check_dmarc(resolver, client, out);
    state.apply_overrides(client, out);
  }
  const auto* const sender = client.sender ? client.sender->domain() : nullptr;
  out.sender_proven =
      sender != nullptr && (out.spf.code == SpfCode::pass || signed_by_organization_of(sender->ascii(), out.dkim));
  co_return out;
}

namespace {

MethodResult spf_result(const SpfResult& spf, std::string_view property, const std::string& value) {
  MethodResult out;
  out.method = "spf";
  out.result = to_string(spf.code);
  out.comment = spf.problem.empty() ? spf.mechanism : spf.problem;
  out.properties.emplace_back(property, value);
  return out;
}

// RFC 8601 §2.7.1, RFC 6008 §4, RFC 8463
MethodResult dkim_result(const DkimResult& dkim) {
  MethodResult out;
  out.method = "dkim";
  out.result = to_string(dkim.code);
  out.comment = dkim.reason;
  out.properties = {{"header.d", dkim.domain}, {"header.i", dkim.agent}, {"header.s", dkim.selector}};
  if (!dkim.domain.empty()) out.properties.emplace_back("header.a", to_string(dkim.algorithm));
  out.properties.emplace_back("header.b", dkim.beginning);
  return out;
}

// RFC 8617 §10.1
MethodResult arc_result(const ArcResult& arc) {
  MethodResult out;
  out.method = "arc";
  out.result = to_string(arc.code);
  out.comment = arc.reason;
  if (!arc.sealers.empty()) out.properties.emplace_back("arc.chain", std::to_string(arc.sealers.size()));
  return out;
}

// RFC 7489 §11.1, RFC 9989 §9.1
MethodResult dmarc_result(const Authentication& all) {
  MethodResult out;
  out.method = "dmarc";
  out.result = to_string(all.dmarc.code);
  out.comment = all.dmarc.reason;
  if (!all.dmarc.found_at.empty()) {
    out.comment = "p=" + std::string(to_string(all.dmarc.published)) + " dis=" + std::string(to_string(all.disposition));
    if (all.overridden != OverrideReason::none) out.comment += " " + std::string(to_string(all.overridden));
  }
  out.properties.emplace_back("header.from", all.dmarc.author);
  if (!all.dmarc.found_at.empty()) out.properties.emplace_back("policy.dmarc", to_string(all.dmarc.published));
  return out;
}

}  // namespace

std::vector<MethodResult> Authentication::results() const {
  std::vector<MethodResult> out;
  if (!spf.domain.empty()) {
    out.push_back(null_sender ? spf_result(spf, "smtp.helo", spf.domain) : spf_result(spf, "smtp.mailfrom", mail_from));
  }
  if (!null_sender && !helo.domain.empty() && helo.code != SpfCode::none) {
    out.push_back(spf_result(helo, "smtp.helo", helo.domain));
  }
  for (const auto& signature : dkim) out.push_back(dkim_result(signature));
  if (arc.code != ArcCode::none) out.push_back(arc_result(arc));
  if (!dmarc.author.empty() || dmarc.code == DmarcCode::permerror) out.push_back(dmarc_result(*this));
  return out;
}

}  // namespace postern::policy
