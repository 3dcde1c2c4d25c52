// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/app.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "admin/cli/remote.h"
#include "admin/json.h"
#include "base/ascii.h"

namespace postern::admin::cli {

namespace {

constexpr const char* config_variable = "POSTERN_CONFIG";

std::string bare_name(std::string_view name) {
  while (name.starts_with('-')) name.remove_prefix(1);
  return std::string(name);
}

// Finds or makes the CLI11 node of a path: "account add" is the node "add" below "account".
class Nodes {
 public:
  explicit Nodes(CLI::App& root) : root_(root) {}
  CLI::App& at(const std::string& path) {
    if (const auto found = made_.find(path); found != made_.end()) return *found->second;
    const auto space = path.rfind(' ');
    CLI::App& parent = space == std::string::npos ? root_ : at(path.substr(0, space));
    parent.require_subcommand(1);
    auto* node = parent.add_subcommand(space == std::string::npos ? path : path.substr(space + 1));
    node->fallthrough();
    made_[path] = node;
    return *node;
  }

 private:
  CLI::App& root_;
  std::map<std::string, CLI::App*> made_;
};

void add_option(CLI::App& node, const Option& option, Invocation& run) {
  const auto key = bare_name(option.name);
  if (option.kind == Option::Kind::flag) {
    node.add_flag_callback(option.name, [&run, key] { run.values[key] = "yes"; }, option.help);
    return;
  }
  auto* added = node.add_option_function<std::string>(
      option.name, [&run, key](const std::string& text) { run.values[key] = text; }, option.help);
  if (option.kind == Option::Kind::number) added->check(CLI::NonNegativeNumber);
  if (option.kind == Option::Kind::size) added->transform(CLI::AsSizeValue(false));
  added->required(option.required);
}

}  // namespace

std::string Invocation::text(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

int run(int argc, char** argv, Program program) {
  CLI::App app{"Postern, a complete mail server in one program"};
  app.name("postern");
  app.set_version_flag("--version", program.version);
  app.require_subcommand(1);
  app.footer(
      "Every command has --help with an example. Commands talk to the running server, or to its data folder when none runs.");
  Invocation run;
  run.config_path = default_config_path;
  app.add_option("-c,--config", run.config_path, "configuration file")->envname(config_variable)->capture_default_str();
  app.add_flag("--json", run.json, "print the answer as JSON");
  app.fallthrough();

  std::vector<Subcommand> rows = std::move(program.extra);
  for (auto* group :
       {&server_commands, &domain_commands, &account_commands, &alias_commands, &queue_commands, &config_commands}) {
    for (auto& row : (*group)()) rows.push_back(std::move(row));
  }
  Nodes nodes(app);
  for (const auto& row : rows) {
    auto& node = nodes.at(row.path);
    node.description(row.summary);
    node.footer(std::string("Example:\n  ") + row.example);
    for (const auto& option : row.options) add_option(node, option, run);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? exit_ok : exit_usage;
  }
  LazyRemote remote(run.config_path, program.offline);
  run.remote = &remote;
  for (const auto& row : rows) {
    if (nodes.at(row.path).parsed()) return row.run(run);
  }
  return exit_usage;
}

int call_and_show(Invocation& run, std::string_view command, boost::json::object arguments,
                  const std::function<void(const boost::json::object&)>& show) {
  const auto answer = run.remote->call(command, std::move(arguments));
  if (!answer) {
    std::cerr << "postern: " << answer.error().text << "\n";
    switch (answer.error().kind) {
      case ErrorKind::closed:
      case ErrorKind::timeout: return exit_no_answer;
      case ErrorKind::denied: return exit_rights;
      case ErrorKind::no_space: return exit_disk_full;
      case ErrorKind::corrupt: return exit_data_damaged;
      default: return exit_refused;
    }
  }
  if (run.json) {
    std::string line = to_line(*answer);
    std::cout << ascii::trim(line) << "\n";
  } else {
    show(*answer);
  }
  return exit_ok;
}

}  // namespace postern::admin::cli
