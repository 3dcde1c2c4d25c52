// SPDX-License-Identifier: Apache-2.0
// The bytes of a text file (docs/store.md): encoding and reading of its two headers. Without I/O. All numbers little-endian.
// Nothing in the file is trusted: lengths are checked against the file's size before anything is made of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mime/search_text.h"

namespace postern::store::sqlite {

/// Header of the file: which account, and by which rules its text was made.
struct TextFileHeader {
  static constexpr std::size_t size = 24;
  std::uint32_t account = 0;
  std::uint32_t rules = 0;  ///< mime::search_text_version()
  bool operator==(const TextFileHeader&) const = default;
};
std::string encode(const TextFileHeader& header);
/// Nothing when it is damaged or of another format.
std::optional<TextFileHeader> decode_file_header(std::string_view bytes);

/// One message's text in a block. Its bytes follow those of the entry before it, place by place.
struct TextEntry {
  static constexpr std::size_t size = 32;
  std::uint64_t blob = 0;
  std::uint64_t checksum = 0;  ///< of the blob: an id that means another body after a restore is noticed
  std::array<std::uint32_t, mime::text_places> lengths{};
  bool too_large = false;  ///< no text is kept; the message is decoded on the fly
  bool operator==(const TextEntry&) const = default;
};

/// A section: the text of all entries for one place, as a zstd frame.
struct TextSection {
  std::uint32_t stored = 0;    ///< octets in the file; 0 when there is no text
  std::uint32_t length = 0;    ///< octets of text
  std::uint64_t checksum = 0;  ///< XXH3-64 of the stored octets
};

struct TextBlockHeader {
  static constexpr std::size_t size = 72;
  static constexpr std::size_t retired_at = 5;  ///< offset of the octet that says that the block is of no use any more
  static constexpr std::uint32_t max_entries = 65'536;
  static constexpr std::uint32_t max_section = 64U << 20;
  bool retired = false;
  std::uint32_t entries = 0;
  std::array<TextSection, mime::text_places> sections;

  std::uint64_t table_octets() const { return std::uint64_t{entries} * TextEntry::size; }
  /// Of the whole block with this header.
  std::uint64_t octets() const;
};

/// Header and table of a block; ascending by blob.
std::string encode(const TextBlockHeader& header, const std::vector<TextEntry>& entries);
/// The header alone, with its numbers in range; not yet checked.
std::optional<TextBlockHeader> decode_block_header(std::string_view bytes);
/// Header and table together; nothing when their checksum is wrong or the table does not fit the sections.
std::optional<std::vector<TextEntry>> decode_table(std::string_view header_and_table);

}  // namespace postern::store::sqlite
