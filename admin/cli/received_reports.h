// SPDX-License-Identifier: Apache-2.0
// Reports that other servers have mailed to us: the attachments of the newest messages in the account that gets them
// ([reports] received_by), or a file. Nothing is changed, no message is marked as read.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "admin/cli/subcommand.h"
#include "base/clock.h"

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

}  // namespace postern::admin::cli
