// SPDX-License-Identifier: Apache-2.0
// postern backup FOLDER, postern verify FOLDER. The server makes a snapshot beside its store; this process, which has the admin's
// rights, takes it from there. So a server that was broken into cannot touch the backups.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/recovery.h"
#include "admin/json.h"
#include "base/file.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/backup_verify.h"

namespace postern::admin::cli {

namespace json = boost::json;
namespace sqlite = store::sqlite;

namespace {

std::string percent(const sqlite::CollectProgress& far) {
  return fmt::format("{} of {}", human_size(far.done), human_size(far.total));
}

std::string read_to_end(int fd) {
  std::string out;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) out.append(buffer.data(), static_cast<std::size_t>(n));
  return out;
}

/// Calls in a process of its own: without a running server the call opens the store as the server's user, and rights that are
/// given up there are needed here afterwards.
Reply call_apart(Invocation& run, std::string_view command) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return std::unexpected(Failure{exit_internal, errno_error("pipe", errno).text});
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return std::unexpected(Failure{exit_internal, errno_error("fork", errno).text});
  if (child == 0) {
    const auto answer = run.remote->call(command, {});
    const std::string line = answer ? to_line({{"result", *answer}})
                                    : to_line({{"code", static_cast<int>(answer.error().code)}, {"error", answer.error().text}});
    std::size_t done = 0;
    while (done < line.size()) {
      const auto n = ::write(writing.get(), line.data() + done, line.size() - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    run.remote->close();
    ::_exit(exit_ok);
  }
  writing.reset();
  const auto answer = parse_object(read_to_end(reading.get()));
  ::waitpid(child, nullptr, 0);
  if (!answer) return std::unexpected(Failure{exit_internal, "the snapshot was not made"});
  if (const auto* result = answer->if_contains("result")) return result->as_object();
  return std::unexpected(Failure{static_cast<ExitCode>(answer->at("code").to_number<int>()), optional_text(*answer, "error")});
}

int show_backups(const Invocation& run, const std::filesystem::path& folder) {
  const auto backups = sqlite::list_backups(folder);
  if (!backups) return show_error(run, backups.error());
  json::array list;
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : *backups) {
    std::uint64_t bytes = 0;
    for (const auto& segment : one.segments) bytes += segment.bytes;
    const bool log = !one.wal.run.empty() && std::filesystem::exists(folder / "wal" / one.wal.run);
    list.push_back(json::object{{"name", one.name}, {"time", one.time}, {"bytes", bytes}, {"point_in_time", log}});
    rows.push_back({one.name, show_moment(one.time), human_size(bytes), log ? "yes" : "no"});
  }
  if (run.json) {
    show_json({{"backups", std::move(list)}});
  } else {
    print_table({"NAME", "TIME", "MAIL", "POINT IN TIME"}, rows, "No backups.");
  }
  return exit_ok;
}

int show_made(const Invocation& run, const sqlite::Collected& made, const sqlite::Pruned& pruned) {
  std::uint64_t bytes = 0;
  for (const auto& segment : made.manifest.segments) bytes += segment.bytes;
  if (run.json) {
    json::array complaints;
    for (const auto& one : made.complaints) complaints.emplace_back(one);
    show_json({{"name", made.manifest.name},
               {"time", made.manifest.time},
               {"bytes", bytes},
               {"new_bytes", made.new_bytes},
               {"removed", pruned.backups},
               {"complaints", std::move(complaints)}});
  } else {
    std::cout << fmt::format("Backup {} is complete: {} of mail, {} of it new.\n", made.manifest.name, human_size(bytes),
                             human_size(made.new_bytes));
    if (pruned.backups > 0) std::cout << fmt::format("{} old backups were removed.\n", pruned.backups);
  }
  for (const auto& one : made.complaints) std::cerr << "postern: damaged in the store itself: " << one << "\n";
  return made.complaints.empty() ? exit_ok : exit_data_damaged;
}

/// Keeps only so many, when that was asked for.
Result<sqlite::Pruned> prune(const Invocation& run, const std::filesystem::path& folder) {
  if (!run.has("keep")) return sqlite::Pruned{};
  return sqlite::prune_backups(folder, std::stoull(run.text("keep")));
}

int backup(Invocation& run) {
  const std::filesystem::path folder = std::filesystem::absolute(run.text("folder"));
  if (run.has("list")) return show_backups(run, folder);
  ProgressLine progress(run);
  progress.show("making a snapshot");
  const auto answer = call_apart(run, "backup.stage");
  if (!answer) return show_failure(run, answer.error());
  const std::filesystem::path staged = optional_text(*answer, "folder");
  sqlite::CollectOrder order{.staged = staged, .folder = folder, .config = std::filesystem::absolute(run.config_path)};
  if (run.has("copy")) order.transfer = sqlite::Transfer::copy;
  if (run.has("without-secrets")) order.secrets = sqlite::CollectOrder::Secrets::without;
  const auto made = sqlite::collect_backup(order, [&](sqlite::CollectProgress far) { progress.show(percent(far)); });
  sqlite::remove_staged(staged.parent_path().parent_path(), staged.filename().string());
  if (!made) return show_error(run, made.error());
  const auto pruned = prune(run, folder);
  if (!pruned) return show_error(run, pruned.error());
  return show_made(run, *made, *pruned);
}

json::object describe(const sqlite::VerifiedBackup& one) {
  json::array findings;
  for (const auto& finding : one.findings) findings.emplace_back(finding);
  return {{"name", one.name},         {"time", one.time},     {"accounts", one.accounts},
          {"messages", one.messages}, {"bodies", one.bodies}, {"findings", std::move(findings)}};
}

void show_verified(const sqlite::Verified& verified) {
  for (const auto& one : verified.backups) {
    std::cout << fmt::format("{}  {}: {} accounts, {} messages, {} bodies\n", one.findings.empty() ? "ok     " : "DAMAGED",
                             one.name, one.accounts, one.messages, one.bodies);
    for (const auto& finding : one.findings) std::cout << "         " << finding << "\n";
  }
  if (verified.log_generations > 0 || !verified.log_findings.empty()) {
    std::cout << fmt::format("{}  point in time: {} pieces of the log\n", verified.log_findings.empty() ? "ok     " : "DAMAGED",
                             verified.log_generations);
  }
  for (const auto& finding : verified.log_findings) std::cout << "         " << finding << "\n";
}

int verify(Invocation& run) {
  ProgressLine progress(run);
  progress.show("reading");
  const auto verified = sqlite::verify_backups(
      {std::filesystem::absolute(run.text("folder")), run.text("name")},
      [&](sqlite::CollectProgress far) { progress.show(fmt::format("{} of {} backups", far.done, far.total)); });
  progress.show("");
  if (!verified) return show_error(run, verified.error());
  bool whole = verified->log_findings.empty();
  json::array backups;
  for (const auto& one : verified->backups) {
    whole = whole && one.findings.empty();
    backups.push_back(describe(one));
  }
  if (run.json) {
    json::array log;
    for (const auto& finding : verified->log_findings) log.emplace_back(finding);
    show_json({{"whole", whole},
               {"backups", std::move(backups)},
               {"log_generations", verified->log_generations},
               {"log_findings", std::move(log)}});
  } else {
    show_verified(*verified);
  }
  return whole ? exit_ok : exit_data_damaged;
}

}  // namespace

std::vector<Subcommand> backup_commands() {
  return {
      {"backup",
       "make a backup while the server runs; only what is new is copied",
       "postern backup /backup/postern --keep 14",
       {{"folder", "where backups are; made when missing, mode 0700", Option::Kind::text, true},
        {"--keep", "remove older ones so that so many stay", Option::Kind::number},
        {"--copy", "never share a file with the store by a hard link", Option::Kind::flag},
        {"--without-secrets", "without auth.db, keys and the configuration", Option::Kind::flag},
        {"--list", "show what the folder holds instead", Option::Kind::flag}},
       backup},
      {"verify",
       "read a folder of backups as a restore would, and tell what could not be got back",
       "postern verify /backup/postern",
       {{"folder", "where backups are", Option::Kind::text, true}, {"--name", "only this backup, by its name in the list"}},
       verify},
  };
}

}  // namespace postern::admin::cli
