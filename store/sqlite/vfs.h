// SPDX-License-Identifier: Apache-2.0
// Vfs: a thin layer under SQLite, on top of its own Unix layer. It shows every write and sync of SQLite's files to the Disk seam,
// so that tests and benches reach the log and the database as they reach segments, and it writes the frames of one commit to
// the write-ahead log in one piece instead of two calls for each page. It also keeps zeroed room ahead of the log's end, and
// reads a database that is only read in windows (store/sqlite/page_windows.h).
//
// Why that is safe: with synchronous=FULL SQLite syncs the log before it tells anybody of the new frames, and what is held back
// here goes out before that sync. Reading, cutting, measuring and closing write it out first as well. Not for synchronous=NORMAL.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/sqlite/disk.h"

namespace postern::store::sqlite {

/// Registered with SQLite under a name of its own for as long as it lives; connections that use it must be closed before.
class Vfs {
 public:
  /// The disk must outlive it.
  explicit Vfs(Disk& disk);
  ~Vfs();
  Vfs(const Vfs&) = delete;

  const char* name() const { return name_.c_str(); }

 private:
  struct Registration;
  const std::string name_;
  std::unique_ptr<Registration> registration_;
};

}  // namespace postern::store::sqlite
