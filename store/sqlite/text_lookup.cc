// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/text_lookup.h"

#include <algorithm>

#include "store/sqlite/core.h"
#include "store/sqlite/message_reads.h"

namespace postern::store::sqlite {

namespace {

constexpr auto npos = std::string_view::npos;
/// Rows read between two looks at the clock.
constexpr std::size_t rows_a_look = 64;

std::unexpected<Error> too_much() { return fail(ErrorKind::limit, "too much text to search"); }

}  // namespace

TextLookup::TextLookup(Order order)
    : order_(std::move(order)),
      finders_(make_finders(order_.needles)),
      places_(places_of(finders_)),
      prefix_matcher_(finders_),
      truths_(finders_.size()),
      work_(order_.work) {
  if (!order_.where.uids.empty()) next_uid_ = order_.where.uids.ranges().front().lo;
}

Result<> TextLookup::pay(std::uint64_t work) {
  if (work > work_) return too_much();
  work_ -= work;
  return {};
}

Result<bool> TextLookup::slice(Database& db) {
  end_of_slice_ = std::chrono::steady_clock::now() + slice_time;
  if (!rows_read_) {
    if (!owns(db, order_.account, order_.where.mailbox)) return fail(ErrorKind::not_found, "no such mailbox");
    if (auto done = read_rows(db); !done) return std::unexpected(done.error());
  }
  if (!rows_read_) return true;
  if (places_ == 0) return false;
  while (more_blocks() && in_time()) {
    if (auto done = step(); !done) return std::unexpected(done.error());
  }
  return more_blocks();
}

/// Rows of candidates; columns: id, blob, its checksum (0 when nobody compares it), prefix (NULL when there is none, or when no
/// needle may stand in a header).
Query TextLookup::query_rows(Database& db, std::int64_t lo, std::int64_t hi) const {
  const bool prefix = (places_ & mime::header_places) != 0;
  if (verified() && prefix) {
    return db.query(
        "SELECT id, blob, 0, CASE WHEN psize>0 THEN (SELECT prefix FROM msgmeta x WHERE x.id=m.id) END FROM message m "
        "WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
        lo, hi);
  }
  if (verified()) return db.query("SELECT id, blob, 0, NULL FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id", lo, hi);
  if (prefix) {
    return db.query(
        "SELECT m.id, m.blob, b.sum, CASE WHEN m.psize>0 THEN (SELECT prefix FROM msgmeta x WHERE x.id=m.id) END "
        "FROM message m JOIN blob b ON b.id=m.blob WHERE m.id BETWEEN ?1 AND ?2 ORDER BY m.id",
        lo, hi);
  }
  return db.query(
      "SELECT m.id, m.blob, b.sum, NULL FROM message m JOIN blob b ON b.id=m.blob WHERE m.id BETWEEN ?1 AND ?2 ORDER BY m.id", lo,
      hi);
}

/// Reads candidates until the slice is over.
Result<> TextLookup::read_rows(Database& db) {
  const auto& ranges = order_.where.uids.ranges();
  std::size_t rows = 0;
  while (range_ < ranges.size()) {
    const auto lo = message_id(order_.where.mailbox, next_uid_);
    const auto hi = message_id(order_.where.mailbox, ranges[range_].hi);
    auto row = query_rows(db, lo, hi);
    while (row.step()) {
      if (auto taken = take_row(row); !taken) return taken;
      next_uid_ = uid_of(row.integer(0)) + 1;
      if (++rows % rows_a_look == 0 && !in_time()) return {};
    }
    if (++range_ < ranges.size()) next_uid_ = ranges[range_].lo;
  }
  rows_read_ = true;
  std::ranges::sort(candidates_, {}, [](const Candidate& one) { return std::pair(one.blob, one.row); });
  return {};
}

Result<> TextLookup::take_row(Query& row) {
  if (truths_.size() >= max_text_truths / std::max<std::size_t>(finders_.size(), 1)) return too_much();
  const std::size_t index = truths_.add(uid_of(row.integer(0)));
  candidates_.push_back({row.unsigned_integer(1), row.unsigned_integer(2), index});
  answered_.push_back(places_ == 0);
  prefix_matcher_.reset();
  const auto before = prefix_matcher_.work();
  const std::string_view prefix = row.text(3);
  if (!prefix.empty()) mime::add_header_text(prefix, mime::HeaderOf::message, prefix_matcher_);
  for (std::size_t i = 0; i < finders_.size(); ++i) {
    if (prefix_matcher_.found(i)) truths_.set(index, i);
  }
  return pay(prefix_matcher_.work() - before);
}

/// The next small piece of work: a block's entries, a section's text, or one needle in it.
Result<> TextLookup::step() {
  if (place_ == mime::text_places) {
    if (!find_wanted()) {
      ++block_;
      return {};
    }
    place_ = 0;
    return next_section();
  }
  if (needle_ < finders_.size()) return look_for(needle_++);
  ++place_;
  return next_section();
}

/// Finds out which entries of the block are asked for; false when none is.
bool TextLookup::find_wanted() {
  const auto& entries = block().entries;
  auto candidate = std::ranges::lower_bound(candidates_, entries.front().blob, {}, &Candidate::blob);
  if (candidate == candidates_.end() || candidate->blob > entries.back().blob) return false;
  wanted_.assign(entries.size(), {});
  bool any = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const TextEntry& entry = entries[i];
    while (candidate != candidates_.end() && candidate->blob < entry.blob) ++candidate;
    if (candidate == candidates_.end()) break;
    if (candidate->blob != entry.blob || entry.too_large) continue;
    if (!verified() && candidate->checksum != entry.checksum) continue;
    const auto begin = static_cast<std::size_t>(candidate - candidates_.begin());
    std::size_t end = begin;
    while (end < candidates_.size() && candidates_[end].blob == entry.blob) ++end;
    wanted_[i] = {begin, end};
    any = true;
  }
  return any;
}

