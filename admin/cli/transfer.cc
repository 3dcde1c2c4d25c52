// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/transfer.h"

#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/control.h"
#include "admin/json.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::minutes answer_limit{30};  ///< one batch, also on a slow disk
constexpr std::size_t shown_notes = 200;

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string rate(std::uint64_t messages, double seconds) {
  return fmt::format("{:.1f} s, {:.0f} messages/s", seconds, seconds > 0 ? static_cast<double>(messages) / seconds : 0.0);
}

json::array list(const std::vector<transfer::Note>& notes) {
  json::array out;
  for (const auto& note : notes) out.push_back(json::object{{"where", note.where}, {"what", note.what}});
  return out;
}

/// To standard error; long lists are cut, because a report is read by people.
void print_notes(std::string_view heading, const std::vector<transfer::Note>& notes) {
  if (notes.empty()) return;
  std::cerr << heading << "\n";
  for (std::size_t i = 0; i < std::min(notes.size(), shown_notes); ++i)
    std::cerr << "  " << notes[i].where << ": " << notes[i].what << "\n";
  if (notes.size() > shown_notes) std::cerr << "  … and " << notes.size() - shown_notes << " more; --json lists them\n";
}

template <class Report>
int end_of(const Invocation& run, const Report& report, const RunTime& time) {
  if (report.error) {
    const std::string again = is_temporary(report.error->kind) && report.error->kind != ErrorKind::over_quota
                                  ? "; what was done stays. Go on with: " + time.again
                                  : std::string();
    const Failure failure{code_for_answer(report.error->kind), report.error->text + again};
    return complain(failure);
  }
  if (report.stopped) return complain({exit_refused, "stopped; nothing is lost. Go on with: " + time.again});
  if (!report.failures.empty())
    return run.json ? exit_refused : complain({exit_refused, "not everything came over; see the list"});
  return exit_ok;
}

json::object describe(const transfer::FolderReport& folder) {
  return {{"source", folder.source}, {"mailbox", folder.mailbox}, {"found", folder.found}, {"added", folder.added},
          {"known", folder.known},   {"failed", folder.failed},   {"bytes", folder.bytes}};
}

template <class Report>
void add_end(json::object& out, const Report& report, const RunTime& time) {
  out["seconds"] = time.seconds;
  out["failures"] = list(report.failures);
  out["notes"] = list(report.notes);
  out["stopped"] = report.stopped;
  if (report.error) out["error"] = report.error->text;
}

Failure refusal(const json::object& answer) {
  const auto number = optional_number(answer, "exit_code");
  if (number && *number) return {static_cast<ExitCode>(**number), optional_text(answer, "error")};
  const bool denied = optional_text(answer, "kind") == to_string(ErrorKind::denied);
  return {denied ? exit_rights : exit_refused, optional_text(answer, "error")};
}

}  // namespace

async::Task<BoxResult> open_box(UniqueFd socket, std::string login) {
  OpenBox out;
  out.stream = std::make_unique<net::Connection>(net::make_socket_stream(co_await async::this_executor(), std::move(socket)),
                                                 net::ConnectionOptions{.local = {}, .peer = {}, .timeout = answer_limit});
  const auto no_answer = [] { return std::unexpected(Failure{exit_no_answer, "the server did not answer; its log says why"}); };
  if (!co_await out.stream->write(to_line({{"do", "mailboxes"}, {"with", {{"login", login}}}}))) co_return no_answer();
  const auto line = co_await out.stream->read_line(max_control_line);
  if (!line) co_return no_answer();
  const auto answer = parse_object(*line);
  if (!answer) co_return std::unexpected(Failure{exit_no_answer, answer.error().text});
  if (!optional_flag(*answer, "ok").value_or(false)) co_return std::unexpected(refusal(*answer));
  out.box = std::make_unique<transfer::RemoteBox>(*out.stream, std::filesystem::temp_directory_path());
  co_return out;
}

json::object describe(const transfer::ImportReport& report, const RunTime& time) {
  json::object out = describe(report.total);
  out.erase("source");
  out.erase("mailbox");
  json::array folders;
  for (const auto& folder : report.folders) folders.push_back(describe(folder));
  out["folders"] = std::move(folders);
  out["subscriptions"] = report.subscriptions;
  add_end(out, report, time);
  return out;
}

json::object describe(const transfer::ExportReport& report, const RunTime& time) {
  json::object out{{"written", report.total.written}, {"present", report.total.present}, {"bytes", report.total.bytes}};
  json::array folders;
  for (const auto& folder : report.folders) {
    folders.push_back(json::object{
        {"mailbox", folder.mailbox}, {"written", folder.written}, {"present", folder.present}, {"bytes", folder.bytes}});
  }
  out["folders"] = std::move(folders);
  add_end(out, report, time);
  return out;
}

int show(const Invocation& run, const transfer::ImportReport& report, const RunTime& time) {
  const auto& total = report.total;
  if (run.json) {
    const std::string line = to_line(describe(report, time));
    std::cout << ascii::trim(line) << "\n";
    return end_of(run, report, time);
  }
  const bool dry = run.has("dry-run");
  std::vector<std::vector<std::string>> rows;
  for (const auto& folder : report.folders) {
    rows.push_back({folder.source, folder.mailbox, std::to_string(folder.found), std::to_string(folder.added),
                    std::to_string(folder.known), std::to_string(folder.failed), human_size(folder.bytes)});
  }
  print_table({"SOURCE", "MAILBOX", "FOUND", dry ? "NEW" : "IMPORTED", "KNOWN", "FAILED", "SIZE"}, rows, "Nothing was found.");
  if (dry) {
    std::cout << plural(total.added, "message", "messages") << " (" << human_size(total.bytes)
              << ") would be imported; nothing was changed.\n";
  } else {
    std::cout << plural(total.added, "message", "messages") << " (" << human_size(total.bytes) << ") imported in "
              << rate(total.found, time.seconds) << "; " << total.known << " were imported before, " << total.failed
              << " could not be.\n";
  }
  print_notes("Worth knowing:", report.notes);
  print_notes("Not imported:", report.failures);
  return end_of(run, report, time);
}

int show(const Invocation& run, const transfer::ExportReport& report, const RunTime& time) {
  const auto& total = report.total;
  if (run.json) {
    const std::string line = to_line(describe(report, time));
    std::cout << ascii::trim(line) << "\n";
    return end_of(run, report, time);
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& folder : report.folders) {
    rows.push_back({folder.mailbox, std::to_string(folder.written), std::to_string(folder.present), human_size(folder.bytes)});
  }
  print_table({"MAILBOX", "WRITTEN", "PRESENT", "SIZE"}, rows, "Nothing was found.");
  std::cout << plural(total.written, "message", "messages") << " (" << human_size(total.bytes) << ") written in "
            << rate(total.written, time.seconds) << "; " << total.present << " were there already.\n";
  print_notes("Worth knowing:", report.notes);
  print_notes("Not exported:", report.failures);
  return end_of(run, report, time);
}

}  // namespace postern::admin::cli
