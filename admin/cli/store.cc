// SPDX-License-Identifier: Apache-2.0
// postern store info|verify|compact|dump
#include <unistd.h>

#include <boost/json/array.hpp>
#include <chrono>
#include <iostream>
#include <thread>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/json.h"
#include "base/ascii.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds ask_interval{200};
constexpr std::size_t segments_shown = 20;
constexpr std::uint64_t percent = 100;

std::uint64_t number(const json::object& result, const char* name) { return result.at(name).to_number<std::uint64_t>(); }
std::string text_of(const json::value& value) { return std::string(value.as_string()); }
std::string size(const json::object& result, const char* name) { return human_size(number(result, name)); }

std::string when(const json::object& result, const char* name) {
  const auto at = result.at(name).to_number<std::int64_t>();
  return at <= 0 ? "never" : human_time(at, result.at("now").to_number<std::int64_t>());
}

void line(std::string_view name, const std::string& value) { std::cout << fmt::format("{:<14}{}\n", name, value); }

void show_segments(const json::object& result) {
  std::vector<std::vector<std::string>> rows;
  const auto& segments = result.at("segments").as_array();
  const auto now = result.at("now").to_number<std::int64_t>();
  for (const auto& value : segments) {
    if (rows.size() == segments_shown) break;
    const auto& one = value.as_object();
    const auto bytes = number(one, "bytes");
    const auto verified = one.at("verified").to_number<std::int64_t>();
    const auto pinned = one.at("pinned_until").to_number<std::int64_t>();
    rows.push_back({std::to_string(number(one, "id")), text_of(one.at("kind")), text_of(one.at("state")), human_size(bytes),
                    fmt::format("{} %", bytes == 0 ? 0 : number(one, "dead") * percent / bytes),
                    std::to_string(number(one, "bodies")),
                    verified < 0    ? "damaged"
                    : verified == 0 ? "never"
                                    : human_time(verified, now),
                    pinned > now ? "until " + human_time(pinned, now) : ""});
  }
  print_table({"SEGMENT", "KIND", "STATE", "SIZE", "DEAD", "BODIES", "CHECKED", "PINNED"}, rows, "There are no segments yet.");
  if (segments.size() > rows.size()) std::cout << fmt::format("and {} more; --json shows all\n", segments.size() - rows.size());
}

void show_info(const json::object& result) {
  line("Folder", text_of(result.at("folder")));
  line("Schema", std::to_string(number(result, "schema")));
  line("Mail", fmt::format("{} messages of {} in {} mailboxes of {} accounts", number(result, "messages"),
                           size(result, "message_bytes"), number(result, "mailboxes"), number(result, "accounts")));
  line("Undelete", fmt::format("{} messages of {}", number(result, "undelete_messages"), size(result, "undelete_bytes")));
  line("Queue", fmt::format("{} messages", number(result, "queue")));
  line("Index", fmt::format("{}, log {}, credentials {}", size(result, "index_bytes"), size(result, "log_bytes"),
                            size(result, "credentials_bytes")));
  line("Bodies", fmt::format("{} files of {}, {} of it dead", number(result, "segment_files"), size(result, "segment_bytes"),
                             size(result, "dead_bytes")));
  line("Search text", result.at("text_kept").as_bool()
                          ? fmt::format("{} of {} messages, {} waiting", size(result, "text_bytes"),
                                        number(result, "text_messages"), number(result, "text_waiting"))
                          : "not kept (store.search_text)");
  line("Disk", fmt::format("{} free, ballast {}{}", size(result, "free_bytes"), size(result, "ballast_bytes"),
                           result.at("refusing_mail").as_bool() ? "; NEW MAIL IS REFUSED: free some space" : ""));
  line("Last audit",
       when(result, "last_audit") + (number(result, "last_audit_findings") == 0
                                         ? std::string()
                                         : fmt::format(", {} findings left", number(result, "last_audit_findings"))));
  line("Next audit", when(result, "next_audit"));
  std::cout << "\n";
  show_segments(result);
}

int info(Invocation& run) { return call_and_show(run, "store.info", {}, show_info); }

/// One line that is written over again; only on a terminal.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted) : on_(wanted && ::isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  void show(const json::object& job) {
    if (!on_) return;
    const auto total = number(job, "total");
    std::string text = text_of(job.at("phase")) == "waiting" ? "waiting for other housekeeping" : text_of(job.at("stage"));
    if (total > 0) {
      text += fmt::format(": {} of {}, {} %", human_size(number(job, "done")), human_size(total),
                          std::min(percent, number(job, "done") * percent / total));
    }
    clear();
    std::cerr << text << std::flush;
    shown_ = true;
  }

 private:
  void clear() {
    if (std::exchange(shown_, false)) std::cerr << "\r\033[K" << std::flush;
  }
  const bool on_;
  bool shown_ = false;
};

