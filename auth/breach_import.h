// SPDX-License-Identifier: Apache-2.0
// Makes the breach list (auth/breach_file.h) from a list that the admin has: passwords, or SHA-1 digests as Have I Been Pwned
// gives them away. Memory is bounded whatever the size; the old list stands until the new one is whole and durable. Nothing is
// fetched and nothing is sent: where the list comes from is the admin's affair.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/clock.h"
#include "base/result.h"

namespace postern::auth {

enum class BreachFormat : unsigned char {
  detect,     ///< by the first line
  passwords,  ///< one a line, UTF-8 or not
  sha1        ///< 40 hex digits, and perhaps ":" and how often it was seen
};

struct BreachProgress {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;    ///< of the source, read
  std::uint64_t total = 0;    ///< of the source; 0 when it is a pipe
  std::uint64_t written = 0;  ///< keys of the new list; counts once the source is read
};

struct BreachImport {
  std::filesystem::path target;  ///< the list to make; its folder takes the intermediate files
  BreachFormat format = BreachFormat::detect;
  std::uint64_t least_count = 0;               ///< leaves out digests seen less often; lines without a count stay
  std::size_t memory = std::size_t{64} << 20;  ///< bytes for sorting
  /// May be empty. Called about every 64 KiB of the source and five times a second while there is nothing to read; false stops.
  std::function<bool(const BreachProgress&)> progress;
};

struct BreachReport {
  BreachFormat format = BreachFormat::detect;
  std::uint64_t lines = 0;
  std::uint64_t rare = 0;     ///< left out by least_count
  std::uint64_t skipped = 0;  ///< empty lines, and passwords longer than any that can be set
  std::uint64_t keys = 0;     ///< of the list, each password once
};

/// Reads `source` to its end and puts the list in place. Errors: invalid (a line that is no digest, with its number; nothing in
/// it), conflict (another import is under way, or it was stopped), no_space, denied, io. After an error the list is what it was.
Result<BreachReport> import_breaches(int source, const BreachImport& wanted, UnixTime now);

}  // namespace postern::auth
