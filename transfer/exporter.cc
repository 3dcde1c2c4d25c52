// SPDX-License-Identifier: Apache-2.0
#include "transfer/exporter.h"

#include <algorithm>

#include "base/ascii.h"
#include "store/mailbox_name.h"

namespace postern::transfer {

namespace {

constexpr std::size_t read_group = 256;
constexpr std::string_view stopped_text = "stopped";

}  // namespace

std::vector<std::string> keyword_names(std::uint64_t flags, const std::vector<std::string>& keywords) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < keywords.size() && i < store::flag::max_keywords; ++i) {
    if ((flags >> (store::flag::first_keyword + i) & 1) != 0 && !keywords[i].empty()) out.push_back(keywords[i]);
  }
  return out;
}

/// Hands what the box reads to the writer.
class Exporter::Sink final : public MessageSink {
 public:
  Sink(Exporter& owner, const Listing& listing) : owner_(owner), listing_(listing) {}

  Task<Result<>> begin(Head head) override {
    const auto row = std::ranges::lower_bound(listing_.rows, head.uid, {}, &BoxRow::uid);
    if (row == listing_.rows.end() || row->uid != head.uid)
      co_return fail(ErrorKind::internal, "a message came that was not asked for");
    size_ = head.size;
    co_return owner_.writer_.begin({.uid = head.uid,
                                    .flags = row->flags & store::flag::system_mask,
                                    .keywords = keyword_names(row->flags, listing_.keywords),
                                    .internal_date = head.internal_date});
  }
  Task<Result<>> take(std::string_view bytes) override { co_return owner_.writer_.take(bytes); }
  Task<Result<>> end() override {
    if (auto ended = owner_.writer_.end(); !ended) co_return ended;
    ++owner_.folder_.written;
    owner_.folder_.bytes += size_;
    owner_.progress_.step({owner_.folder_.mailbox, 1, size_});
    if (owner_.progress_.stop()) co_return fail(ErrorKind::closed, std::string(stopped_text));
    co_return Result<>();
  }
  Task<Result<>> lost(store::Uid uid, std::string why) override {
    owner_.report_.failures.push_back({fmt::format("{}, UID {}", owner_.folder_.mailbox, uid), std::move(why)});
    co_return Result<>();
  }

 private:
  Exporter& owner_;
  const Listing& listing_;
  std::uint64_t size_ = 0;
};

Task<ExportReport> Exporter::run() {
  const auto done = co_await run_all();
  if (!done) {
    report_.stopped = done.error().kind == ErrorKind::closed && done.error().text == stopped_text;
    if (!report_.stopped) report_.error = done.error();
  }
  report_.notes = writer_.take_notes();
  co_return std::move(report_);
}

Result<std::vector<BoxFolder>> Exporter::choose(std::vector<BoxFolder> folders) const {
  if (mailboxes_.empty()) return folders;
  std::vector<BoxFolder> out;
  for (const auto& name : mailboxes_) {
    const auto canonical = store::canonical_mailbox(name);
    const auto found = std::ranges::find(folders, canonical ? *canonical : name, &BoxFolder::name);
    if (found == folders.end()) return fail(ErrorKind::not_found, "there is no mailbox " + name);
    out.push_back(*found);
  }
  return out;
}

Task<Result<>> Exporter::run_all() {
  auto all = co_await box_.folders();
  if (!all) co_return std::unexpected(all.error());
  const auto folders = choose(*std::move(all));
  if (!folders) co_return std::unexpected(folders.error());
  Progress::Plan plan;
  for (const auto& folder : *folders) {
    plan.messages += folder.messages;
    plan.bytes += folder.bytes;
  }
  progress_.plan(plan);
  for (const auto& folder : *folders) {
    folder_ = {.mailbox = folder.name};
    const auto exported = co_await export_folder(folder);
    // Also after an error or a stop: what was written whole is kept.
    const auto closed = writer_.close();
    report_.total.written += folder_.written;
    report_.total.present += folder_.present;
    report_.total.bytes += folder_.bytes;
    report_.folders.push_back(folder_);
    if (!exported) co_return exported;
    if (!closed) co_return closed;
  }
  const auto names = co_await box_.subscriptions();
  if (!names) co_return std::unexpected(names.error());
  co_return writer_.subscriptions(*names);
}

Task<Result<>> Exporter::export_folder(const BoxFolder& folder) {
  const auto listing = co_await box_.listing(folder.id);
  if (!listing) co_return std::unexpected(listing.error());
  const auto present = writer_.open(folder, *listing);
  if (!present) co_return std::unexpected(present.error());
  co_return co_await read_rows(folder, *listing, *present);
}

Task<Result<>> Exporter::read_rows(const BoxFolder& folder, const Listing& listing, const store::UidSet& present) {
  Sink sink(*this, listing);
  std::vector<store::Uid> group;
  for (std::size_t i = 0; i < listing.rows.size(); ++i) {
    const auto uid = listing.rows[i].uid;
    if (present.contains(uid)) {
      ++folder_.present;
      progress_.step({folder.name, 1, 0});
    } else {
      group.push_back(uid);
    }
    if (group.size() < read_group && i + 1 < listing.rows.size()) continue;
    if (group.empty()) continue;
    const auto read = co_await box_.read(folder.id, std::exchange(group, {}), sink);
    if (auto flushed = writer_.flush(); !flushed) co_return flushed;
    if (!read) co_return read;
  }
  co_return Result<>();
}

}  // namespace postern::transfer
