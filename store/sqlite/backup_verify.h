// SPDX-License-Identifier: Apache-2.0
// Verify: reads a backup folder as a restore would, and says what could not be got back. Nothing is changed.
#pragma once

#include "store/sqlite/backup.h"

namespace postern::store::sqlite {

struct VerifiedBackup {
  std::string name;
  UnixTime time = 0;
  std::uint64_t accounts = 0, messages = 0, bodies = 0;
  std::vector<std::string> findings;  ///< one line each; empty: all of it can be restored
};
struct Verified {
  std::vector<VerifiedBackup> backups;
  std::uint64_t log_generations = 0;      ///< copies of the write-ahead log
  std::vector<std::string> log_findings;  ///< gaps and damage in them
};
struct VerifyOrder {
  std::filesystem::path folder;
  std::string name;  ///< of one backup; empty: all
};
/// Manifest, sizes and checksums of all files; integrity of the index; every body's record: header, place and checksum; that the
/// log's copies follow each other and reach as far as their base needs. A body that several backups share is read once.
/// Errors: not_found, denied, io. Damage is no error but a finding.
Result<Verified> verify_backups(const VerifyOrder& order, const std::function<void(CollectProgress)>& progress);

}  // namespace postern::store::sqlite
