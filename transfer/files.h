// SPDX-License-Identifier: Apache-2.0
// Files and folders of others, read with care: the command may run as root over files that their owner can change at any time.
// Everything below the folder that the admin named is opened relative to its parent and never through a symbolic link; nothing
// that is no regular file is read.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace postern::transfer {

/// The folder that the admin named; links in this path are followed.
Result<UniqueFd> open_top_folder(const std::filesystem::path& path);
/// A folder in it. Error invalid when it is no folder or a link, else as errno_error.
Result<UniqueFd> open_folder(int parent, const std::string& name);

enum class EntryKind : std::uint8_t { file, folder, link, other };
struct Entry {
  std::string_view name;  ///< until the callback returns
  EntryKind kind = EntryKind::other;
};
/// All entries but "." and "..", in no order.
Result<> for_each_entry(int folder, const std::function<void(const Entry&)>& visit);

struct OpenFile {
  UniqueFd fd;
  std::uint64_t size = 0;
  UnixTime modified = 0;
};
/// A regular file in this folder. Error invalid when it is something else.
Result<OpenFile> open_file(int folder, const std::string& name);
/// Its size without opening it; 0 when there is none.
std::uint64_t file_size(int folder, const std::string& name);
/// The whole text of a small file; empty when there is none. Error too_large above the limit.
Result<std::string> read_small(int folder, const std::string& name, std::size_t limit);

/// Reads a file in pieces and hands them on.
Result<> read_pieces(const OpenFile& file, const std::function<Result<>(std::string_view)>& take);

/// Lines of a file in order, in constant memory.
class LineReader {
 public:
  struct Line {
    std::string_view text;     ///< with its LF; a piece when the line is longer than the buffer
    std::uint64_t offset = 0;  ///< of the first octet in the file
    bool begins = true;        ///< the piece begins a line
    bool ends = true;          ///< the piece ends a line (with LF or the file)
  };
  /// Reads from `from` to `end`.
  LineReader(int fd, std::uint64_t from, std::uint64_t end);
  /// False at the end. Error io.
  Result<bool> next(Line& line);

 private:
  Result<> fill();
  int fd_;
  std::uint64_t position_;  ///< of the file where the buffer ends
  std::uint64_t end_;
  std::string buffer_;
  std::size_t used_ = 0;
  bool inside_ = false;  ///< the last piece did not end its line
};

}  // namespace postern::transfer
