// SPDX-License-Identifier: Apache-2.0
// What the commands about backups share: moments as people write them, progress on a terminal, the way to the data folder.
#pragma once

#include <functional>

#include "admin/cli/subcommand.h"
#include "base/clock.h"
#include "config/parse.h"

namespace postern::admin::cli {

/// "2026-11-22T09:16:12Z", "2026-11-22 09:16" and "2026-11-22" in local time, "90m", "6h", "3d" ago, or seconds since 1970 after
/// an "@". Error invalid.
Result<UnixTime> parse_moment(std::string_view text, UnixTime now);
/// "2026-11-22 10:16:12" in local time.
std::string show_moment(UnixTime time);
/// The option as a moment, when it was given.
Result<std::optional<UnixTime>> moment_option(const Invocation& run, const std::string& name);

/// One line that is written over again, on a terminal only; gone at the end.
class ProgressLine {
 public:
  explicit ProgressLine(const Invocation& run);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  void show(std::string_view text);

 private:
  const bool on_;
  bool shown_ = false;
};

/// Prints the object as one line of JSON.
void show_json(const boost::json::object& object);
/// The failure of an error that happened here, not in the server.
int show_error(const Invocation& run, const Error& error);
std::expected<config::Config, Failure> configuration_of(const Invocation& run);

/// Rows of each noun.
std::vector<Subcommand> undelete_commands();
std::vector<Subcommand> backup_commands();
std::vector<Subcommand> restore_commands();

}  // namespace postern::admin::cli
