// SPDX-License-Identifier: Apache-2.0
// text/<account>.tx: the searchable text of one account's messages, in zstd blocks keyed by blob (storage.md §4). Derived data:
// it may be deleted or damaged at any time and is then made anew; nothing of it is synced. What a reader cannot verify it treats
// as not there.
//
// One thread changes the file (the indexer's); any thread reads through a TextView, which stays as it was when it was taken. A
// block is never changed: it is retired (marked, and its room given back by a hole) and its living entries are appended anew. A
// reader that meets the hole sees a wrong checksum and decodes those messages itself.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "base/file.h"
#include "store/sqlite/text_format.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace postern::store::sqlite {

/// A block in the file.
struct TextBlock {
  std::uint64_t offset = 0;  ///< of its header
  TextBlockHeader header;
  std::vector<TextEntry> entries;  ///< ascending by blob
  std::uint64_t length() const;    ///< octets of text in all places
};
using TextBlockPtr = std::shared_ptr<const TextBlock>;

/// The file at one moment.
struct TextView {
  std::shared_ptr<const UniqueFd> file;
  std::vector<TextBlockPtr> blocks;
  bool verified = false;  ///< every entry was compared with the checksum of its blob since the file was opened
};
using TextViewPtr = std::shared_ptr<const TextView>;

/// Reads and verifies text; keeps its memory from section to section. For one thread at a time.
class SectionReader {
 public:
  SectionReader();
  /// The text of one place of a block; good until the next call. Error corrupt.
  Result<std::string_view> read(const UniqueFd& file, const TextBlock& block, mime::TextPlace place);

 private:
  std::unique_ptr<ZSTD_DCtx_s, std::size_t (*)(ZSTD_DCtx_s*)> decoder_;
  std::string stored_;
  std::string text_;
};

/// One message's text on its way into the file.
struct TextDocument {
  TextEntry entry;  ///< `lengths` is filled by the file
  std::array<std::string, mime::text_places> texts;
  std::size_t size() const;
};

class TextFile {
 public:
  /// A block is closed when its text has reached this size.
  static constexpr std::size_t block_text = 256 * 1024;
  /// Blocks with less are small: they are merged.
  static constexpr std::size_t small_block = 64 * 1024;

  /// Reads what is there; what is damaged, of another account or made by other rules is removed. Errors: io, no_space, denied.
  static Result<std::unique_ptr<TextFile>> open(const std::filesystem::path& path, std::uint32_t account);
  ~TextFile();

  /// For any thread.
  TextViewPtr view() const;
  /// All entries have the checksums of their blobs, and those to come will have them.
  void set_verified();
  /// Appends the documents in blocks. After an error nothing was added.
  Result<> append(std::vector<TextDocument> documents);
  /// Takes these blocks out of the file.
  void retire(const std::vector<TextBlockPtr>& blocks);
  /// The documents of a block, for writing them anew. Error corrupt.
  Result<std::vector<TextDocument>> read(const TextBlock& block) const;
  /// Copies the living blocks into a new file when most of this one is holes. Errors leave the old one.
  Result<> compact();
  /// False when somebody deleted or replaced the file under us.
  bool in_place() const;

  std::uint64_t octets() const { return end_; }  ///< up to the end of the last block
  std::uint64_t living_octets() const { return living_; }
  std::size_t entries() const { return entries_; }

 private:
  TextFile(std::filesystem::path path, UniqueFd file, std::uint32_t account);
  Result<> start();
  void load();
  std::optional<TextBlock> load_block(std::uint64_t at, std::uint64_t size) const;
  Result<TextBlockPtr> write_block(std::vector<TextDocument>& documents);
  void publish(std::vector<TextBlockPtr> blocks);

  const std::filesystem::path path_;
  const std::uint32_t account_;
  std::shared_ptr<const UniqueFd> file_;
  std::unique_ptr<ZSTD_CCtx_s, std::size_t (*)(ZSTD_CCtx_s*)> coder_;
  std::uint64_t end_ = 0;
  std::uint64_t living_ = 0;
  std::size_t entries_ = 0;
  bool verified_ = false;
  mutable std::mutex mutex_;
  TextViewPtr view_;
};

}  // namespace postern::store::sqlite
