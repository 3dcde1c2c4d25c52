// SPDX-License-Identifier: Apache-2.0
// postern tls explain
#include <algorithm>
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/checks.h"
#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/cli/tls_report.h"
#include "admin/json.h"
#include "base/ascii.h"
#include "config/parse.h"
#include "policy/own_sts.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

std::string meaning(const std::string& demand) {
  if (demand == "off") return "never encrypted";
  if (demand == "opportunistic") return "encrypted when the server can, in clear text otherwise";
  if (demand == "required") return "encrypted or not at all, whatever the certificate says";
  if (demand == "dane") return "encrypted with a certificate that the DNS names, or not at all";
  return "encrypted with a certificate that proves the name, or not at all";
}

/// Lines of a stranger's text: indented, without control characters.
std::string printable(const std::string& text) {
  std::string out = "  ";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') continue;
    out += text[i] == '\n' ? std::string(i + 1 == text.size() ? "\n" : "\n  ")
                           : std::string(1, ascii::is_ctl(text[i]) ? '?' : text[i]);
  }
  return out.ends_with('\n') ? out : out + "\n";
}

void show(const json::object& result) {
  std::cout << "Way: " << text_of(result.at("way")) << "\n";
  if (const auto policy = text_of(result.at("policy")); !policy.empty()) std::cout << "\nMTA-STS policy:\n" << printable(policy);
  for (const auto& host : result.at("hosts").as_array()) {
    std::string addresses;
    for (const auto& one : host.at("addresses").as_array()) addresses += (addresses.empty() ? "" : ", ") + text_of(one);
    std::cout << fmt::format("\n{} port {} ({})\n  {}: {}\n  because of {}\n", text_of(host.at("name")),
                             host.at("port").to_number<int>(), addresses.empty() ? "no address" : addresses,
                             text_of(host.at("tls")), meaning(text_of(host.at("tls"))), text_of(host.at("why")));
    if (const auto trouble = text_of(host.at("trouble")); !trouble.empty()) std::cout << "  not used now: " << trouble << "\n";
  }
  if (const auto end = text_of(result.at("end")); !end.empty()) {
    std::cout << (result.at("final").as_bool() ? "Mail would come back: " : "Mail would wait: ") << end << "\n";
  }
}

int explain(Invocation& run) {
  return call_and_show(run, "tls.explain",
                       {{"domain", run.text("domain")}, {"from", run.text("from")}, {"account", run.text("account")}}, show);
}

/// Our own policy, from the configuration file alone.
int own_policy(Invocation& run) {
  const auto loaded = config::load(run.config_path);
  if (!loaded) return show_failure(run, configuration_failure(run.config_path, loaded.error()));
  const auto page = policy::own_sts_policy(loaded->config);
  if (page.empty()) return show_failure(run, {exit_refused, "mta_sts.mode is \"off\"; begin with \"testing\""});
  const auto record = policy::own_sts_record(page);
  if (run.json) {
    std::cout << to_line({{"record", record}, {"policy", page}}) << "\n";
    return exit_ok;
  }
  std::cout << "For each domain of ours publish these records (DOMAIN is the domain):\n\n"
            << "  _mta-sts.DOMAIN. TXT \"" << record << "\"\n"
            << "  mta-sts.DOMAIN.  A or AAAA of the proxy that answers https:// for that name\n\n"
            << "and have the proxy pass https://mta-sts.DOMAIN/.well-known/mta-sts.txt to the http listener, which answers\n\n"
            << printable(page);
  return exit_ok;
}

}  // namespace

std::vector<Subcommand> tls_commands() {
  auto out = tls_report_commands();
  std::vector<Subcommand> own{
      {"tls explain",
       "show which way mail for a domain takes, and what is demanded of TLS there and why; nothing is sent",
       "postern tls explain example.net",
       {{"domain", "of the recipient, or an address", Option::Kind::text, true},
        {"--from", "the sender, for [[route]]; without it the null sender"},
        {"--account", "the account that sends, for [[route]]"}},
       explain},
      {"tls policy",
       "show our own MTA-STS policy and the DNS records that go with it; reads the configuration file",
       "postern tls policy",
       {},
       own_policy},
  };
  std::ranges::move(own, std::back_inserter(out));
  return out;
}

}  // namespace postern::admin::cli
