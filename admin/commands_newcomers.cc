// SPDX-License-Identifier: Apache-2.0
// account.import: many accounts from one CSV file (admin/people_file.h), all of them or none. The command line calls it in steps
// with the same text: "read" finds what is wrong with the lines, "judge" asks the gate about some of the passwords, "make" makes
// the accounts. Only "make" changes anything, and it checks everything again.
//
// Invariant of "make": the accounts come with one transaction; when a password cannot be set afterwards, all of them go again.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <tuple>

#include "admin/accounts.h"
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/passwords.h"
#include "admin/people_file.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

/// Passwords judged by one call.
constexpr std::uint64_t most_judged = 100;

json::array told(const std::vector<FileProblem>& problems) {
  json::array out;
  for (const auto& one : problems) {
    out.push_back(json::object{{"line", one.line}, {"column", one.column}, {"error", one.text}});
  }
  return out;
}

/// The text, and against the directory: what stands against it is among the problems.
PeopleFile read_whole(Context context, std::string_view text) {
  auto file = read_people(text);
  std::vector<store::NewAccount> rows;
  for (auto& person : file.people) {
    const auto usual = default_quota(context, person.account.row.login);
    if (!person.has_quota) person.account.row.quota_bytes = usual.bytes;
    if (!person.has_quota_messages) person.account.row.quota_messages = usual.messages;
    rows.push_back(person.account);
  }
  const auto against = context.directory.objections(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& person = file.people[i];
    person.account = std::move(rows[i]);
    const auto& objection = against[i];
    const bool told_already = person.account.row.login.empty();
    if (objection && !told_already) file.problems.push_back({person.line, objection->column, objection->text});
  }
  std::ranges::sort(file.problems,
                    [](const auto& a, const auto& b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); });
  return file;
}

auth::Person person_of(const PersonLine& line) {
  return {.login = line.account.row.login, .name = line.account.row.name, .aliases = line.account.aliases};
}

async::Task<Answer> judge(Context context, PeopleFile file, Arguments arguments) {
  const auto from = optional_number(arguments, "from");
  const auto most = optional_number(arguments, "most");
  if (!from || !most) co_return std::unexpected((from ? most : from).error());
  const auto begin = std::min<std::uint64_t>(from->value_or(0), file.people.size());
  const auto end = std::min<std::uint64_t>(begin + std::min(most->value_or(most_judged), most_judged), file.people.size());
  std::vector<auth::PasswordWish> wishes;
  std::vector<std::size_t> lines;
  for (auto i = begin; i < end; ++i) {
    auto& person = file.people[i];
    if (person.password.empty()) continue;
    lines.push_back(person.line);
    wishes.push_back({person_of(person), Secret::take(person.password)});
  }
  const auto judgements = co_await context.auth.judge(std::move(wishes));
  if (!judgements) co_return std::unexpected(judgements.error());
  std::vector<FileProblem> problems;
  for (std::size_t i = 0; i < judgements->size(); ++i) {
    const auto& objection = (*judgements)[i].objection;
    if (objection) problems.push_back({lines[i], "password", objection->text});
  }
  co_return json::object{{"problems", told(problems)}, {"next", end}};
}

/// Takes back what was made before a password could not be set.
async::Task<> take_back(Context context, const std::vector<store::AccountId>& ids) {
  for (const auto id : ids) {
    const auto row = context.directory.account(id);
    if (!row) continue;
    const auto removed = co_await context.directory.remove_account(row->login);
    if (removed) (void)co_await context.office.forget_account(*row);
  }
}

/// The arguments of choose_password() for one line.
Arguments password_arguments(const PersonLine& person, const Arguments& general) {
  Arguments out;
  if (!person.hash.empty()) out["hash"] = person.hash;
  if (!person.password.empty()) out["password"] = person.password;
  if (!person.hash.empty() || !person.password.empty()) return out;
  for (const auto* key : {"words", "app_style"}) {
    if (const auto* value = general.if_contains(key)) out[key] = *value;
  }
  return out;
}

async::Task<Answer> make(Context context, PeopleFile file, Arguments arguments) {
  std::vector<store::NewAccount> rows;
  for (const auto& person : file.people) rows.push_back(person.account);
  const auto ids = co_await context.directory.add_accounts(std::move(rows));
  if (!ids) co_return std::unexpected(ids.error());
  json::array made;
  for (std::size_t i = 0; i < ids->size(); ++i) {
    const auto& person = file.people[i];
    json::object told{{"login", person.account.row.login}};
    Result<> set;
    const auto chosen = co_await choose_password(context, person_of(person), password_arguments(person, arguments));
    if (chosen) {
      set = co_await set_chosen(context, (*ids)[i], *chosen);
      tell_password(told, *chosen);
    } else {
      set = std::unexpected(chosen.error());
    }
    if (!set) {
      co_await take_back(context, *ids);
      co_return fail(set.error().kind,
                     fmt::format("line {}: {}: {} Nothing was made.", person.line, person.account.row.login, set.error().text));
    }
    made.push_back(std::move(told));
  }
  co_return json::object{{"made", std::move(made)}};
}

}  // namespace

namespace commands_of {

async::Task<Answer> account_import(Context context, Arguments arguments) {
  const auto text = text_argument(arguments, "text");
  if (!text) co_return fail(ErrorKind::invalid, "the file is empty; its first line names the columns: " + people_columns());
  const auto step = text_argument(arguments, "step");
  if (!step) co_return std::unexpected(step.error());
  auto file = read_whole(context, *text);
  if (*step == "read") {
    std::size_t given = 0, hashes = 0;
    for (const auto& person : file.people) {
      given += person.password.empty() ? 0 : 1;
      hashes += person.hash.empty() ? 0 : 1;
    }
    co_return json::object{{"problems", told(file.problems)},
                           {"people", file.people.size()},
                           {"passwords", given},
                           {"hashes", hashes},
                           {"generated", file.people.size() - given - hashes}};
  }
  if (!file.problems.empty()) {
    const auto& first = file.problems.front();
    co_return fail(ErrorKind::invalid,
                   fmt::format("line {}: {}{}{}", first.line, first.column, first.column.empty() ? "" : ": ", first.text));
  }
  if (*step == "judge") co_return co_await judge(context, std::move(file), std::move(arguments));
  if (*step == "make") co_return co_await make(context, std::move(file), std::move(arguments));
  co_return fail(ErrorKind::invalid, "step is \"read\", \"judge\" or \"make\"");
}

}  // namespace commands_of

}  // namespace postern::admin
