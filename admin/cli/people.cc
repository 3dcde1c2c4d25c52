// SPDX-License-Identifier: Apache-2.0
// postern account import: checks the whole file first and tells everything that is wrong with it. Without --apply nothing is ever
// changed; with it all accounts are made, or none.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iostream>
#include <iterator>

#include "admin/cli/output.h"
#include "admin/cli/passwords.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

/// Larger ones do not fit into a line of the control socket.
constexpr std::size_t max_file = 8 * 1024 * 1024;
constexpr std::size_t judged_at_once = 25;

bool shows_progress(const Invocation& run) { return !run.json && ::isatty(STDERR_FILENO) != 0; }

std::expected<std::string, Failure> file_text(const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file) return std::unexpected(Failure{exit_refused, name + " cannot be read"});
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return std::unexpected(Failure{exit_refused, name + " could not be read to its end"});
  if (text.size() > max_file) return std::unexpected(Failure{exit_refused, name + " is larger than 8 MiB; split it"});
  return text;
}

/// What the gate says against the passwords, a few at a time.
std::expected<json::array, Failure> judge_all(Invocation& run, const std::string& text, std::size_t people) {
  json::array problems;
  for (std::size_t at = 0; at < people; at += judged_at_once) {
    auto answer = run.remote->call("account.import", {{"text", text}, {"step", "judge"}, {"from", at}, {"most", judged_at_once}});
    if (!answer) return std::unexpected(answer.error());
    for (auto& one : answer->at("problems").as_array()) problems.push_back(std::move(one));
    if (shows_progress(run))
      std::cerr << "\r" << std::min(at + judged_at_once, people) << " of " << people << " checked" << std::flush;
  }
  if (shows_progress(run) && people > 0) std::cerr << "\n";
  return problems;
}

int tell_problems(const Invocation& run, const json::array& problems) {
  if (run.json) std::cout << json::serialize(json::object{{"applied", false}, {"problems", problems}}) << "\n";
  for (const auto& one : problems) {
    const std::string_view column = one.at("column").as_string();
    std::cerr << fmt::format("postern: line {}{}{}: {}\n", one.at("line").to_number<std::size_t>(), column.empty() ? "" : ", ",
                             column, std::string_view(one.at("error").as_string()));
  }
  std::cerr << fmt::format("postern: {} {} in the file; nothing was changed\n", problems.size(),
                           problems.size() == 1 ? "mistake" : "mistakes");
  return exit_refused;
}

int tell_plan(const Invocation& run, json::object plan) {
  plan.erase("problems");
  plan["applied"] = false;
  if (run.json) {
    std::cout << json::serialize(plan) << "\n";
    return exit_ok;
  }
  std::cout << fmt::format(
      "The file is good: {} accounts, {} with a password of the file, {} with a hash, {} with one that is made.\n"
      "Nothing was changed yet; run the same with --apply.\n",
      plan.at("people").to_number<std::size_t>(), plan.at("passwords").to_number<std::size_t>(),
      plan.at("hashes").to_number<std::size_t>(), plan.at("generated").to_number<std::size_t>());
  return exit_ok;
}

int make(Invocation& run, const std::string& text, std::size_t people) {
  json::object arguments{{"text", text}, {"step", "make"}};
  if (run.has("words")) arguments["words"] = std::stoull(run.text("words"));
  if (run.has("app-style")) arguments["app_style"] = true;
  if (shows_progress(run)) std::cerr << "Making " << people << " accounts; each password takes a moment ...\n";
  auto answer = run.remote->call("account.import", std::move(arguments));
  if (!answer) return show_failure(run, answer.error());
  auto& made = answer->at("made").as_array();
  if (run.json) {
    std::cout << json::serialize(json::object{{"applied", true}, {"made", std::move(made)}}) << "\n";
    return exit_ok;
  }
  bool generated = false;
  for (const auto& one : made) {
    const auto* password = one.as_object().if_contains("password");
    if (password == nullptr) continue;
    generated = true;
    std::cout << std::string_view(one.at("login").as_string()) << "," << std::string_view(password->as_string()) << "\n";
  }
  std::cerr << made.size() << " accounts exist now." << (generated ? " The passwords above are shown only this once." : "")
            << "\n";
  return exit_ok;
}

int import_people(Invocation& run) {
  if (run.has("words") && run.has("app-style")) return show_failure(run, {exit_usage, "say --words or --app-style, not both"});
  const auto text = file_text(run.text("file"));
  if (!text) return show_failure(run, text.error());
  auto plan = run.remote->call("account.import", {{"text", *text}, {"step", "read"}});
  if (!plan) return show_failure(run, plan.error());
  const auto people = plan->at("people").to_number<std::size_t>();
  if (const auto& problems = plan->at("problems").as_array(); !problems.empty()) return tell_problems(run, problems);
  if (plan->at("passwords").to_number<std::size_t>() > 0) {
    const auto problems = judge_all(run, *text, people);
    if (!problems) return show_failure(run, problems.error());
    if (!problems->empty()) return tell_problems(run, *problems);
  }
  return run.has("apply") ? make(run, *text, people) : tell_plan(run, std::move(*plan));
}

}  // namespace

std::vector<Subcommand> people_commands() {
  return {
      {"account import",
       "make many accounts from a CSV file, all or none; without --apply the file is only checked",
       "postern account import people.csv --apply",
       {{"file", "CSV with a header row, such as login,name,password,aliases,groups,quota; - for standard input",
         Option::Kind::text, true},
        {"--apply", "make the accounts", Option::Kind::flag},
        words_option,
        app_style_option},
       import_people},
  };
}

}  // namespace postern::admin::cli
