// SPDX-License-Identifier: Apache-2.0
// postern import and export: what their rows share. The reports are made here, the rows in import.cc and export.cc.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "admin/cli/line.h"
#include "admin/cli/progress_bar.h"
#include "admin/cli/subcommand.h"
#include "transfer/exporter.h"
#include "transfer/importer.h"
#include "transfer/remote_box.h"

namespace postern::admin::cli {

/// One account's mailboxes behind a line, for the time of one command.
struct OpenBox {
  std::unique_ptr<net::Connection> stream;
  std::unique_ptr<transfer::RemoteBox> box;
};
using BoxResult = std::expected<OpenBox, Failure>;
/// Begins the conversation about the account's mailboxes.
async::Task<BoxResult> open_box(UniqueFd socket, std::string login);

/// How a run ended, for people and for scripts.
struct RunTime {
  double seconds = 0;
  std::string again;  ///< the command line that goes on
};
boost::json::object describe(const transfer::ImportReport& report, const RunTime& time);
boost::json::object describe(const transfer::ExportReport& report, const RunTime& time);
/// Prints the report and gives the exit code: 0 only when everything came over.
int show(const Invocation& run, const transfer::ImportReport& report, const RunTime& time);
int show(const Invocation& run, const transfer::ExportReport& report, const RunTime& time);

}  // namespace postern::admin::cli
