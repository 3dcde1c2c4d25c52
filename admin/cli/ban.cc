// SPDX-License-Identifier: Apache-2.0
// postern ban list|add|remove|explain
#include <boost/json/array.hpp>
#include <chrono>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/cli/time.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option network_option{"address", "an address or a network, for example 192.0.2.7 or 2001:db8::/64", Option::Kind::text,
                            true};

std::int64_t number(const json::value& object, std::string_view key) { return object.at(key).to_number<std::int64_t>(); }
std::string text(const json::value& object, std::string_view key) { return std::string(object.at(key).as_string()); }

std::string joined(const json::value& list) {
  std::string out;
  for (const auto& one : list.as_array()) out += (out.empty() ? "" : ", ") + std::string(one.as_string());
  return out;
}

std::string end_of(const json::value& ban, std::int64_t now) {
  if (number(ban, "lifted") != 0) return "lifted " + human_time(number(ban, "lifted"), now);
  const auto until = number(ban, "until");
  if (until == 0) return "never";
  return (ban.at("in_force").as_bool() ? "" : "over ") + human_time(until, now);
}

/// "50 wrong passwords and 10 attempts beyond, by IMAP (40) and POP3 (20), from 12:01 to 12:09 UTC"
std::string attempts(const json::value& seen) {
  std::string ways;
  for (const auto& [key, word] : {std::pair("imap", "IMAP"), std::pair("pop3", "POP3"), std::pair("submission", "submission")}) {
    if (number(seen, key) != 0) ways += (ways.empty() ? "" : ", ") + fmt::format("{} {}", word, number(seen, key));
  }
  return fmt::format("{} wrong passwords and {} attempts beyond ({}), {} to {} UTC", number(seen, "failures"),
                     number(seen, "refused"), ways, utc_text(number(seen, "first")), utc_text(number(seen, "last")));
}

void print_evidence(const json::value& seen, std::string_view indent) {
  if (number(seen, "failures") + number(seen, "refused") == 0) return;
  std::cout << indent << attempts(seen) << "\n";
  auto names = joined(seen.at("names"));
  if (const auto more = number(seen, "more_names"); more != 0) names += fmt::format(", {} attempts with further names", more);
  if (const auto foreign = number(seen, "foreign_names"); foreign != 0) {
    names += (names.empty() ? "" : ", ") + fmt::format("{} attempts with names that are not ours", foreign);
  }
  if (!names.empty()) std::cout << indent << "names: " << names << "\n";
}

void print_ban(const json::value& ban, std::int64_t now) {
  std::cout << "  " << text(ban, "network") << ": " << text(ban, "reason") << "; since " << utc_text(number(ban, "since"))
            << " UTC, ends: " << end_of(ban, now);
  if (const auto times = number(ban, "times"); times > 1) std::cout << "; for the " << times << "th time";
  if (const auto away = number(ban, "turned_away"); away > 0) std::cout << "; connections turned away: " << away;
  std::cout << "\n";
  if (const auto note = text(ban, "note"); !note.empty()) std::cout << "    note: " << note << "\n";
  print_evidence(ban.at("evidence"), "    ");
}

void print_budget(std::string_view what, const json::value& budget, std::int64_t now) {
  std::cout << "  " << what << " " << text(budget, "of") << ": " << number(budget, "used") << " of " << number(budget, "limit");
  if (const auto renewed = number(budget, "renewed"); renewed != 0) std::cout << ", whole again " << human_time(renewed, now);
  std::cout << "\n";
}

/// What the admin should know after a change.
void print_concerns(const json::object& result) {
  if (const auto known = joined(result.at("known_to")); !known.empty()) {
    std::cout << "Accounts that log in from there and cannot now: " << known << ".\n";
  }
  if (const auto* why = result.if_contains("not_kept")) {
    std::cout << "In force, but it could not be written and will be forgotten at the next start: " << why->as_string().c_str()
              << "\n";
  }
}

