// SPDX-License-Identifier: Apache-2.0
// One small function for each subject; each adds what it finds.
#include "config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "config/gate.h"
#include "config/way_out.h"

namespace postern::config {
namespace {

constexpr std::uint32_t least_message_limit = 1000;  // RFC 9738 §3
constexpr double advised_password_bits = 33.3;       // 10^10 guesses, the best of zxcvbn's scores
constexpr unsigned advised_password_length = 15;     // NIST SP 800-63B: 15 when the password is the only factor
constexpr std::array<std::string_view, 4> known_mechanisms = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"};

void error(Findings& found, std::string key, std::string text) { found.errors.push_back({0, std::move(key), std::move(text)}); }
void warning(Findings& found, std::string key, std::string text) {
  found.warnings.push_back({0, std::move(key), std::move(text)});
}

struct Service {
  std::string key;
  const std::vector<Endpoint>& endpoints;
  bool needs_tls;
};

std::vector<Service> services(const Config& config) {
  const auto& listen = config.listen;
  return {{"listen.smtp", listen.smtp, false},
          {"listen.submission", listen.submission, true},
          {"listen.submissions", listen.submissions, true},
          {"listen.imaps", listen.imaps, true},
          {"listen.pop3s", listen.pop3s, true},
          {"listen.http", listen.http, false},
          {"listen.trusted", listen.trusted, false},
          {"device.listen", config.way_out->device.listen, false}};
}

void check_server(const Config& config, Findings& found) {
  const std::string_view name = config.server.hostname;
  if (name.find('.') == name.npos || name.ends_with(".localdomain") || name.ends_with(".localhost")) {
    warning(found, "server.hostname",
            fmt::format("\"{}\" is no public name; write the one that DNS knows this machine by", config.server.hostname));
  }
  if (!config.server.data_dir.is_absolute()) error(found, "server.data_dir", "must be an absolute path; begin it with /");
  if (!config.server.control_socket.empty() && config.server.control_socket.is_relative())
    error(found, "server.control_socket", "must be an absolute path; begin it with /");
  if (!config.backup.folder.empty() && config.backup.folder.is_relative())
    error(found, "backup.folder", "must be an absolute path; begin it with /");
}

void check_tls(const Config& config, Findings& found) {
  const auto& tls = config.tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    error(found, tls.certificate.empty() ? "tls.key" : "tls.certificate",
          "certificate and key belong together; give both or neither");
  }
  if (!tls.certificate.empty()) return;
  for (const auto& service : services(config)) {
    if (service.needs_tls && !service.endpoints.empty()) {
      warning(found, service.key, "stays closed without tls.certificate: nobody may log in without TLS");
    }
  }
}

void check_imap(const Config& config, Findings& found) {
  if (config.imap.message_limit != 0 && config.imap.message_limit < least_message_limit) {
    error(found, "imap.message_limit",
          fmt::format("must be 0 or at least {}: clients count on that (RFC 9738 §3)", least_message_limit));
  }
}

void check_listen(const Config& config, Findings& found) {
  std::map<std::string, std::string> users;
  for (const auto& service : services(config)) {
    for (const auto& endpoint : service.endpoints) {
      const auto [other, is_new] = users.emplace(endpoint.to_string(), service.key);
      if (!is_new && endpoint.port != 0)
        error(found, service.key, fmt::format("{} is in use by {}; choose another port", endpoint.to_string(), other->second));
    }
  }
  if (!config.listen.trusted.empty() && config.trusted.networks.empty()) {
    error(found, "listen.trusted", "nobody could use it; name the machines in trusted.networks");
  }
}

bool is_world(const Network& network) {
  constexpr std::array<std::string_view, 2> strangers = {"8.8.8.8", "2001:4860:4860::8888"};
  return std::ranges::any_of(strangers, [&](auto ip) { return network.contains(ip); });
}

void check_trusted(const Config& config, Findings& found) {
  for (const auto& network : config.trusted.networks) {
    if (is_world(network)) {
      error(found, "trusted.networks",
            fmt::format("{} holds the whole Internet or much of it; that would be an open relay", network.to_string()));
    }
  }
}

void check_device(const Config& config, Findings& found) {
  const auto& device = config.way_out->device;
  if (!device.listen.empty() && device.networks.empty()) {
    error(found, "device.networks", "nobody could use the listener; name the devices' networks");
  }
  for (const auto& network : device.networks) {
    if (!is_world(network)) continue;
    error(found, "device.networks",
          fmt::format("{} holds the whole Internet or much of it; name your own networks", network.to_string()));
  }
  if (!device.listen.empty() && device.tls_least < Device::Tls::tls1_2) {
    warning(found, "device.tls_least",
            "lets whoever listens read what the devices send; replace machines that know nothing newer");
  }
  if (device.messages_per_day < device.messages_per_hour) {
    error(found, "device.messages_per_day", "is less than messages_per_hour; raise it");
  }
}

void check_auth(const Config& config, Findings& found) {
  const auto& auth = config.auth;
  if (auth.mechanisms.empty()) error(found, "auth.mechanisms", "nobody could log in; name at least \"PLAIN\"");
  for (const auto& mechanism : auth.mechanisms) {
    if (std::ranges::find(known_mechanisms, mechanism) != known_mechanisms.end()) continue;
    error(found, "auth.mechanisms",
          fmt::format("\"{}\" is not offered here; choose from {}", mechanism, fmt::join(known_mechanisms, ", ")));
  }
  if (auth.min_password_length < advised_password_length) {
    warning(found, "auth.min_password_length",
            fmt::format("{} characters are few for a password that stands alone; {} are advised", auth.min_password_length,
                        advised_password_length));
  }
  if (auth.ban_longest < auth.ban_first) error(found, "auth.ban_longest", "is shorter than auth.ban_first");
  if (auth.zxcvbn_bits < advised_password_bits) {
    warning(found, "auth.zxcvbn_bits",
            fmt::format("{} bits let guessable passwords through; {} are advised", auth.zxcvbn_bits, advised_password_bits));
  }
  if (auth.failures_per_day < auth.failures_per_minute)
    error(found, "auth.failures_per_day", "is less than failures_per_minute; raise it");
}

void check_limits(const Config& config, Findings& found) {
  const auto& limits = config.limits;
  if (limits.header_bytes > limits.message_bytes) error(found, "limits.header_bytes", "is more than message_bytes; lower it");
  if (limits.connections_per_address > limits.connections_per_network) {
    error(found, "limits.connections_per_address", "is more than connections_per_network; lower it");
  }
  if (limits.auth_line < limits.command_line) error(found, "limits.auth_line", "is less than command_line; raise it");
}

void check_queue(const Config& config, Findings& found) {
  const auto& queue = config.queue;
  if (queue.backoff.back() > queue.backoff_max)
    error(found, "queue.backoff_max", "is less than the last wait of backoff; raise it");
  if (queue.backoff.front() >= queue.lifetime) error(found, "queue.lifetime", "is over before the second try; raise it");
}

void check_outbound(const Config& config, Findings& found) {
  const auto& out = config.outbound;
  if (out.smart_host_user.empty() != out.smart_host_password_file.empty()) {
    error(found, "outbound.smart_host_user", "user and password file belong together; give both or neither");
  }
  if (out.smart_host.empty() && !out.smart_host_user.empty())
    error(found, "outbound.smart_host_user", "has no smart_host to log in to; name one");
  if (!out.smart_host_user.empty() && out.smart_host_tls != TlsUse::required) {
    error(found, "outbound.smart_host_tls", "a password is never sent without TLS; write \"required\"");
  }
  if (out.allow_private_targets)
    warning(found, "outbound.allow_private_targets", "is for laboratories; a stranger's DNS can now point us at inside machines");
}

void check_routes(const Config& config, Findings& found) {
  for (const auto& route : config.way_out->routes) {
    if (route.proxy_user.empty() != route.proxy_password_file.empty()) {
      error(found, "route.proxy_user", "user and password file belong together; give both or neither");
    }
    if (route.proxy.empty() && !route.proxy_user.empty()) error(found, "route.proxy_user", "has no proxy to log in to; name one");
  }
}

void check_stubs(const Config& config, Findings& found) {
  for (const auto& stub : config.dns.stub) {
    if (stub.servers.empty()) error(found, "dns.stub.servers", fmt::format("zone {} has no server; name one", stub.zone));
  }
}

void check_rules_for(const Config& config, Findings& found) {
  for (const auto& entry : config.gate->rules_for) {
    if (entry.way == Way::inward) continue;
    for (const auto& one : entry.rules) {
      if (asked_of_our_own(one.rule)) continue;
      error(found, "rules_for.rules",
            fmt::format("{} is only asked of mail from outside; leave it out of entries with way = \"{}\"", to_string(one.rule),
                        to_string(entry.way)));
    }
  }
}

}  // namespace

Findings check(const Config& config) {
  Findings found;
  for (auto* part : {check_server, check_tls, check_imap, check_listen, check_trusted, check_device, check_auth, check_limits,
                     check_queue, check_outbound, check_stubs, check_routes, check_rules_for}) {
    part(config, found);
  }
  return found;
}

}  // namespace postern::config
