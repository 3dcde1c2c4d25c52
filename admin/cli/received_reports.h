// SPDX-License-Identifier: Apache-2.0
// Reports that other servers have mailed to us: the attachments of the newest messages in the account that gets them
// ([reports] received_by), or a file. Nothing is changed, no message is marked as read.
#pragma once

#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/cli/subcommand.h"
#include "base/clock.h"
#include "policy/report_archive.h"

namespace postern::admin::cli {

/// Messages that are looked at, the newest of the mailbox, without --messages.
inline constexpr std::size_t report_messages = 500;
/// Largest message or file that is looked at.
inline constexpr std::size_t report_file_max = 20 * 1024 * 1024;

/// One attachment that may be a report.
struct ReceivedFile {
  std::string name;       ///< as the mail calls it; may be empty
  UnixTime received = 0;  ///< 0 for a file on disk
  std::string bytes;      ///< as attached
};
using ReceivedFiles = std::expected<std::vector<ReceivedFile>, Failure>;

/// The attachments of a message whose media type or name is that of a report: XML, JSON, gzip, zip.
std::vector<ReceivedFile> attached_reports(std::string_view message, UnixTime received);

/// Options that choose the mailbox: --account, --mailbox, --messages.
std::vector<Option> mailbox_options();
/// Attachments of the account's mailbox, the newest first.
ReceivedFiles read_report_mailbox(Invocation& run);
/// A file on disk.
ReceivedFiles read_report_file(const std::string& path);

/// The reports of some files, each once.
template <class Report>
struct ReadReports {
  std::vector<Report> reports;
  std::size_t unreadable = 0;  ///< files that hold none
  std::string why;             ///< of the last of them
};
/// `read`: text -> Result<Report>. `key`: what makes a report the same as another one.
template <class Report, class Read, class Key>
ReadReports<Report> read_reports(const std::vector<ReceivedFile>& files, Read read, Key key) {
  ReadReports<Report> out;
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& file : files) {
    const auto unpacked = policy::unpack_reports(file.bytes);
    if (!unpacked) out.why = unpacked.error().text;
    bool any = false;
    for (const auto& text : unpacked ? *unpacked : std::vector<std::string>()) {
      auto report = read(text);
      if (!report) out.why = report.error().text;
      if (!report) continue;
      any = true;
      if (known.insert(key(*report)).second) out.reports.push_back(*std::move(report));
    }
    if (!any) ++out.unreadable;
  }
  return out;
}

}  // namespace postern::admin::cli
