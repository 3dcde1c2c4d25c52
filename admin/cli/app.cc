// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/app.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "admin/cli/recovery.h"
#include "admin/cli/remote.h"
#include "admin/json.h"
#include "base/ascii.h"

namespace postern::admin::cli {

namespace {

constexpr const char* config_variable = "POSTERN_CONFIG";
constexpr std::size_t max_digits = 18;  ///< fits 64 bits

// What the nouns mean, for the list of commands; the verbs are added by Nodes::describe().
const std::map<std::string, const char*, std::less<>> nouns{
    {"account", "people"},
    {"account app-password", "passwords of single devices"},
    {"account forward", "mail that is sent on to other addresses"},
    {"address", "what becomes of mail for an address"},
    {"alias", "further addresses"},
    {"ban", "who may not connect"},
    {"breach", "the offline list of breached passwords"},
    {"config", "the configuration file"},
    {"dkim", "keys that sign what leaves"},
    {"dmarc", "what other servers report about our domains"},
    {"dmarc report", "reports as tables"},
    {"domain", "the domains whose mail we take"},
    {"export", "mail out of Postern, to files"},
    {"group", "people with rules or an address in common"},
    {"group member", "who belongs to a group"},
    {"import", "mail into Postern"},
    {"mailbox", "mailboxes, and who may use them"},
    {"queue", "mail that waits to leave"},
    {"restore", "mail out of a backup"},
    {"rule", "what port 25 lets in"},
    {"sandbox", "the walls around the server"},
    {"store", "the mail on the disk"},
    {"tls", "encryption between mail servers"},
    {"tls report", "what other servers report about TLS with ours"},
    {"undelete", "deleted mail, without a backup"},
};

constexpr const char* first_steps =
    "First steps:\n"
    "  postern config sample > /etc/postern/postern.toml\n"
    "  postern config check\n"
    "  postern domain add example.org\n"
    "  postern account add alice@example.org\n"
    "  postern serve\n\n"
    "Every command has --help with an example. Commands talk to the running server, or to its data folder when none runs.";

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
  /// Gives each noun its meaning and its verbs.
  void describe() const {
    for (const auto& [path, node] : made_) {
      std::string verbs;
      for (const auto* const verb : node->get_subcommands({})) verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
      if (verbs.empty()) continue;
      const auto noun = nouns.find(path);
      node->description(noun == nouns.end() ? verbs : noun->second + (": " + verbs));
    }
  }

 private:
  CLI::App& root_;
  std::map<std::string, CLI::App*> made_;
};

// CLI11 validators: the text of the mistake, empty when all is well.
std::string check_number(std::string& text) {
  const bool digits = !text.empty() && text.size() <= max_digits && std::ranges::all_of(text, ascii::is_digit);
  return digits ? std::string() : text + " is no number of at least 0";
}

std::string size_to_octets(std::string& text) {
  const CLI::AsSizeValue convert(false);
  const std::string given = text;
  try {
    if (convert(text).empty()) return {};
  } catch (const CLI::ValidationError&) {
  }
  return given + " is no size; write for example 500MiB or 5GiB";
}

void add_option(CLI::App& node, const Option& option, Invocation& run) {
  const auto key = bare_name(option.name);
  if (option.kind == Option::Kind::flag) {
    node.add_flag_callback(option.name, [&run, key] { run.values[key] = "yes"; }, option.help);
    return;
  }
  auto* added = node.add_option_function<std::string>(
      option.name, [&run, key](const std::string& text) { run.values[key] = text; }, option.help);
  added->type_name(option.kind == Option::Kind::number ? "N" : option.kind == Option::Kind::size ? "SIZE" : "TEXT");
  if (option.kind == Option::Kind::number) added->check(CLI::Validator(&check_number, ""));
  if (option.kind == Option::Kind::size) added->transform(CLI::Validator(&size_to_octets, ""));
  added->required(option.required);
}

// The example of a command, or those of all commands below a noun.
void add_examples(Nodes& nodes, const std::vector<Subcommand>& rows) {
  std::map<std::string, std::string> below;
  for (const auto& row : rows) {
    const std::string path = row.path;
    nodes.at(path).footer(std::string("Example:\n  ") + row.example);
    if (const auto space = path.find(' '); space != std::string::npos)
      below[path.substr(0, space)] += std::string("\n  ") + row.example;
  }
  for (const auto& [noun, examples] : below) nodes.at(noun).footer("Examples:" + examples);
}

// One line: what is wrong and where the help is.
int complain_about_usage(const CLI::App& app, const CLI::ParseError& error) {
  std::string path = "postern";
  for (const CLI::App* node = &app; !node->get_subcommands().empty();) {
    node = node->get_subcommands().front();
    path += " " + node->get_name();
  }
  std::string what = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) && what.starts_with("A subcommand")) {
    const auto unknown = app.remaining(true);
    what = unknown.empty() ? "a command is missing" : "there is no \"" + unknown.front() + "\" here";
  }
  return complain({exit_usage, what + "; see: " + path + " --help"});
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
  app.footer(first_steps);
  Invocation run;
  run.config_path = default_config_path;
  app.add_option("-c,--config", run.config_path, "configuration file")->envname(config_variable)->capture_default_str();
  app.add_flag("--json", run.json, "print the answer as JSON");
  app.fallthrough();

  std::vector<Subcommand> rows = std::move(program.extra);
  for (auto* group :
       {&server_commands,   &domain_commands,  &account_commands, &password_commands, &credential_commands, &people_commands,
        &alias_commands,    &forward_commands, &group_commands,   &address_commands,  &mailbox_commands,    &ban_commands,
        &queue_commands,    &rule_commands,    &explain_commands, &trace_commands,    &audit_commands,      &store_commands,
        &undelete_commands, &backup_commands,  &restore_commands, &import_commands,   &export_commands,     &config_commands,
        &dmarc_commands,    &dkim_commands,    &sending_commands, &tls_commands}) {
    for (auto& row : (*group)()) rows.push_back(std::move(row));
  }
  Nodes nodes(app);
  for (const auto& row : rows) {
    auto& node = nodes.at(row.path);
    node.description(row.summary);
    for (const auto& option : row.options) add_option(node, option, run);
  }
  nodes.describe();
  add_examples(nodes, rows);
  if (argc <= 1) {
    std::cerr << app.help();
    return exit_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return complain_about_usage(app, error);
  }
  LazyRemote remote(run.config_path, program.offline);
  run.remote = &remote;
  run.offline_line = program.offline_line;
  for (const auto& row : rows) {
    if (nodes.at(row.path).parsed()) return row.run(run);
  }
  return exit_usage;
}

int show_failure(const Invocation& run, const Failure& failure) {
  if (run.json) {
    const std::string line = to_line({{"error", ascii::trim(failure.text)}, {"exit_code", static_cast<int>(failure.code)}});
    std::cout << ascii::trim(line) << "\n";
  }
  return complain(failure);
}

int call_and_show(Invocation& run, std::string_view command, boost::json::object arguments,
                  const std::function<void(const boost::json::object&)>& show) {
  const auto answer = run.remote->call(command, std::move(arguments));
  if (!answer) return show_failure(run, answer.error());
  if (run.json) {
    const std::string line = to_line(*answer);
    std::cout << ascii::trim(line) << "\n";
  } else {
    show(*answer);
  }
  return exit_ok;
}

}  // namespace postern::admin::cli
