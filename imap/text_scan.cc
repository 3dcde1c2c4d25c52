// SPDX-License-Identifier: Apache-2.0
// Decodes a message part by part and looks for all needles in each piece; pieces overlap by the longest needle.
#include "imap/text_scan.h"

#include "async/executor.h"
#include "imap/limits.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/text_decoder.h"

namespace postern::imap {
namespace {

/// Octets compared (text times needles) after which other sessions get a turn (security.md D89).
constexpr std::uint64_t turn = 512 * 1024;

/// Keeps the end of the text that could be the beginning of a needle.
void keep_tail(std::string& text, std::size_t octets) {
  if (text.size() > octets) text.erase(0, text.size() - octets);
}

}  // namespace

std::string readable_header(std::string_view block) {
  std::string out;
  for (const auto& field : mime::Header(block).fields()) {
    out.append(field.name).append(": ").append(mime::decode_words(field.raw)).append("\n");
  }
  return mime::casemap(out);
}

TextScan::TextScan(std::vector<Needle> needles, std::uint64_t& budget)
    : needles_(std::move(needles)), budget_(budget), found_(needles_.size()) {
  for (const auto& needle : needles_) longest_ = std::max(longest_, needle.text.size());
}

/// Looks for the needles that may occur in this place: `anywhere` stands for the header of the message itself.
void TextScan::look(std::string_view text, Where place) {
  for (std::size_t i = 0; i < needles_.size(); ++i) {
    if (found_[i] || (place == Where::anywhere && needles_[i].where == Where::body)) continue;
    const auto& needle = needles_[i].text;
    found_[i] = needle.empty() || ::memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
  }
}

bool TextScan::all_found() const {
  return std::ranges::all_of(found_, [](bool found) { return found; });
}

bool TextScan::wants_header() const {
  return std::ranges::any_of(needles_, [](const Needle& needle) { return needle.where == Where::anywhere; });
}

bool TextScan::spend(std::uint64_t octets) {
  if (octets > budget_) return false;
  budget_ -= octets;
  return true;
}

// The body is what is text in it: text parts, and the headers of messages inside. RFC 3501 §6.4.4 leaves the rest to us.
async::Task<Result<>> TextScan::run(Message& message) {
  const auto tree = co_await message.tree();
  if (!tree) co_return std::unexpected(tree.error());
  look("", Where::body);
  for (const auto& part : (*tree)->parts) {
    if (all_found()) break;
    const bool root = part.parent == mime::no_part;
    if (part.has(mime::part_is_message) && (!root || wants_header())) {
      const auto done = co_await scan_header(message, part);
      if (!done) co_return done;
    }
    const bool is_text = part.kind == mime::PartKind::leaf && !part.has(mime::part_opaque) && part.type.type == "text";
    if (!is_text) continue;
    const auto done = co_await scan_leaf(message, part);
    if (!done) co_return done;
  }
  co_return Result<>();
}

async::Task<Result<>> TextScan::scan_header(Message& message, const mime::Part& part) {
  if (!spend(std::min<std::uint64_t>(part.header_size(), mime::max_header_block))) {
    co_return fail(ErrorKind::limit, "too much text to search");
  }
  const auto block = co_await message.read_all({part.header_begin, part.body_begin}, mime::max_header_block);
  if (!block) co_return std::unexpected(block.error());
  look(readable_header(*block), part.parent == mime::no_part ? Where::anywhere : Where::body);
  co_return Result<>();
}

async::Task<Result<>> TextScan::scan_leaf(Message& message, const mime::Part& part) {
  mime::TextDecoder decoder(part);
  std::string text, piece;
  std::uint64_t since_turn = 0;
  for (auto at = part.body_begin; at < part.body_end;) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(part.body_end - at, limits::body_chunk));
    const auto bytes = co_await message.read(at, most);
    if (!bytes) co_return std::unexpected(bytes.error());
    const auto work = bytes->size() * needles_.size();
    if (!spend(work)) co_return fail(ErrorKind::limit, "too much text to search");
    at += bytes->size();
    piece.clear();
    decoder.decode(*bytes, piece);
    if (at == part.body_end) decoder.finish(piece);
    text.append(mime::casemap(piece));
    look(text, Where::body);
    if (all_found()) co_return Result<>();
    keep_tail(text, longest_);
    since_turn += work;
    if (since_turn < turn) continue;
    since_turn = 0;
    co_await async::yield();
  }
  co_return Result<>();
}

}  // namespace postern::imap
