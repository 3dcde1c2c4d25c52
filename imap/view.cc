// SPDX-License-Identifier: Apache-2.0
// How a picture of a mailbox moves on to a newer snapshot, and how that is said.
#include "imap/view.h"

#include <span>

namespace postern::imap {
namespace {

/// `latest` with those rows of `picture` that it has not any more.
store::SnapshotPtr keep_vanished(const store::Snapshot& picture, const store::Snapshot& latest) {
  auto out = std::make_shared<store::Snapshot>(latest);
  std::vector<store::Snapshot::ChunkPtr> chunks;
  auto chunk = std::make_shared<store::Snapshot::Chunk>();
  const auto put = [&](const store::Row& row) {
    if (chunk->size() == store::Snapshot::chunk_rows) {
      chunks.push_back(std::move(chunk));
      chunk = std::make_shared<store::Snapshot::Chunk>();
    }
    chunk->push_back(row);
  };
  std::size_t i = 0, j = 0;
  while (i < picture.size() || j < latest.size()) {
    const bool only_old = j == latest.size() || (i < picture.size() && picture.row(i).uid < latest.row(j).uid);
    if (!only_old && i < picture.size() && picture.row(i).uid == latest.row(j).uid) ++i;
    put(only_old ? picture.row(i++) : latest.row(j++));
  }
  if (!chunk->empty()) chunks.push_back(std::move(chunk));
  out->set_chunks(std::move(chunks));
  return out;
}

/// Ranges of one VANISHED response: below 8,000 octets, which RFC 7162 §4 names for lines.
constexpr std::size_t vanished_ranges = 350;

}  // namespace

// RFC 7162 §7: expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids
void append_vanished(std::string& out, const store::UidSet& uids, std::string_view kind) {
  const std::span ranges(uids.ranges());
  for (std::size_t i = 0; i < ranges.size(); i += vanished_ranges) {
    store::UidSet part;
    for (const auto& range : ranges.subspan(i, std::min(vanished_ranges, ranges.size() - i))) part.add(range);
    out.append("* VANISHED ").append(kind).append(part.to_string()).append("\r\n");
  }
}

// RFC 9586 §5: uidfetch-resp = uniqueid SP "UIDFETCH" SP msg-att
void append_fetch_head(std::string& out, std::size_t index, store::Uid uid, Numbering numbering) {
  out.append("* ");
  append_number(out, numbering == Numbering::uid ? uid : index + 1);
  out.append(numbering == Numbering::uid ? " UIDFETCH (" : " FETCH (");
}

View::View(std::shared_ptr<store::Watch> watch, store::SnapshotPtr snapshot, Access access)
    : watch_(std::move(watch)), snapshot_(snapshot), seen_(std::move(snapshot)), access_(access) {}

Update View::advance(Expunges expunges) {
  Update update;
  const auto latest = watch_->latest();
  if (!latest) {
    update.mailbox_gone = true;
    return update;
  }
  if (latest == seen_ && !(has_expunged_ && expunges == Expunges::tell)) return update;
  auto difference = store::difference(*snapshot_, *latest);
  update.keywords = latest->keywords != snapshot_->keywords;
  update.exists = !difference.added.empty();
  if (update.exists) update.first_added = difference.added.front().uid;
  update.changed = std::move(difference.changed);
  if (expunges == Expunges::tell) {
    forget(difference.vanished, update.expunged);
    update.vanished = std::move(difference.vanished);
    has_expunged_ = false;
    snapshot_ = latest;
  } else {
    has_expunged_ = !difference.vanished.empty();
    snapshot_ = has_expunged_ ? keep_vanished(*snapshot_, *latest) : latest;
  }
  seen_ = latest;
  const auto before = recent_count_;
  count_recent();
  update.recent = before != recent_count_;
  return update;
}

void View::forget(const store::UidSet& vanished, std::vector<std::uint32_t>& numbers) {
  for (const auto& range : vanished.ranges()) {
    for (auto i = snapshot_->lower_bound(range.lo); i < snapshot_->size() && snapshot_->row(i).uid <= range.hi; ++i) {
      numbers.push_back(static_cast<std::uint32_t>(i + 1 - numbers.size()));
    }
  }
  if (!recent_.empty()) recent_ = recent_.minus(vanished);
  if (!saved_.empty()) saved_ = saved_.minus(vanished);
}

void View::add_recent(store::Uid from) {
  if (from < snapshot_->uidnext) recent_.add(store::UidRange{from, snapshot_->uidnext - 1});
  count_recent();
}

void View::count_recent() {
  recent_count_ = 0;
  for (const auto& range : recent_.ranges()) {
    const auto end = range.hi == UINT32_MAX ? snapshot_->size() : snapshot_->lower_bound(range.hi + 1);
    recent_count_ += end - snapshot_->lower_bound(range.lo);
  }
}

Result<IndexRanges> View::resolve(const SequenceSet& set, Numbering numbering) const {
  if (!set.is_saved()) return set.resolve(*snapshot_, numbering);
  IndexRanges out;
  for (const auto& range : saved_.ranges()) {
    const auto end = range.hi == UINT32_MAX ? snapshot_->size() : snapshot_->lower_bound(range.hi + 1);
    const auto begin = snapshot_->lower_bound(range.lo);
    if (begin < end) out.push_back({begin, end});
  }
  return out;
}

void View::append_flags_of(std::string& out, const store::Row& row) const {
  const auto from = out.size();
  append_flags(out, row.flags, snapshot_->keywords);
  if (is_recent(row.uid)) out.append(out.size() == from ? "\\Recent" : " \\Recent");
}

/// "* 3 FETCH (UID 7 "; false, with nothing appended, when the row is not in the picture.
bool View::append_fetch_start(std::string& out, const store::Row& row, FlagFormat format) const {
  const auto index = snapshot_->index_of(row.uid);
  if (!index) return false;
  append_fetch_head(out, *index, row.uid, format.uid_only ? Numbering::uid : Numbering::sequence);
  if (!format.uid || format.uid_only) return true;
  out.append("UID ");
  append_number(out, row.uid);
  out += ' ';
  return true;
}

void View::append_changed(std::string& out, const store::Row& row, FlagFormat format) const {
  if (!append_fetch_start(out, row, format)) return;
  out.append("FLAGS (");
  append_flags_of(out, row);
  out += ')';
  if (format.modseq) {
    out.append(" MODSEQ (");
    append_number(out, row.modseq);
    out += ')';
  }
  out.append(")\r\n");
}

void View::append_modseq(std::string& out, const store::Row& row, FlagFormat format) const {
  if (!append_fetch_start(out, row, format)) return;
  out.append("MODSEQ (");
  append_number(out, row.modseq);
  out.append("))\r\n");
}

void View::append_update(std::string& out, const Update& update, Removal removal) const {
  if (removal == Removal::vanished) append_vanished(out, update.vanished, "");
  for (const auto number : removal == Removal::expunge ? std::span(update.expunged) : std::span<const std::uint32_t>()) {
    out.append("* ");
    append_number(out, number);
    out.append(" EXPUNGE\r\n");
  }
  if (update.exists) fmt::format_to(std::back_inserter(out), "* {} EXISTS\r\n", snapshot_->size());
  if (update.recent) fmt::format_to(std::back_inserter(out), "* {} RECENT\r\n", recent_count_);
  if (update.keywords) append_mailbox_flags(out);
}

// RFC 3501 §7.2.6 and §7.1 (PERMANENTFLAGS): "\*" says that new keywords can be made.
void View::append_mailbox_flags(std::string& out) const {
  std::string flags = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
  const bool write = (settable_ & store::flag::flagged) != 0;
  std::string permanent = write ? "\\Answered \\Flagged" : "";
  const auto permit = [&permanent](std::string_view name) { permanent.append(permanent.empty() ? "" : " ").append(name); };
  if ((settable_ & store::flag::deleted) != 0) permit("\\Deleted");
  if ((settable_ & store::flag::seen) != 0) permit("\\Seen");
  if (write) permit("\\Draft");
  std::size_t keywords = 0;
  for (const auto& keyword : snapshot_->keywords) {
    if (keyword.empty()) continue;
    flags.append(" ").append(keyword);
    if (write) permit(keyword);
    ++keywords;
  }
  if (write && keywords < store::flag::max_keywords) permit("\\*");
  if (read_only()) permanent.clear();
  fmt::format_to(std::back_inserter(out), "* FLAGS ({})\r\n* OK [PERMANENTFLAGS ({})] {}\r\n", flags, permanent,
                 read_only() ? "Read-only" : "Flags that can be kept");
}

}  // namespace postern::imap
