// SPDX-License-Identifier: Apache-2.0
// postern import maildir|mbox|eml|imap
#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/transfer.h"
#include "admin/json.h"
#include "transfer/eml_source.h"
#include "transfer/imap_source.h"
#include "transfer/maildir_source.h"
#include "transfer/mbox_source.h"

namespace postern::admin::cli {

namespace {

using transfer::ImportOptions;
using SourcePtr = std::unique_ptr<transfer::Source>;
using SourceResult = Result<SourcePtr>;

const Option account_option{"--account", "whose mailboxes, for example alice@example.org", Option::Kind::text, true};
const Option into_option{"--into", "mailbox below which all of it goes, for example Old/2020"};
const Option dry_option{"--dry-run", "only say what would be imported, and where to", Option::Kind::flag};
const Option quota_option{"--ignore-quota", "import beyond the account's quota", Option::Kind::flag};

constexpr std::size_t max_password_file = 4096;
constexpr std::uint64_t max_port = 65535;

std::string one_line(std::string text) {
  text.resize(std::min(text.size(), text.find('\n')));
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

/// From the file, from a terminal without echo, or as a line of standard input.
Result<Secret> read_password(const Invocation& run) {
  if (run.has("password-file")) {
    auto text = read_file(run.text("password-file"), max_password_file);
    if (!text) return std::unexpected(text.error());
    std::string line = one_line(*std::move(text));
    return Secret::take(line);
  }
  termios before{};
  const bool terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    std::cerr << "Password of " << run.text("user") << " at " << run.text("host") << ": " << std::flush;
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line = read_line_from_stdin();
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
  }
  if (line.empty()) return fail(ErrorKind::invalid, "no password came; give --password-file, or one line on standard input");
  return Secret::take(line);
}

template <class T>
SourceResult as_source(Result<std::unique_ptr<T>> opened) {
  if (!opened) return std::unexpected(opened.error());
  return SourcePtr(*std::move(opened));
}

/// One run: where from, and how.
struct Order {
  SourcePtr source;                            ///< opened already, with the caller's rights
  std::optional<transfer::ImapServer> server;  ///< or this one, to be asked
  ImportOptions options;
  std::string login;
};

ImportOptions options_of(const Invocation& run) {
  ImportOptions options;
  options.into = run.text("into");
  if (run.has("dry-run")) options.run = ImportOptions::Run::dry;
  if (run.has("ignore-quota")) options.quota = ImportOptions::Quota::ignored;
  if (run.has("seen")) options.seen = ImportOptions::Seen::all;
  return options;
}

using Imported = std::expected<transfer::ImportReport, Failure>;

Failure failure_of(const Error& error) { return {code_for_answer(error.kind), error.text}; }

async::Task<Imported> run_import(Order& order, UniqueFd socket, transfer::Progress& progress) {
  auto open = co_await open_box(std::move(socket), order.login);
  if (!open) co_return std::unexpected(open.error());
  std::unique_ptr<transfer::ImapSource> remote;
  if (order.server) {
    auto connected = co_await transfer::ImapSource::open_at(*std::move(order.server));
    if (!connected) co_return std::unexpected(failure_of(connected.error()));
    remote = *std::move(connected);
  }
  transfer::Source& source = remote ? *remote : *order.source;
  transfer::Importer importer(source, *open->box, progress, order.options);
  auto report = co_await importer.run();
  if (remote && !report.error && !report.stopped) co_await remote->close();
  co_return report;
}

/// Opens the line, imports, reports.
int import_from(Invocation& run, SourceResult source, std::optional<transfer::ImapServer> server) {
  if (!source) return show_failure(run, {code_for_answer(source.error().kind), source.error().text});
  auto line = open_line(run.config_path, run.offline_line);
  if (!line) return show_failure(run, line.error());
  Order order{*std::move(source), std::move(server), options_of(run), run.text("account")};
  ProgressBar bar(run.json ? ProgressBar::Show::quiet : ProgressBar::Show::shown);
  auto report = async::run_alone(run_import(order, (*line)->take(), bar));
  bar.finish();
  if (!report) return show_failure(run, report.error());
  return show(run, *report, {bar.seconds(), "the same command"});
}

int import_maildir(Invocation& run) {
  return import_from(run, as_source(transfer::MaildirSource::open_at(run.text("path"))), {});
}

int import_mbox(Invocation& run) {
  transfer::MboxSource::Options options;
  const std::string login = run.text("account");
  options.inbox_name = login.substr(0, login.find('@'));
  if (run.has("quoting")) {
    const auto quoting = transfer::mbox_quoting(run.text("quoting"));
    if (!quoting) return show_failure(run, {exit_usage, "--quoting is mboxrd, mboxo or none"});
    options.quoting = *quoting;
  }
  return import_from(run, as_source(transfer::MboxSource::open_at(run.text("path"), options)), {});
}

int import_eml(Invocation& run) { return import_from(run, as_source(transfer::EmlSource::open_at(run.text("path"))), {}); }

int import_imap(Invocation& run) {
  if (run.has("tls") && run.has("starttls")) return show_failure(run, {exit_usage, "say --tls or --starttls, not both"});
  transfer::ImapServer server;
  server.host = run.text("host");
  server.user = run.text("user");
  server.ca_file = run.text("ca");
  if (run.has("starttls")) server.tls = transfer::ImapServer::Tls::starttls;
  if (run.has("port")) {
    const auto port = std::stoull(run.text("port"));
    if (port == 0 || port > max_port) return show_failure(run, {exit_usage, "--port is a number from 1 to 65535"});
    server.port = static_cast<std::uint16_t>(port);
  }
  auto password = read_password(run);
  if (!password) return show_failure(run, {exit_usage, password.error().text});
  server.password = *std::move(password);
  return import_from(run, SourcePtr(), std::move(server));
}

}  // namespace

std::vector<Subcommand> import_commands() {
  return {
      {"import maildir",
       "import a Maildir with its folders, flags, keywords, dates and subscriptions",
       "postern import maildir /home/alice/Maildir --account alice@example.org",
       {{"path", "the Maildir", Option::Kind::text, true}, account_option, into_option, dry_option, quota_option},
       import_maildir},
      {"import mbox",
       "import an mbox file, or a folder of them (Thunderbird's too)",
       "postern import mbox /var/mail/alice --account alice@example.org",
       {{"path", "the file or folder", Option::Kind::text, true},
        account_option,
        into_option,
        dry_option,
        quota_option,
        {"--quoting", "how From lines in bodies are quoted: mboxrd (default), mboxo or none"}},
       import_mbox},
      {"import eml",
       "import a folder of .eml files; folders in it become mailboxes",
       "postern import eml /home/alice/saved --account alice@example.org --into Saved --seen",
       {{"path", "the folder", Option::Kind::text, true},
        account_option,
        into_option,
        dry_option,
        quota_option,
        {"--seen", "mark all as read", Option::Kind::flag}},
       import_eml},
      {"import imap",
       "import from an account on another IMAP server; nothing is changed there",
       "postern import imap --host imap.example.net --user alice --password-file /root/pw --account alice@example.org",
       {{"--host", "the server's name", Option::Kind::text, true},
        {"--user", "login name there", Option::Kind::text, true},
        {"--password-file", "file whose first line is the password there; otherwise it is asked for"},
        {"--tls", "TLS from the start, port 993 (the default)", Option::Kind::flag},
        {"--starttls", "STARTTLS on port 143", Option::Kind::flag},
        {"--port", "another port", Option::Kind::number},
        {"--ca", "PEM file of the authority that signed the server's certificate, if it is a private one"},
        account_option,
        into_option,
        dry_option,
        quota_option},
       import_imap},
  };
}

}  // namespace postern::admin::cli
