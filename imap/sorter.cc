// SPDX-License-Identifier: Apache-2.0
// The grammar of sort criteria and the keys of a message.
#include "imap/sorter.h"

#include <algorithm>
#include <numeric>

#include "async/together.h"
#include "base/ascii.h"
#include "imap/base_subject.h"
#include "imap/limits.h"
#include "imap/turn_sort.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"

namespace postern::imap {
namespace {

/// Rows sorted at once: about two milliseconds.
constexpr std::size_t sort_run = 8'192;
/// Octets of an address or display name that are compared.
constexpr std::size_t longest_text = 256;

constexpr std::pair<std::string_view, SortKey> keys[] = {{"ARRIVAL", SortKey::arrival},
                                                         {"CC", SortKey::cc},
                                                         {"DATE", SortKey::date},
                                                         {"FROM", SortKey::from},
                                                         {"SIZE", SortKey::size},
                                                         {"SUBJECT", SortKey::subject},
                                                         {"TO", SortKey::to},
                                                         {"DISPLAYFROM", SortKey::display_from},
                                                         {"DISPLAYTO", SortKey::display_to}};

/// RFC 5957 §3: the display name, else the address, else nothing.
std::string display(const FirstAddress& address) {
  if (!address.name.empty()) return mime::decode_words(address.name);
  if (address.host.empty()) return address.mailbox;
  return address.mailbox + "@" + address.host;
}

/// What the criterion compares of the envelope; not for numbers.
std::string comparable(SortKey key, const Envelope& envelope) {
  switch (key) {
    case SortKey::subject: return base_subject(envelope.subject()).text;
    case SortKey::cc: return mime::casemap(envelope.cc().mailbox);
    case SortKey::from: return mime::casemap(envelope.from().mailbox);
    case SortKey::to: return mime::casemap(envelope.to().mailbox);
    case SortKey::display_from: return mime::casemap(display(envelope.from()));
    case SortKey::display_to: return mime::casemap(display(envelope.to()));
    default: return {};
  }
}

bool is_number(SortKey key) { return key == SortKey::arrival || key == SortKey::date || key == SortKey::size; }

}  // namespace

// RFC 5256 §5: sort-criterion = ["REVERSE" SP] sort-key; RFC 5957 §4 adds keys.
std::vector<SortCriterion> parse_sort_criteria(Parser& in) {
  std::vector<SortCriterion> out;
  in.expect('(');
  do {
    if (out.size() == limits::sort_criteria) {
      in.refuse(no("LIMIT", "Too many sort criteria"));
      break;
    }
    SortCriterion criterion;
    criterion.reverse = in.take_keyword("REVERSE");
    if (criterion.reverse) in.sp();
    const auto name = in.atom();
    const auto found = std::ranges::find_if(keys, [&](const auto& row) { return ascii::iequals(row.first, name); });
    if (found == std::end(keys)) {
      in.fail("Unknown sort key");
      break;
    }
    criterion.key = found->second;
    out.push_back(criterion);
  } while (in.take(' '));
  in.expect(')');
  return out;
}

Sorter::Sorter(Session& session, std::vector<SortCriterion> criteria) : session_(session), criteria_(std::move(criteria)) {}

async::Task<Result<std::vector<std::size_t>>> Sorter::run(std::vector<std::size_t> matches) {
  if (const auto done = co_await read(matches); !done) co_return std::unexpected(done.error());
  std::vector<std::uint32_t> order(rows_.size());
  std::iota(order.begin(), order.end(), 0U);
  co_await sort_in_turns(order, sort_run, [this](std::uint32_t a, std::uint32_t b) { return before(a, b); });
  std::vector<std::size_t> out;
  out.reserve(order.size());
  for (const auto position : order) out.push_back(rows_[position]);
  co_return out;
}

bool Sorter::needs_envelope() const {
  return std::ranges::any_of(criteria_,
                             [](const SortCriterion& one) { return one.key != SortKey::arrival && one.key != SortKey::size; });
}

async::Task<Result<>> Sorter::read(const std::vector<std::size_t>& matches) {
  InfoPages pages(session_, matches, {.fields = needs_envelope() ? store::meta_envelope : store::meta_none});
  for (;;) {
    const auto more = co_await pages.next();
    if (!more) co_return std::unexpected(more.error());
    if (!*more) co_return Result<>();
    Result<> done;
    // While the keys of this page are made, the store reads the next one.
    co_await async::together(async::all(pages.read_on(), read_page(pages, done)));
    if (!done) co_return done;
    if (texts_.size() > limits::sort_text) co_return fail(ErrorKind::limit, "the keys of this order take too much memory");
  }
}

async::Task<> Sorter::read_page(InfoPages& pages, Result<>& done) {
  for (const auto& entry : pages.page()) {
    if (entry.info == nullptr) continue;
    // The usual case without the coroutines that reading a message takes.
    const auto& known = entry.info->meta.envelope;
    const auto envelope = known.empty() ? Result<Envelope>(Envelope()) : Envelope::parse(known);
    if (!known.empty() && envelope) {
      add_row(entry.index, *entry.info, &*envelope);
      continue;
    }
    done = co_await read_entry(pages, entry);
    if (!done && done.error().kind != ErrorKind::not_found) co_return;
    done = {};
  }
}

async::Task<Result<>> Sorter::read_entry(InfoPages& pages, const InfoPages::Entry& entry) {
  if (!needs_envelope()) {
    add_row(entry.index, *entry.info, nullptr);
    co_return Result<>();
  }
  auto message = co_await pages.message(entry);
  const auto envelope = co_await envelope_of(message);
  if (!envelope) co_return std::unexpected(envelope.error());
  add_row(entry.index, *entry.info, &*envelope);
  co_return Result<>();
}

void Sorter::add_row(std::size_t index, const store::MessageInfo& info, const Envelope* envelope) {
  rows_.push_back(index);
  for (const auto& [key, reverse] : criteria_) {
    switch (key) {
      case SortKey::arrival: values_.push_back({.number = info.internal_date}); break;
      case SortKey::size: values_.push_back({.number = static_cast<std::int64_t>(info.size)}); break;
      // RFC 5256 §2.2: without a valid Date the internal date counts.
      case SortKey::date: values_.push_back({.number = envelope->sent_at().value_or(info.internal_date)}); break;
      default: values_.push_back(text(comparable(key, *envelope)));
    }
  }
}

Sorter::Value Sorter::text(std::string_view comparable_text) {
  const auto most = std::max(longest_text, max_subject);
  const auto part = comparable_text.substr(0, most);
  Value out{.begin = static_cast<std::uint32_t>(texts_.size()), .size = static_cast<std::uint32_t>(part.size())};
  texts_.append(part);
  return out;
}

/// RFC 5256 §3: equal keys leave the decision to the next criterion, at last to the sequence number.
bool Sorter::before(std::uint32_t a, std::uint32_t b) const {
  const auto* left = values_.data() + a * criteria_.size();
  const auto* right = values_.data() + b * criteria_.size();
  for (const auto& [key, reverse] : criteria_) {
    const auto order = is_number(key) ? left->number <=> right->number : text(*left) <=> text(*right);
    if (order != 0) return reverse ? order > 0 : order < 0;
    ++left;
    ++right;
  }
  return rows_[a] < rows_[b];
}

}  // namespace postern::imap
