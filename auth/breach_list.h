// SPDX-License-Identifier: Apache-2.0
// The breach list that is in place now. The file is looked at before every use, so a list that was imported or removed counts at
// once, without a restart. A list that cannot be read refuses nobody: the built-in lists still stand, and the log says so once.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "auth/breach_file.h"
#include "base/log.h"
#include "base/secret.h"

namespace postern::auth {

/// Thread-safe.
class BreachList {
 public:
  /// No file at `path` is no fault: then nothing is found. `log` outlives the list.
  BreachList(std::filesystem::path path, Log& log) : path_(std::move(path)), log_(log) {}

  /// True when the password (OpaqueString) is on the list. False when it is not, or there is no list that can be read.
  bool contains(const Secret& password);
  /// Another number after another file, or none, took the place.
  std::uint64_t edition();

 private:
  /// What tells one file from another.
  struct Mark {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Mark&) const = default;
  };
  static Mark mark_of(const std::filesystem::path& path);
  std::shared_ptr<const BreachFile> current();
  void complain(const Error& error);

  std::filesystem::path path_;
  Log& log_;
  std::mutex mutex_;
  // Under mutex_.
  Mark mark_;  ///< all zero: no file
  std::shared_ptr<const BreachFile> file_;
  std::uint64_t edition_ = 0;
  bool complained_ = false;  ///< about this file
};

}  // namespace postern::auth
