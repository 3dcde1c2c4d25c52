// SPDX-License-Identifier: Apache-2.0
// Values of [authentication], and its rows in the table of options.
#include "config/authentication.h"

#include <array>

#include "base/ascii.h"
#include "config/boxed_impl.h"
#include "config/option.h"

namespace postern::config {

template class Boxed<Authentication>;

namespace {

constexpr std::array<std::string_view, 3> policy_words{"none", "quarantine", "reject"};
constexpr std::uint64_t most_questions = 1000;

}  // namespace

Result<ListedDomain> ListedDomain::parse(std::string_view text) {
  auto name = host_name(text);
  if (!name) return std::unexpected(name.error());
  return ListedDomain{std::move(*name)};
}

Result<Forwarder> Forwarder::parse(std::string_view text) {
  if (const auto network = Network::parse(text)) return Forwarder{{}, *network};
  auto name = host_name(text);
  if (!name)
    return fail(ErrorKind::invalid, "\"" + std::string(text) +
                                        "\" is neither a domain nor a network; write \"lists.example.org\" or \"192.0.2.0/24\"");
  return Forwarder{std::move(*name), std::nullopt};
}

std::string Forwarder::to_string() const { return network ? network->to_string() : domain; }

Result<DomainPolicy> DomainPolicy::parse(std::string_view text) {
  const auto trimmed = ascii::trim(text);
  const auto space = trimmed.find(' ');
  const auto name = host_name(trimmed.substr(0, space));
  const auto word = space == std::string_view::npos ? std::string_view() : ascii::trim(trimmed.substr(space));
  for (std::size_t i = 0; name && i < policy_words.size(); ++i) {
    if (word == policy_words[i]) return DomainPolicy{*name, static_cast<Policy>(i)};
  }
  return fail(ErrorKind::invalid,
              "\"" + std::string(text) +
                  "\" is not possible; write a domain and \"none\", \"quarantine\" or \"reject\": \"example.org none\"");
}

std::string DomainPolicy::to_string() const { return domain + " " + std::string(policy_words[static_cast<std::size_t>(policy)]); }

std::vector<Section> authentication_sections() {
  using A = Authentication;
  auto section =
      Builder<A>(
          "authentication", [](Config& c) -> A& { return *c.authentication; },
          "SPF, DKIM, ARC and DMARC of mail that comes in on port 25. What a result does is said in [rules]: spf_fail,\n"
          "spf_softfail, dkim, arc, dmarc_reject, dmarc_quarantine, dmarc_author. Trouble with DNS never loses mail.")
          .flag("spf", &A::spf, "Check whether the client may send for the domain of MAIL FROM (RFC 7208).")
          .flag("spf_helo", &A::spf_helo, "Check the name in the greeting too.")
          .flag("dkim", &A::dkim, "Check signatures (RFC 6376); RSA from 1024 to 4096 bits, and Ed25519.")
          .flag("arc", &A::arc, "Check the seals of forwarders (RFC 8617).")
          .flag("dmarc", &A::dmarc, "Check whether the author's domain stands behind the message (RFC 9989).")
          .flag("add_results", &A::add_results, "Put Authentication-Results above each message, for mail programs and filters.")
          .choice("organization", &A::organization,
                  {{"tree_walk", Organization::tree_walk}, {"public_suffix", Organization::public_suffix}},
                  "How DMARC finds an organization's domain: \"tree_walk\" in DNS (RFC 9989), or by the \"public_suffix\" list\n"
                  "(RFC 7489).")
          .parsed_list("dmarc_overrides", &A::dmarc_overrides, DomainPolicy::parse,
                       "Our own policy for authors of a domain and all below it, whatever it publishes: [\"example.org none\"]\n"
                       "(never act on it), \"… quarantine\", \"… reject\" (also without a record of theirs).")
          .parsed_list("forwarders", &A::forwarders, Forwarder::parse,
                       "Forwarders and mailing lists whose mail need not pass DMARC: domains that SPF or DKIM has proven, or\n"
                       "networks.")
          .parsed_list("trusted_sealers", &A::trusted_sealers, ListedDomain::parse,
                       "Domains whose ARC seals we believe: what they saw pass DMARC is not refused.")
          .number("questions", &A::questions, {10, most_questions}, "Most questions to DNS for one message.")
          .done();
  return {std::move(section)};
}

}  // namespace postern::config
