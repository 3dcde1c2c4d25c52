// SPDX-License-Identifier: Apache-2.0
// Rows of [queue], [outbound], [dns] and [[dns.stub]]: the way out.
#include "config/option.h"

namespace postern::config {
namespace {

constexpr std::uint64_t hour = 3600;
constexpr std::uint64_t day = 24 * hour;
constexpr std::uint16_t dns_port = 53;
constexpr std::uint64_t most_connections = 100'000;

Result<Endpoint> dns_server(std::string_view text) { return Endpoint::parse(text, dns_port); }

Section queue() {
  return Builder<Queue>(
             "queue", [](Config& c) -> Queue& { return c.queue; }, "Mail on its way to other servers.")
      .duration("lifetime", &Queue::lifetime, {60, 30 * day},
                "How long delivery is tried before the sender gets the message back.")
      .duration("bounce_lifetime", &Queue::bounce_lifetime, {60, 30 * day}, "The same for bounces, which nobody gets back.")
      .durations("backoff", &Queue::backoff, {1, day}, "Waits after the first failures, in turn.")
      .duration("backoff_max", &Queue::backoff_max, {1, 7 * day}, "After the last of them the wait doubles up to this.")
      .number("jitter_percent", &Queue::jitter_percent, {0, 50},
              "Each wait is lengthened or shortened at random by up to so much.")
      .duration("delay_notice", &Queue::delay_notice, {0, 30 * day},
                "Tell our own senders when a message waits longer than this. \"0s\": never.")
      .number("per_host", &Queue::per_host, {1, most_connections}, "Connections to one host at a time.")
      .number("per_domain", &Queue::per_domain, {1, most_connections}, "Deliveries to one domain at a time.")
      .number("concurrency", &Queue::concurrency, {1, most_connections}, "Deliveries at a time altogether.")
      .done();
}

std::vector<std::pair<std::string, TlsUse>> tls_words() {
  return {{"opportunistic", TlsUse::opportunistic}, {"required", TlsUse::required}, {"off", TlsUse::off}};
}

void timeout_rows(Builder<Outbound>& rows) {
  rows.duration("connect_timeout", &Outbound::connect_timeout, {1, hour}, "Wait for a connection to one address.")
      .duration("greeting_timeout", &Outbound::greeting_timeout, {1, hour},
                "Wait for the other server's greeting. RFC 5321 section 4.5.3.2 has the reasons for these.")
      .duration("command_timeout", &Outbound::command_timeout, {1, hour}, "Wait for the reply to a command.")
      .duration("data_timeout", &Outbound::data_timeout, {1, hour}, "Wait for the permission to send the message.")
      .duration("block_timeout", &Outbound::block_timeout, {1, hour}, "Wait until a block of the message is taken.")
      .duration("dot_timeout", &Outbound::dot_timeout, {1, 2 * hour},
                "Wait for the reply to the whole message. A short one makes duplicates.");
}

void smart_host_rows(Builder<Outbound>& rows) {
  rows.parsed("smart_host", &Outbound::smart_host, HostPort::parse,
              "Give all mail to this server (\"smtp.provider.example:587\"), for instance when port 25 is blocked.\n"
              "Empty: deliver straight to the recipients' servers.")
      .choice("smart_host_tls", &Outbound::smart_host_tls, tls_words(), "As `tls`, for the smart host.")
      .text("smart_host_user", &Outbound::smart_host_user, "Log in there with this name; empty: no login.")
      .path("smart_host_password_file", &Outbound::smart_host_password_file,
            "File with the password, readable by its owner only.");
}

Section outbound() {
  Builder<Outbound> rows("outbound", [](Config& c) -> Outbound& { return c.outbound; }, "How we speak to other servers.");
  rows.name("hostname", &Outbound::hostname, host_name_or_empty, "Our name in EHLO. Empty: server.hostname.")
      .number("port", &Outbound::port, {1, 65535}, "The port of other servers. Anything but 25 is for laboratories.");
  timeout_rows(rows);
  rows.choice("tls", &Outbound::tls, tls_words(),
              "\"opportunistic\": encrypt whenever the other server can. \"required\": refuse to send in clear text.\n"
              "\"off\": never encrypt. Stricter rules of a recipient's domain (DANE, MTA-STS) always hold.");
  smart_host_rows(rows);
  rows.choice("prefer", &Outbound::prefer, {{"ipv6", Family::ipv6}, {"ipv4", Family::ipv4}},
              "Which addresses of a server to try first: \"ipv6\" or \"ipv4\".")
      .flag("allow_private_targets", &Outbound::allow_private_targets,
            "Deliver to loopback and private addresses too. Only for laboratories: otherwise a stranger's DNS\n"
            "could point us at machines behind the firewall.");
  auto section = rows.done();
  for (auto& row : outbound_more_rows()) section.options.push_back(std::move(row));
  return section;
}

Section dns() {
  return Builder<Dns>(
             "dns", [](Config& c) -> Dns& { return c.dns; }, "Where answers about names come from.")
      .parsed_list("servers", &Dns::servers, dns_server,
                   "Recursive servers (\"192.0.2.53\" or \"192.0.2.53:5353\"). []: those of /etc/resolv.conf at start.")
      .flag("dnssec", &Dns::dnssec, "Check signatures. DANE needs it.")
      .path("trust_anchor_file", &Dns::trust_anchor_file, "The root key that signatures lead to (package dns-root-data).")
      .duration("timeout", &Dns::timeout, {1, 300}, "Wait for one answer.")
      .duration("negative_ttl_max", &Dns::negative_ttl_max, {1, day}, "Longest time to remember that a name does not exist.")
      .size("cache_bytes", &Dns::cache_bytes, {MiB, 16 * GiB}, "Memory for remembered answers.")
      .at_restart()
      .done();
}

Section dns_stub() {
  return Builder<DnsStub>(
             "dns.stub", [](Config& c) -> DnsStub& { return c.dns.stub.back(); },
             "A zone that these servers answer for, such as an inside domain. Repeat for each zone.")
      .name("zone", &DnsStub::zone, host_name, "The zone.")
      .parsed_list("servers", &DnsStub::servers, dns_server, "Its servers, as in [dns].")
      .at_restart()
      .repeated([](Config& c) { c.dns.stub.emplace_back(); }, {"zone", "servers"})
      .done();
}

}  // namespace

std::vector<Section> delivery_sections() { return {queue(), outbound(), dns(), dns_stub()}; }

}  // namespace postern::config
