// SPDX-License-Identifier: Apache-2.0
// TextMaker: reads a stored body and makes its searchable text. Reads only the octets that text is made of; runs on the indexer's
// thread with its connection.
#pragma once

#include "store/sqlite/database.h"
#include "store/sqlite/stored_body.h"
#include "store/sqlite/text_file.h"

namespace postern::store::sqlite {

/// Text of one message that is kept, in octets. A message with more has an entry without text and is decoded on the fly.
inline constexpr std::size_t max_kept_text = 4 << 20;
/// Octets of text parts, before decoding, that are read for it.
inline constexpr std::uint64_t max_text_source = 16 << 20;

/// A body without text in the file, and a message that has it.
struct TextSource {
  std::uint64_t blob = 0;
  std::uint64_t checksum = 0;
  std::int64_t message = 0;  ///< rowid, for its part tree
};

class TextMaker {
 public:
  TextMaker(Database& db, SegmentFolder& segments) : db_(db), segments_(segments) {}
  /// Errors: not_found (gone meanwhile), corrupt, io. May throw SqlError.
  Result<TextDocument> make(const TextSource& source);

 private:
  Result<> open(const TextSource& source);
  Result<std::string_view> read(mime::Range range);
  Result<mime::PartTree> tree_of(std::int64_t message);

  Database& db_;
  SegmentFolder& segments_;
  std::shared_ptr<StoredBody> body_;
  StoredBody::Piece piece_;  ///< read last; all of a small body
};

}  // namespace postern::store::sqlite
