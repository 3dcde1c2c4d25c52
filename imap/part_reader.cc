// SPDX-License-Identifier: Apache-2.0
// Decoding parts chunk by chunk; choosing and shortening the text of a preview.
#include "imap/part_reader.h"

#include "base/ascii.h"
#include "imap/limits.h"
#include "mime/encoded_word.h"
#include "mime/html_text.h"
#include "mime/text_decoder.h"

namespace postern::imap {
namespace {

/// RFC 8970 §3.1: never more than 256 characters.
constexpr std::size_t preview_characters = 200;

bool is_attachment(const mime::Part& part) { return ascii::iequals(part.disposition.value, "attachment"); }

/// The part that a reader sees first; null when there is no text.
const mime::Part* first_text(const mime::PartTree& tree) {
  for (const auto& part : tree.parts) {
    const bool text = part.kind == mime::PartKind::leaf && part.type.type == "text" && !part.has(mime::part_opaque);
    if (text && !is_attachment(part)) return &part;
  }
  return nullptr;
}

/// One line: runs of white space are one space, controls are gone, so many characters at most.
std::string shortened(std::string_view utf8) {
  const auto clean = mime::clean_text(utf8);
  std::string out;
  std::size_t characters = 0;
  for (const char c : clean) {
    const bool space = c == ' ' || c == '\t';
    if (space && (out.empty() || out.back() == ' ')) continue;
    const bool starts = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (starts && ++characters > preview_characters) break;
    out += space ? ' ' : c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

async::Task<Result<std::optional<EncodedPart>>> find_encoded(Message& message, const std::vector<std::uint32_t>& path) {
  if (path.empty()) {
    const auto size = co_await message.size();
    if (!size) co_return std::unexpected(size.error());
    co_return EncodedPart{{0, *size}};
  }
  const auto tree = co_await message.tree();
  if (!tree) co_return std::unexpected(tree.error());
  const auto range = mime::find_section(**tree, path, mime::SectionKind::whole);
  const auto index = mime::find_part(**tree, path);
  if (!range || index == mime::no_part) co_return std::nullopt;
  const auto& part = (*tree)->parts[index];
  // RFC 2045 §6.4: composite types are never encoded.
  if (part.kind != mime::PartKind::leaf) co_return EncodedPart{*range};
  if (part.transfer_encoding == mime::TransferEncoding::unknown) {
    co_return fail(ErrorKind::unsupported, "unknown transfer encoding");
  }
  co_return EncodedPart{*range, part.transfer_encoding};
}

PartReader::PartReader(Message& message, const EncodedPart& part)
    : message_(message), rest_(part.octets), decoder_(part.encoding) {}

async::Task<Result<std::optional<std::string_view>>> PartReader::next() {
  decoded_.clear();
  if (rest_.size() == 0) {
    if (finished_) co_return std::nullopt;
    finished_ = true;
    decoder_.finish(decoded_);
    co_return decoded_;
  }
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(rest_.size(), limits::body_chunk));
  const auto octets = co_await message_.read(rest_.begin, most);
  if (!octets) co_return std::unexpected(octets.error());
  rest_.begin += octets->size();
  decoder_.decode(*octets, decoded_);
  co_return decoded_;
}

async::Task<Result<PartMeasure>> measure(Message& message, const EncodedPart& part) {
  PartMeasure out;
  // Stored messages hold no NUL, so only decoding can bring one.
  if (part.encoding == mime::TransferEncoding::identity) co_return PartMeasure{.size = part.octets.size()};
  PartReader reader(message, part);
  for (;;) {
    const auto octets = co_await reader.next();
    if (!octets) co_return std::unexpected(octets.error());
    if (!*octets) co_return out;
    out.size += (*octets)->size();
    out.has_nul = out.has_nul || (*octets)->find('\0') != std::string_view::npos;
  }
}

async::Task<Result<std::string>> preview_of(Message& message) {
  const auto tree = co_await message.tree();
  if (!tree) co_return std::unexpected(tree.error());
  const auto* part = first_text(**tree);
  if (part == nullptr) co_return std::string();
  const auto raw = co_await message.read_all({part->body_begin, part->body_end}, limits::preview_octets);
  if (!raw) co_return std::unexpected(raw.error());
  mime::TextDecoder decoder(*part);
  std::string text;
  decoder.decode(*raw, text);
  decoder.finish(text);
  if (part->type.subtype != "html") co_return shortened(text);
  mime::HtmlText html;
  std::string visible;
  html.feed(text, visible);
  html.finish(visible);
  co_return shortened(visible);
}

}  // namespace postern::imap
