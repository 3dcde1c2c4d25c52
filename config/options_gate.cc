// SPDX-License-Identifier: Apache-2.0
// Rows of [rules] and [gate]: what port 25 asks about who comes and what they bring.
#include <algorithm>

#include "config/gate.h"
#include "config/option.h"

namespace postern::config {
namespace {

constexpr std::uint64_t most_points = 1000;
constexpr std::uint64_t longest_lookup = 60;
constexpr std::uint64_t hour = 3600;
constexpr std::uint64_t day = 24 * hour;
constexpr std::uint64_t most_rate = 100'000'000;

/// One option for each rule, from the table of rules.
Option rule_option(RuleName rule) {
  Option option{.key = std::string(to_string(rule)), .doc = std::string(about(rule))};
  option.read = [rule](Config& config, const Value& value) -> Result<void> {
    const auto text = read_text(value);
    if (!text) return std::unexpected(text.error());
    const auto choice = RuleChoice::parse(*text);
    if (!choice) return std::unexpected(choice.error());
    config.gate->rules.set(rule, *choice);
    return {};
  };
  option.show = [rule](Config& config) { return show_text(config.gate->rules.of(rule).to_string()); };
  return option;
}

Section rules() {
  Section section;
  section.name = "rules";
  section.doc =
      "The rules of port 25, in the order in which they are asked. Each is \"off\", \"score 2.5\" (points towards\n"
      "gate.reject_at), \"defer\" (451, try again later) or \"reject\" (5xx).";
  for (std::size_t i = 0; i < rule_count; ++i) section.options.push_back(rule_option(static_cast<RuleName>(i)));
  return section;
}

void session_rows(Builder<Gate>& rows) {
  rows.choice("tls_least", &Gate::tls_least,
              {{"1.0", TlsLeast::tls1_0}, {"1.1", TlsLeast::tls1_1}, {"1.2", TlsLeast::tls1_2}, {"1.3", TlsLeast::tls1_3}},
              "The oldest version of TLS on port 25. Below \"1.2\" only where old servers would send in clear text instead;\n"
              "the metric postern_smtp_tls_sessions_total tells which versions come.")
      .at_restart();
  rows.duration("tarpit", &Gate::tarpit, {0, longest_lookup},
                "Wait before the answer to the third unknown recipient, and so much longer with each further one, up to five\n"
                "times that. \"0s\": never.")
      .parsed("stress_at", &Gate::stress_at, Percent::parse,
              "From this share of limits.connections_total on clients must be quick: stress_timeout holds.")
      .duration("stress_timeout", &Gate::stress_timeout, {5, hour}, "Wait for a command or block of data under stress.")
      .parsed_list("mend_line_ends_from", &Gate::mend_line_ends_from, Network::parse,
                   "Machines of ours that send bare CR or LF inside of messages, such as old scanners: [\"192.0.2.0/24\"].\n"
                   "Their lines are mended; from everybody else such mail is refused. The end of a message is CR LF . CR LF\n"
                   "for all.");
}

void score_rows(Builder<Gate>& rows) {
  rows.decimal("defer_at", &Gate::defer_at, {0, most_points}, "Points at which mail is put off with 451. 0: never.")
      .decimal("reject_at", &Gate::reject_at, {0, most_points}, "Points at which mail is refused. 0: never.")
      .choice("no_answer", &Gate::no_answer, {{"pass", NoAnswer::pass}, {"defer", NoAnswer::defer}},
              "When DNS does not answer a rule that would defer or reject: \"pass\" lets the mail in, \"defer\" puts it off.")
      .duration("lookup_timeout", &Gate::lookup_timeout, {1, longest_lookup},
                "Wait for DNS for one message: all of its questions together, those of SPF, DKIM and DMARC too.");
}

void list_rows(Builder<Gate>& rows) {
  rows.parsed_list(
          "dnsbl", &Gate::dnsbl, DnsList::parse,
          "DNS lists of bad addresses with their points: [\"bl.example.org 4\", \"zen.example.org=127.0.0.2-11 3\"] counts\n"
          "only those answers. Mind the terms of use; most refuse questions through public resolvers.")
      .parsed_list("dnswl", &Gate::dnswl, DnsList::parse,
                   "DNS lists of good addresses, with negative points: [\"wl.example.org=127.0.*.2-3 -3\"].");
}

void rate_rows(Builder<Gate>& rows) {
  rows.number("rate_address", &Gate::rate_address, {0, most_rate},
              "Recipients that one address (IPv6: /64) may send to in an hour. 0: any number, here and below.")
      .number("rate_network", &Gate::rate_network, {0, most_rate}, "The same for its /24 or IPv6 /48.")
      .number("rate_sender_domain", &Gate::rate_sender_domain, {0, most_rate}, "The same for the domain of the sender.")
      .number("rate_recipient", &Gate::rate_recipient, {0, most_rate},
              "Messages that one recipient of ours gets in an hour. A few hundred stop subscription bombs.");
}

void greylist_rows(Builder<Gate>& rows) {
  rows.duration("greylist_delay", &Gate::greylist_delay, {1, day},
                "With rules.greylist = \"defer\": a second try counts after this,")
      .duration("greylist_window", &Gate::greylist_window, {60, 30 * day}, "and must come within this.")
      .duration("greylist_keep", &Gate::greylist_keep, {hour, 3650 * day},
                "Who came back is let in at once from then on, until nothing came for so long.")
      .number("greylist_network", &Gate::greylist_network, {0, most_rate},
              "So many senders that came back make their whole network (/24, IPv6 /48) known. 0: never.")
      .decimal("greylist_from", &Gate::greylist_from, {0, most_points},
               "Only suspicious mail is greylisted: with at least so many points of other rules. 0: all mail.");
}

Section gate() {
  Builder<Gate> rows("gate", [](Config& c) -> Gate& { return *c.gate; }, "Numbers of port 25 and of its rules.");
  session_rows(rows);
  score_rows(rows);
  list_rows(rows);
  rate_rows(rows);
  greylist_rows(rows);
  return rows.done();
}

Result<Pattern> read_pattern(std::string_view text) { return Pattern::parse(text); }

Section rules_for() {
  return Builder<RulesFor>(
             "rules_for", [](Config& c) -> RulesFor& { return c.gate->rules_for.back(); },
             "Other settings of rules, or another size limit, for some mail. The most specific entry decides: by account, then\n"
             "address, then group, then domain. What it does not name stays as it is. Repeat for each.")
      .choice(
          "way", &RulesFor::way, {{"inward", Way::inward}, {"inside", Way::inside}, {"outward", Way::outward}},
          "\"inward\": from outside to us. \"inside\": from our users to us. \"outward\": from our users to elsewhere; of these\n"
          "two only rules about the header are asked, and [rules] does not hold for them.")
      .parsed("recipient", &RulesFor::recipient, read_pattern, "\"*\", \"*@example.org\" or \"alice@example.org\".")
      .parsed("sender", &RulesFor::sender, read_pattern, "The same for the sender; \"<>\" for notices.")
      .text("account", &RulesFor::account, "Login: only mail for this account, or with the other ways only mail that it sends.")
      .text("group", &RulesFor::group, "Name of a group: the same for all its accounts.")
      .parsed_list("rules", &RulesFor::rules, RuleOverride::parse, "For example [\"greylist = off\", \"dnsbl = reject\"].")
      .size("message_bytes", &RulesFor::message_bytes, {0, 2 * GiB}, "A whole message; 0: as limits.message_bytes.")
      .repeated([](Config& c) { c.gate->rules_for.emplace_back(); }, {})
      .done();
}

Section spoof() {
  return Builder<Spoof>(
             "spoof", [](Config& c) -> Spoof& { return c.gate->spoof.back(); },
             "Who may speak for whom, by the way the mail goes. The entry with the most specific patterns decides, the\n"
             "sender's before the recipient's. Mail from outside that claims an address of ours is refused by the rules\n"
             "spoofed_sender and spoofed_author unless it is proven, or an entry allows it. Repeat for each.")
      .choice("way", &Spoof::way, {{"inward", Way::inward}, {"inside", Way::inside}, {"outward", Way::outward}},
              "\"inward\": from outside to us. \"inside\": from our users to us. \"outward\": from our users to elsewhere.")
      .parsed("sender", &Spoof::sender, read_pattern, "\"*\", \"*@example.org\", \"alice@example.org\", or \"<>\" for notices.")
      .parsed("recipient", &Spoof::recipient, read_pattern, "The same for the recipient.")
      .choice("action", &Spoof::action,
              {{"allow", Spoof::Action::allow}, {"defer", Spoof::Action::defer}, {"reject", Spoof::Action::reject}},
              "What happens: \"allow\", \"defer\" or \"reject\".")
      .repeated([](Config& c) { c.gate->spoof.emplace_back(); }, {"way", "sender", "action"})
      .done();
}

void relay_target_rows(Builder<Relay>& rows) {
  rows.name("match", &Relay::match, relay_match,
            "A domain (\"example.com\"), or one recipient (\"bob@example.org\"), whose mail is handed on. A domain that is\n"
            "ours too keeps its own mailboxes: only the rest goes on.")
      .parsed("host", &Relay::host, HostPort::parse,
              "Where to: \"inner.example.com:25\" or \"192.0.2.2:24\". Empty: the domain's MX that are better than we are\n"
              "(backup MX).")
      .choice("protocol", &Relay::protocol, {{"smtp", Relay::Protocol::smtp}, {"lmtp", Relay::Protocol::lmtp}},
              "\"smtp\" or \"lmtp\".")
      .choice("tls", &Relay::tls,
              {{"opportunistic", TlsUse::opportunistic}, {"required", TlsUse::required}, {"off", TlsUse::off}},
              "\"required\": with a certificate that proves the host's name. \"opportunistic\": when offered. \"off\": never.")
      .text("user", &Relay::user, "Log in there with this name; empty: no login.")
      .path("password_file", &Relay::password_file, "File with the password, readable by its owner only.");
}

Section relay() {
  Builder<Relay> rows(
      "relay", [](Config& c) -> Relay& { return c.gate->relays.back(); },
      "Mail that is taken for others: a domain of a server behind us, a backup MX, recipients that have not moved here\n"
      "yet. An entry for one recipient goes before a mailbox here. Repeat for each.");
  relay_target_rows(rows);
  rows.choice("recipients", &Relay::recipients,
              {{"listed", Relay::Recipients::listed}, {"callout", Relay::Recipients::callout}, {"any", Relay::Recipients::any}},
              "Which recipients are taken: \"callout\" asks the other server and remembers its answers; \"listed\" takes those\n"
              "of `known`; \"any\" takes all, and strangers get notices about those who do not exist.");
  Option known{.key = "known", .doc = "Addresses, for recipients = \"listed\"."};
  known.read = [](Config& config, const Value& value) -> Result<void> {
    const auto texts = read_list(value);
    if (!texts) return std::unexpected(texts.error());
    auto& out = config.gate->relays.back().known;
    out.clear();
    for (const auto& text : *texts) {
      auto one = KnownRecipient::parse(text);
      if (!one) return std::unexpected(one.error());
      out.push_back(std::move(one->key));
    }
    std::ranges::sort(out);
    return {};
  };
  known.show = [](Config& config) { return show_list(config.gate->relays.back().known); };
  auto section = rows.repeated([](Config& c) { c.gate->relays.emplace_back(); }, {"match"}).done();
  section.options.push_back(std::move(known));
  return section;
}

}  // namespace

std::vector<Section> gate_sections() {
  return {rules(), rules_for(), gate(), spoof(), relay(), reports_section(), mta_sts_section()};
}

}  // namespace postern::config
