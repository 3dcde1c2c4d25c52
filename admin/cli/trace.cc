// SPDX-License-Identifier: Apache-2.0
// postern trace: the story of a message on one screen.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <ctime>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/cli/time.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

/// A detail as text; "" when there is none.
std::string text(const json::object& event, std::string_view name) {
  const auto* const value = event.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string list(const json::object& event, std::string_view name) {
  std::string out;
  const auto* const value = event.if_contains(name);
  if (value == nullptr || !value->is_array()) return out;
  for (const auto& one : value->as_array()) {
    if (one.is_string()) out += (out.empty() ? "" : ", ") + std::string(one.as_string());
  }
  return out;
}

void line(std::string_view when, std::string_view what, std::string_view words) {
  if (!words.empty()) std::cout << fmt::format("  {:19}  {:10} {}\n", when, what, words);
}

std::string when_of(const json::object& event) { return utc_text(event.at("at_ms").to_number<std::int64_t>() / 1000); }

std::string client_of(const json::object& event) {
  const auto helo = text(event, "helo");
  const auto tls = text(event, "tls");
  const auto account = text(event, "account");
  return text(event, "client") + (helo.empty() ? "" : " greeting " + helo) + ", door " + text(event, "door") +
         (tls.empty() ? ", no TLS" : ", " + tls) + (account.empty() ? "" : ", account " + account);
}

/// Rules that found something, one a line; of the others the number.
void show_rules(const json::object& event) {
  const auto* const rules = event.if_contains("rule");
  if (rules == nullptr || !rules->is_array()) return;
  std::size_t passed = 0;
  for (const auto& one : rules->as_array()) {
    const auto& rule = one.as_object();
    const auto outcome = text(rule, "outcome");
    if (outcome == "pass") {
      ++passed;
      continue;
    }
    const auto points = rule.at("points").to_number<double>();
    const auto why = text(rule, "text");
    line("", "rule",
         fmt::format("{} {}{}{}", text(rule, "rule"), outcome, points == 0 ? "" : fmt::format(" {:+}", points),
                     why.empty() ? "" : ": " + why));
  }
  if (passed != 0) line("", "rules", fmt::format("{} more found nothing", passed));
}

void show_arrival(const json::object& event) {
  line(when_of(event), "connection", client_of(event));
  line("", "envelope", text(event, "from") + " to " + list(event, "to"));
  const auto id = text(event, "message_id");
  line("", "message", text(event, "size").empty() ? "" : text(event, "size") + " octets" + (id.empty() ? "" : ", <" + id + ">"));
  show_rules(event);
  const auto kind = text(event, "kind");
  line("", kind == "accepted" ? "accepted" : "refused", text(event, "reply"));
  line("", "mailbox", list(event, "mailbox"));
  line("", "queue", list(event, "queue"));
}

void show_attempt(const json::object& event) {
  const auto server = text(event, "server");
  const auto next = text(event, "next");
  line(when_of(event), "attempt " + text(event, "number"),
       fmt::format("{}{}: {} ({}){}", list(event, "to"), server.empty() ? "" : " at " + server, text(event, "result"),
                   text(event, "reply"), next.empty() ? "" : ", next " + utc_text(std::stoll(next))));
}

/// What somebody did to the message in a mailbox.
void show_deed(const json::object& event, const std::string& kind) {
  const auto into = text(event, "into_name");
  line(when_of(event), kind == "removed" ? "deleted" : kind,
       fmt::format("{}by {} ({}, {}){}", into.empty() ? "" : "to " + into + " ", text(event, "who"), text(event, "door"),
                   text(event, "client"), kind == "removed" ? " with its mailbox " + text(event, "of_name") : ""));
}

void show_event(const json::object& event) {
  const auto kind = text(event, "kind");
  if (event.contains("who")) return show_deed(event, kind);
  if (kind == "attempt") return show_attempt(event);
  if (kind == "notice") {
    const auto not_sent = text(event, "not_sent");
    return line(when_of(event), "notice",
                text(event, "about") + (not_sent.empty() ? ", sent to " + text(event, "from") : ", not sent: " + not_sent));
  }
  if (kind == "connection") {
    line(when_of(event), "connection", client_of(event));
    return line("", "ended", text(event, "errors") + " mistakes, the last one: " + text(event, "last_refusal"));
  }
  show_arrival(event);
}

void show(const json::object& result) {
  const auto& stories = result.at("stories").as_array();
  for (const auto& one : stories) {
    const auto& story = one.as_object();
    const auto message = text(story, "message");
    std::cout << (message.empty() ? std::string("(no message)") : "Message " + message) << "\n";
    for (const auto& event : story.at("events").as_array()) show_event(event.as_object());
    std::cout << "\n";
  }
  const auto& kept = result.at("kept").as_object();
  const auto oldest = kept.at("oldest_ms").to_number<std::int64_t>();
  std::cout << (stories.empty() ? "Nothing found. " : "")
            << fmt::format("Kept: {} events since {}, {}\n", kept.at("events").to_number<std::uint64_t>(),
                           oldest == 0 ? "now" : utc_text(oldest / 1000),
                           human_size(kept.at("bytes").to_number<std::uint64_t>()));
}

/// Adds a time to the arguments; nothing, or the failure.
std::optional<Failure> add_time(Invocation& run, const std::string& option, std::string_view key, json::object& arguments) {
  if (!run.has(option)) return std::nullopt;
  const auto at = time_ago(run.text(option), std::time(nullptr));
  if (!at) return Failure{exit_usage, "--" + option + ": " + at.error().text};
  arguments[key] = *at;
  return std::nullopt;
}

int trace(Invocation& run) {
  json::object arguments{{"what", run.text("what")}};
  if (const auto failure = add_time(run, "since", "from", arguments)) return show_failure(run, *failure);
  if (const auto failure = add_time(run, "until", "until", arguments)) return show_failure(run, *failure);
  if (run.has("most")) arguments["most"] = std::stoull(run.text("most"));
  if (run.text("what").empty() && !run.has("since")) {
    return show_failure(
        run, {exit_usage, "say what: a Message-ID, the name in our 250, a queue number, an address, a client; or --since 1h"});
  }
  return call_and_show(run, "trace", std::move(arguments), show);
}

}  // namespace

std::vector<Subcommand> trace_commands() {
  return {{"trace",
           "show the whole story of messages: how they came, what the rules said, where they went",
           "postern trace alice@example.org --since 2h",
           {{"what", "a Message-ID, the name in our 250 reply, a queue number, an address, or a client's address"},
            {"--since", "from when: 30m, 2h, 7d, or a day, 2027-01-31"},
            {"--until", "until when, the same way"},
            {"--most", "so many messages, the newest; 20 without it, at most 1000", Option::Kind::number}},
           trace}};
}

}  // namespace postern::admin::cli
