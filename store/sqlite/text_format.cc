// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/text_format.h"

#include <algorithm>

#include "store/sqlite/record.h"

namespace postern::store::sqlite {

namespace {

constexpr std::string_view file_magic = "PTXT";
constexpr std::string_view block_magic = "PTXB";
constexpr char format_version = 1;
/// In a block header: magic, version, retired, two of nothing, entries, check.
constexpr std::size_t entries_at = 8;
constexpr std::size_t check_at = 16;
constexpr std::size_t sections_at = 24;
constexpr std::uint32_t too_large_flag = 1;

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i));
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(T{static_cast<unsigned char>(bytes[at + i])} << (8 * i));
  return value;
}

/// Over header and table; the octet that retires the block and the check itself count as zero.
std::uint64_t check_of(std::string_view header_and_table) {
  std::string copy(header_and_table);
  copy[TextBlockHeader::retired_at] = 0;
  std::fill_n(copy.begin() + check_at, sizeof(std::uint64_t), '\0');
  return checksum(copy);
}

}  // namespace

// "PTXT", version, three of nothing, account, rules, check
std::string encode(const TextFileHeader& header) {
  std::string out(file_magic);
  out += format_version;
  out.append(3, '\0');
  put(out, header.account);
  put(out, header.rules);
  put(out, checksum(out));
  return out;
}

std::optional<TextFileHeader> decode_file_header(std::string_view bytes) {
  if (bytes.size() < TextFileHeader::size) return std::nullopt;
  const TextFileHeader header{get<std::uint32_t>(bytes, 8), get<std::uint32_t>(bytes, 12)};
  if (bytes.substr(0, TextFileHeader::size) != encode(header)) return std::nullopt;
  return header;
}

std::uint64_t TextBlockHeader::octets() const {
  std::uint64_t sum = size + table_octets();
  for (const TextSection& section : sections) sum += section.stored;
  return sum;
}

std::string encode(const TextBlockHeader& header, const std::vector<TextEntry>& entries) {
  std::string out(block_magic);
  out += format_version;
  out.append(3, '\0');
  put(out, header.entries);
  out.append(check_at - out.size() + sizeof(std::uint64_t), '\0');
  for (const TextSection& section : header.sections) {
    put(out, section.stored);
    put(out, section.length);
    put(out, section.checksum);
  }
  for (const TextEntry& entry : entries) {
    put(out, entry.blob);
    put(out, entry.checksum);
    for (const auto length : entry.lengths) put(out, length);
    put(out, entry.too_large ? too_large_flag : std::uint32_t{0});
  }
  std::string check;
  put(check, check_of(out));
  out.replace(check_at, check.size(), check);
  return out;
}

std::optional<TextBlockHeader> decode_block_header(std::string_view bytes) {
  if (bytes.size() < TextBlockHeader::size || !bytes.starts_with(block_magic) || bytes[4] != format_version) return std::nullopt;
  TextBlockHeader header;
  header.retired = bytes[TextBlockHeader::retired_at] != 0;
  header.entries = get<std::uint32_t>(bytes, entries_at);
  if (header.entries == 0 || header.entries > TextBlockHeader::max_entries) return std::nullopt;
  std::size_t at = sections_at;
  for (TextSection& section : header.sections) {
    section = {get<std::uint32_t>(bytes, at), get<std::uint32_t>(bytes, at + 4), get<std::uint64_t>(bytes, at + 8)};
    if (section.stored > TextBlockHeader::max_section || section.length > TextBlockHeader::max_section) return std::nullopt;
    at += 16;
  }
  return header;
}

std::optional<std::vector<TextEntry>> decode_table(std::string_view bytes) {
  const auto header = decode_block_header(bytes);
  if (!header || bytes.size() != TextBlockHeader::size + header->table_octets()) return std::nullopt;
  if (get<std::uint64_t>(bytes, check_at) != check_of(bytes)) return std::nullopt;
  std::vector<TextEntry> entries(header->entries);
  std::array<std::uint64_t, mime::text_places> sums{};
  std::size_t at = TextBlockHeader::size;
  for (TextEntry& entry : entries) {
    entry.blob = get<std::uint64_t>(bytes, at);
    entry.checksum = get<std::uint64_t>(bytes, at + 8);
    for (std::size_t i = 0; i < mime::text_places; ++i) {
      entry.lengths[i] = get<std::uint32_t>(bytes, at + 16 + 4 * i);
      sums[i] += entry.lengths[i];
    }
    entry.too_large = (get<std::uint32_t>(bytes, at + 28) & too_large_flag) != 0;
    at += TextEntry::size;
  }
  for (std::size_t i = 0; i < mime::text_places; ++i) {
    if (sums[i] != header->sections[i].length) return std::nullopt;
  }
  if (!std::ranges::is_sorted(entries, std::ranges::less{}, &TextEntry::blob)) return std::nullopt;
  return entries;
}

}  // namespace postern::store::sqlite
