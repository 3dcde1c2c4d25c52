// SPDX-License-Identifier: Apache-2.0
// postern account password|passwords|weak
#include "admin/cli/passwords.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/json.h"
#include "base/ascii.h"
#include "base/secret.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option login_option{"login", "the account's address, for example alice@example.org", Option::Kind::text, true};

/// Passwords judged by one request; a line of the control socket holds them with ease.
constexpr std::size_t judged_at_once = 50;
constexpr std::size_t most_lines = 100'000;

/// A line of the file: whose password, and which; empty for a fresh one.
struct Wanted {
  std::size_t line = 0;
  std::string login;
  std::string password;
};

int password(Invocation& run) {
  json::object arguments{{"login", run.text("login")}};
  if (run.has("old-password-stdin")) {
    auto old = read_line_from_stdin();
    if (old.empty()) return show_failure(run, {exit_usage, "no old password came on standard input; write it as its first line"});
    arguments["old_password"] = std::move(old);
  }
  if (const auto mistake = add_password(run, arguments); !mistake.empty()) return show_failure(run, {exit_usage, mistake});
  return call_and_show(run, "account.password", std::move(arguments), [&](const json::object& result) {
    std::cout << "The password of " << run.text("login") << " is changed.\n";
    show_password(result);
  });
}

/// "login,password"; the password is all behind the first comma.
std::expected<std::vector<Wanted>, Failure> read_wanted(std::istream& in) {
  std::vector<Wanted> out;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    const auto comma = line.find(',');
    Wanted one{number, std::string(ascii::trim(line.substr(0, comma))), {}};
    if (comma != std::string::npos) one.password = line.substr(comma + 1);
    if (one.login.find('@') == std::string::npos) {
      return std::unexpected(
          Failure{exit_refused, fmt::format("line {}: write login,password (or login alone for a fresh password)", number)});
    }
    if (out.size() == most_lines) {
      return std::unexpected(Failure{exit_refused, fmt::format("more than {} lines; split the file", most_lines)});
    }
    out.push_back(std::move(one));
  }
  if (in.bad()) return std::unexpected(Failure{exit_refused, "the file could not be read to its end"});
  if (out.empty()) return std::unexpected(Failure{exit_refused, "there is no line in it; write login,password"});
  return out;
}

/// What the gate says against them, "line 3: alice@example.org: Too short: …"; nothing is changed yet.
std::expected<std::vector<std::string>, Failure> objections(Invocation& run, const std::vector<Wanted>& wanted) {
  std::vector<const Wanted*> given;
  for (const auto& one : wanted) {
    if (!one.password.empty()) given.push_back(&one);
  }
  std::vector<std::string> out;
  for (std::size_t at = 0; at < given.size(); at += judged_at_once) {
    json::array wishes;
    const auto end = std::min(at + judged_at_once, given.size());
    for (std::size_t i = at; i < end; ++i) {
      wishes.push_back(json::object{{"login", given[i]->login}, {"password", given[i]->password}});
    }
    const auto answer = run.remote->call("account.judge", {{"wishes", std::move(wishes)}});
    if (!answer) return std::unexpected(answer.error());
    std::size_t i = at;
    for (const auto& judgement : answer->at("judgements").as_array()) {
      const auto& one = *given[i++];
      if (judgement.at("accepted").as_bool()) continue;
      out.push_back(fmt::format("line {}: {}: {}", one.line, one.login, std::string_view(judgement.at("text").as_string())));
    }
  }
  return out;
}

