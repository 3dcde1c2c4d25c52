// SPDX-License-Identifier: Apache-2.0
// Loads what is asked for, once: index entry first, then the part tree, then octets; parses anew where the index has nothing.
#include "imap/message.h"

#include "imap/limits.h"
#include "mime/body_structure.h"
#include "mime/header.h"
#include "mime/part_codec.h"

namespace postern::imap {
namespace {

/// Part offsets are kept relative to the body; the prefix lies in front of the root's header.
void move_behind_prefix(mime::PartTree& tree, std::uint64_t prefix) {
  for (auto& part : tree.parts) {
    part.header_begin += prefix;
    part.body_begin += prefix;
    part.body_end += prefix;
  }
  tree.parts.front().header_begin = 0;
}

}  // namespace

Message::Message(store::Session& store, store::MailboxId mailbox, store::Uid uid, const Loaded& loaded)
    : store_(store), mailbox_(mailbox), uid_(uid), info_(loaded.info), text_(loaded.text) {}

async::Task<Result<>> Message::open() {
  if (reader_) co_return Result<>();
  auto reader = co_await store_.body(mailbox_, uid_);
  if (!reader) co_return std::unexpected(reader.error());
  reader_ = *std::move(reader);
  co_return Result<>();
}

/// Parses the whole message: for entries without metadata, or written by another version.
async::Task<Result<>> Message::parse() {
  const auto octets = co_await size();
  if (!octets) co_return std::unexpected(octets.error());
  mime::PartParser parser;
  const auto end = *octets;
  for (std::uint64_t at = 0; at < end;) {
    const auto bytes = co_await read(at, limits::body_chunk);
    if (!bytes) co_return std::unexpected(bytes.error());
    parser.feed(*bytes);
    at += bytes->size();
  }
  tree_ = parser.finish();
  co_return Result<>();
}

async::Task<Result<std::string_view>> Message::envelope() {
  if (info_ != nullptr && !info_->meta.envelope.empty()) co_return info_->meta.envelope;
  const auto parts = co_await tree();
  if (!parts) co_return std::unexpected(parts.error());
  co_return (*parts)->root().envelope;
}

async::Task<Result<std::string_view>> Message::body_structure() {
  if (info_ != nullptr && !info_->meta.bodystructure.empty()) co_return info_->meta.bodystructure;
  const auto parts = co_await tree();
  if (!parts) co_return std::unexpected(parts.error());
  body_structure_ = mime::imap_bodystructure(**parts, mime::Structure::extended);
  co_return body_structure_;
}

async::Task<Result<const mime::PartTree*>> Message::tree() {
  if (tree_) co_return &*tree_;
  if (info_ != nullptr && !info_->meta.parts.empty()) {
    if (auto tree = mime::decode_parts(info_->meta.parts)) {
      move_behind_prefix(*tree, info_->prefix_size);
      tree_ = *std::move(tree);
      co_return &*tree_;
    }
  }
  if (const auto parsed = co_await parse(); !parsed) co_return std::unexpected(parsed.error());
  co_return &*tree_;
}

async::Task<Result<std::uint64_t>> Message::size() {
  if (info_ != nullptr) co_return info_->size;
  if (text_ != nullptr) co_return text_->size;
  if (const auto opened = co_await open(); !opened) co_return std::unexpected(opened.error());
  co_return reader_->size();
}

async::Task<Result<std::uint64_t>> Message::header_size() {
  const auto octets = co_await size();
  if (!octets || *octets == 0) co_return octets;
  const auto first = co_await read(0, limits::usual_header);
  if (!first) co_return std::unexpected(first.error());
  if (head_.empty() && text_ == nullptr) head_ = *first;
  mime::HeaderEndFinder finder;
  finder.feed(*first);
  if (finder.done()) co_return finder.size();
  const auto parts = co_await tree();
  if (!parts) co_return std::unexpected(parts.error());
  co_return (*parts)->root().body_begin;
}

async::Task<Result<std::string_view>> Message::read(std::uint64_t offset, std::size_t most) {
  if (text_ != nullptr && offset < text_->octets.size()) {
    co_return std::string_view(text_->octets).substr(static_cast<std::size_t>(offset), most);
  }
  if (offset < head_.size()) co_return std::string_view(head_).substr(static_cast<std::size_t>(offset), most);
  if (const auto opened = co_await open(); !opened) co_return std::unexpected(opened.error());
  auto bytes = co_await reader_->read(offset, most);
  if (bytes && bytes->empty()) co_return fail(ErrorKind::corrupt, "message is shorter than its index says");
  co_return bytes;
}

async::Task<Result<std::string>> Message::read_all(mime::Range range, std::size_t most) {
  std::string out;
  const auto end = range.begin + std::min<std::uint64_t>(range.size(), most);
  for (auto at = range.begin; at < end;) {
    const auto bytes = co_await read(at, static_cast<std::size_t>(std::min<std::uint64_t>(end - at, limits::body_chunk)));
    if (!bytes) co_return std::unexpected(bytes.error());
    out.append(*bytes);
    at += bytes->size();
  }
  co_return out;
}

}  // namespace postern::imap