/// Loads the section at place_, or the next one that a needle may stand in; behind the last one the block is done.
Result<> TextLookup::next_section() {
  while (place_ < mime::text_places && (places_ & mime::place_bit(static_cast<mime::TextPlace>(place_))) == 0) ++place_;
  if (place_ == mime::text_places) {
    end_block();
    return {};
  }
  const auto text = reader_.read(*order_.view->file, block(), static_cast<mime::TextPlace>(place_));
  if (!text) {
    // Retired meanwhile, or damaged: its messages are decoded.
    damaged_ = true;
    place_ = mime::text_places;
    ++block_;
    return {};
  }
  text_ = *text;
  needle_ = 0;
  ends_.clear();
  std::size_t end = 0;
  for (const TextEntry& entry : block().entries) ends_.push_back(end += entry.lengths[place_]);
  return pay(text_.size());
}

/// All of its text was looked at.
void TextLookup::end_block() {
  for (const Wanted& wanted : wanted_) {
    for (std::size_t i = wanted.begin; i < wanted.end; ++i) answered_[candidates_[i].row] = true;
  }
  ++block_;
}

Result<> TextLookup::look_for(std::size_t needle) {
  const Finder& finder = finders_[needle];
  const auto place = static_cast<mime::TextPlace>(place_);
  if (!finder.in(place)) return {};
  for (std::size_t at = finder.find(place, text_, 0); at != npos;) {
    const auto entry = static_cast<std::size_t>(std::ranges::upper_bound(ends_, at) - ends_.begin());
    // A match across two messages is none.
    const bool whole = at + finder.length() <= ends_[entry];
    if (whole) mark(entry, needle);
    at = finder.find(place, text_, whole ? ends_[entry] : at + 1);
  }
  return pay(text_.size());
}

void TextLookup::mark(std::size_t entry, std::size_t needle) {
  for (std::size_t i = wanted_[entry].begin; i < wanted_[entry].end; ++i) truths_.set(candidates_[i].row, needle);
}

UidSet TextLookup::left_over() const {
  UidSet out;
  for (std::size_t row = 0; row < truths_.size(); ++row) {
    if (!answered_[row]) out.add(truths_.uid(row));
  }
  return out;
}

TextTruths TextLookup::finish(const TextTruths& scanned) && {
  for (std::size_t row = 0; row < truths_.size(); ++row) {
    if (answered_[row]) continue;
    const std::size_t found = scanned.find(truths_.uid(row));
    if (found == scanned.size()) {
      truths_.remove(row);
      continue;
    }
    for (std::size_t i = 0; i < finders_.size(); ++i) {
      if (scanned.get(found, i)) truths_.set(row, i);
    }
  }
  return std::move(truths_);
}

Task<Result<TextTruths>> search_text(Core& core, TextVisit visit, TextCandidates where, TextQuery query) {
  Session& session = visit.session;
  const AccountId account = visit.owner;
  auto ticket = co_await core.scans.enter(session.identity().account());
  if (!ticket) co_return std::unexpected(ticket.error());
  auto view = core.text ? co_await core.text->view(account) : nullptr;
  const MailboxId mailbox = where.mailbox;
  const auto lookup = std::make_shared<TextLookup>(TextLookup::Order{
      .account = account, .where = std::move(where), .needles = query.needles, .work = query.work, .view = view});
  for (;;) {
    if (query.gone && query.gone()) co_return fail(ErrorKind::closed, "the search was given up");
    const auto more = co_await core.long_lane->run<bool>([lookup](Database& db) { return lookup->slice(db); });
    if (!more) co_return std::unexpected(more.error());
    if (!*more) break;
  }
  if (lookup->damaged() && core.text) core.text->distrust(account, view);
  query.work = lookup->work_left();
  const auto scanned = co_await scan_messages(session, {mailbox, lookup->left_over()}, query);
  if (!scanned) co_return std::unexpected(scanned.error());
  co_return std::move(*lookup).finish(*scanned);
}

}  // namespace postern::store::sqlite
