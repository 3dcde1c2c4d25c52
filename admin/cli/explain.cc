// SPDX-License-Identifier: Apache-2.0
// postern explain: what port 25 of the running server would say to a mail, without sending anything.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "base/encoding.h"
#include "base/file.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t message_max = 8 * 1024 * 1024;

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

/// A file as it would come over the wire: each line ends in CR LF.
std::string on_the_wire(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  char last = '\0';
  for (const char c : text) {
    if (c == '\n' && last != '\r') out += '\r';
    out += c;
    last = c;
  }
  if (last != '\n') out += "\r\n";
  return out;
}

void show_rules(const json::object& result) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& rule : result.at("rules").as_array()) {
    const auto points = rule.at("points").to_number<double>();
    rows.push_back({text_of(rule.at("stage")), text_of(rule.at("rule")), text_of(rule.at("setting")), text_of(rule.at("outcome")),
                    points == 0 ? std::string() : fmt::format("{:+}", points), text_of(rule.at("text"))});
  }
  print_table({"STAGE", "RULE", "SETTING", "OUTCOME", "POINTS", "WHY"}, rows, "No rule was asked.");
}

void show_steps(const json::object& result) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& step : result.at("steps").as_array()) {
    const auto command = text_of(step.at("command"));
    rows.push_back({command.empty() ? "(connection)" : command, text_of(step.at("reply"))});
  }
  print_table({"WHAT THE CLIENT SAYS", "WHAT WE SAY"}, rows, "");
}

std::string last_word(const json::object& result) {
  const auto outcome = text_of(result.at("outcome"));
  if (outcome == "banned") return "turned away at once: " + text_of(result.at("ban")) + " is banned (postern ban explain)";
  const auto& steps = result.at("steps").as_array();
  const auto reply = steps.empty() ? std::string() : text_of(steps.back().at("reply"));
  if (outcome != "accepted") return outcome + " with " + reply;
  return result.at("whole").as_bool() ? "accepted" : "the recipient would be taken; with --file the message is judged too";
}

void show(const json::object& result) {
  show_steps(result);
  std::cout << "\n";
  show_rules(result);
  const auto points = result.at("points").to_number<double>();
  const auto reject_at = result.at("reject_at").to_number<double>();
  const auto defer_at = result.at("defer_at").to_number<double>();
  std::cout << fmt::format("\nPoints:  {}", points);
  if (defer_at > 0) std::cout << fmt::format(", put off from {}", defer_at);
  if (reject_at > 0) std::cout << fmt::format(", refused from {}", reject_at);
  std::cout << "\n";
  for (const auto& one : result.at("destinations").as_array())
    std::cout << (text_of(result.at("outcome")) == "accepted" ? "Goes to: " : "Would go to: ") << text_of(one) << "\n";
  if (const auto added = text_of(result.at("added")); !added.empty()) std::cout << "Above the message:\n" << added;
  std::cout << "Outcome: " << last_word(result) << "\n";
}

int explain(Invocation& run) {
  json::object arguments{{"ip", run.text("ip")}, {"to", run.text("to")}, {"from", run.text("from")}, {"helo", run.text("helo")}};
  if (run.has("file")) {
    const auto file = read_file(run.text("file"));
    if (!file) return show_failure(run, {exit_usage, "--file: " + file.error().text});
    if (file->size() > message_max) return show_failure(run, {exit_usage, "--file: more than 8 MiB; leave attachments out"});
    arguments["message"] = base64_encode(on_the_wire(*file));
  }
  return call_and_show(run, "explain", std::move(arguments), show);
}

std::vector<Option> options() {
  return {{"--ip", "the client's address", Option::Kind::text, true},
          {"--to", "the recipient", Option::Kind::text, true},
          {"--from", "the sender; without it the null sender"},
          {"--helo", "its greeting; without it its address in brackets"},
          {"--file", "the message, up to 8 MiB; without it only client, greeting, sender and recipient are judged"}};
}

}  // namespace

std::vector<Subcommand> explain_commands() {
  return {
      {"explain", "show what port 25 would say to a mail, and why, without sending anything",
       "postern explain --ip 192.0.2.7 --from eve@example.net --to alice@example.org --file mail.eml", options(), explain},
      {"rule explain", "the same as `postern explain`",
       "postern rule explain --ip 192.0.2.7 --from eve@example.net --to alice@example.org", options(), explain},
  };
}

}  // namespace postern::admin::cli
