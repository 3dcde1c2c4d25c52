// SPDX-License-Identifier: Apache-2.0
// Evaluation of SPF records. One Evaluation for each check; includes and redirects are levels of the same one, so that the
// limits are counted over all of them.
#include "policy/spf.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::policy {
namespace {

using Kind = SpfMechanism::Kind;

constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_name = 253;
/// Octets of an explanation that are shown.
constexpr std::size_t explanation_max = 400;

/// What one mechanism says; `stop` ends the whole check with an error.
struct Match {
  bool matches = false;
  SpfCode stop = SpfCode::none;
  std::string problem;
};
Match no_match() { return {}; }
Match matched(bool matches) { return {matches, SpfCode::none, {}}; }
Match temporary(std::string_view name, dns::Status status) {
  return {false, SpfCode::temperror, std::string(name) + ": " + std::string(dns::to_string(status))};
}
Match permanent(std::string problem) { return {false, SpfCode::permerror, std::move(problem)}; }

/// RFC 7208 §4.3: labels of 1 to 63 octets, at least two of them.
bool is_domain(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > longest_name || !name.contains('.')) return false;
  Cursor in(name);
  while (true) {
    const auto label = in.take_until('.');
    if (label.empty() || label.size() > longest_label) return false;
    if (in.at_end()) return true;
    in.take('.');
  }
}

bool is_at_or_below(std::string_view name, std::string_view parent) {
  if (parent.ends_with('.')) parent.remove_suffix(1);
  if (ascii::iequals(name, parent)) return true;
  return name.size() > parent.size() && name[name.size() - parent.size() - 1] == '.' &&
         ascii::iequals(name.substr(name.size() - parent.size()), parent);
}

class Evaluation {
 public:
  Evaluation(dns::Resolver& resolver, const SpfQuery& query) : resolver_(resolver), query_(query) {}
  async::Task<SpfResult> check(std::string domain);
  unsigned lookups() const { return lookups_; }

 private:
  async::Task<SpfResult> evaluate(std::string domain, std::string text);
  async::Task<SpfResult> conclude(const SpfRecord& record, const SpfMechanism& mechanism, const std::string& domain);
  async::Task<SpfResult> redirect(const MacroString& target, const std::string& domain);
  async::Task<Match> match(const SpfMechanism& mechanism, const std::string& domain);
  async::Task<Match> match_include(std::string target);
  async::Task<Match> match_a(const SpfMechanism& mechanism, std::string target);
  async::Task<Match> match_mx(const SpfMechanism& mechanism, std::string target);
  async::Task<Match> match_exists(std::string target);
  async::Task<Match> match_ptr(std::string target);
  async::Task<Result<std::string>> target_of(const std::optional<MacroString>& spec, const std::string& domain);
  async::Task<std::string> explain(const MacroString& spec, const std::string& domain);
  async::Task<> find_validated_names();
  async::Task<dns::Answer<IpAddress>> addresses(std::string name);
  bool covers(const SpfMechanism& mechanism, const std::vector<IpAddress>& addresses) const;
  std::string validated_for(std::string_view domain) const;
  MacroValues values(const std::string& domain, const std::string& validated) const;
  /// Counts a term that asks; false above the limit.
  bool spend_lookup() { return ++lookups_ <= query_.limits.lookups; }
  /// Counts an answer without records; false above the limit.
  bool note_void(dns::Status status) {
    if (status == dns::Status::nxdomain || status == dns::Status::nodata) ++voids_;
    return voids_ <= query_.limits.voids;
  }

  dns::Resolver& resolver_;
  const SpfQuery& query_;
  unsigned lookups_ = 0;
  unsigned voids_ = 0;
  bool names_known_ = false;
  std::vector<std::string> names_;  ///< of the client, validated (RFC 7208 §5.5)
};

SpfResult result(SpfCode code, std::string problem = {}) {
  SpfResult out;
  out.code = code;
  out.problem = std::move(problem);
  return out;
}

MacroValues Evaluation::values(const std::string& domain, const std::string& validated) const {
  return {.local = query_.local,
          .sender = query_.domain,
          .domain = domain,
          .helo = query_.helo,
          .validated = validated,
          .receiver = query_.receiver,
          .ip = query_.ip,
          .now = query_.now};
}

// RFC 7208 §4.3 to §4.5
async::Task<SpfResult> Evaluation::check(std::string domain) {
  if (!is_domain(domain)) co_return result(SpfCode::none, "not a domain name");
  const auto answer = co_await resolver_.txt(domain);
  if (dns::is_temporary(answer.status)) {
    co_return result(SpfCode::temperror, domain + ": " + std::string(dns::to_string(answer.status)));
  }
  std::vector<std::string> records;
  for (const auto& text : answer.records) {
    if (is_spf_record(text)) records.push_back(text);
  }
  if (records.empty()) co_return result(SpfCode::none, "no SPF record");
  if (records.size() > 1) co_return result(SpfCode::permerror, domain + " has more than one SPF record");
  co_return co_await evaluate(std::move(domain), std::move(records.front()));
}