/// Sets them one by one; what fails is told and does not stop the others.
int set_all(Invocation& run, const std::vector<Wanted>& wanted) {
  const bool progress = !run.json && ::isatty(STDERR_FILENO) != 0;
  json::array changed;
  json::array failed;
  for (const auto& one : wanted) {
    json::object arguments{{"login", one.login}};
    if (!one.password.empty()) {
      arguments["password"] = one.password;
    } else if (const auto mistake = add_password(run, arguments); !mistake.empty()) {
      return show_failure(run, {exit_usage, mistake});
    }
    auto answer = run.remote->call("account.password", std::move(arguments));
    if (answer) {
      if (const auto* fresh = answer->if_contains("password"); fresh != nullptr && !run.json) {
        std::cout << one.login << "," << std::string_view(fresh->as_string()) << "\n";
      }
      changed.push_back(std::move(*answer));
    } else {
      failed.push_back(json::object{{"line", one.line}, {"login", one.login}, {"error", answer.error().text}});
      if (!run.json) std::cerr << "postern: line " << one.line << ": " << one.login << ": " << answer.error().text << "\n";
    }
    if (progress) std::cerr << "\r" << changed.size() << " of " << wanted.size() << " changed" << std::flush;
  }
  if (progress) std::cerr << "\n";
  const int code = failed.empty() ? exit_ok : exit_refused;
  if (run.json)
    std::cout << json::serialize(json::object{{"changed", std::move(changed)}, {"failed", std::move(failed)}}) << "\n";
  return code;
}

int passwords(Invocation& run) {
  const auto name = run.text("file");
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file) return show_failure(run, {exit_refused, name + " cannot be read"});
  }
  const auto wanted = read_wanted(name == "-" ? std::cin : file);
  if (!wanted) return show_failure(run, wanted.error());
  const auto against = objections(run, *wanted);
  if (!against) return show_failure(run, against.error());
  if (!against->empty()) {
    std::string text;
    for (const auto& line : *against) text += line + "\n";
    return show_failure(run, {exit_refused, text + "Nothing was changed."});
  }
  return set_all(run, *wanted);
}

int weak(Invocation& run) {
  return call_and_show(run, "account.weak", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    const auto now = result.at("now").to_number<std::int64_t>();
    for (const auto& row : result.at("accounts").as_array()) {
      rows.push_back({std::string(row.at("login").as_string()), std::string(row.at("text").as_string()),
                      human_time(row.at("since").to_number<std::int64_t>(), now)});
    }
    print_table({"ACCOUNT", "ITS PASSWORD", "FOUND"}, rows, "No weak password was used to log in.");
    if (!rows.empty()) std::cout << "They can still log in. Give a new password with: postern account password LOGIN\n";
  });
}

}  // namespace

std::string add_password(const Invocation& run, json::object& arguments) {
  if (run.has("words")) arguments["words"] = std::stoull(run.text("words"));
  if (run.has("app-style")) arguments["app_style"] = true;
  if (run.has("words") && run.has("app-style")) return "say --words or --app-style, not both";
  const int sources = (run.has("words") || run.has("app-style")) + run.has("password-stdin") + run.has("hash");
  if (sources > 1)
    return "a password is given, or its hash, or it is made: say one of --password-stdin, --hash, --words and --app-style";
  if (run.has("hash")) {
    auto hash = run.text("hash") == "-" ? read_line_from_stdin() : run.text("hash");
    if (hash.empty()) return "no hash came on standard input; write it as one line";
    arguments["hash"] = std::move(hash);
  }
  if (!run.has("password-stdin")) return {};
  auto password = read_line_from_stdin();
  if (password.empty()) return "no password came on standard input; write it as one line, or leave --password-stdin out";
  arguments["password"] = std::move(password);
  return {};
}

void show_password(const json::object& result) {
  if (const auto* password = result.if_contains("password")) {
    std::cout << "Password: " << std::string_view(password->as_string()) << "\nIt is shown only this once.\n";
  }
  if (const auto* advice = result.if_contains("advice")) std::cout << std::string_view(advice->as_string()) << "\n";
}

std::vector<Subcommand> password_commands() {
  return {
      {"account password",
       "give an account a new password; without --password-stdin a strong one is made and shown once",
       "postern account password alice@example.org",
       {login_option,
        password_stdin_option,
        {"--old-password-stdin",
         "read the old password first, as a line of its own: it must be right, and the new one must not be made from it",
         Option::Kind::flag},
        hash_option,
        words_option,
        app_style_option},
       password},
      {"account passwords",
       "give many accounts new passwords, all of them or, when the gate refuses one, none; fresh ones are printed",
       "postern account passwords new.csv",
       {{"file", "lines of login,password, or login alone for a fresh password; - for standard input", Option::Kind::text, true},
        words_option,
        app_style_option},
       passwords},
      {"account weak", "show whose password was found weak when it was used", "postern account weak", {}, weak},
  };
}

}  // namespace postern::admin::cli
