// SPDX-License-Identifier: Apache-2.0
// The passes of a search. Suspends only between pages of messages and every few thousand keys.
#include "imap/searcher.h"

#include <algorithm>

#include "async/executor.h"
#include "async/together.h"
#include "base/ascii.h"
#include "imap/envelope.h"
#include "imap/limits.h"
#include "imap/message.h"

namespace postern::imap {
namespace {

using Kind = SearchKey::Kind;

/// Keys that are tested before other sessions get a turn (security.md D89).
constexpr std::size_t keys_a_turn = 200'000;
/// Undecided messages that are collected before the next passes, and truths kept for them.
constexpr std::size_t most_open = 1 << 20;
constexpr std::size_t most_truths = 32 * 1024 * 1024;
/// No message was sent on this day.
constexpr Day no_day = std::numeric_limits<Day>::min();

Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

bool is_text(Kind kind) {
  return kind == Kind::envelope_text || kind == Kind::header || kind == Kind::body || kind == Kind::text;
}
bool is_sent(Kind kind) { return kind == Kind::sent_before || kind == Kind::sent_on || kind == Kind::sent_since; }

/// RFC 5032 §3: both ends count, so that OLDER n or YOUNGER n is every message.
Truth age_leaf(const SearchKey& key, UnixTime received, UnixTime now) {
  const auto mark = now - static_cast<UnixTime>(key.number);
  return truth(key.kind == Kind::older ? received <= mark : received >= mark);
}

Truth date_leaf(const SearchKey& key, Day day) {
  if (day == no_day) return Truth::no;
  switch (key.kind) {
    case Kind::before:
    case Kind::sent_before: return truth(day < key.day);
    case Kind::on:
    case Kind::sent_on: return truth(day == key.day);
    default: return truth(day >= key.day);
  }
}

bool is_particular(Kind kind) {
  return kind == Kind::saved_before || kind == Kind::saved_on || kind == Kind::saved_since || kind == Kind::email_id;
}

/// RFC 8514 §4.2, RFC 8474 §6
Truth particular_leaf(const SearchKey& key, const store::Particulars& known) {
  const auto day = day_at(known.saved);
  switch (key.kind) {
    case Kind::saved_before: return truth(day < key.day);
    case Kind::saved_on: return truth(day == key.day);
    case Kind::saved_since: return truth(day >= key.day);
    default: return truth(known.email_id == key.text);
  }
}

Truth size_leaf(const SearchKey& key, std::uint64_t size) {
  return truth(key.kind == Kind::larger ? size > key.number : size < key.number);
}

/// The bit of a keyword in this mailbox; 0 when no message can have it.
std::uint64_t keyword_bit(const store::Snapshot& snapshot, std::string_view keyword) {
  for (std::size_t i = 0; i < snapshot.keywords.size() && i < store::flag::max_keywords; ++i) {
    if (ascii::iequals(snapshot.keywords[i], keyword)) return std::uint64_t{1} << (store::flag::first_keyword + i);
  }
  return 0;
}

// RFC 3501 §6.4.4: BODY, TEXT, HEADER, and BCC, CC, FROM, SUBJECT, TO, which are HEADER of these names here: the value as people
// read it, that is with encoded words decoded and folding removed, and all fields of the name.
store::TextNeedle needle_of(const SearchKey& key) {
  switch (key.kind) {
    case Kind::body: return {store::TextScope::body, {}, key.text};
    case Kind::text: return {store::TextScope::text, {}, key.text};
    default: return {store::TextScope::header, key.field, key.text};
  }
}

}  // namespace

Searcher::Searcher(Session& session, const View& view, const SearchProgram& program)
    : session_(session),
      view_(view),
      program_(program),
      now_(session.services().clock.unix_now()),
      column_of_(program.keys.size()) {
  for (std::size_t i = 0; i < program_.keys.size(); ++i) {
    const auto& key = program_.keys[i];
    const bool text = is_text(key.kind);
    if (!text && !needs_info(key)) continue;
    column_of_[i] = columns_++;
    (text ? text_keys_ : info_keys_).push_back(i);
  }
}

bool Searcher::needs_info(const SearchKey& key) const {
  switch (key.kind) {
    case Kind::before:
    case Kind::on:
    case Kind::since:
    case Kind::older:
    case Kind::younger:
    case Kind::larger:
    case Kind::smaller: return true;
    default: return is_sent(key.kind) || is_particular(key.kind);
  }
}

Result<> Searcher::resolve() {
  for (std::size_t i = 0; i < program_.keys.size(); ++i) {
    const auto& key = program_.keys[i];
    if (key.kind == Kind::keyword) keyword_bits_[i] = keyword_bit(view_.snapshot(), key.text);
    if (key.kind != Kind::set) continue;
    // RFC 9586 §3
    const bool by_number = key.numbering == Numbering::sequence && !key.set.is_saved();
    if (by_number && session_.uid_only()) return fail(ErrorKind::unsupported, "sequence numbers with UIDONLY");
    auto rows = view_.resolve(key.set, key.numbering);
    if (!rows) return std::unexpected(rows.error());
    sets_[i] = *std::move(rows);
  }
  return {};
}

/// Where the limit lets the search begin.
std::size_t Searcher::first_row() {
  const auto& snapshot = view_.snapshot();
  if (limit_ == nullptr || !limit_->is_exceeded_by(snapshot.size())) return 0;
  std::size_t looked_at = 0, lowest = snapshot.size();
  for (auto index = snapshot.size(); index-- > 0;) {
    const auto& row = snapshot.row(index);
    const auto by_sets = [&](std::size_t key) {
      const auto kind = program_.keys[key].kind;
      const bool names = kind == Kind::set || kind == Kind::uid_above || kind == Kind::uid_below;
      return names ? leaf(key, {index, &row, nullptr}) : Truth::unknown;
    };
    if (evaluate(program_.keys, stack_, by_sets) == Truth::no) continue;
    if (looked_at++ == limit_->most()) {
      limit_->stop_at(snapshot.row(lowest).uid);
      return lowest;
    }
    lowest = index;
  }
  return 0;
}

async::Task<Result<std::vector<std::size_t>>> Searcher::run() {
  if (const auto resolved = resolve(); !resolved) co_return std::unexpected(resolved.error());
  if (const auto first = first_row(); first > 0) co_return co_await look_at({{first, view_.snapshot().size()}});
  std::size_t index = 0;
  // Nothing changes the picture while a command runs, but what follows suspends: the snapshot is held here.
  const auto& snapshot = view_.snapshot();
  for (const auto& chunk : snapshot.chunks()) {
    for (const auto& row : *chunk) {
      if (decide_now(index, row)) {
        if (const auto done = co_await rest(); !done) co_return std::unexpected(done.error());
      }
      ++index;
    }
  }
  co_return co_await finish();
}

async::Task<Result<std::vector<std::size_t>>> Searcher::run(const IndexRanges& rows) {
  if (const auto resolved = resolve(); !resolved) co_return std::unexpected(resolved.error());
  co_return co_await look_at(rows);
}

async::Task<Result<std::vector<std::size_t>>> Searcher::look_at(IndexRanges rows) {
  const auto& snapshot = view_.snapshot();
  for (const auto& range : rows) {
    for (auto index = range.begin; index < range.end; ++index) {
      if (!decide_now(index, snapshot.row(index))) continue;
      if (const auto done = co_await rest(); !done) co_return std::unexpected(done.error());
    }
  }
  co_return co_await finish();
}

/// Tests what the row alone tells; true when it is time for rest().
bool Searcher::decide_now(std::size_t index, const store::Row& row) {
  const Candidate candidate{index, &row, nullptr};
  const auto value = test(candidate);
  if (value == Truth::yes) matches_.push_back(index);
  if (value == Truth::unknown) open_.push_back(candidate);
  work_ += program_.keys.size();
  return work_ >= keys_a_turn || open_.size() >= most_kept();
}

/// Open candidates that are collected before the next passes.
std::size_t Searcher::most_kept() const { return std::min(most_open, most_truths / std::max<std::size_t>(columns_, 1)); }

/// Others have their turn, and many open candidates are decided.
async::Task<Result<>> Searcher::rest() {
  if (work_ >= keys_a_turn) co_await take_turn();
  if (open_.size() < most_kept()) co_return Result<>();
  co_return co_await settle();
}

async::Task<Result<std::vector<std::size_t>>> Searcher::finish() {
  if (const auto done = co_await settle(); !done) co_return std::unexpected(done.error());
  std::ranges::sort(matches_);
  co_return std::move(matches_);
}

Truth Searcher::test(const Candidate& candidate) {
  return evaluate(program_.keys, stack_, [&](std::size_t key) { return leaf(key, candidate); });
}

Truth Searcher::leaf(std::size_t number, const Candidate& candidate) const {
  const auto& key = program_.keys[number];
  const store::Row& row = *candidate.row;
  switch (key.kind) {
    case Kind::flag: return truth((row.flags & key.bits) != 0);
    case Kind::keyword: return truth((row.flags & keyword_bits_.at(number)) != 0);
    case Kind::recent: return truth(view_.is_recent(row.uid));
    case Kind::never: return Truth::no;
    case Kind::set: return truth(contains(sets_.at(number), candidate.index));
    case Kind::uid_above: return truth(row.uid > key.number);
    case Kind::uid_below: return truth(row.uid < key.number);
    case Kind::modseq: return truth(row.modseq >= key.number);
    case Kind::larger:
    case Kind::smaller:
      if (row.size_hint != UINT32_MAX) return size_leaf(key, row.size_hint);
      break;
    default:
      if (!is_text(key.kind) && !needs_info(key)) return Truth::yes;
  }
  return candidate.truths == nullptr ? Truth::unknown : candidate.truths[column_of_[number]];
}

/// Decides all open candidates.
async::Task<Result<>> Searcher::settle() {
  if (open_.empty()) co_return Result<>();
  truths_.assign(open_.size() * columns_, Truth::unknown);
  for (std::size_t i = 0; i < open_.size(); ++i) open_[i].truths = truths_.data() + i * columns_;
  if (!info_keys_.empty()) {
    if (const auto done = co_await read_infos(); !done) co_return done;
    co_await decide();
  }
  if (!open_.empty() && !text_keys_.empty()) {
    if (const auto done = co_await search_text(); !done) co_return done;
    co_await decide();
  }
  open_.clear();
  co_return Result<>();
}

/// Other sessions have their turn.
async::Task<> Searcher::take_turn() {
  work_ = 0;
  co_await async::yield();
}

/// Keeps only those that are still undecided.
async::Task<> Searcher::decide() {
  std::size_t kept = 0;
  for (const auto& candidate : open_) {
    const auto value = test(candidate);
    if (value == Truth::yes) matches_.push_back(candidate.index);
    if (value == Truth::unknown) open_[kept++] = candidate;
    if (work_ += program_.keys.size(); work_ >= keys_a_turn) co_await take_turn();
  }
  open_.resize(kept);
}

store::MetaFields Searcher::fields() const {
  const bool sent = std::ranges::any_of(info_keys_, [this](std::size_t key) { return is_sent(program_.keys[key].kind); });
  return sent ? store::meta_envelope : store::meta_none;
}

async::Task<Result<>> Searcher::read_infos() {
  for (std::size_t begin = 0; begin < open_.size(); begin += limits::info_page) {
    const auto done = co_await read_page(begin, std::min(begin + limits::info_page, open_.size()));
    if (!done) co_return done;
    if (session_.progress_due()) co_await session_.tell_progress(std::min(begin + limits::info_page, open_.size()), open_.size());
  }
  // What is expunged meanwhile matches nothing.
  std::erase_if(open_, [](const Candidate& candidate) { return candidate.row == nullptr; });
  co_return Result<>();
}

async::Task<Result<>> Searcher::read_page(std::size_t begin, std::size_t end) {
  store::UidSet uids;
  for (std::size_t i = begin; i < end; ++i) uids.add(open_[i].row->uid);
  if (const auto done = co_await read_particulars(uids); !done) co_return done;
  const auto infos = co_await session_.store().info(view_.mailbox(), std::move(uids), fields());
  if (!infos) co_return std::unexpected(infos.error());
  auto info = infos->begin();
  for (std::size_t i = begin; i < end; ++i) {
    const auto uid = open_[i].row->uid;
    while (info != infos->end() && info->uid < uid) ++info;
    if (info == infos->end() || info->uid != uid) {
      open_[i].row = nullptr;
    } else if (const auto done = co_await fill(i, *info); !done) {
      if (done.error().kind != ErrorKind::not_found) co_return done;
      open_[i].row = nullptr;
    }
  }
  co_return Result<>();
}

/// What SAVEDATE and EMAILID need, for one page.
async::Task<Result<>> Searcher::read_particulars(const store::UidSet& uids) {
  particulars_.clear();
  const bool needed = std::ranges::any_of(info_keys_, [this](std::size_t key) { return is_particular(program_.keys[key].kind); });
  if (!needed) co_return Result<>();
  auto read = co_await session_.store().particulars(view_.mailbox(), uids);
  if (!read) co_return std::unexpected(read.error());
  particulars_ = *std::move(read);
  co_return Result<>();
}

/// The truths that the index entry gives.
async::Task<Result<>> Searcher::fill(std::size_t candidate, const store::MessageInfo& info) {
  Truth* truths = truths_.data() + (open_[candidate].truths - truths_.data());
  std::optional<Day> sent;
  for (const auto number : info_keys_) {
    const auto& key = program_.keys[number];
    Truth& value = truths[column_of_[number]];
    if (key.kind == Kind::larger || key.kind == Kind::smaller) {
      value = size_leaf(key, info.size);
    } else if (key.kind == Kind::older || key.kind == Kind::younger) {
      value = age_leaf(key, info.internal_date, now_);
    } else if (is_particular(key.kind)) {
      const auto known = std::ranges::lower_bound(particulars_, info.uid, {}, &store::Particulars::uid);
      const bool found = known != particulars_.end() && known->uid == info.uid;
      value = found ? particular_leaf(key, *known) : Truth::no;
    } else if (!is_sent(key.kind)) {
      value = date_leaf(key, day_at(info.internal_date));
    } else {
      if (!sent) {
        const auto day = co_await sent_day(info);
        if (!day) co_return std::unexpected(day.error());
        sent = *day;
      }
      value = date_leaf(key, *sent);
    }
  }
  co_return Result<>();
}

/// The day on which the message says it was written; no_day when it does not say.
async::Task<Result<Day>> Searcher::sent_day(const store::MessageInfo& info) {
  Message message(session_.store(), view_.mailbox(), info.uid, {&info, nullptr});
  const auto text = co_await message.envelope();
  if (!text) co_return std::unexpected(text.error());
  const auto envelope = Envelope::parse(*text);
  if (!envelope) co_return std::unexpected(envelope.error());
  co_return envelope->sent().value_or(no_day);
}

async::Task<> Searcher::look_for(store::TextCandidates where, store::TextQuery query, async::Event& due, Answer& answer) {
  answer = co_await store::search_text(session_.store(), std::move(where), std::move(query));
  due.publish();
}

/// Tells that the search goes on, whenever its slices find that this is due (RFC 9585).
async::Task<> Searcher::tell_due(async::Event& due, const Answer& answer) {
  for (std::uint64_t seen = 0; !answer;) {
    seen = co_await due.wait_beyond(seen);
    if (!answer && session_.progress_due()) co_await session_.tell_progress(0, 0);
  }
}

/// All text keys over all that is left, in one call.
async::Task<Result<>> Searcher::search_text() {
  store::TextQuery query;
  for (const auto key : text_keys_) query.needles.push_back(needle_of(program_.keys[key]));
  async::Event due;
  query.gone = [this, &due] {
    if (session_.progress_due()) due.publish();
    return session_.connection().peer_is_gone();
  };
  store::TextCandidates where{view_.mailbox(), {}};
  for (const auto& candidate : open_) where.uids.add(candidate.row->uid);
  std::optional<Result<store::TextTruths>> answer;
  co_await async::together(async::all(look_for(std::move(where), std::move(query), due, answer), tell_due(due, answer)));
  const auto& found = *answer;
  if (!found) co_return std::unexpected(found.error());
  std::size_t row = 0, kept = 0;
  for (const auto& candidate : open_) {
    while (row < found->size() && found->uid(row) < candidate.row->uid) ++row;
    if (row == found->size() || found->uid(row) != candidate.row->uid || !found->present(row)) continue;
    Truth* truths = truths_.data() + (candidate.truths - truths_.data());
    for (std::size_t i = 0; i < text_keys_.size(); ++i) truths[column_of_[text_keys_[i]]] = truth(found->get(row, i));
    open_[kept++] = candidate;
    if (work_ += text_keys_.size(); work_ >= keys_a_turn) co_await take_turn();
  }
  open_.resize(kept);
  co_return Result<>();
}

}  // namespace postern::imap
