// SPDX-License-Identifier: Apache-2.0
// PageWindows: the database as a reading connection sees it, 64 KiB at a time. SQLite reads page by page, one call and one copy
// for each; where pages are asked for in the order of the file, as by a scan of a mailbox, it gets them here without either,
// through the door it has for mapped files (xFetch). Nothing is mapped: a page that the disk cannot read is an error of one
// statement, where a mapped one would be SIGBUS for everybody.
//
// Why what was read ahead may be used: within a read transaction no checkpoint writes pages to the file that this connection
// would take from there (https://www.sqlite.org/wal.html §2.2). Between transactions it may, so drop() goes with every lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace postern::store::sqlite {

/// Belongs to one connection.
class PageWindows {
 public:
  static constexpr std::size_t window_size = 64 << 10;
  static constexpr std::size_t most_windows = 4;

  /// The file below.
  class Source {
   public:
    virtual ~Source() = default;
    /// Fills `out` from the offset on. Octets that were read, fewer at the file's end; 0 on an error.
    virtual std::size_t read(char* out, std::size_t size, std::int64_t at) noexcept = 0;
  };

  explicit PageWindows(Source& source) : source_(source) {}
  PageWindows(const PageWindows&) = delete;

  /// A page, valid until it is given back. Null where the last pages were elsewhere, at the end of the file, after an error, and
  /// without memory: then SQLite reads it itself.
  char* fetch(std::int64_t at, std::size_t size) noexcept;
  /// Gives back what fetch() gave.
  void unfetch(const char* page) noexcept;
  /// What is given out stays, but nobody gets it again.
  void drop() noexcept;

 private:
  struct Window {
    std::unique_ptr<char[]> bytes;  ///< window_size octets; null until the first use
    std::int64_t at = 0;
    std::size_t size = 0;  ///< 0: nothing to be had
    std::size_t used = 0;  ///< pages given out
    std::uint64_t last_use = 0;
    bool holds(std::int64_t from, std::size_t octets) const;
    bool gave(const char* page) const;
  };
  bool follows(std::int64_t at) const;
  void remember(std::int64_t at);
  Window* load(std::int64_t at) noexcept;
  char* give(Window& window, std::int64_t at);

  Source& source_;
  std::array<Window, most_windows> windows_;
  std::array<std::int64_t, 4> asked_{-1, -1, -1, -1};  ///< the last offsets: message and msgmeta are read side by side
  std::size_t next_asked_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace postern::store::sqlite
