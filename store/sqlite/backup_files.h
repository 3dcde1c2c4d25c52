// SPDX-License-Identifier: Apache-2.0
// File work of backups and restores: copies that survive a power cut, cheap copies where the file system has them, hard links,
// and one holder of a folder at a time. Plain synchronous functions on any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/file.h"

namespace postern::store::sqlite {

/// How the bytes of a sealed segment come into a backup.
enum class Transfer : std::uint8_t {
  link,  ///< reflink, else hard link, else copy
  copy,  ///< reflink, else copy: the backup never shares a file with the store
};

/// A key of this server: what a backup without secrets leaves out.
bool is_key(const std::filesystem::path& path);
/// A list that an admin keeps beside the databases (policy/own_list.h).
bool is_list(const std::filesystem::path& path);
/// 0700, with missing parents; an existing folder keeps its rights. Errors: denied, no_space, io.
Result<> make_private_folder(const std::filesystem::path& path);
/// Held while the descriptor lives. Error conflict when another process holds it.
Result<UniqueFd> hold_folder(const std::filesystem::path& folder);
/// The file as `to`, durable under its name; `bytes` of it, or all when it is 0. An existing `to` is replaced at once.
Result<> bring(const std::filesystem::path& from, const std::filesystem::path& to, Transfer how, std::uint64_t bytes = 0);
/// Adds bytes [size of `to`, `bytes`) of `from` to `to` and syncs. Error conflict when the files differ before that point.
Result<> bring_tail(const std::filesystem::path& from, const std::filesystem::path& to, std::uint64_t bytes);
/// Copies one range of bytes to the same place of another file.
Result<> copy_range(int from, int to, std::uint64_t offset, std::uint64_t bytes);
/// XXH3-64 of the first `bytes`. Errors: io when it is shorter.
Result<std::uint64_t> checksum_of_file(const std::filesystem::path& path, std::uint64_t bytes);
Result<std::uint64_t> size_of(const std::filesystem::path& path);
/// Gives the file to the owner of `like`; without the right to do so nothing happens.
void give_to_owner(const std::filesystem::path& path, const std::filesystem::path& like);
/// "20261122T091612Z"
std::string stamp(std::int64_t unix_time);

}  // namespace postern::store::sqlite
