// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>

#include "store/sqlite/record.h"

namespace postern::store::sqlite {

namespace {

constexpr int zstd_level = 3;
/// A file is copied together when it is longer than this and more than half of it is holes.
constexpr std::uint64_t least_to_compact = 1 << 20;

Error damaged() { return {ErrorKind::corrupt, "a block of search text is damaged"}; }

/// Blocks lie in order; those that overlap a page of the disk only in part keep it.
void punch(int fd, std::uint64_t from, std::uint64_t octets) {
  // What the file system cannot do is done by compact().
  [[maybe_unused]] const int done =
      ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(octets));
}

std::uint64_t size_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

std::uint64_t TextBlock::length() const {
  std::uint64_t sum = 0;
  for (const TextSection& section : header.sections) sum += section.length;
  return sum;
}

std::size_t TextDocument::size() const {
  std::size_t sum = 0;
  for (const auto& text : texts) sum += text.size();
  return sum;
}

SectionReader::SectionReader() : decoder_(ZSTD_createDCtx(), &ZSTD_freeDCtx) {}

Result<std::string_view> SectionReader::read(const UniqueFd& file, const TextBlock& block, mime::TextPlace place) {
  const auto index = static_cast<std::size_t>(place);
  const TextSection& section = block.header.sections[index];
  if (section.length == 0) return std::string_view();
  std::uint64_t at = block.offset + TextBlockHeader::size + block.header.table_octets();
  for (std::size_t i = 0; i < index; ++i) at += block.header.sections[i].stored;
  // They only grow: shrinking and growing again would fill them with zeros each time.
  if (stored_.size() < section.stored) stored_.resize(section.stored);
  if (text_.size() < section.length) text_.resize(section.length);
  const std::span stored(stored_.data(), section.stored);
  if (auto done = read_all_at(file.get(), stored, at); !done || checksum({stored.data(), stored.size()}) != section.checksum) {
    return std::unexpected(damaged());
  }
  const auto got = ZSTD_decompressDCtx(decoder_.get(), text_.data(), section.length, stored.data(), stored.size());
  if (ZSTD_isError(got) != 0 || got != section.length) return std::unexpected(damaged());
  return std::string_view(text_).substr(0, section.length);
}

TextFile::TextFile(std::filesystem::path path, UniqueFd file, std::uint32_t account)
    : path_(std::move(path)),
      account_(account),
      file_(std::make_shared<UniqueFd>(std::move(file))),
      coder_(ZSTD_createCCtx(), &ZSTD_freeCCtx) {
  ZSTD_CCtx_setParameter(coder_.get(), ZSTD_c_compressionLevel, zstd_level);
}

TextFile::~TextFile() = default;

Result<std::unique_ptr<TextFile>> TextFile::open(const std::filesystem::path& path, std::uint32_t account) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return std::unexpected(errno_error("open " + path.string(), errno));
  std::unique_ptr<TextFile> file(new TextFile(path, std::move(fd), account));
  if (auto started = file->start(); !started) return std::unexpected(started.error());
  return file;
}

Result<> TextFile::start() {
  const int fd = file_->get();
  const TextFileHeader mine{account_, mime::search_text_version()};
  std::string first(TextFileHeader::size, '\0');
  const bool mine_already = read_all_at(fd, first, 0).has_value() && decode_file_header(first) == mine;
  if (!mine_already) {
    if (::ftruncate(fd, 0) != 0) return std::unexpected(errno_error("empty " + path_.string(), errno));
    if (auto written = write_all_at(fd, encode(mine), 0); !written) return written;
  }
  load();
  return {};
}

void TextFile::load() {
  std::vector<TextBlockPtr> blocks;
  const std::uint64_t size = size_of(file_->get());
  end_ = TextFileHeader::size;
  living_ = end_;
  while (auto block = load_block(end_, size)) {
    const std::uint64_t octets = block->header.octets();
    if (!block->header.retired) {
      living_ += octets;
      entries_ += block->entries.size();
      blocks.push_back(std::make_shared<TextBlock>(std::move(*block)));
    }
    end_ += octets;
  }
  // Behind a damaged block nothing can be found; its messages are indexed again.
  [[maybe_unused]] const int cut = ::ftruncate(file_->get(), static_cast<off_t>(end_));
  publish(std::move(blocks));
}

/// Nothing at the end of the file and where it is damaged.
std::optional<TextBlock> TextFile::load_block(std::uint64_t at, std::uint64_t size) const {
  std::string bytes(TextBlockHeader::size, '\0');
  if (at + bytes.size() > size || !read_all_at(file_->get(), bytes, at)) return std::nullopt;
  const auto header = decode_block_header(bytes);
  if (!header || at + header->octets() > size) return std::nullopt;
  TextBlock block{at, *header, {}};
  const std::size_t start = bytes.size();
  bytes.resize(start + header->table_octets());
  if (!read_all_at(file_->get(), std::span(bytes).subspan(start), at + start)) return std::nullopt;
  auto entries = decode_table(bytes);
  if (!entries) return std::nullopt;
  block.entries = std::move(*entries);
  return block;
}

TextViewPtr TextFile::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void TextFile::publish(std::vector<TextBlockPtr> blocks) {
  auto view = std::make_shared<TextView>(TextView{file_, std::move(blocks), verified_});
  const std::lock_guard lock(mutex_);
  view_ = std::move(view);
}

void TextFile::set_verified() {
  if (std::exchange(verified_, true)) return;
  publish(view()->blocks);
}

