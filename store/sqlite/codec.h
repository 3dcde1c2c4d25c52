// SPDX-License-Identifier: Apache-2.0
// How stored bodies are compressed. Small ones are one zstd frame. Large ones are many independent frames with a seek table at
// the end, in the zstd seekable format (https://github.com/facebook/zstd, contrib/seekable_format): `zstd -d` decodes both, and a
// part of a large body is decoded without the rest.
// Contexts are kept for reuse by an object, Codecs, and never by a thread. Thread-safe, except for one Context.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::store::sqlite {

/// zstd level 1: storage.md §2.3 found 3 no better for mail.
inline constexpr int zstd_level = 1;
/// Compression must gain a tenth, otherwise a body stays as it is.
constexpr bool is_worth_it(std::uint64_t original, std::uint64_t stored) { return stored <= original - original / 10; }
/// Shorter bodies are not tried.
inline constexpr std::size_t min_compressed = 256;
/// Octets of the original in each frame of a large body; the last one may be shorter.
inline constexpr std::size_t frame_bytes = 256 * 1024;

class Codecs {
 public:
  Codecs();
  ~Codecs();
  Codecs(const Codecs&) = delete;

  /// One zstd frame of the bytes.
  std::string compress(std::string_view bytes);
  /// The same, or nothing when it is not worth it.
  std::optional<std::string> shrink(std::string_view bytes);
  /// Fills `out` with the first octets of what the frame holds. Error corrupt when it is damaged or holds fewer.
  Result<> expand(std::string_view frame, std::span<char> out);

 private:
  struct Contexts;
  class Loan;
  static std::string_view compress_into(const Loan& loan, std::string_view bytes, std::string& room);
  std::mutex mutex_;
  std::vector<std::unique_ptr<Contexts>> free_;  ///< as many as were in use at the same time
};

/// Where the frames of a large body lie. Offsets count from the first stored octet, and from the first original one.
class FrameTable {
 public:
  struct Frame {
    std::uint64_t stored_at = 0;
    std::uint64_t original_at = 0;
    std::uint32_t stored = 0;
    std::uint32_t original = 0;
    std::uint32_t sum = 0;  ///< low half of XXH64 of the original octets
  };
  /// Octets of the footer, which says how long the table is.
  static constexpr std::size_t footer_size = 9;

  void add(std::string_view frame, std::string_view original);
  std::span<const Frame> frames() const { return frames_; }
  std::uint64_t stored_size() const { return frames_.empty() ? 0 : frames_.back().stored_at + frames_.back().stored; }
  std::uint64_t original_size() const { return frames_.empty() ? 0 : frames_.back().original_at + frames_.back().original; }
  /// Index of the frame that holds this octet of the original, which must exist.
  std::size_t frame_of(std::uint64_t original_at) const;

  /// As it stands behind the frames.
  std::string to_bytes() const;
  /// Octets of the table whose last ones are this footer. Error corrupt.
  static Result<std::size_t> size_of(std::string_view footer);
  /// Error corrupt.
  static Result<FrameTable> parse(std::string_view bytes);
  static bool matches(const Frame& frame, std::string_view original);

 private:
  std::vector<Frame> frames_;
};

}  // namespace postern::store::sqlite
