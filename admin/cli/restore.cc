// SPDX-License-Identifier: Apache-2.0
// postern restore message|mailbox|account|everything|list. This process makes the moment ready in the data folder; the running
// server (or, when none runs, the store itself) takes it from there in steps. The same command run again after any interruption
// goes on where it stopped. Without a mail.db `restore everything` builds the whole data folder.
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/recovery.h"
#include "admin/commands_recovery.h"
#include "admin/json.h"
#include "base/log.h"
#include "store/sqlite/restore_source.h"

namespace postern::admin::cli {

namespace json = boost::json;
namespace sqlite = store::sqlite;

namespace {

const std::vector<Option> source_options{{"--from", "folder of the backups", Option::Kind::text, true},
                                         {"--at", "the moment: \"2026-11-22 09:30\", 6h; without it as new as there is"}};
const Option login{"login", "whose mail", Option::Kind::text, true};
const Option mailbox{"mailbox", "name of the mailbox", Option::Kind::text, true};
const Option into{"--into", "the name it gets; without it Restored/TIME/NAME"};
const Option replace{"--replace", "in the place of mailboxes that differ (undelete keeps those)", Option::Kind::flag};
const Option force{"--force", "although the quota is full", Option::Kind::flag};

/// What a restore is about, as text and as values.
struct Plan {
  std::string word;
  store::RestoreScope scope = store::RestoreScope::everything;
  std::filesystem::path from;
  std::optional<UnixTime> at;
  std::filesystem::path data_dir;
  std::string job;
  config::Server server;
};

/// FNV-1a: the same command has the same job.
std::string job_name(const Invocation& run, const Plan& plan, const std::string& moment) {
  constexpr std::uint64_t offset_basis = 14695981039346656037ULL;
  constexpr std::uint64_t prime = 1099511628211ULL;
  std::uint64_t hash = offset_basis;
  for (const auto& part : {plan.word, plan.from.string(), moment, run.text("login"), run.text("mailbox"), run.text("uid"),
                           run.text("into"), run.text("replace")}) {
    for (const char c : part + '\n') hash = (hash ^ static_cast<unsigned char>(c)) * prime;
  }
  return fmt::format("{}-{:016x}", plan.word, hash);
}

std::expected<Plan, Failure> make_plan(const Invocation& run, const char* word, store::RestoreScope scope) {
  const auto config = configuration_of(run);
  if (!config) return std::unexpected(config.error());
  Plan plan{word, scope, std::filesystem::absolute(run.text("from")), {}, config->server.data_dir, {}, config->server};
  const auto at = moment_option(run, "at");
  if (!at) return std::unexpected(Failure{exit_usage, at.error().text});
  plan.at = *at;
  const auto backups = sqlite::list_backups(plan.from);
  if (!backups) return std::unexpected(Failure{code_for_answer(backups.error().kind), backups.error().text});
  plan.job = job_name(run, plan, plan.at ? std::to_string(*plan.at) : backups->back().name);
  return plan;
}

std::string beside(UnixTime time) {
  const std::time_t seconds = time;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("Restored/{:04}-{:02}-{:02} {:02}.{:02}.{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

json::object begin_arguments(const Invocation& run, const Plan& plan, UnixTime time) {
  json::object out{{"job", plan.job}, {"scope", plan.word}, {"beside", beside(time)}};
  for (const char* name : {"login", "mailbox", "into"}) {
    if (run.has(name)) out[name] = run.text(name);
  }
  if (run.has("uid")) out["uid"] = std::stoull(run.text("uid"));
  if (run.has("replace")) out["replace"] = true;
  if (run.has("force")) out["force"] = true;
  return out;
}

/// What all steps did together.
struct Totals {
  std::uint64_t messages = 0, repaired = 0, mailboxes = 0;
  std::vector<std::string> notes;

  void add(const json::object& step) {
    messages += step.at("messages").to_number<std::uint64_t>();
    repaired += step.at("repaired").to_number<std::uint64_t>();
    mailboxes = step.at("mailboxes").to_number<std::uint64_t>();
    for (const auto& note : step.at("notes").as_array()) notes.emplace_back(note.as_string());
  }
};

/// Steps until the server says that it is done.
std::expected<Totals, Failure> carry_out(Invocation& run, const Plan& plan, UnixTime time, ProgressLine& progress) {
  Totals totals;
  auto answer = run.remote->call("restore.begin", begin_arguments(run, plan, time));
  for (;;) {
    if (!answer) return std::unexpected(answer.error());
    totals.add(*answer);
    if (answer->at("finished").as_bool()) break;
    progress.show(fmt::format("{} of {} mailboxes, {} messages", answer->at("mailboxes_done").to_number<std::uint64_t>(),
                              totals.mailboxes, totals.messages));
    answer = run.remote->call("restore.step", {{"job", plan.job}});
  }
  auto ended = run.remote->call("restore.end", {{"job", plan.job}});
  if (!ended) return std::unexpected(ended.error());
  return totals;
}

int show_totals(const Invocation& run, const Totals& totals, const std::vector<std::string>& missing) {
  if (run.json) {
    json::array notes;
    json::array lost;
    for (const auto& note : totals.notes) notes.emplace_back(note);
    for (const auto& one : missing) lost.emplace_back(one);
    show_json({{"messages", totals.messages},
               {"repaired", totals.repaired},
               {"notes", std::move(notes)},
               {"missing", std::move(lost)}});
    return exit_ok;
  }
  for (const auto& note : totals.notes) std::cout << note << "\n";
  std::cout << fmt::format("{} messages were brought back", totals.messages);
  if (totals.repaired > 0) std::cout << fmt::format(", {} damaged ones repaired", totals.repaired);
  std::cout << ".\n";
  for (const auto& one : missing) std::cerr << "postern: lost in the backup too: " << one << "\n";
  return exit_ok;
}

int show_rebuilt(const Invocation& run, const sqlite::Rebuilt& built, const std::filesystem::path& data_dir) {
  if (run.json) {
    json::array lost;
    for (const auto& one : built.complaints) lost.emplace_back(one);
    show_json({{"rebuilt", data_dir.string()},
               {"backup", built.source.base.name},
               {"time", built.source.time},
               {"accounts", built.accounts},
               {"messages", built.messages},
               {"held", built.held},
               {"missing", std::move(lost)}});
  } else {
    std::cout << fmt::format("{} is complete again as of {}: {} accounts, {} messages.\n", data_dir.string(),
                             show_moment(built.source.time), built.accounts, built.messages);
    if (built.held > 0) {
      std::cout << fmt::format(
          "{} recipients of mail that waited are held, for they may have got it since; let them go with:\n"
          "  postern queue release --all\n",
          built.held);
    }
    std::cout << "Choose a new folder for further backups of this store.\n";
  }
  for (const auto& one : built.complaints) std::cerr << "postern: lost in the backup too: " << one << "\n";
  return built.complaints.empty() ? exit_ok : exit_data_damaged;
}

/// The folder for a store that is not there; made by root it belongs to the user that the server runs as.
Result<> make_data_folder(const Plan& plan) {
  const bool there = std::filesystem::exists(plan.data_dir);
  if (auto made = sqlite::make_private_folder(plan.data_dir); !made) return made;
  if (there || ::geteuid() != 0 || plan.server.user.empty()) return {};
  const auto* user = ::getpwnam(plan.server.user.c_str());
  const auto* group = ::getgrnam(plan.server.group.c_str());
  if (!user) return fail(ErrorKind::not_found, "server.user: there is no user " + plan.server.user);
  const auto gid = group ? group->gr_gid : user->pw_gid;
  if (::chown(plan.data_dir.c_str(), user->pw_uid, gid) != 0) {
    return std::unexpected(errno_error("give away " + plan.data_dir.string(), errno));
  }
  return {};
}

/// The disaster: there is no store to restore into.
int rebuild(Invocation& run, const Plan& plan, ProgressLine& progress) {
  if (auto made = make_data_folder(plan); !made) return show_error(run, made.error());
  SystemClock clock;
  Log log(LogLevel::error, stderr_sink());
  const auto built = sqlite::rebuild({plan.from, plan.at, plan.data_dir}, clock, log, [&](sqlite::CollectProgress far) {
    progress.show(fmt::format("{} of {}", human_size(far.done), human_size(far.total)));
  });
  progress.show("");
  if (!built) return show_error(run, built.error());
  return show_rebuilt(run, *built, plan.data_dir);
}

int restore(Invocation& run, const char* word, store::RestoreScope scope) {
  const auto plan = make_plan(run, word, scope);
  if (!plan) return show_failure(run, plan.error());
  ProgressLine progress(run);
  if (!std::filesystem::exists(plan->data_dir / "mail.db")) {
    if (scope == store::RestoreScope::everything) return rebuild(run, *plan, progress);
    return show_failure(
        run, {exit_data_damaged, fmt::format("{} has no mail.db; build all of it with: postern restore everything --from {}",
                                             plan->data_dir.string(), plan->from.string())});
  }
  progress.show("making the moment ready");
  Log log(LogLevel::error, stderr_sink());
  const auto scratch = plan->data_dir / "restore" / plan->job;
  if (auto made = sqlite::make_private_folder(scratch); !made) return show_error(run, made.error());
  sqlite::give_to_owner(scratch.parent_path(), plan->data_dir);
  sqlite::give_to_owner(scratch, plan->data_dir);
  const auto source = sqlite::materialise({plan->from, plan->at, scratch}, log);
  if (!source) return show_error(run, source.error());
  const auto uid = run.has("uid") ? static_cast<store::Uid>(std::stoull(run.text("uid"))) : store::Uid{0};
  const auto missing = sqlite::stage_bodies(plan->from, scratch, {scope, run.text("login"), run.text("mailbox"), uid});
  if (!missing) return show_error(run, missing.error());
  const auto totals = carry_out(run, *plan, source->time, progress);
  progress.show("");
  if (!totals) return show_failure(run, totals.error());
  return show_totals(run, *totals, *missing);
}

json::object describe(const sqlite::SourceEntry& entry) {
  json::object out{{"login", entry.login}};
  if (!entry.mailbox.empty()) out["mailbox"] = entry.mailbox;
  if (entry.uid == 0) {
    out["messages"] = entry.messages;
    out["bytes"] = entry.bytes;
    return out;
  }
  const auto brief = brief_of(entry.envelope);
  out["uid"] = entry.uid;
  out["size"] = entry.bytes;
  out["internal_date"] = entry.internal_date;
  out["from"] = brief.from;
  out["subject"] = brief.subject;
  return out;
}

void show_entries(const std::vector<sqlite::SourceEntry>& entries) {
  std::vector<std::vector<std::string>> rows;
  const bool messages = !entries.empty() && entries.front().uid != 0;
  for (const auto& entry : entries) {
    const auto brief = brief_of(entry.envelope);
    if (messages) {
      rows.push_back(
          {std::to_string(entry.uid), human_size(entry.bytes), show_moment(entry.internal_date), brief.from, brief.subject});
    } else {
      rows.push_back(
          {entry.mailbox.empty() ? entry.login : entry.mailbox, std::to_string(entry.messages), human_size(entry.bytes)});
    }
  }
  if (messages) {
    print_table({"UID", "SIZE", "RECEIVED", "FROM", "SUBJECT"}, rows, "No messages.");
  } else {
    print_table({"NAME", "MESSAGES", "SIZE"}, rows, "Nothing.");
  }
}

int list(Invocation& run) {
  const auto plan = make_plan(run, "list", store::RestoreScope::everything);
  if (!plan) return show_failure(run, plan.error());
  Log log(LogLevel::error, stderr_sink());
  std::string pattern = (std::filesystem::temp_directory_path() / "postern-list-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) return show_error(run, errno_error("make " + pattern, errno));
  const std::filesystem::path scratch = pattern;
  const auto source = sqlite::materialise({plan->from, plan->at, scratch / "moment"}, log);
  const auto entries = source ? sqlite::list_source(scratch / "moment", run.text("login"), run.text("mailbox"))
                              : Result<std::vector<sqlite::SourceEntry>>(std::unexpected(source.error()));
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  if (!entries) return show_error(run, entries.error());
  if (!run.json) {
    show_entries(*entries);
    return exit_ok;
  }
  json::array out;
  for (const auto& entry : *entries) out.push_back(describe(entry));
  show_json({{"backup", source->base.name}, {"time", source->time}, {"entries", std::move(out)}});
  return exit_ok;
}

Subcommand row(const char* path, const char* summary, const char* example, std::vector<Option> options, const char* word,
               store::RestoreScope scope) {
  options.insert(options.end(), source_options.begin(), source_options.end());
  return {path, summary, example, std::move(options), [word, scope](Invocation& run) { return restore(run, word, scope); }};
}

}  // namespace

std::vector<Subcommand> restore_commands() {
  using Scope = store::RestoreScope;
  std::vector<Subcommand> rows{
      row("restore message", "bring one message back out of a backup",
          "postern restore message alice@example.org INBOX 17 --from /backup/postern",
          {login,
           mailbox,
           {"uid", "its UID in the backup; `postern restore list` shows it", Option::Kind::number, true},
           into,
           force},
          "message", Scope::message),
      row("restore mailbox", "bring one mailbox back out of a backup",
          "postern restore mailbox alice@example.org Projects --from /backup/postern --at \"2026-11-22 09:30\"",
          {login, mailbox, into, replace, force}, "mailbox", Scope::mailbox),
      row("restore account", "bring all mail of an account back, and the account itself when it was removed",
          "postern restore account alice@example.org --from /backup/postern", {login, replace, force}, "account", Scope::account),
      row("restore everything", "bring back whatever differs; without a store, build the whole data folder",
          "postern restore everything --from /backup/postern --at 6h", {replace, force}, "everything", Scope::everything)};
  std::vector<Option> options{{"login", "show the mailboxes of this account"}, {"mailbox", "show the messages of this mailbox"}};
  options.insert(options.end(), source_options.begin(), source_options.end());
  rows.push_back({"restore list", "show what a backup holds",
                  "postern restore list alice@example.org INBOX --from /backup/postern", std::move(options), list});
  return rows;
}

}  // namespace postern::admin::cli
