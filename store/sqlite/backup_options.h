// SPDX-License-Identifier: Apache-2.0
// What the store is told about the backups that it makes by itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

namespace postern::store::sqlite {

struct BackupOptions {
  std::filesystem::path folder;  ///< empty: no backups by the server
  std::filesystem::path config;  ///< the configuration file, copied with each
  std::chrono::seconds every = std::chrono::hours(24);
  std::size_t keep = 7;
  bool point_in_time = false;
  std::chrono::seconds ship_every = std::chrono::minutes(1);
};

}  // namespace postern::store::sqlite
