// SPDX-License-Identifier: Apache-2.0
#include "daemon/tls_commands.h"

#include <boost/json/array.hpp>

#include "admin/json.h"
#include "outbound/explain.h"

namespace postern::daemon {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& one : list) out.emplace_back(one);
  return out;
}

Result<config::Journey> read_journey(const admin::Arguments& arguments) {
  const auto to = admin::text_argument(arguments, "domain");
  if (!to) return std::unexpected(to.error());
  config::Journey journey{.domain = {}, .sender = "<>", .login = admin::optional_text(arguments, "account")};
  const auto domain = mail::Domain::parse(to->substr(to->rfind('@') == std::string::npos ? 0 : to->rfind('@') + 1));
  if (!domain) return fail(ErrorKind::invalid, "domain: " + domain.error().text);
  journey.domain = domain->ascii();
  const auto from = admin::optional_text(arguments, "from");
  if (from.empty() || from == "<>") return journey;
  const auto sender = mail::Address::parse(from);
  if (!sender) return fail(ErrorKind::invalid, "from: " + sender.error().text);
  journey.sender = sender->lookup_key();
  return journey;
}

async::Task<admin::Answer> explain(House* house, admin::Arguments arguments) {
  auto journey = read_journey(arguments);
  if (!journey) co_return std::unexpected(journey.error());
  const auto found =
      co_await outbound::explain(house->router(), {&house->resolver(), house->sts()}, std::move(*journey), house->config());
  json::array hosts;
  for (const auto& one : found.hosts) {
    hosts.push_back(json::object{{"name", one.name},
                                 {"port", one.port},
                                 {"addresses", texts(one.addresses)},
                                 {"tls", one.demand},
                                 {"why", one.why},
                                 {"trouble", one.trouble}});
  }
  co_return json::object{
      {"way", found.way}, {"policy", found.policy}, {"hosts", std::move(hosts)}, {"end", found.end}, {"final", found.final}};
}

}  // namespace

void add_tls_commands(admin::Control& control, House& house) {
  control.add("tls.explain", [&house](admin::Arguments arguments) { return explain(&house, std::move(arguments)); });
}

}  // namespace postern::daemon
