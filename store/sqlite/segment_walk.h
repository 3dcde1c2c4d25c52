// SPDX-License-Identifier: Apache-2.0
// Reading a segment file from its beginning to its end: the records one after the other, living and dead ones, at a limited rate
// and without filling the page cache. For compaction, for the check of bodies and for people who look inside.
// Stored bytes are opaque here: whatever their codec, length and checksum in the header are those of the stored bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "store/sqlite/pace.h"
#include "store/sqlite/record.h"

namespace postern::store::sqlite {

/// A window on a file. Not thread-safe.
class SegmentReader {
 public:
  static constexpr std::size_t window_bytes = 1 << 20;
  /// `pace` may be null: as fast as it goes. The descriptor stays the caller's.
  SegmentReader(int fd, std::uint64_t size, Pace* pace) : fd_(fd), size_(size), pace_(pace) {}
  std::uint64_t size() const { return size_; }
  /// Exactly n octets from the offset, valid until the next call. Errors: corrupt when the file ends before, closed when the pace
  /// was stopped, io.
  Result<std::string_view> at(std::uint64_t offset, std::size_t n);
  /// Octets read from the disk so far.
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  const int fd_;
  const std::uint64_t size_;
  Pace* const pace_;
  std::string window_;
  std::uint64_t window_at_ = 0;
  std::uint64_t bytes_read_ = 0;
};

struct WalkedRecord {
  std::uint64_t start = 0;  ///< of the header
  std::uint64_t body = 0;   ///< of the stored bytes
  RecordHeader header;
  std::uint64_t end() const { return body + header.stored_length; }
};

/// Of a file of many records.
class RecordWalk {
 public:
  /// Longest arrival text a search for a lost header looks behind.
  static constexpr std::uint64_t max_arrival = 64 * 1024;
  explicit RecordWalk(SegmentReader& reader) : reader_(reader) {}
  /// The next record; nothing at the end of the file or where no header is.
  Result<std::optional<WalkedRecord>> next();
  /// The record whose body begins here. Goes forward over others; where the chain of headers is broken it looks for the header
  /// in front of the body. Nothing when there is none.
  Result<std::optional<WalkedRecord>> find(std::uint64_t body);
  /// Octets of stored bodies passed by next() and find(), the found ones too.
  std::uint64_t passed_bytes() const { return passed_bytes_; }
  /// False once a header was missing: then passed_bytes() is not the whole truth.
  bool unbroken() const { return unbroken_; }

 private:
  Result<std::optional<WalkedRecord>> search_before(std::uint64_t body);
  SegmentReader& reader_;
  std::uint64_t at_ = 0;
  std::uint64_t passed_bytes_ = 0;
  bool unbroken_ = true;
};

}  // namespace postern::store::sqlite