Result<> TextFile::append(std::vector<TextDocument> documents) {
  auto blocks = view()->blocks;
  const std::uint64_t before = end_;
  std::vector<TextDocument> batch;
  std::size_t text = 0, added = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    text += documents[i].size();
    batch.push_back(std::move(documents[i]));
    const bool last = i + 1 == documents.size();
    if (!last && text < block_text && batch.size() < TextBlockHeader::max_entries) continue;
    auto block = write_block(batch);
    if (!block) {
      end_ = before;
      return std::unexpected(block.error());
    }
    added += batch.size();
    blocks.push_back(std::move(*block));
    batch.clear();
    text = 0;
  }
  living_ += end_ - before;
  entries_ += added;
  publish(std::move(blocks));
  return {};
}

/// Behind the end, which moves.
Result<TextBlockPtr> TextFile::write_block(std::vector<TextDocument>& documents) {
  std::ranges::sort(documents, {}, [](const TextDocument& one) { return one.entry.blob; });
  auto block = std::make_shared<TextBlock>();
  block->offset = end_;
  block->header.entries = static_cast<std::uint32_t>(documents.size());
  std::string sections;
  for (std::size_t place = 0; place < mime::text_places; ++place) {
    std::string text;
    for (TextDocument& document : documents) {
      document.entry.lengths[place] = static_cast<std::uint32_t>(document.texts[place].size());
      text += document.texts[place];
    }
    if (text.empty()) continue;
    const std::size_t start = sections.size();
    sections.resize(start + ZSTD_compressBound(text.size()));
    const auto stored = ZSTD_compress2(coder_.get(), sections.data() + start, sections.size() - start, text.data(), text.size());
    if (ZSTD_isError(stored) != 0) return fail(ErrorKind::internal, ZSTD_getErrorName(stored));
    sections.resize(start + stored);
    block->header.sections[place] = {static_cast<std::uint32_t>(stored), static_cast<std::uint32_t>(text.size()),
                                     checksum(std::string_view(sections).substr(start))};
  }
  for (const TextDocument& document : documents) block->entries.push_back(document.entry);
  const std::string bytes = encode(block->header, block->entries) + sections;
  if (auto written = write_all_at(file_->get(), bytes, end_); !written) return std::unexpected(written.error());
  end_ += bytes.size();
  return block;
}

void TextFile::retire(const std::vector<TextBlockPtr>& blocks) {
  if (blocks.empty()) return;
  for (const TextBlockPtr& block : blocks) {
    const std::string mark(1, '\1');
    [[maybe_unused]] const auto marked = write_all_at(file_->get(), mark, block->offset + TextBlockHeader::retired_at);
    const std::uint64_t head = TextBlockHeader::size + block->header.table_octets();
    const std::uint64_t octets = block->header.octets();
    // Overwritten first: a hole leaves the octets that share a page with a neighbour.
    [[maybe_unused]] const auto erased = write_all_at(file_->get(), std::string(octets - head, '\0'), block->offset + head);
    punch(file_->get(), block->offset + head, octets - head);
    living_ -= octets;
    entries_ -= block->entries.size();
  }
  auto left = view()->blocks;
  std::erase_if(left, [&](const TextBlockPtr& one) { return std::ranges::find(blocks, one) != blocks.end(); });
  publish(std::move(left));
}

Result<std::vector<TextDocument>> TextFile::read(const TextBlock& block) const {
  std::vector<TextDocument> out(block.entries.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i].entry = block.entries[i];
  SectionReader reader;
  for (std::size_t place = 0; place < mime::text_places; ++place) {
    const auto text = reader.read(*file_, block, static_cast<mime::TextPlace>(place));
    if (!text) return std::unexpected(text.error());
    std::size_t at = 0;
    for (TextDocument& document : out) {
      document.texts[place] = text->substr(at, document.entry.lengths[place]);
      at += document.entry.lengths[place];
    }
  }
  return out;
}

Result<> TextFile::compact() {
  if (end_ < least_to_compact || living_ * 2 > end_) return {};
  auto path = path_;
  path += ".new";
  ::unlink(path.c_str());
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return std::unexpected(errno_error("make " + path.string(), errno));
  std::uint64_t end = TextFileHeader::size;
  auto done = write_all_at(fd.get(), encode(TextFileHeader{account_, mime::search_text_version()}), 0);
  std::vector<TextBlockPtr> moved;
  std::string bytes;
  for (const TextBlockPtr& block : view()->blocks) {
    if (!done) break;
    bytes.resize(block->header.octets());
    if (!read_all_at(file_->get(), bytes, block->offset)) continue;
    done = write_all_at(fd.get(), bytes, end);
    auto copy = std::make_shared<TextBlock>(*block);
    copy->offset = end;
    end += bytes.size();
    moved.push_back(std::move(copy));
  }
  if (done && ::rename(path.c_str(), path_.c_str()) != 0) done = std::unexpected(errno_error("rename " + path.string(), errno));
  if (!done) {
    ::unlink(path.c_str());
    return done;
  }
  file_ = std::make_shared<UniqueFd>(std::move(fd));
  end_ = end;
  living_ = end;
  entries_ = 0;
  for (const TextBlockPtr& block : moved) entries_ += block->entries.size();
  publish(std::move(moved));
  return {};
}

bool TextFile::in_place() const {
  struct stat named{}, held{};
  return ::lstat(path_.c_str(), &named) == 0 && ::fstat(file_->get(), &held) == 0 && named.st_ino == held.st_ino &&
         named.st_dev == held.st_dev && static_cast<std::uint64_t>(held.st_size) >= end_;
}

}  // namespace postern::store::sqlite
