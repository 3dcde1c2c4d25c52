// SPDX-License-Identifier: Apache-2.0
// postern tls explain
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"

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

void show(const json::object& result) {
  std::cout << "Way: " << text_of(result.at("way")) << "\n";
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

}  // namespace

std::vector<Subcommand> tls_commands() {
  return {
      {"tls explain",
       "show which way mail for a domain takes, and what is demanded of TLS there and why; nothing is sent",
       "postern tls explain example.net",
       {{"domain", "of the recipient, or an address", Option::Kind::text, true},
        {"--from", "the sender, for [[route]]; without it the null sender"},
        {"--account", "the account that sends, for [[route]]"}},
       explain},
  };
}

}  // namespace postern::admin::cli