/// Starts the job and waits for its end.
Reply run_job(Invocation& run, json::object order) {
  const auto started = run.remote->call("store.start", std::move(order));
  if (!started) return started;
  const auto job = number(*started, "job");
  ProgressLine progress(!run.json);
  for (;;) {
    auto state = run.remote->call("store.job", {{"job", job}});
    if (!state || state->at("ended").as_bool()) return state;
    progress.show(*state);
    std::this_thread::sleep_for(ask_interval);
  }
}

/// Shows the end of a job; its code is that of `ok` unless the job itself failed.
int show_job(const Invocation& run, const Reply& state, ExitCode ok, const std::function<void(const json::object&)>& show) {
  if (!state) return show_failure(run, state.error());
  const std::string phase = text_of(state->at("phase"));
  if (phase == "failed") return show_failure(run, {exit_refused, text_of(state->at("error"))});
  if (phase == "stopped") return show_failure(run, {exit_refused, "the server stopped before the job was done"});
  if (run.json) {
    const std::string out = to_line(*state);
    std::cout << ascii::trim(out) << "\n";
  } else {
    show(*state);
  }
  return ok;
}

void show_findings(const json::object& job) {
  for (const auto& value : job.at("findings").as_array()) {
    const auto& one = value.as_object();
    std::cout << (one.at("repaired").as_bool() ? "repaired  " : "FOUND     ") << text_of(one.at("finding")) << "\n";
  }
  const auto more = number(job, "findings_count") - job.at("findings").as_array().size();
  if (more > 0) std::cout << fmt::format("and {} more; the metrics count them\n", more);
}

int verify(Invocation& run) {
  const auto state = run_job(run, {{"what", "audit"}, {"bodies", run.has("bodies")}, {"repair", !run.has("no-repair")}});
  const bool well = state && number(*state, "left") == 0;
  return show_job(run, state, well ? exit_ok : exit_data_damaged, [&](const json::object& job) {
    show_findings(job);
    if (run.has("bodies"))
      std::cout << fmt::format("{} bodies of {} were read.\n", number(job, "bodies_read"), size(job, "bytes_read"));
    if (number(job, "findings_count") == 0)
      std::cout << "All is well.\n";
    else
      std::cout << fmt::format("{} findings, {} repaired, {} left{}\n", number(job, "findings_count"), number(job, "repaired"),
                               number(job, "left"), well ? "." : "; get what is damaged back from a backup.");
  });
}

int compact(Invocation& run) {
  json::object order{{"what", "compact"}, {"all", run.has("all")}};
  if (run.has("segment")) order["segment"] = std::stoull(run.text("segment"));
  const auto state = run_job(run, std::move(order));
  return show_job(run, state, exit_ok, [](const json::object& job) {
    show_findings(job);
    const auto count = number(job, "segments");
    if (count == 0)
      std::cout << "Nothing to do: no file has enough dead bytes; --all takes those with fewer.\n";
    else
      std::cout << fmt::format("{} {} rewritten, {} given back.\n", count, count == 1 ? "file" : "files",
                               size(job, "bytes_reclaimed"));
  });
}

int dump(Invocation& run) {
  json::object order;
  if (run.has("account")) order["account"] = run.text("account");
  for (const char* name : {"mailbox", "uid", "segment", "offset", "most"}) {
    if (run.has(name)) order[name] = std::stoull(run.text(name));
  }
  return call_and_show(run, "store.dump", std::move(order), [](const json::object& result) {
    for (const auto& row : result.at("rows").as_array()) {
      const std::string out = to_line(row.as_object());
      std::cout << ascii::trim(out) << "\n";
    }
  });
}

}  // namespace

std::vector<Subcommand> store_commands() {
  return {
      {"store info", "sizes of index and files, dead bytes, disk, audits", "postern store info", {}, info},
      {"store verify",
       "audit counters, quotas, references and files, and repair what can be derived",
       "postern store verify --bodies",
       {{"--bodies", "read every body and compare its checksum", Option::Kind::flag},
        {"--no-repair", "only tell what is wrong", Option::Kind::flag}},
       verify},
      {"store compact",
       "rewrite files of bodies that are mostly dead",
       "postern store compact --all",
       {{"--segment", "only this file", Option::Kind::number},
        {"--all", "every full file with dead bytes, not only those above store.compact_above", Option::Kind::flag}},
       compact},
      {"store dump",
       "rows of the index, or the record at a place of a file, as lines of JSON",
       "postern store dump --mailbox 7 --uid 12",
       {{"--account", "login: its mailboxes and addresses"},
        {"--mailbox", "id of a mailbox, from the account's rows", Option::Kind::number},
        {"--uid", "one message of the mailbox", Option::Kind::number},
        {"--segment", "number of a file of bodies", Option::Kind::number},
        {"--offset", "where the stored body begins in it; without it the first record", Option::Kind::number},
        {"--most", "rows of each table, 1000 unless said otherwise", Option::Kind::number}},
       dump},
  };
}

}  // namespace postern::admin::cli
