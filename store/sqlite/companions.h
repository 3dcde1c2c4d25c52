// SPDX-License-Identifier: Apache-2.0
// CompanionCopies: logins, keys and lists, of which the write-ahead log of mail.db knows nothing. A run of the log's copies gets
// them whole whenever they changed, so that a restore to any moment finds the passwords of that moment:
//
//   wal/<run>/beside/20261122T091612Z/   logins.db, *.key, *.list, manifest.json
//
// logins.db has the schema of auth.db without the record of logins. When a credential was used last, and which networks are
// known, comes along but is no reason for a copy.
#pragma once

#include "base/log.h"
#include "store/sqlite/manifest.h"

namespace postern::store::sqlite {

/// Where a copy belongs.
struct CompanionRun {
  std::filesystem::path folder;  ///< wal/<run>
  std::string store_id;
};

/// One thread at a time.
class CompanionCopies {
 public:
  CompanionCopies(std::filesystem::path data_dir, Log& log) : data_dir_(std::move(data_dir)), log_(log) {}
  /// Another number: they changed. Errors: io.
  Result<std::uint64_t> fingerprint() const;
  /// What had this fingerprint is in a base snapshot: copies are made of what changes from there on.
  void begin(std::uint64_t fingerprint) { shipped_ = fingerprint; }
  /// Copies them when they changed; true when they did. The copy is durable under its name. Errors: denied, no_space, io.
  Result<bool> ship(const CompanionRun& run, UnixTime now);

 private:
  Result<> copy(const CompanionRun& run, UnixTime now) const;

  const std::filesystem::path data_dir_;
  Log& log_;
  std::uint64_t shipped_ = 0;
};

/// A copy and where it lies.
struct CompanionCopy {
  std::filesystem::path folder;
  Manifest manifest;
};
struct CompanionCopyList {
  std::vector<CompanionCopy> copies;    ///< oldest first
  std::vector<std::string> complaints;  ///< about manifests that cannot be read
};
CompanionCopyList companion_copies(const std::filesystem::path& run_folder);
/// Puts a copy on top of a base's files in `scratch`: rows into its auth.db, if it has one, keys and lists in place of its own.
/// Errors: corrupt, no_space, io.
Result<> put_on_top(const CompanionCopy& copy, const std::filesystem::path& scratch, Log& log);
/// Removes the copies made before that time, and unfinished ones.
void prune_companions(const std::filesystem::path& run_folder, UnixTime before);

}  // namespace postern::store::sqlite
