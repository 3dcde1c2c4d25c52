// SPDX-License-Identifier: Apache-2.0
#include "outbound/dane.h"

#include <fmt/format.h>

namespace postern::outbound {

namespace {

using State = DaneFinding::State;

// RFC 6698 §2.1, RFC 7672 §3.1.3: usages 0 and 1 are not for SMTP.
bool is_usable(const dns::Tlsa& record) {
  constexpr std::size_t sha256 = 32, sha512 = 64;
  const bool fits = record.matching == 0   ? !record.data.empty()
                    : record.matching == 1 ? record.data.size() == sha256
                                           : record.matching == 2 && record.data.size() == sha512;
  return (record.usage == 2 || record.usage == 3) && record.selector <= 1 && fits;
}

DaneFinding weigh(const dns::Answer<dns::Tlsa>& answer, const std::string& name, std::string base) {
  DaneFinding out;
  out.base = std::move(base);
  for (const auto& one : answer.records) {
    if (is_usable(one) && out.records.size() < max_tlsa) out.records.push_back({one.usage, one.selector, one.matching, one.data});
  }
  out.state = out.records.empty() ? State::encrypt : State::match;
  out.why = out.records.empty()
                ? fmt::format("DANE: the records at {} can be used by nobody, so only encryption is demanded", name)
                : fmt::format("DANE: {} TLSA record{} at {}", out.records.size(), out.records.size() == 1 ? "" : "s", name);
  return out;
}

DaneFinding trouble(std::string why) { return {State::trouble, {}, std::move(why), {}}; }
DaneFinding nothing(std::string why) { return {State::none, {}, std::move(why), {}}; }

/// Nothing when the name has no records, so that another name may be asked.
async::Task<std::optional<DaneFinding>> ask(dns::Resolver& resolver, std::string base, std::uint16_t port) {
  const auto name = fmt::format("_{}._tcp.{}", port, base);
  const auto answer = co_await resolver.tlsa(name);
  // RFC 7672 §2.1.1: an answer that is missing or bogus may hide a downgrade.
  if (dns::is_temporary(answer.status)) {
    co_return trouble(fmt::format("DNS gave no answer that can be trusted about {} ({})", name, dns::to_string(answer.status)));
  }
  if (!answer.ok() || !answer.secure) co_return std::nullopt;
  co_return weigh(answer, name, std::move(base));
}

}  // namespace

async::Task<DaneFinding> find_dane(dns::Resolver& resolver, Hop hop) {
  if (hop.address || hop.smart_host || hop.chosen || (hop.relay && !hop.relay->host.empty())) co_return DaneFinding{};
  if (!hop.secure) co_return nothing("no DANE: DNSSEC does not prove the way to this server");
  const auto addresses = co_await resolver.addresses(hop.name);
  if (dns::is_temporary(addresses.status)) co_return trouble("DNS gave no answer about the address of " + hop.name);
  if (!addresses.secure) co_return nothing("no DANE: DNSSEC does not prove the address of " + hop.name);
  // RFC 7672 §2.2.2: the end of a chain of aliases first, then the name as it was given.
  if (!addresses.canonical.empty() && addresses.canonical != hop.name) {
    if (auto found = co_await ask(resolver, addresses.canonical, hop.port)) co_return std::move(*found);
  }
  if (auto found = co_await ask(resolver, hop.name, hop.port)) co_return std::move(*found);
  co_return nothing("no DANE: no TLSA records");
}

void add_dane(const DaneFinding& found, const Hop& hop, TlsDemand& demand) {
  if (found.state == State::trouble) {
    demand.trouble = found.why;
    return;
  }
  if (found.state == State::none) return;
  demand.level = TlsDemand::Level::required;
  demand.why = found.why;
  if (found.state != State::match) return;
  // RFC 7672 §3.2.1: SNI is the TLSA base domain. It is the name of the certificate too (§3.2.2).
  demand.peer.host = found.base;
  demand.peer.trust = net::TlsTrust::dane;
  demand.peer.tlsa = found.records;
  // RFC 7672 §3.2.2: for DANE-TA the next-hop domain counts as a name too.
  if (!hop.domain.empty() && hop.domain != found.base) demand.peer.more_names.push_back(hop.domain);
}

}  // namespace postern::outbound
