// SPDX-License-Identifier: Apache-2.0
// postern export maildir|mbox
#include "admin/cli/transfer.h"
#include "transfer/maildir_writer.h"
#include "transfer/mbox_writer.h"

namespace postern::admin::cli {

namespace {

using Exported = std::expected<transfer::ExportReport, Failure>;

const std::vector<Option> export_options{
    {"path", "the folder to write to; it is made when it is missing", Option::Kind::text, true},
    {"--account", "whose mailboxes, for example alice@example.org", Option::Kind::text, true},
    {"--mailbox", "only this one"}};

struct Order {
  std::unique_ptr<transfer::ExportWriter> writer;
  std::vector<std::string> mailboxes;
  std::string login;
};

async::Task<Exported> run_export(Order& order, UniqueFd socket, transfer::Progress& progress) {
  auto open = co_await open_box(std::move(socket), order.login);
  if (!open) co_return std::unexpected(open.error());
  transfer::Exporter exporter(*open->box, *order.writer, progress, order.mailboxes);
  co_return co_await exporter.run();
}

template <class Writer>
int export_to(Invocation& run) {
  auto writer = Writer::open_at(run.text("path"));
  if (!writer) return show_failure(run, {code_for_answer(writer.error().kind), writer.error().text});
  auto line = open_line(run.config_path, run.offline_line);
  if (!line) return show_failure(run, line.error());
  Order order{*std::move(writer), {}, run.text("account")};
  if (run.has("mailbox")) order.mailboxes.push_back(run.text("mailbox"));
  ProgressBar bar(run.json ? ProgressBar::Show::quiet : ProgressBar::Show::shown);
  auto report = async::run_alone(run_export(order, (*line)->take(), bar));
  bar.finish();
  if (!report) return show_failure(run, report.error());
  return show(run, *report, {bar.seconds(), "the same command"});
}

}  // namespace

std::vector<Subcommand> export_commands() {
  return {
      {"export maildir", "write an account's mailboxes as a Maildir that Dovecot can serve; run again, it adds what is new",
       "postern export maildir /srv/out/alice --account alice@example.org", export_options, export_to<transfer::MaildirWriter>},
      {"export mbox", "write an account's mailboxes as mbox files; run again, it adds what is new",
       "postern export mbox /srv/out/alice --account alice@example.org --mailbox INBOX", export_options,
       export_to<transfer::MboxWriter>},
  };
}

}  // namespace postern::admin::cli
