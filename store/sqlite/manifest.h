// SPDX-License-Identifier: Apache-2.0
// Manifest: what one backup consists of, as manifest.json beside its index. It is written last, so a folder without one is no
// backup. Layout of a backup folder (0700):
//
//   store.id                       which store's backups these are
//   segments/0000000001.seg …      bodies, shared by all backups of the folder
//   index/20261122T091612Z/        mail.db, auth.db, *.key, postern.toml, manifest.json
//   wal/<run>/                     copies of the write-ahead log (store/sqlite/wal_archive.h), of logins and lists
//                                  (store/sqlite/companions.h)
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/sqlite/segments.h"

namespace postern::store::sqlite {

struct ManifestFile {
  std::string name;  ///< inside the index folder
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64
};
struct ManifestSegment {
  SegmentId id = 0;
  std::uint64_t bytes = 0;                ///< that the index of this backup speaks of
  std::optional<std::uint64_t> checksum;  ///< XXH3-64 of a sealed file; a growing one is checked record by record
};
/// Where copies of the write-ahead log go on from this backup.
struct WalLink {
  std::string run;              ///< empty: none
  std::uint64_t seq = 0;        ///< first generation to be put on top
  std::uint64_t least_seq = 0;  ///< what must at least be put on top: the snapshot may hold it already
  std::uint64_t least_frames = 0;
};
struct Manifest {
  static constexpr int format = 1;
  std::string name;  ///< of the folder below index/
  UnixTime time = 0;
  int schema = 0;  ///< of mail.db
  std::string store_id;
  std::vector<ManifestFile> files;
  std::vector<ManifestSegment> segments;  ///< ascending
  WalLink wal;
};

inline constexpr const char* manifest_name = "manifest.json";

std::string to_json(const Manifest& manifest);
/// Errors: corrupt, unsupported (a newer format).
Result<Manifest> parse_manifest(std::string_view json);
Result<Manifest> read_manifest(const std::filesystem::path& index_folder);
/// Durable and at once.
Result<> write_manifest(const std::filesystem::path& index_folder, const Manifest& manifest);
/// All complete backups of the folder, oldest first. Errors: not_found when the folder holds none, io.
Result<std::vector<Manifest>> list_backups(const std::filesystem::path& folder);

}  // namespace postern::store::sqlite
