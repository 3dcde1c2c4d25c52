// SPDX-License-Identifier: Apache-2.0
// Warming: after a start, asks the kernel to read the index into its page cache, in order, which takes a disk milliseconds where
// the first reader of a mailbox would wait for thousands of pages one by one. A hint only: nothing depends on its success.
#pragma once

#include <cstdint>
#include <filesystem>
#include <thread>

namespace postern::store::sqlite {

class Warming {
 public:
  /// The share of physical memory that is filled at most.
  static constexpr std::uint64_t memory_share = 8;

  /// Begins at once, on a thread of its own.
  explicit Warming(std::filesystem::path file);
  /// Ends after the piece that is under way.
  ~Warming() = default;
  Warming(const Warming&) = delete;

  /// Octets that are read of a file of this size with so much physical memory.
  static std::uint64_t share_of(std::uint64_t file, std::uint64_t memory);

 private:
  std::jthread thread_;
};

}  // namespace postern::store::sqlite
