// SPDX-License-Identifier: Apache-2.0
// The search that needs no index: pages of index entries, the beginning of many messages in one visit, and what is longer in
// pieces. It suspends after half a mebibyte of work at the latest.
#include "store/text_search.h"

#include <algorithm>

#include "async/executor.h"
#include "mime/listed_fields.h"
#include "mime/part_codec.h"

namespace postern::store {

namespace {

/// Messages whose index entries are asked for at once.
constexpr std::uint64_t page_messages = 500;
/// Octets of each message that are read ahead when only headers matter, and when bodies do.
constexpr std::uint64_t header_octets = 16 * 1024;
constexpr std::uint64_t body_octets = 256 * 1024;
/// Octets handled at once.
constexpr std::size_t piece = 64 * 1024;
/// Octets handled until others get a turn.
constexpr std::uint64_t turn = 512 * 1024;

std::unexpected<Error> too_much() { return fail(ErrorKind::limit, "too much text to search"); }

/// The first `most` UIDs of the set, which lose their place in it.
UidSet take_page(UidSet& uids, std::uint64_t most) {
  UidSet page;
  for (const auto& range : uids.ranges()) {
    if (most == 0) break;
    const std::uint64_t wide = std::uint64_t{range.hi} - range.lo + 1;
    const auto taken = std::min(wide, most);
    page.add(UidRange{range.lo, static_cast<Uid>(range.lo + taken - 1)});
    most -= taken;
  }
  uids = uids.minus(page);
  return page;
}

/// SUBJECT, FROM and their like: mime/listed_fields.h has the whole field, as often as it stands in the message.
bool is_in_list(const TextNeedle& needle) { return needle.scope == TextScope::header && mime::is_listed_field(needle.field); }

/// One search over one mailbox.
class Scan {
 public:
  Scan(Session& session, MailboxId mailbox, TextQuery& query)
      : session_(session),
        mailbox_(mailbox),
        query_(query),
        finders_(make_finders(query.needles)),
        places_(places_of(finders_)),
        in_list_(std::ranges::all_of(query.needles, is_in_list)),
        matcher_(finders_),
        truths_(finders_.size()) {}

  Task<Result<>> page(const UidSet& uids) {
    const auto infos = co_await session_.info(mailbox_, uids, meta_parts);
    if (!infos) co_return std::unexpected(infos.error());
    texts_ = {};
    left_ = uids;
    for (const auto& info : *infos) {
      if (const auto done = co_await message(info); !done) {
        if (done.error().kind == ErrorKind::not_found) continue;  // expunged meanwhile
        co_return done;
      }
    }
    co_return Result<>();
  }
  TextTruths take() { return std::move(truths_); }

 private:
  Task<Result<>> message(const MessageInfo& info) {
    matcher_.reset();
    const auto listed = in_list_ ? mime::listed_fields_in(info.meta.parts) : std::string_view();
    if (!listed.empty()) {
      const auto before = matcher_.work();
      mime::add_header_text(listed, mime::HeaderOf::message, matcher_);
      if (const auto paid = co_await pay(listed.size() + matcher_.work() - before); !paid) co_return paid;
    } else if (places_ != 0) {
      if (const auto loaded = co_await load(info.uid); !loaded) co_return loaded;
      auto tree = mime::decode_parts(info.meta.parts);
      if (!tree) tree = co_await parse(info);
      if (!tree) co_return std::unexpected(tree.error());
      if (const auto scanned = co_await extract(info, *tree); !scanned) co_return scanned;
    }
    const auto row = truths_.add(info.uid);
    for (std::size_t i = 0; i < finders_.size(); ++i) {
      if (matcher_.found(i)) truths_.set(row, i);
    }
    co_return Result<>();
  }

  Task<Result<>> extract(const MessageInfo& info, const mime::PartTree& tree) {
    mime::TextExtractor extractor({tree, info.prefix_size, places_}, matcher_);
    while (const auto range = extractor.wants()) {
      if (matcher_.all_found()) break;
      const auto octets = co_await read(info.uid, range->begin, range->size());
      if (!octets) co_return std::unexpected(octets.error());
      const auto before = matcher_.work();
      extractor.feed(*octets);
      if (const auto paid = co_await pay(octets->size() + matcher_.work() - before); !paid) co_return paid;
    }
    co_return Result<>();
  }

