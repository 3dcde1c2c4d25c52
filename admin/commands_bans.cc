// SPDX-License-Identifier: Apache-2.0
// ban.*: who may not connect, why, until when, and what would lift it.
#include <boost/json/array.hpp>

#include "admin/commands.h"
#include "admin/json.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t longest_note = 500;

/// "192.0.2.7", or a network. Error invalid with the remedy.
Result<IpNetwork> network_argument(const Arguments& arguments) {
  const auto text = text_argument(arguments, "address");
  if (!text) return std::unexpected(text.error());
  auto network = IpNetwork::parse(*text);
  if (network) return network;
  return fail(ErrorKind::invalid, *text +
                                      " is no address and no network; write for example 192.0.2.7, 192.0.2.0/24 or "
                                      "2001:db8::/64 (the bits after the prefix must be 0)");
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& one : texts) out.emplace_back(one);
  return out;
}

json::object describe(const store::GuardEvidence& seen) {
  return {{"failures", seen.failures},
          {"refused", seen.refused},
          {"first", seen.first},
          {"last", seen.last},
          {"imap", seen.imap},
          {"pop3", seen.pop3},
          {"submission", seen.submission},
          {"names", array_of(seen.names)},
          {"more_names", seen.more_names},
          {"foreign_names", seen.foreign_names}};
}

json::object describe(const store::BanRow& row, UnixTime now) {
  const bool in_force = row.lifted == 0 && (row.until == 0 || row.until > now);
  return {{"network", row.network}, {"in_force", in_force},
          {"since", row.since},     {"until", row.until},
          {"lifted", row.lifted},   {"by", row.by_admin ? "admin" : "guard"},
          {"times", row.times},     {"reason", row.reason},
          {"note", row.note},       {"evidence", describe(row.evidence)}};
}

json::object describe(const auth::BanInForce& ban, UnixTime now) {
  auto out = describe(ban.row, now);
  out["turned_away"] = ban.turned_away;
  return out;
}

json::object describe(const auth::AddressReport::Budget& budget) {
  return {{"of", budget.key},
          {"used", budget.used},
          {"limit", budget.limit},
          {"renewed", budget.renewed},
          {"evidence", describe(budget.evidence)}};
}

json::object describe(const auth::BanDone& done, UnixTime now) {
  auto out = describe(done.row, now);
  out["now"] = now;
  out["known_to"] = array_of(done.known_to);
  if (done.not_kept) out["not_kept"] = done.not_kept->text;
  return out;
}

bool is_spent(const auth::AddressReport::Budget& budget) { return budget.used >= budget.limit; }

/// In one word, and what would change it, in a sentence.
std::pair<std::string, std::string> verdict(const auth::AddressReport& report, const std::string& address) {
  if (report.spared) return {"never-banned", "It lies in auth.never_ban or trusted.networks. Budgets of failed logins apply."};
  if (report.in_force) {
    return {"banned",
            "postern ban remove " + report.in_force->row.network + (report.in_force->row.until != 0 ? ", or time" : "")};
  }
  if (is_spent(report.day) || is_spent(report.network)) {
    return {"waits",
            "Time, or a login to an account that knows the network. If it goes on now it is banned, unless an account "
            "knows its network."};
  }
  if (is_spent(report.minute)) return {"waits", "A minute."};
  return {"free", "Nothing stands against " + address + "."};
}

Answer explain_address(Context context, const IpAddress& address) {
  const auto now = context.clock.unix_now();
  const auto report = context.office.bans().explain(address);
  const auto [word, remedy] = verdict(report, address.to_string());
  json::array bans;
  for (const auto& ban : report.bans) bans.push_back(describe(ban, now));
  return json::object{{"now", now},
                      {"address", address.to_string()},
                      {"verdict", word},
                      {"remedy", remedy},
                      {"bans", std::move(bans)},
                      {"minute", describe(report.minute)},
                      {"day", describe(report.day)},
                      {"network", describe(report.network)},
                      {"known_to", array_of(report.known_to)}};
}

Answer explain_account(Context context, const std::string& login) {
  const auto report = context.office.bans().explain(login);
  if (!report) return std::unexpected(report.error());
  json::array networks;
  for (const auto& one : report->known_networks) networks.push_back(describe(one));
  const bool spent = is_spent(report->strangers);
  return json::object{
      {"now", context.clock.unix_now()},
      {"account", login},
      {"verdict", spent ? "waits" : "free"},
      {"remedy", spent ? "From networks that it knows the account logs in as ever; from others in time, or after a "
                         "new password."
                       : "Nothing stands against its logins."},
      {"strangers", describe(report->strangers)},
      {"known_networks", std::move(networks)}};
}

}  // namespace

namespace commands_of {

async::Task<Answer> ban_list(Context context, Arguments arguments) {
  const auto now = context.clock.unix_now();
  const bool all = optional_flag(arguments, "all").value_or(false);
  json::array list;
  for (const auto& ban : context.office.bans().list(all ? auth::Bans::Which::all : auth::Bans::Which::in_force)) {
    list.push_back(describe(ban, now));
  }
  co_return json::object{{"now", now}, {"bans", std::move(list)}};
}

async::Task<Answer> ban_add(Context context, Arguments arguments) {
  const auto network = network_argument(arguments);
  if (!network) co_return std::unexpected(network.error());
  const auto until = optional_number(arguments, "until");
  if (!until) co_return std::unexpected(until.error());
  auth::BanOrder order{*network, static_cast<UnixTime>(until->value_or(0)), optional_text(arguments, "note")};
  if (order.note.size() > longest_note) co_return fail(ErrorKind::invalid, "the note is longer than 500 octets");
  const auto done = co_await context.office.bans().add(std::move(order));
  if (!done) co_return std::unexpected(done.error());
  co_return describe(*done, context.clock.unix_now());
}

async::Task<Answer> ban_remove(Context context, Arguments arguments) {
  const auto network = network_argument(arguments);
  if (!network) co_return std::unexpected(network.error());
  const auto done = co_await context.office.bans().remove(*network);
  if (!done && done.error().kind == ErrorKind::not_found) {
    co_return fail(ErrorKind::not_found, done.error().text + "; `postern ban list` shows all");
  }
  if (!done) co_return std::unexpected(done.error());
  co_return describe(*done, context.clock.unix_now());
}

async::Task<Answer> ban_explain(Context context, Arguments arguments) {
  const auto subject = text_argument(arguments, "address");
  if (!subject) co_return std::unexpected(subject.error());
  if (subject->find('@') != std::string::npos) co_return explain_account(context, *subject);
  const auto address = IpAddress::parse(*subject);
  if (!address) {
    co_return fail(ErrorKind::invalid, *subject + " is no address; write for example 192.0.2.7, 2001:db8::1, or an account");
  }
  co_return explain_address(context, *address);
}

}  // namespace commands_of

}  // namespace postern::admin
