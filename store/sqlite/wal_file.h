// SPDX-License-Identifier: Apache-2.0
// WalFile: reads SQLite's write-ahead log as the file format describes it (https://www.sqlite.org/fileformat2.html §4), so that
// copies of it can be cut at a commit and put on top of an older copy of the database.
// Contract: only frames whose salts and running checksum are right are given; a log that is being written, cut short or full of
// anything at all is read up to its last whole frame. Constant memory. Not for concurrent use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

namespace postern::store::sqlite {

class WalFile {
 public:
  static constexpr std::size_t header_size = 32;
  static constexpr std::size_t frame_header_size = 24;

  struct Frame {
    std::uint32_t page = 0;      ///< 1 is the first page of the database
    std::uint32_t db_pages = 0;  ///< of the whole database after the commit that this frame ends; 0: no commit
    std::string_view data;       ///< one page, valid until the next call
  };

  /// Errors: not_found, io; corrupt when the header is none (also of an empty file).
  static Result<WalFile> open(const std::filesystem::path& path);
  /// The next whole frame, or nothing at the end.
  Result<std::optional<Frame>> next();

  /// A place to go back to: behind the frame that next() gave last.
  struct Mark {
    std::uint32_t a = 0, b = 0;
    std::uint64_t frames = 0;
  };
  Mark mark() const { return {sums_.a, sums_.b, frames_}; }
  void rewind(const Mark& to) {
    sums_ = {to.a, to.b};
    frames_ = to.frames;
  }

  std::uint32_t page_size() const { return page_size_; }
  /// Grows by one with each generation of a log; salt 2 is random.
  std::uint32_t salt1() const { return salt1_; }
  std::uint32_t salt2() const { return salt2_; }
  /// Frames given so far.
  std::uint64_t frames() const { return frames_; }
  /// Octets of header and frames given so far.
  std::uint64_t bytes() const { return header_size + frames_ * (frame_header_size + page_size_); }

 private:
  struct Sums {
    std::uint32_t a = 0, b = 0;
  };
  explicit WalFile(UniqueFd file) : file_(std::move(file)) {}
  Result<> read_header();
  /// The log's own checksum over an even number of 32-bit words.
  Sums add(Sums sums, std::string_view bytes) const;

  UniqueFd file_;
  bool big_endian_sums_ = false;
  std::uint32_t page_size_ = 0;
  std::uint32_t salt1_ = 0, salt2_ = 0;
  Sums sums_;
  std::uint64_t frames_ = 0;
  std::string buffer_;
};

/// Frames up to and with the last commit.
struct WalExtent {
  std::uint32_t salt1 = 0, salt2 = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
};
/// Errors as of open(); io.
Result<WalExtent> committed_extent(const std::filesystem::path& wal);

/// Writes the pages of the first `frames` frames into the database file and gives it the length of their last commit. Frames
/// behind that commit are left out. The database must not be open. Gives how many frames went in. Errors: corrupt when the page
/// size is another, io, no_space.
Result<std::uint64_t> apply_wal(const std::filesystem::path& wal, const std::filesystem::path& database, std::uint64_t frames);

}  // namespace postern::store::sqlite
