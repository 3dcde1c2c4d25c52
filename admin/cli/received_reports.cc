// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/received_reports.h"

#include <algorithm>
#include <array>

#include "admin/checks.h"
#include "admin/cli/transfer.h"
#include "base/ascii.h"
#include "base/file.h"
#include "config/gate.h"
#include "config/parse.h"
#include "mime/part.h"

namespace postern::admin::cli {

namespace {

bool is_report(const mime::Part& part) {
  static constexpr std::array<std::string_view, 7> types{"gzip", "x-gzip",      "zip",        "x-zip-compressed",
                                                         "xml",  "tlsrpt+gzip", "tlsrpt+json"};
  static constexpr std::array<std::string_view, 5> ends{".xml", ".xml.gz", ".zip", ".json", ".json.gz"};
  if (part.kind != mime::PartKind::leaf) return false;
  if (ascii::iequals(part.type.type, "application") &&
      std::ranges::any_of(types, [&](auto one) { return ascii::iequals(part.type.subtype, one); })) {
    return true;
  }
  if (ascii::iequals(part.type.type, "text") && ascii::iequals(part.type.subtype, "xml")) return true;
  const auto* name = mime::find_parameter(part.disposition.parameters, "filename");
  if (name == nullptr) name = mime::find_parameter(part.type.parameters, "name");
  const auto text = name == nullptr ? std::string() : ascii::lower(name->value);
  return std::ranges::any_of(ends, [&](auto end) { return text.ends_with(end); });
}

std::string name_of(const mime::Part& part) {
  const auto* name = mime::find_parameter(part.disposition.parameters, "filename");
  if (name == nullptr) name = mime::find_parameter(part.type.parameters, "name");
  return name == nullptr ? std::string() : name->value;
}

/// Keeps the attachments of what it is given.
class Collector final : public transfer::MessageSink {
 public:
  async::Task<Result<>> begin(Head head) override {
    received_ = head.internal_date;
    message_.clear();
    too_large_ = head.size > report_file_max;
    co_return Result<>();
  }
  async::Task<Result<>> take(std::string_view bytes) override {
    if (!too_large_) message_ += bytes;
    co_return Result<>();
  }
  async::Task<Result<>> end() override {
    for (auto& one : attached_reports(message_, received_)) files_.push_back(std::move(one));
    message_.clear();
    co_return Result<>();
  }
  async::Task<Result<>> lost(store::Uid, std::string) override { co_return Result<>(); }

  std::vector<ReceivedFile> take_files() { return std::move(files_); }

 private:
  std::vector<ReceivedFile> files_;
  std::string message_;
  UnixTime received_ = 0;
  bool too_large_ = false;
};

struct Place {
  std::string login;
  std::string mailbox;
  std::size_t messages = report_messages;
};

Failure failure_of(const Error& error) { return {code_for_answer(error.kind), error.text}; }

async::Task<ReceivedFiles> collect(UniqueFd socket, Place place) {
  auto open = co_await open_box(std::move(socket), place.login);
  if (!open) co_return std::unexpected(open.error());
  const auto folders = co_await open->box->folders();
  if (!folders) co_return std::unexpected(failure_of(folders.error()));
  const auto folder = std::ranges::find(*folders, place.mailbox, &transfer::BoxFolder::name);
  if (folder == folders->end()) {
    co_return std::unexpected(Failure{exit_refused, place.login + " has no mailbox " + place.mailbox});
  }
  const auto listing = co_await open->box->listing(folder->id);
  if (!listing) co_return std::unexpected(failure_of(listing.error()));
  std::vector<store::Uid> uids;
  for (const auto& row : listing->rows) uids.push_back(row.uid);
  if (uids.size() > place.messages) uids.erase(uids.begin(), uids.end() - static_cast<std::ptrdiff_t>(place.messages));
  Collector collector;
  for (std::size_t at = 0; at < uids.size(); at += transfer::max_read_uids) {
    const auto end = std::min(uids.size(), at + transfer::max_read_uids);
    const std::vector<store::Uid> some(uids.begin() + static_cast<std::ptrdiff_t>(at),
                                       uids.begin() + static_cast<std::ptrdiff_t>(end));
    if (auto done = co_await open->box->read(folder->id, some, collector); !done) {
      co_return std::unexpected(failure_of(done.error()));
    }
  }
  auto files = collector.take_files();
  std::ranges::reverse(files);
  co_return files;
}

/// The account of --account, or of the configuration.
std::expected<std::string, Failure> account_of(const Invocation& run) {
  if (run.has("account")) return run.text("account");
  const auto loaded = config::load(run.config_path);
  if (!loaded) return std::unexpected(configuration_failure(run.config_path, loaded.error()));
  const auto& login = loaded->config.gate->reports.received_by;
  if (!login.empty()) return login;
  return std::unexpected(Failure{exit_usage, "whose mailbox? Name it with --account, or as received_by in [reports]"});
}

}  // namespace

std::vector<ReceivedFile> attached_reports(std::string_view message, UnixTime received) {
  std::vector<ReceivedFile> out;
  const auto tree = mime::parse_message(message);
  for (const auto& part : tree.parts) {
    if (!is_report(part)) continue;
    const auto body = message.substr(part.body_begin, part.body_size());
    out.push_back({name_of(part), received, mime::decode_transfer(body, part.transfer_encoding)});
  }
  return out;
}

std::vector<Option> mailbox_options() {
  return {{"--account", "whose mailbox has the reports; without it received_by of [reports]"},
          {"--mailbox", "which one; INBOX without it"},
          {"--messages", "how many of the newest messages are looked at; 500 without it", Option::Kind::number}};
}

ReceivedFiles read_report_mailbox(Invocation& run) {
  Place place;
  const auto login = account_of(run);
  if (!login) return std::unexpected(login.error());
  place.login = *login;
  place.mailbox = run.has("mailbox") ? run.text("mailbox") : "INBOX";
  if (run.has("messages")) place.messages = std::stoull(run.text("messages"));
  auto line = open_line(run.config_path, run.offline_line);
  if (!line) return std::unexpected(line.error());
  return async::run_alone(collect((*line)->take(), std::move(place)));
}

ReceivedFiles read_report_file(const std::string& path) {
  auto bytes = read_file(path, report_file_max);
  if (!bytes) return std::unexpected(Failure{code_for_answer(bytes.error().kind), path + ": " + bytes.error().text});
  std::vector<ReceivedFile> out;
  // A whole mail, as a mail program saves it, is as good as its attachment.
  if (path.ends_with(".eml")) out = attached_reports(*bytes, 0);
  if (out.empty()) out.push_back({path, 0, *std::move(bytes)});
  return out;
}

}  // namespace postern::admin::cli
