// SPDX-License-Identifier: Apache-2.0
// Everything an admin can choose, one struct for each section of postern.toml, one field for each key; names are the same.
// The initialisers are the defaults (security.md §1.6), the comments here are the short manual; config/options_*.cc holds
// the long one, the ranges and the readers, and etc/postern.toml is rendered from them. A Config is a plain value: it never
// changes once loaded; a reload makes a new one (config/live.h). Durations are seconds, sizes are bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/boxed.h"
#include "config/endpoint.h"
#include "config/percent.h"

namespace postern::config {

using Duration = std::chrono::seconds;
using Bytes = std::uint64_t;

constexpr Bytes KiB = 1024;
constexpr Bytes MiB = 1024 * KiB;
constexpr Bytes GiB = 1024 * MiB;

enum class Sandbox : unsigned char { automatic, off };
enum class TlsUse : unsigned char { opportunistic, required, off };
enum class Family : unsigned char { ipv4, ipv6 };

/// [server] Who we are and how the process runs.
struct Server {
  std::string hostname = "localhost";                   ///< our name in greetings, Received and Message-ID; canonical ASCII
  std::filesystem::path data_dir = "/var/lib/postern";  ///< everything we keep
  std::filesystem::path control_socket;                 ///< empty: data_dir/control.sock; read it through control()
  std::string user = "postern";                         ///< run as this user once the ports are open
  std::string group = "postern";
  unsigned threads = 0;  ///< network threads; 0: one for each core
  LogLevel log_level = LogLevel::info;
  std::string address_separators = "+";  ///< each begins a detail in a local part of ours; empty: none does
  Sandbox sandbox = Sandbox::automatic;
  std::filesystem::path control() const { return control_socket.empty() ? data_dir / "control.sock" : control_socket; }
  bool operator==(const Server&) const = default;
};

/// [[tls.sni]] Another certificate, for clients that ask for this name.
struct TlsName {
  std::string name;  ///< canonical domain
  std::filesystem::path certificate;
  std::filesystem::path key;
  bool operator==(const TlsName&) const = default;
};

/// [tls] Certificates (PEM) of all services. Both empty: no TLS, so no logins.
struct Tls {
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::vector<TlsName> sni;
  bool operator==(const Tls&) const = default;
};

/// [listen] Addresses and ports of each service; an empty list turns the service off.
struct Listen {
  std::vector<Endpoint> smtp = {{"0.0.0.0", 25}, {"::", 25}};           ///< from the world, for our domains
  std::vector<Endpoint> submission = {{"0.0.0.0", 587}, {"::", 587}};   ///< our users, STARTTLS
  std::vector<Endpoint> submissions = {{"0.0.0.0", 465}, {"::", 465}};  ///< our users, TLS from the first octet
  std::vector<Endpoint> imaps = {{"0.0.0.0", 993}, {"::", 993}};
  std::vector<Endpoint> pop3s = {{"0.0.0.0", 995}, {"::", 995}};
  std::vector<Endpoint> http = {{"127.0.0.1", 8080}};  ///< autoconfig, MTA-STS policy, metrics, health
  std::vector<Endpoint> trusted;                       ///< machines of [trusted] networks, without login
  bool operator==(const Listen&) const = default;
};

/// [trusted] Who may relay on the `trusted` listener.
struct Trusted {
  std::vector<Network> networks;
  bool operator==(const Trusted&) const = default;
};

/// [limits] Everything an outsider can grow.
struct Limits {
  unsigned connections_total = 2000;
  unsigned connections_per_address = 20;     ///< IPv4 address or IPv6 /64
  unsigned connections_per_network = 60;     ///< IPv4 /24 or IPv6 /48
  unsigned connection_rate_per_minute = 60;  ///< new connections of one address
  unsigned imap_per_address = 60;
  unsigned imap_per_user_address = 20;
  Bytes header_bytes = 256 * KiB;     ///< all header fields of a message
  Bytes message_bytes = 50 * MiB;     ///< SIZE of SMTP
  Bytes append_bytes = 50 * MiB;      ///< APPENDLIMIT of IMAP
  unsigned recipients_inbound = 100;  ///< of one message on port 25
  unsigned recipients_submission = 1000;
  unsigned messages_per_session = 100;
  unsigned received_hops = 100;      ///< Received fields before we call it a loop
  Bytes command_line = 4096;         ///< SMTP and POP3, octets with CRLF
  Bytes auth_line = 12288;           ///< SASL responses
  Bytes text_line = 8192;            ///< lines of a message
  unsigned errors = 20;              ///< refused commands before we hang up
  unsigned junk_commands = 100;      ///< NOOP, RSET, VRFY, HELP and repeated greetings in one session
  unsigned unknown_recipients = 10;  ///< unknown recipients in one session before we hang up
  Duration smtp_timeout{300};        ///< waiting for a command or a block of data
  Duration data_total{30 * 60};      ///< one whole message
  Bytes data_min_rate = 500;         ///< octets a second over 60 s
  Duration imap_preauth{60};         ///< from the connection to the login
  Duration imap_idle{30 * 60};
  Duration pop3_idle{10 * 60};
  bool operator==(const Limits&) const = default;
};

/// [smtp] The greeting of port 25.
struct Smtp {
  std::string banner = "ESMTP";  ///< text after the host name; no product, no version
  Duration greeting_delay{0};    ///< clients that speak before it are refused
  bool operator==(const Smtp&) const = default;
};

/// [submission] How much one account may send before it has to wait; a stolen password is then worth little.
struct Submission {
  unsigned messages_per_hour = 300;
  unsigned recipients_per_hour = 2000;
  unsigned messages_per_day = 2000;
  unsigned recipients_per_day = 10000;
  bool operator==(const Submission&) const = default;
};

/// [auth] Logins and passwords.
struct Auth {
  std::vector<std::string> mechanisms = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
  unsigned min_password_length = 15;  ///< characters
  double zxcvbn_bits = 33.3;          ///< least estimated strength of a new password
  unsigned password_history = 3;      ///< passwords of the account, the present one too, that may not be set again
  Bytes argon2_memory = 64 * MiB;
  unsigned argon2_ops = 2;
  unsigned hash_threads = 2;
  unsigned hash_queue = 64;           ///< logins that may wait for a hash thread
  Duration cache_ttl{10 * 60};        ///< a password proven once is not hashed again for so long
  unsigned failures_per_minute = 10;  ///< of one address
  unsigned failures_per_day = 50;
  unsigned network_failures_per_day = 200;  ///< of an IPv4 /24 or IPv6 /48
  unsigned account_failures_per_day = 30;   ///< of an account, from networks that it does not know
  Duration ban_first{3600};                 ///< length of the first ban of who goes on; 0: nobody is banned
  Duration ban_longest{7 * 86400};
  std::vector<Network> never_ban = {*Network::parse("127.0.0.0/8"), *Network::parse("::1")};
  unsigned session_failures = 3;  ///< then the connection is closed
  unsigned scram_iterations = 65536;
  Duration login_record{90 * 86400};       ///< how long logins are remembered; 0: not at all
  std::uint64_t login_record_rows = 1000;  ///< newest successes, and newest failures, of each account
  bool new_network_mail = true;            ///< tell an account by mail about its first login from a new network
  bool operator==(const Auth&) const = default;
};

/// [queue] Mail on its way out.
struct Queue {
  Duration lifetime{5 * 86400};
  Duration bounce_lifetime{86400};
  std::vector<Duration> backoff = {Duration(300), Duration(900), Duration(1800), Duration(3600)};  ///< then doubled
  Duration backoff_max{4 * 3600};
  unsigned jitter_percent = 10;
  Duration delay_notice{4 * 3600};  ///< 0: none
  unsigned per_host = 5;            ///< connections to one host
  unsigned per_domain = 10;
  unsigned concurrency = 100;  ///< deliveries at once
  bool operator==(const Queue&) const = default;
};

/// [outbound] How we speak to other servers.
struct Outbound {
  std::string hostname;  ///< EHLO name; empty: server.hostname
  unsigned port = 25;
  Duration connect_timeout{30};
  Duration greeting_timeout{300};
  Duration command_timeout{300};
  Duration data_timeout{120};   ///< for the 354
  Duration block_timeout{180};  ///< for each block of data
  Duration dot_timeout{600};    ///< for the reply to the final dot
  TlsUse tls = TlsUse::opportunistic;
  HostPort smart_host;  ///< carry everything through this server; empty: straight to the MX
  TlsUse smart_host_tls = TlsUse::required;
  std::string smart_host_user;
  std::filesystem::path smart_host_password_file;
  Family prefer = Family::ipv6;
  bool allow_private_targets = false;  ///< loopback and private addresses as targets, for laboratories
  bool operator==(const Outbound&) const = default;
};

/// [[dns.stub]] A zone that is asked of these servers.
struct DnsStub {
  std::string zone;  ///< canonical domain
  std::vector<Endpoint> servers;
  bool operator==(const DnsStub&) const = default;
};

/// [dns] Where answers come from.
struct Dns {
  std::vector<Endpoint> servers;  ///< empty: those of /etc/resolv.conf at start
  std::filesystem::path trust_anchor_file = "/usr/share/dns/root.key";
  bool dnssec = true;
  Duration timeout{10};
  Duration negative_ttl_max{900};
  Bytes cache_bytes = 16 * MiB;
  std::vector<DnsStub> stub;
  bool operator==(const Dns&) const = default;
};

/// What SMTP answers for a full mailbox: try again later (452), or never (552).
enum class OverQuota : unsigned char { defer, reject };

/// [quota] How much accounts and domains may keep.
struct Quota {
  Bytes default_bytes = 0;             ///< of accounts made without one of their own; 0: no limit
  std::uint64_t default_messages = 0;  ///< the same for messages
  OverQuota when_full = OverQuota::defer;
  std::vector<Percent> warn_at = {Percent{80}, Percent{95}};  ///< the owner gets a mail, once for each level; empty: never
  bool operator==(const Quota&) const = default;
};

/// [imap]
struct Imap {
  std::vector<std::string> capabilities_off;  ///< not announced, for clients that misbehave with them
  std::uint32_t message_limit = 0;            ///< messages that one command works on (RFC 9738); 0: all it names
  bool operator==(const Imap&) const = default;
};

/// [store]
struct Store {
  Duration undelete_window{14 * 86400};     ///< how long deleted mail can be brought back
  Bytes segment_bytes = GiB;                ///< size at which a new segment file is begun
  unsigned compact_above = 30;              ///< percent of dead bytes at which a segment is rewritten; 100: never
  Bytes housekeeping_rate = 50 * MiB;       ///< octets a second that compaction and the audit may read or write
  std::string audit_at = "03:30";           ///< local time of the nightly audit, "HH:MM"; empty: never
  Duration audit_bodies{30 * 86400};        ///< within this time the audit reads every body once; 0: never
  Duration vanished_keep{180 * 86400};      ///< how long a mailbox remembers which messages went, for QRESYNC
  std::uint64_t vanished_ranges = 100'000;  ///< and at most so many ranges of them
  bool search_text = true;                  ///< the text of messages is kept ready for searching
  Bytes free_space_min = 64 * MiB;          ///< below so much free space new mail is refused
  Bytes ballast = 32 * MiB;                 ///< kept in a file that is given up when the disk is full; 0: none
  bool operator==(const Store&) const = default;
};

/// [backup] Backups that the server makes by itself.
struct Backup {
  std::filesystem::path folder;  ///< empty: none
  Duration every{86400};         ///< between two of them; one more at each start
  unsigned keep = 7;             ///< so many are kept
  bool point_in_time = false;    ///< also every change in between, so that a restore can stop at any second
  Duration ship_every{60};       ///< with point_in_time: how often changes are copied away
  bool operator==(const Backup&) const = default;
};

/// [web] Pages of the `http` listener.
struct Web {
  bool autoconfig = true;  ///< settings for mail clients
  bool metrics = true;     ///< /metrics for Prometheus
  bool operator==(const Web&) const = default;
};

struct Gate;            // config/gate.h
struct Authentication;  // config/authentication.h
struct WayOut;          // config/way_out.h
struct Trace;           // config/trace.h
extern template class Boxed<Gate>;
extern template class Boxed<Authentication>;
extern template class Boxed<WayOut>;
extern template class Boxed<Trace>;

struct Config {
  Server server;
  Tls tls;
  Listen listen;
  Trusted trusted;
  Limits limits;
  Smtp smtp;
  Boxed<Gate> gate;  ///< [rules] and [gate]
  Boxed<Authentication> authentication;
  Boxed<WayOut> way_out;  ///< [dkim] and what else mail that leaves needs
  Boxed<Trace> trace;
  Submission submission;
  Auth auth;
  Queue queue;
  Outbound outbound;
  Dns dns;
  Quota quota;
  Imap imap;
  Store store;
  Backup backup;
  Web web;
  bool operator==(const Config&) const = default;

  /// The name we greet other servers with.
  const std::string& helo() const { return outbound.hostname.empty() ? server.hostname : outbound.hostname; }
};

}  // namespace postern::config
