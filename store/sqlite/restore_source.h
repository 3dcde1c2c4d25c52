// SPDX-License-Identifier: Apache-2.0
// RestoreSource: the databases and segments of a backup at one moment, made ready in a folder of their own: the newest base
// snapshot at or before the moment, with the copies of the write-ahead log put on top up to the last commit before it.
// Contract: the backup folder is only read. Everything can be repeated; a second call begins the scratch folder anew.
#pragma once

#include <optional>

#include "store/sqlite/backup.h"

namespace postern::store::sqlite {

struct SourceOrder {
  std::filesystem::path backups;
  std::optional<UnixTime> at;     ///< nothing: as new as there is
  std::filesystem::path scratch;  ///< gets mail.db, and auth.db with its keys when the backup has them
};
struct RestoreSource {
  Manifest base;
  UnixTime time = 0;         ///< of the moment that was reached, at most the one asked for
  std::uint64_t frames = 0;  ///< of the log that were put on top
};
/// mail.db is brought to the present schema. Errors: not_found (no backup that old), corrupt, unsupported, no_space, io.
Result<RestoreSource> materialise(const SourceOrder& order, Log& log);

/// Which bodies a restore needs.
struct BodyChoice {
  RestoreScope scope = RestoreScope::everything;
  std::string account;  ///< login
  std::string mailbox;
  Uid uid = 0;
};
/// Puts the segment files into <scratch>/seg: as links where the file system allows it, else files with the chosen bodies at
/// their places and holes between them. Files that the backup lacks are left out and named. Errors: no_space, io.
Result<std::vector<std::string>> stage_bodies(const std::filesystem::path& backups, const std::filesystem::path& scratch,
                                              const BodyChoice& choice);

/// One line of what a source holds: an account, one of its mailboxes, or a message of that one.
struct SourceEntry {
  std::string login;
  std::string mailbox;
  Uid uid = 0;
  std::uint64_t messages = 0;  ///< of an account or a mailbox
  std::uint64_t bytes = 0;
  UnixTime internal_date = 0;
  std::string envelope;
};
/// All accounts; with a login its mailboxes; with a mailbox its messages. Errors: not_found.
Result<std::vector<SourceEntry>> list_source(const std::filesystem::path& scratch, const std::string& login,
                                             const std::string& mailbox);

/// A complete data folder out of a source, where none is: for the disaster. Segments first, mail.db last, under its name at once.
/// All mailboxes get new UIDVALIDITYs (design.md §7), waiting mail is held, and the store gets a new identity for its backups.
struct RebuildOrder {
  std::filesystem::path backups;
  std::optional<UnixTime> at;
  std::filesystem::path data_dir;
};
struct Rebuilt {
  RestoreSource source;
  std::uint64_t accounts = 0, messages = 0, held = 0;
  std::vector<std::string> complaints;
};
/// Errors: conflict when the folder has a mail.db already, and those of materialise().
Result<Rebuilt> rebuild(const RebuildOrder& order, const Clock& clock, Log& log,
                        const std::function<void(CollectProgress)>& progress);

}  // namespace postern::store::sqlite