// RFC 7208 §4.6 and §4.7: left to right, the first match decides; without one redirect, else neutral.
async::Task<SpfResult> Evaluation::evaluate(std::string domain, std::string text) {
  const auto record = parse_spf_record(text);
  if (!record) co_return result(SpfCode::permerror, domain + ": " + record.error().text);
  for (const auto& mechanism : record->mechanisms) {
    const auto found = co_await match(mechanism, domain);
    if (found.stop != SpfCode::none) co_return result(found.stop, found.problem);
    if (found.matches) co_return co_await conclude(*record, mechanism, domain);
  }
  if (record->redirect) co_return co_await redirect(*record->redirect, domain);
  co_return result(SpfCode::neutral);
}

async::Task<SpfResult> Evaluation::conclude(const SpfRecord& record, const SpfMechanism& mechanism, const std::string& domain) {
  auto out = result(mechanism.qualifier);
  out.mechanism = mechanism.text;
  if (out.code == SpfCode::fail && record.explanation) out.explanation = co_await explain(*record.explanation, domain);
  co_return out;
}

// RFC 7208 §6.1
async::Task<SpfResult> Evaluation::redirect(const MacroString& target, const std::string& domain) {
  if (!spend_lookup()) co_return result(SpfCode::permerror, "too many DNS lookups");
  auto name = co_await target_of(target, domain);
  if (!name) co_return result(SpfCode::permerror, name.error().text);
  auto out = co_await check(*name);
  if (out.code == SpfCode::none) co_return result(SpfCode::permerror, "redirect to " + *name + ", which has no SPF record");
  co_return out;
}

async::Task<Result<std::string>> Evaluation::target_of(const std::optional<MacroString>& spec, const std::string& domain) {
  if (!spec) co_return domain;
  if (uses_validated_name(*spec)) co_await find_validated_names();
  const auto validated = validated_for(domain);
  co_return expand_name(*spec, values(domain, validated));
}

async::Task<Match> Evaluation::match(const SpfMechanism& mechanism, const std::string& domain) {
  if (mechanism.kind == Kind::all) co_return matched(true);
  if (mechanism.network) {
    const bool same_family = mechanism.network->address().is_v4() == query_.ip.is_v4();
    co_return matched(same_family && mechanism.network->contains(query_.ip));
  }
  if (!spend_lookup()) co_return permanent("too many DNS lookups");
  auto target = co_await target_of(mechanism.target, domain);
  if (!target) co_return permanent(target.error().text);
  switch (mechanism.kind) {
    case Kind::include: co_return co_await match_include(std::move(*target));
    case Kind::a: co_return co_await match_a(mechanism, std::move(*target));
    case Kind::mx: co_return co_await match_mx(mechanism, std::move(*target));
    case Kind::exists: co_return co_await match_exists(std::move(*target));
    default: co_return co_await match_ptr(std::move(*target));
  }
}

// RFC 7208 §5.2
async::Task<Match> Evaluation::match_include(std::string target) {
  const auto inner = co_await check(target);
  switch (inner.code) {
    case SpfCode::pass: co_return matched(true);
    case SpfCode::temperror: co_return Match{false, SpfCode::temperror, inner.problem};
    case SpfCode::permerror: co_return permanent(inner.problem);
    case SpfCode::none: co_return permanent("include of " + target + ", which has no SPF record");
    default: co_return no_match();
  }
}

async::Task<dns::Answer<IpAddress>> Evaluation::addresses(std::string name) {
  if (query_.ip.is_v4()) co_return co_await resolver_.a(std::move(name));
  co_return co_await resolver_.aaaa(std::move(name));
}

bool Evaluation::covers(const SpfMechanism& mechanism, const std::vector<IpAddress>& addresses) const {
  const int prefix = query_.ip.is_v4() ? mechanism.prefix4 : mechanism.prefix6;
  const auto client = query_.ip.masked(prefix);
  return std::ranges::any_of(addresses, [&](const IpAddress& address) {
    return address.is_v4() == query_.ip.is_v4() && address.masked(prefix) == client;
  });
}

