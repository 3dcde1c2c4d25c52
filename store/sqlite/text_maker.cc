// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/text_maker.h"

#include <algorithm>

#include "mime/part_codec.h"
#include "store/sqlite/body_reader.h"

namespace postern::store::sqlite {

namespace {

/// Octets of a large raw body read at once.
constexpr std::size_t raw_piece = 256 * 1024;

class Collector final : public mime::TextSink {
 public:
  explicit Collector(TextDocument& document) : document_(document) {}
  void add(mime::TextPlace place, std::string_view text) override {
    octets_ += text.size();
    if (!too_large()) document_.texts[static_cast<std::size_t>(place)] += text;
  }
  bool too_large() const { return octets_ > max_kept_text; }

 private:
  TextDocument& document_;
  std::size_t octets_ = 0;
};

std::uint64_t text_octets(const mime::PartTree& tree) {
  std::uint64_t sum = 0;
  for (const auto& part : tree.parts) {
    if (part.kind == mime::PartKind::leaf && part.type.type == "text") sum += part.body_size();
  }
  return sum;
}

void keep_none(TextDocument& document) {
  document.entry.too_large = true;
  for (auto& text : document.texts) std::string().swap(text);
}

}  // namespace

/// Finds the body; a small one is read and verified at once.
Result<> TextMaker::open(const TextSource& source) {
  const auto location = locate_blob(db_, source.message, static_cast<std::int64_t>(source.blob));
  if (!location) return fail(ErrorKind::not_found, "the body is gone");
  auto body = StoredBody::open(segments_, location->place);
  if (!body) return std::unexpected(body.error());
  body_ = std::move(*body);
  piece_ = {};
  return body_->is_large() ? Result<>() : body_->append_start(piece_.octets, body_->place().original);
}

/// At least one octet at the beginning of the range. Good until the next call.
Result<std::string_view> TextMaker::read(mime::Range range) {
  if (range.end > body_->place().original) return fail(ErrorKind::corrupt, "a message is shorter than its index says");
  if (range.begin < piece_.begin || range.begin >= piece_.end()) {
    auto piece = body_->piece_at(range.begin, raw_piece);
    if (!piece) return std::unexpected(piece.error());
    piece_ = std::move(*piece);
  }
  return std::string_view(piece_.octets).substr(range.begin - piece_.begin, range.size());
}

Result<mime::PartTree> TextMaker::tree_of(std::int64_t message) {
  auto row = db_.query("SELECT parts FROM msgmeta WHERE id=?1", message);
  if (row.step()) {
    if (auto tree = mime::decode_parts(row.text(0))) return tree;
  }
  mime::PartParser parser;
  const std::uint64_t end = body_->place().original;
  for (std::uint64_t at = 0; at < end;) {
    const auto octets = read({at, end});
    if (!octets) return std::unexpected(octets.error());
    parser.feed(*octets);
    at += octets->size();
  }
  return parser.finish();
}

Result<TextDocument> TextMaker::make(const TextSource& source) {
  if (auto opened = open(source); !opened) return std::unexpected(opened.error());
  const auto tree = tree_of(source.message);
  if (!tree) return std::unexpected(tree.error());
  TextDocument out;
  out.entry = {.blob = source.blob, .checksum = source.checksum};
  if (text_octets(*tree) > max_text_source) {
    keep_none(out);
    return out;
  }
  Collector collector(out);
  mime::TextExtractor extractor({*tree, 0, mime::all_places}, collector);
  while (const auto range = extractor.wants()) {
    if (collector.too_large()) break;
    const auto octets = read(*range);
    if (!octets) return std::unexpected(octets.error());
    extractor.feed(*octets);
  }
  if (collector.too_large()) keep_none(out);
  return out;
}

}  // namespace postern::store::sqlite
