// SPDX-License-Identifier: Apache-2.0
// postern audit: attacks the running server from outside its own doors (audit/attacks.h) and shows where it gives way.
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/checks.h"
#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/json.h"
#include "async/executor.h"
#include "audit/attacks.h"
#include "base/ascii.h"
#include "base/file.h"
#include "config/parse.h"
#include "config/way_out.h"

namespace postern::admin::cli {

namespace json = boost::json;
using audit::Check;

namespace {

/// Where the last night's result is kept, in the data folder.
constexpr const char* last_file = "audit.last";
constexpr std::size_t last_max = 1024 * 1024;

/// One door as an option or as the configuration has it.
struct DoorOption {
  const char* name;
  std::optional<net::Endpoint> audit::Target::* door;
  std::vector<config::Endpoint> config::Listen::* listen;  ///< null: listed machines may do more there, see reach_unlisted()
};
constexpr DoorOption doors[] = {
    {"smtp", &audit::Target::smtp, &config::Listen::smtp},
    {"submission", &audit::Target::submission, &config::Listen::submission},
    {"submissions", &audit::Target::submissions, &config::Listen::submissions},
    {"imaps", &audit::Target::imaps, &config::Listen::imaps},
    {"pop3s", &audit::Target::pop3s, &config::Listen::pop3s},
    {"trusted", &audit::Target::trusted, nullptr},
    {"device", &audit::Target::device, nullptr},
};

/// "127.0.0.1:2525", or "none".
Result<std::optional<net::Endpoint>> read_door(const std::string& text) {
  if (text == "none") return std::nullopt;
  const auto parsed = config::Endpoint::parse(text);
  if (!parsed) return std::unexpected(parsed.error());
  const auto ip = IpAddress::parse(parsed->ip);
  if (!ip) return std::unexpected(ip.error());
  return net::Endpoint{*ip, parsed->port};
}

/// Where this machine reaches a listener: any address of it means loopback.
std::optional<net::Endpoint> reach(const std::vector<config::Endpoint>& listen) {
  for (const auto& endpoint : listen) {
    const auto ip = IpAddress::parse(endpoint.ip);
    if (!ip) continue;
    if (ip->to_string() == "0.0.0.0" || ip->to_string() == "::")
      return net::Endpoint{IpAddress::v4({127, 0, 0, 1}), endpoint.port};
    return net::Endpoint{*ip, endpoint.port};
  }
  return std::nullopt;
}

/// A door for listed machines, unless this machine is one of them there: then it may relay.
std::optional<net::Endpoint> reach_unlisted(const std::vector<config::Endpoint>& listen,
                                            const std::vector<config::Network>& listed) {
  const auto door = reach(listen);
  const auto here = [&](const config::Network& network) { return network.contains(door->address.to_string()); };
  return door && std::ranges::none_of(listed, here) ? door : std::nullopt;
}

std::expected<audit::Target, Failure> read_target(Invocation& run, const config::Config& config) {
  audit::Target target;
  target.hostname = run.has("hostname") ? run.text("hostname") : config.server.hostname;
  target.message_bytes = config.limits.message_bytes;
  target.trusted = reach_unlisted(config.listen.trusted, config.trusted.networks);
  target.device = reach_unlisted(config.way_out->device.listen, config.way_out->device.networks);
  for (const auto& door : doors) {
    if (door.listen) target.*door.door = reach(config.listen.*door.listen);
    if (!run.has(door.name)) continue;
    const auto given = read_door(run.text(door.name));
    if (!given) return std::unexpected(Failure{exit_usage, std::string("--") + door.name + ": " + given.error().text});
    target.*door.door = *given;
  }
  target.person = run.text("person");
  if (run.has("domain")) {
    target.domains = {run.text("domain")};
    return target;
  }
  const auto domains = run.remote->call("domain.list", {});
  if (!domains) return std::unexpected(domains.error());
  for (const auto& one : domains->at("domains").as_array()) {
    const auto* const name = one.as_object().if_contains("name");
    if (name != nullptr) target.domains.emplace_back(name->as_string());
  }
  if (target.domains.empty()) {
    return std::unexpected(Failure{exit_refused, "there is no domain to attack yet; postern domain add example.org"});
  }
  const auto accounts = run.remote->call("account.list", {});
  if (target.person.empty() && accounts && !accounts->at("accounts").as_array().empty()) {
    target.person = accounts->at("accounts").as_array().front().as_object().at("login").as_string();
  }
  return target;
}

json::object describe(const audit::Report& report) {
  json::array checks;
  for (const auto& check : report.checks()) {
    checks.push_back(json::object{{"family", check.family},
                                  {"name", check.name},
                                  {"result", audit::to_string(check.result)},
                                  {"seen", check.seen},
                                  {"remedy", check.remedy}});
  }
  return {{"passed", report.count(Check::Result::passed)},
          {"failed", report.count(Check::Result::failed)},
          {"skipped", report.count(Check::Result::skipped)},
          {"checks", std::move(checks)}};
}

struct FamilyCount {
  std::string family;
  std::size_t passed = 0, failed = 0, skipped = 0;
};

std::vector<FamilyCount> by_family(const audit::Report& report) {
  std::vector<FamilyCount> out;
  for (const auto& check : report.checks()) {
    auto found = std::ranges::find(out, check.family, &FamilyCount::family);
    if (found == out.end()) found = out.insert(out.end(), {check.family});
    ++(check.result == Check::Result::passed   ? found->passed
       : check.result == Check::Result::failed ? found->failed
                                               : found->skipped);
  }
  return out;
}

void show(const audit::Report& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : by_family(report)) {
    rows.push_back({one.family, std::to_string(one.passed), one.failed == 0 ? "" : std::to_string(one.failed),
                    one.skipped == 0 ? "" : std::to_string(one.skipped)});
  }
  print_table({"FAMILY", "PASSED", "FAILED", "LEFT OUT"}, rows, "");
  for (const auto& check : report.checks()) {
    if (check.result == Check::Result::skipped)
      std::cout << "Left out: " << check.family << ": " << check.name << " (" << check.seen << ")\n";
  }
  for (const auto& check : report.checks()) {
    if (check.result != Check::Result::failed) continue;
    std::cout << "FAILED: " << check.family << ": " << check.name << "\n  seen:   " << check.seen
              << "\n  remedy: " << check.remedy << "\n";
  }
}

/// What the postmaster reads when the result is another one than last night.
std::string letter(const audit::Report& report, const std::string& before) {
  std::string out = "postern audit attacks this server every night. The result has changed.\n\n";
  const auto now = report.summary();
  out += now.empty() ? "Nothing fails any more.\n" : "These fail now:\n\n" + now;
  if (!before.empty()) out += "\nThese failed the time before:\n\n" + before;
  for (const auto& check : report.checks()) {
    if (check.result == Check::Result::failed)
      out += "\n" + check.family + ": " + check.name + "\n  seen: " + check.seen + "\n  remedy: " + check.remedy + "\n";
  }
  return out + "\nRun `postern audit` to see it again.\n";
}

/// Tells the postmaster when something is new, and remembers. The first run has nothing to compare with and tells failures only.
std::optional<Failure> compare(Invocation& run, const audit::Report& report, const config::Config& config,
                               const std::string& domain) {
  const auto path = config.server.data_dir / last_file;
  const auto before = read_file(path).value_or("");
  const auto now = report.summary();
  if (before == now) return std::nullopt;
  const auto sent =
      run.remote->call("audit.tell", {{"to", "postmaster@" + domain},
                                      {"subject", now.empty() ? "Audit: nothing fails any more" : "Audit: the server gives way"},
                                      {"text", letter(report, before.substr(0, last_max))}});
  if (!sent) return sent.error();
  if (auto written = write_file_durably(path, now); !written)
    return Failure{exit_refused, path.string() + ": " + written.error().text};
  return std::nullopt;
}

int audit_server(Invocation& run) {
  const auto families = audit::family_names();
  if (run.has("only") && std::ranges::find(families, run.text("only")) == families.end()) {
    std::string names;
    for (const auto& name : families) names += (names.empty() ? "" : ", ") + name;
    return show_failure(run, {exit_usage, "--only: one of " + names});
  }
  const auto loaded = config::load(run.config_path);
  if (!loaded) return show_failure(run, configuration_failure(run.config_path, loaded.error()));
  const auto target = read_target(run, loaded->config);
  if (!target) return show_failure(run, target.error());
  auto tls = net::TlsClient::create({});
  if (!tls) return show_failure(run, {exit_refused, tls.error().text});
  audit::Report report;
  audit::Attack attack{*target, **tls, report, {}};
  if (!run.json && ::isatty(STDERR_FILENO) == 1) {
    attack.begin = [](std::string_view family) { std::cerr << "\r\x1b[Kattacking: " << family << std::flush; };
  }
  async::run_alone(audit::attack_all(attack, run.text("only")));
  if (attack.begin) std::cerr << "\r\x1b[K" << std::flush;
  if (run.has("nightly")) {
    if (const auto failure = compare(run, report, loaded->config, target->domains.front())) return show_failure(run, *failure);
  }
  if (run.json) {
    const auto line = to_line(describe(report));
    std::cout << ascii::trim(line) << "\n";
  } else {
    show(report);
    std::cout << (report.count(Check::Result::failed) == 0 ? "The server holds.\n" : "The server gives way.\n");
  }
  return report.count(Check::Result::failed) == 0 ? exit_ok : exit_refused;
}

}  // namespace

std::vector<Subcommand> audit_commands() {
  return {{"audit",
           "attack the running server from outside its own doors, and show where it gives way",
           "postern audit",
           {{"--nightly", "compare with the last time, and mail the postmaster when something has changed", Option::Kind::flag},
            {"--only",
             "one family of attacks: relay, smuggling, starttls, tls, logins, names, spoofing, sizes, order, banners, retrieval"},
            {"--smtp", "attack this door in place of the configured one: 127.0.0.1:25, or none"},
            {"--submission", "the same for submission with STARTTLS"},
            {"--submissions", "the same for submission with TLS from the start"},
            {"--imaps", "the same for IMAP"},
            {"--pop3s", "the same for POP3"},
            {"--trusted", "the same for trusted machines, of which this one is none"},
            {"--device", "the same for devices"},
            {"--domain", "a domain of the server; without it the running server is asked"},
            {"--hostname", "what the server calls itself, when it is another one"},
            {"--person", "a login that exists; without it one of the running server"}},
           audit_server}};
}

}  // namespace postern::admin::cli
