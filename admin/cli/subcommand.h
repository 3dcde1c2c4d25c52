// SPDX-License-Identifier: Apache-2.0
// A subcommand of `postern` as data: path, options, example, function. app.cc makes the command-line parser from these rows;
// each file of this folder gives the rows of one noun. No file but app.cc knows CLI11.
#pragma once

#include <boost/json/object.hpp>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/cli/line.h"
#include "admin/control.h"
#include "admin/exit_code.h"

namespace postern::admin::cli {

/// An option or, when the name has no dashes, a positional argument.
struct Option {
  enum class Kind : unsigned char { text, number, size, flag };
  const char* name;
  const char* help;
  Kind kind = Kind::text;
  bool required = false;
};

/// A command's answer, or why there is none, with the exit code.
using Reply = std::expected<boost::json::object, Failure>;

/// Where commands go: to the running server, or to the store itself when none runs.
class Remote {
 public:
  virtual ~Remote() = default;
  virtual Reply call(std::string_view command, boost::json::object arguments) = 0;
  /// Lets go of the store, when it was opened without a server.
  virtual void close() {}
};

/// One run of a subcommand.
struct Invocation {
  std::filesystem::path config_path;
  bool json = false;                          ///< --json: print the answer as JSON
  std::map<std::string, std::string> values;  ///< option name without dashes → text as given ("yes" for flags)
  Remote* remote = nullptr;
  LineOpener offline_line = {};  ///< for conversations (admin/cli/line.h)

  bool has(const std::string& name) const { return values.contains(name); }
  std::string text(const std::string& name) const;
};

struct Subcommand {
  const char* path;     ///< "account add"
  const char* summary;  ///< one line
  const char* example;  ///< a whole command line for --help
  std::vector<Option> options;
  std::function<int(Invocation&)> run;
};

/// Rows of each noun.
std::vector<Subcommand> domain_commands();
std::vector<Subcommand> account_commands();
std::vector<Subcommand> password_commands();
std::vector<Subcommand> credential_commands();
std::vector<Subcommand> people_commands();
std::vector<Subcommand> alias_commands();
std::vector<Subcommand> forward_commands();
std::vector<Subcommand> ban_commands();
std::vector<Subcommand> group_commands();
std::vector<Subcommand> address_commands();
std::vector<Subcommand> mailbox_commands();
std::vector<Subcommand> dkim_commands();
std::vector<Subcommand> queue_commands();
std::vector<Subcommand> sending_commands();
std::vector<Subcommand> tls_commands();
std::vector<Subcommand> rule_commands();
std::vector<Subcommand> explain_commands();
std::vector<Subcommand> trace_commands();
std::vector<Subcommand> audit_commands();
std::vector<Subcommand> store_commands();
std::vector<Subcommand> import_commands();
std::vector<Subcommand> export_commands();
std::vector<Subcommand> server_commands();
std::vector<Subcommand> config_commands();
std::vector<Subcommand> dmarc_commands();

/// Calls the command; prints errors to standard error. With --json prints the answer or {"error":…,"exit_code":…}; otherwise
/// `show` prints the answer for people.
int call_and_show(Invocation& run, std::string_view command, boost::json::object arguments,
                  const std::function<void(const boost::json::object&)>& show);

/// Prints a failure as call_and_show() does, and gives its code.
int show_failure(const Invocation& run, const Failure& failure);

}  // namespace postern::admin::cli