int list(Invocation& run) {
  return call_and_show(run, "ban.list", {{"all", run.has("all")}}, [](const json::object& result) {
    const auto now = number(result, "now");
    std::vector<std::vector<std::string>> rows;
    for (const auto& ban : result.at("bans").as_array()) {
      const auto note = text(ban, "note");
      rows.push_back({text(ban, "network"), utc_text(number(ban, "since")), end_of(ban, now), text(ban, "by"),
                      std::to_string(number(ban, "turned_away")), text(ban, "reason") + (note.empty() ? "" : ": " + note)});
    }
    print_table({"NETWORK", "SINCE (UTC)", "ENDS", "BY", "TURNED AWAY", "WHY"}, rows, "Nobody is banned.");
  });
}

int add(Invocation& run) {
  json::object arguments{{"address", run.text("address")}, {"note", run.text("note")}};
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (run.has("expires")) {
    const auto until = time_ahead(run.text("expires"), now);
    if (!until) return show_failure(run, {exit_usage, until.error().text});
    arguments["until"] = *until;
  }
  return call_and_show(run, "ban.add", std::move(arguments), [](const json::object& result) {
    const auto until = number(result, "until");
    std::cout << text(result, "network") << " may not connect any more"
              << (until == 0 ? std::string(", until `postern ban remove`")
                             : "; the ban ends " + human_time(until, number(result, "now")))
              << ". Open connections go on.\n";
    print_concerns(result);
  });
}

int remove(Invocation& run) {
  return call_and_show(run, "ban.remove", {{"address", run.text("address")}}, [](const json::object& result) {
    std::cout << text(result, "network") << " may connect again; its failures are forgotten.\n";
    print_concerns(result);
  });
}

void print_address(const json::object& result) {
  const auto now = number(result, "now");
  std::cout << text(result, "address") << ": " << text(result, "verdict") << "\n";
  for (const auto& ban : result.at("bans").as_array()) print_ban(ban, now);
  std::cout << "Failed logins:\n";
  print_budget("in a minute,", result.at("minute"), now);
  print_budget("in a day,", result.at("day"), now);
  print_evidence(result.at("day").at("evidence"), "    ");
  print_budget("in a day, network", result.at("network"), now);
  const auto known = joined(result.at("known_to"));
  std::cout << "Accounts that log in from this network and are not locked out of it: " << (known.empty() ? "none" : known) << "\n"
            << "What would change this: " << text(result, "remedy") << "\n";
}

void print_account(const json::object& result) {
  const auto now = number(result, "now");
  std::cout << text(result, "account") << ": " << text(result, "verdict") << "\nWrong passwords in a day:\n";
  print_budget("from networks that it does not know,", result.at("strangers"), now);
  for (const auto& one : result.at("known_networks").as_array()) print_budget("from", one, now);
  std::cout << "What would change this: " << text(result, "remedy") << "\n";
}

int explain(Invocation& run) {
  return call_and_show(run, "ban.explain", {{"address", run.text("address")}}, [](const json::object& result) {
    result.contains("account") ? print_account(result) : print_address(result);
  });
}

}  // namespace

std::vector<Subcommand> ban_commands() {
  return {
      {"ban list",
       "show who may not connect, why, and until when",
       "postern ban list --all",
       {{"--all", "also bans that are over", Option::Kind::flag}},
       list},
      {"ban add",
       "keep an address or a network out",
       "postern ban add 192.0.2.0/24 --expires 30d --note \"ticket 4711\"",
       {network_option,
        {"--expires", "until when: a duration such as 12h or 30d, or a day such as 2027-01-31; without it until it is removed"},
        {"--note", "why, for those who come after you"}},
       add},
      {"ban remove", "let them in again and forget their failures", "postern ban remove 192.0.2.7", {network_option}, remove},
      {"ban explain",
       "say why an address is or is not banned, and what would lift it",
       "postern ban explain 192.0.2.7",
       {{"address", "an address; or an account, whose logins are explained", Option::Kind::text, true}},
       explain},
  };
}

}  // namespace postern::admin::cli
