// SPDX-License-Identifier: Apache-2.0
// The three passes of a search. Suspends only between messages and every few thousand keys.
#include "imap/searcher.h"

#include "async/executor.h"
#include "base/ascii.h"
#include "imap/text_scan.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/header.h"

namespace postern::imap {
namespace {

using Kind = SearchKey::Kind;

/// Keys that are tested before other sessions get a turn (security.md D89).
constexpr std::size_t keys_a_turn = 200'000;

Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

bool reads_content(Kind kind) { return kind == Kind::header || kind == Kind::body || kind == Kind::text; }

Truth date_leaf(const SearchKey& key, Day day) {
  switch (key.kind) {
    case Kind::before:
    case Kind::sent_before: return truth(day < key.day);
    case Kind::on:
    case Kind::sent_on: return truth(day == key.day);
    default: return truth(day >= key.day);
  }
}

/// The bit of a keyword in this mailbox; 0 when no message can have it.
std::uint64_t keyword_bit(const store::Snapshot& snapshot, std::string_view keyword) {
  for (std::size_t i = 0; i < snapshot.keywords.size() && i < store::flag::max_keywords; ++i) {
    if (ascii::iequals(snapshot.keywords[i], keyword)) return std::uint64_t{1} << (store::flag::first_keyword + i);
  }
  return 0;
}

bool header_has(const mime::Header& header, const SearchKey& key) {
  return std::ranges::any_of(header.all(key.field), [&key](const mime::Field* field) {
    return mime::casemap(mime::decode_words(field->raw)).find(key.text) != std::string::npos;
  });
}

}  // namespace

Searcher::Searcher(Session& session, const SearchProgram& program)
    : session_(session),
      program_(program),
      wanted_(fields()),
      content_(program.keys.size()),
      texts_(session.store(), session.view().mailbox(), octets(), ReadAhead::Use::some) {}

Result<> Searcher::resolve() {
  const auto& view = session_.view();
  for (std::size_t i = 0; i < program_.keys.size(); ++i) {
    const auto& key = program_.keys[i];
    if (key.kind == Kind::keyword) keyword_bits_[i] = keyword_bit(view.snapshot(), key.text);
    if (key.kind != Kind::set) continue;
    auto rows = view.resolve(key.set, key.numbering);
    if (!rows) return std::unexpected(rows.error());
    sets_[i] = *std::move(rows);
  }
  return {};
}

async::Task<Result<std::vector<std::size_t>>> Searcher::run() {
  if (const auto resolved = resolve(); !resolved) co_return std::unexpected(resolved.error());
  std::vector<std::size_t> page;
  std::size_t index = 0;
  // Nothing changes the picture while a command runs, but the pages below suspend: the snapshot is held here.
  const auto& snapshot = session_.view().snapshot();
  for (const auto& chunk : snapshot.chunks()) {
    for (const auto& row : *chunk) {
      const auto value = test({.index = index, .row = &row});
      if (value == Truth::yes) matches_.push_back(index);
      if (value == Truth::unknown) page.push_back(index);
      ++index;
      work_ += program_.keys.size();
      if (work_ >= keys_a_turn) {
        work_ = 0;
        co_await async::yield();
      }
      if (page.size() < limits::info_page) continue;
      if (const auto done = co_await test_page(page); !done) co_return std::unexpected(done.error());
      page.clear();
    }
  }
  if (const auto done = co_await test_page(page); !done) co_return std::unexpected(done.error());
  std::ranges::sort(matches_);
  co_return std::move(matches_);
}

Truth Searcher::test(const Known& known) {
  return evaluate(program_.keys, stack_, [&](std::size_t key) { return leaf(key, known); });
}

Truth Searcher::leaf(std::size_t number, const Known& known) const {
  const auto& key = program_.keys[number];
  switch (key.kind) {
    case Kind::before:
    case Kind::on:
    case Kind::since: return known.info == nullptr ? Truth::unknown : date_leaf(key, day_at(known.info->internal_date));
    case Kind::sent_before:
    case Kind::sent_on:
    case Kind::sent_since:
      if (known.envelope == nullptr) return Truth::unknown;
      return known.envelope->sent() ? date_leaf(key, *known.envelope->sent()) : Truth::no;
    case Kind::envelope_text: return text_leaf(key, known);
    case Kind::header:
    case Kind::body:
    case Kind::text: return content_[number].value_or(Truth::unknown);
    default: return snapshot_leaf(key, number, known);
  }
}

Truth Searcher::text_leaf(const SearchKey& key, const Known& known) const {
  if (known.envelope != nullptr) return truth(known.envelope->text(key.field).find(key.text) != std::string_view::npos);
  return known.filter != nullptr && !known.filter->may_have(key.text) ? Truth::no : Truth::unknown;
}

Truth Searcher::snapshot_leaf(const SearchKey& key, std::size_t number, const Known& known) const {
  switch (key.kind) {
    case Kind::flag: return truth((known.row->flags & key.bits) != 0);
    case Kind::keyword: return truth((known.row->flags & keyword_bits_.at(number)) != 0);
    case Kind::recent: return truth(session_.view().is_recent(known.row->uid));
    case Kind::set: return truth(contains(sets_.at(number), known.index));
    case Kind::modseq: return truth(known.row->modseq >= key.number);
    case Kind::larger:
    case Kind::smaller: return size_leaf(key, known);
    default: return Truth::yes;
  }
}

Truth Searcher::size_leaf(const SearchKey& key, const Known& known) const {
  if (known.row->size_hint == UINT32_MAX && known.info == nullptr) return Truth::unknown;
  const std::uint64_t size = known.row->size_hint == UINT32_MAX ? known.info->size : known.row->size_hint;
  return truth(key.kind == Kind::larger ? size > key.number : size < key.number);
}

store::MetaFields Searcher::fields() const {
  unsigned out = store::meta_none;
  for (const auto& key : program_.keys) {
    if (key.kind >= Kind::sent_before && key.kind <= Kind::envelope_text) out |= store::meta_envelope;
    if (key.kind == Kind::body || key.kind == Kind::text) out |= store::meta_parts;
  }
  return static_cast<store::MetaFields>(out);
}

/// Octets of a message that the keys will need, if any.
std::uint64_t Searcher::octets() const {
  std::uint64_t most = 0;
  for (const auto& key : program_.keys) {
    if (!reads_content(key.kind)) continue;
    most = std::max<std::uint64_t>(most, key.kind == Kind::header ? limits::usual_header : limits::usual_message);
  }
  return most;
}

async::Task<Result<>> Searcher::test_page(const std::vector<std::size_t>& page) {
  if (page.empty()) co_return Result<>();
  const auto& view = session_.view();
  store::UidSet uids;
  for (const auto index : page) uids.add(view.snapshot().row(index).uid);
  texts_.begin(uids);
  const auto infos = co_await session_.store().info(view.mailbox(), std::move(uids), wanted_);
  if (!infos) co_return std::unexpected(infos.error());
  auto info = infos->begin();
  for (const auto index : page) {
    const auto uid = view.snapshot().row(index).uid;
    while (info != infos->end() && info->uid < uid) ++info;
    // What is expunged meanwhile matches nothing.
    if (info == infos->end() || info->uid != uid) continue;
    const auto value = co_await test_entry(index, &*info);
    if (!value) co_return std::unexpected(value.error());
    if (*value == Truth::yes) matches_.push_back(index);
  }
  co_return Result<>();
}

async::Task<Result<Truth>> Searcher::test_entry(std::size_t index, const store::MessageInfo* info) {
  std::ranges::fill(content_, std::nullopt);
  const auto& view = session_.view();
  Known known{.index = index, .row = &view.snapshot().row(index), .info = info};
  std::optional<Envelope> envelope;
  if (!info->meta.envelope.empty()) {
    filter_.look_at(info->meta.envelope);
    known.filter = &filter_;
  }
  if (const auto value = test(known); value != Truth::unknown) co_return value;
  Message message(session_.store(), view.mailbox(), info->uid, {info, nullptr});
  if ((wanted_ & store::meta_envelope) != 0) {
    const auto text = co_await message.envelope();
    if (!text) co_return text.error().kind == ErrorKind::not_found ? Result<Truth>(Truth::no) : std::unexpected(text.error());
    auto parsed = Envelope::parse(*text);
    if (!parsed) co_return std::unexpected(parsed.error());
    envelope = *std::move(parsed);
    known.envelope = &*envelope;
  }
  const auto value = test(known);
  if (value != Truth::unknown) co_return value;
  if (!texts_.knows(info->uid)) co_await texts_.load(info->uid);
  Message whole(session_.store(), view.mailbox(), info->uid, {info, texts_.get(info->uid)});
  auto read = co_await test_message(known, whole);
  if (!read && read.error().kind == ErrorKind::not_found) co_return Truth::no;
  co_return read;
}

/// Header keys first; the body is read only while they do not decide.
async::Task<Result<Truth>> Searcher::test_message(const Known& known, Message& message) {
  if (const auto done = co_await read_header(message); !done) co_return std::unexpected(done.error());
  if (const auto value = test(known); value != Truth::unknown) co_return value;
  std::vector<Needle> needles;
  std::vector<std::size_t> keys;
  for (std::size_t i = 0; i < program_.keys.size(); ++i) {
    if (content_[i] || !reads_content(program_.keys[i].kind)) continue;
    const bool body = program_.keys[i].kind == Kind::body;
    needles.push_back({program_.keys[i].text, body ? Where::body : Where::anywhere});
    keys.push_back(i);
  }
  TextScan scan(std::move(needles), budget_);
  if (const auto done = co_await scan.run(message); !done) co_return std::unexpected(done.error());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    content_[keys[i]] = truth(scan.found(i));
  }
  co_return test(known);
}

/// Decides the HEADER keys.
async::Task<Result<>> Searcher::read_header(Message& message) {
  if (std::ranges::find(program_.keys, Kind::header, &SearchKey::kind) == program_.keys.end()) co_return Result<>();
  const auto size = co_await message.header_size();
  if (!size) co_return std::unexpected(size.error());
  const auto block = co_await message.read_all({0, *size}, mime::max_header_block);
  if (!block) co_return std::unexpected(block.error());
  const mime::Header header(*block);
  for (std::size_t i = 0; i < program_.keys.size(); ++i) {
    if (program_.keys[i].kind == Kind::header) content_[i] = truth(header_has(header, program_.keys[i]));
  }
  co_return Result<>();
}

}  // namespace postern::imap
