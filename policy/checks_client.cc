// SPDX-License-Identifier: Apache-2.0
// Rules about who connects, how it greets, and whom it claims to speak for.
#include <optional>

#include "base/ascii.h"
#include "mail/domain.h"
#include "policy/checks.h"

namespace postern::policy {
namespace {

/// The host that a greeting names, with or without the final dot.
Result<mail::Domain> host_in(std::string_view greeting) {
  if (greeting.ends_with('.')) greeting.remove_suffix(1);
  return mail::Domain::parse(greeting);
}

}  // namespace

std::optional<IpAddress> literal_of(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (ascii::istarts_with(text, "IPv6:")) text.remove_prefix(5);
  const auto address = IpAddress::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}

Finding check_reverse_name(const ConnectEvidence& evidence) {
  if (evidence.reverse == Answer::unsure) return unsure("DNS does not answer about the address");
  if (evidence.reverse != Answer::no) return pass();
  return hit(evidence.reverse_name.empty() ? "no name" : evidence.reverse_name + " does not lead back");
}

namespace {

/// The lists with points of this sign, as one finding.
Finding sum_listings(const ConnectEvidence& evidence, double sign) {
  std::string zones;
  double points = 0;
  for (const auto& one : evidence.listings) {
    if (one.points * sign <= 0) continue;
    points += one.points;
    zones += (zones.empty() ? "" : ", ") + one.zone + ' ' + one.answer;
  }
  return zones.empty() ? pass() : hit(std::move(zones), points);
}

}  // namespace

// RFC 5782 §2.1
Finding check_dnsbl(const ConnectEvidence& evidence) {
  auto found = sum_listings(evidence, 1);
  if (found.kind == Finding::Kind::pass && !evidence.silent.empty()) return unsure("no answer of " + evidence.silent.front());
  return found;
}
Finding check_dnswl(const ConnectEvidence& evidence) { return sum_listings(evidence, -1); }

// RFC 5321 §4.1.1.1, §4.1.4: a fully-qualified domain name, or an address literal.
Finding check_helo_syntax(const HeloEvidence& evidence) {
  if (evidence.name.starts_with('[')) return literal_of(evidence.name) ? pass() : hit("no address in the brackets");
  if (IpAddress::parse(evidence.name)) return hit("an address without brackets");
  const auto domain = host_in(evidence.name);
  if (!domain) return hit("not a host name");
  if (!domain->ascii().contains('.')) return hit("a name without a domain");
  return pass();
}

Finding check_helo_own_name(const HeloEvidence& evidence) {
  // Our own machine may speak for itself.
  if (evidence.ip == evidence.own_ip || evidence.ip.is_loopback()) return pass();
  const auto literal = literal_of(evidence.name);
  if (literal && *literal == evidence.own_ip) return hit("our address");
  const auto domain = host_in(evidence.name);
  if (domain && ascii::iequals(domain->ascii(), evidence.own_hostname)) return hit("our name");
  return pass();
}

Finding check_helo_literal(const HeloEvidence& evidence) {
  const auto literal = literal_of(evidence.name);
  if (!literal || *literal == evidence.ip) return pass();
  return hit("another address than " + evidence.ip.to_string());
}

// RFC 5321 §2.3.5, §4.1.4: the name must resolve; §4.1.4 forbids refusing because it is another host's name.
Finding check_helo_resolves(const HeloEvidence& evidence) {
  if (evidence.resolves == Answer::unsure) return unsure("DNS does not answer about the name");
  return evidence.resolves == Answer::no ? hit("unknown to DNS") : pass();
}

// RFC 5321 §5.1: MX, or an address when there is none.
Finding check_sender_domain(const MailEvidence& evidence) {
  if (evidence.null_mx) return pass();
  if (evidence.receives == Answer::unsure) return unsure("DNS does not answer about the sender's domain");
  return evidence.receives == Answer::no ? hit("neither MX nor address") : pass();
}

// RFC 7505 §4.2
Finding check_sender_null_mx(const MailEvidence& evidence) { return evidence.null_mx ? hit("null MX") : pass(); }

}  // namespace postern::policy