// RFC 7208 §5.3. A name that cannot be one matches nothing (§4.8).
async::Task<Match> Evaluation::match_a(const SpfMechanism& mechanism, std::string target) {
  if (!is_domain(target)) co_return no_match();
  const auto answer = co_await addresses(target);
  if (dns::is_temporary(answer.status)) co_return temporary(target, answer.status);
  if (!note_void(answer.status)) co_return permanent("too many lookups without an answer");
  co_return matched(covers(mechanism, answer.records));
}

// RFC 7208 §5.4, §4.6.4: more than ten hosts are an error.
async::Task<Match> Evaluation::match_mx(const SpfMechanism& mechanism, std::string target) {
  if (!is_domain(target)) co_return no_match();
  const auto hosts = co_await resolver_.mx(target);
  if (dns::is_temporary(hosts.status)) co_return temporary(target, hosts.status);
  if (!note_void(hosts.status)) co_return permanent("too many lookups without an answer");
  if (hosts.records.size() > query_.limits.names) co_return permanent(target + " has more than 10 MX hosts");
  for (const auto& host : hosts.records) {
    if (!is_domain(host.host)) continue;
    const auto answer = co_await addresses(host.host);
    if (dns::is_temporary(answer.status)) co_return temporary(host.host, answer.status);
    if (covers(mechanism, answer.records)) co_return matched(true);
    if (!note_void(answer.status)) co_return permanent("too many lookups without an answer");
  }
  co_return no_match();
}

// RFC 7208 §5.7: any A record, also for an IPv6 client.
async::Task<Match> Evaluation::match_exists(std::string target) {
  if (!is_domain(target)) co_return no_match();
  const auto answer = co_await resolver_.a(target);
  if (dns::is_temporary(answer.status)) co_return temporary(target, answer.status);
  if (!note_void(answer.status)) co_return permanent("too many lookups without an answer");
  co_return matched(answer.ok());
}

// RFC 7208 §5.5
async::Task<Match> Evaluation::match_ptr(std::string target) {
  co_await find_validated_names();
  if (voids_ > query_.limits.voids) co_return permanent("too many lookups without an answer");
  co_return matched(std::ranges::any_of(names_, [&](const std::string& name) { return is_at_or_below(name, target); }));
}

/// RFC 7208 §5.5: names of the client's PTR records that lead back to it; DNS trouble only means fewer names. Asked once.
async::Task<> Evaluation::find_validated_names() {
  if (names_known_) co_return;
  names_known_ = true;
  const auto answer = co_await resolver_.ptr(query_.ip);
  note_void(answer.status);
  std::size_t tried = 0;
  for (const auto& name : answer.records) {
    if (++tried > query_.limits.names) break;
    if (!is_domain(name)) continue;
    const auto back = co_await addresses(name);
    if (std::ranges::find(back.records, query_.ip) != back.records.end()) names_.push_back(name);
  }
}

/// RFC 7208 §7.3: the domain itself when it is among the names, else one below it, else any.
std::string Evaluation::validated_for(std::string_view domain) const {
  if (names_.empty()) return "unknown";
  const auto same = std::ranges::find_if(names_, [&](const std::string& name) { return ascii::iequals(name, domain); });
  if (same != names_.end()) return *same;
  const auto below = std::ranges::find_if(names_, [&](const std::string& name) { return is_at_or_below(name, domain); });
  return below != names_.end() ? *below : names_.front();
}

// RFC 7208 §6.2: whatever goes wrong here leaves the explanation empty and the result as it is.
async::Task<std::string> Evaluation::explain(const MacroString& spec, const std::string& domain) {
  const auto target = co_await target_of(spec, domain);
  if (!target || !is_domain(*target)) co_return std::string();
  const auto answer = co_await resolver_.txt(*target);
  if (answer.records.size() != 1 || answer.records.front().size() > spf_record_max) co_return std::string();
  const auto text = parse_macros(answer.records.front(), MacroPlace::explanation);
  if (!text) co_return std::string();
  if (uses_validated_name(*text)) co_await find_validated_names();
  const auto validated = validated_for(domain);
  auto expanded = expand(*text, values(domain, validated));
  if (!expanded) co_return std::string();
  for (char& c : *expanded) {  // macros can hold what a peer wrote: it goes into a reply and a log
    if (!ascii::is_vchar(c)) c = c == ' ' ? ' ' : '?';
  }
  if (expanded->size() > explanation_max) expanded->resize(explanation_max);
  co_return std::move(*expanded);
}

}  // namespace

async::Task<SpfResult> check_spf(dns::Resolver& resolver, SpfQuery query) {
  if (query.local.empty()) query.local = "postmaster";
  Evaluation evaluation(resolver, query);
  auto out = co_await evaluation.check(query.domain);
  out.domain = query.domain;
  out.lookups = std::min(evaluation.lookups(), query.limits.lookups);
  co_return out;
}

}  // namespace postern::policy
