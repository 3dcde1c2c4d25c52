// SPDX-License-Identifier: Apache-2.0
// The breach list as a file: a header, then the first 8 octets of each password's SHA-1, big-endian, ascending, each once. It is
// searched where it lies, with a few small reads and no memory: a thousand million passwords are 8 GB of disk and nothing else.
//
//   offset  0  "PSTNBRCH"      magic
//           8  u32 1           version (all numbers big-endian)
//          12  u32 8           octets of a key
//          16  u64             keys
//          24  u64             lines that were read to make it
//          32  u64             Unix time when it was made
//          40  24 octets       zero
//          64  32 octets       BLAKE2b of all keys
//          96  32 octets       BLAKE2b of octets 0-95
//         128  keys
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace postern::auth {

inline constexpr std::size_t breach_header_size = 128;
inline constexpr std::size_t breach_key_size = 8;
inline constexpr std::size_t breach_digest_size = 32;

using BreachKey = std::uint64_t;

/// The first 8 octets of the password's SHA-1.
BreachKey breach_key(std::string_view password);

struct BreachInfo {
  std::uint64_t keys = 0;
  std::uint64_t lines = 0;
  UnixTime made = 0;
  std::string digest;  ///< of all keys, raw
};

std::string breach_header(const BreachInfo& info);
/// Error corrupt, with what is wrong.
Result<BreachInfo> parse_breach_header(std::string_view header);

class BreachFile {
 public:
  /// Reads the header and compares the size. Errors: not_found, denied, io, corrupt.
  static Result<BreachFile> open(const std::filesystem::path& path);

  /// Looks for a key. Thread-safe. Errors: io, corrupt when keys are not in their order.
  Result<bool> contains(BreachKey key) const;
  /// Reads everything: order and digest. `progress` is told how many keys were read. Errors: io, corrupt.
  Result<> verify(const std::function<void(std::uint64_t)>& progress) const;
  const BreachInfo& info() const { return info_; }

 private:
  BreachFile(UniqueFd fd, BreachInfo info) : fd_(std::move(fd)), info_(std::move(info)) {}
  Result<> read_keys(std::uint64_t first, std::size_t count, std::string& out) const;
  UniqueFd fd_;
  BreachInfo info_;
};

}  // namespace postern::auth