  /// The parts, for entries without them or written by another version.
  Task<Result<mime::PartTree>> parse(const MessageInfo& info) {
    mime::PartParser parser;
    for (std::uint64_t at = info.prefix_size; at < info.size;) {
      const auto octets = co_await read(info.uid, at, info.size - at);
      if (!octets) co_return std::unexpected(octets.error());
      parser.feed(*octets);
      at += octets->size();
      if (const auto paid = co_await pay(octets->size()); !paid) co_return std::unexpected(paid.error());
    }
    co_return parser.finish();
  }

  /// Takes the work off the budget; now and then others get their turn.
  Task<Result<>> pay(std::uint64_t work) {
    if (work > query_.work) co_return too_much();
    query_.work -= work;
    since_turn_ += work;
    if (since_turn_ < turn) co_return Result<>();
    since_turn_ = 0;
    co_await async::yield();
    if (query_.gone && query_.gone()) co_return fail(ErrorKind::closed, "the search was given up");
    co_return Result<>();
  }

  /// Reads ahead the beginning of this message and of those behind it.
  Task<Result<>> load(Uid uid) {
    reader_.reset();
    if (uid <= texts_.through) co_return Result<>();
    left_ = left_.intersect(UidSet{{uid, UINT32_MAX}});
    const bool body = (places_ & mime::place_bit(mime::TextPlace::body)) != 0;
    auto texts = co_await session_.read(mailbox_, left_, {.per_message = body ? body_octets : header_octets});
    if (!texts) co_return std::unexpected(texts.error());
    texts_ = *std::move(texts);
    co_return Result<>();
  }

  /// At least one octet at the offset.
  Task<Result<std::string_view>> read(Uid uid, std::uint64_t at, std::uint64_t most) {
    const auto text = std::ranges::lower_bound(texts_.texts, uid, {}, &StoredText::uid);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, piece));
    if (text != texts_.texts.end() && text->uid == uid && at < text->octets.size()) {
      co_return std::string_view(text->octets).substr(static_cast<std::size_t>(at), wanted);
    }
    if (!reader_) {
      auto reader = co_await session_.body(mailbox_, uid);
      if (!reader) co_return std::unexpected(reader.error());
      reader_ = *std::move(reader);
    }
    auto octets = co_await reader_->read(at, wanted);
    if (octets && octets->empty()) co_return fail(ErrorKind::corrupt, "a message is shorter than its index says");
    co_return octets;
  }

  Session& session_;
  const MailboxId mailbox_;
  TextQuery& query_;
  const std::vector<Finder> finders_;
  const mime::TextPlaces places_;
  const bool in_list_;  ///< all needles are for fields that the index keeps
  TextMatcher matcher_;
  TextTruths truths_;
  ReadTexts texts_;
  UidSet left_;
  std::unique_ptr<BodyReader> reader_;
  std::uint64_t since_turn_ = 0;
};

}  // namespace

Result<> check_bounds(const TextQuery& query, std::uint64_t messages) {
  if (query.needles.size() > max_text_needles) return too_much();
  if (!query.needles.empty() && messages > max_text_truths / query.needles.size()) return too_much();
  return {};
}

Task<Result<TextTruths>> scan_messages(Session& session, TextCandidates where, TextQuery& query) {
  Scan scan(session, where.mailbox, query);
  while (!where.uids.empty()) {
    const UidSet page = take_page(where.uids, page_messages);
    if (const auto done = co_await scan.page(page); !done) co_return std::unexpected(done.error());
  }
  co_return scan.take();
}

Task<Result<TextTruths>> search_text(Session& session, TextCandidates where, TextQuery query) {
  if (const auto bounds = check_bounds(query, where.uids.count()); !bounds) co_return std::unexpected(bounds.error());
  if (auto* ready = dynamic_cast<TextSearch*>(&session))
    co_return co_await ready->search_text(std::move(where), std::move(query));
  co_return co_await scan_messages(session, std::move(where), query);
}

}  // namespace postern::store
