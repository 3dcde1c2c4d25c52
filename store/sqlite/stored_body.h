// SPDX-License-Identifier: Apache-2.0
// StoredBody: the octets of one body as its segment file has them, decoded. Plain synchronous file work for the threads of lanes.
// Small bodies are read whole and verified by the checksum over their stored octets. Large ones are read in pieces: compressed
// frames are verified each by their own sum, raw pieces only by whoever reads all of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "store/sqlite/segments.h"

namespace postern::store::sqlite {

/// Bodies up to this many octets are read at once.
inline constexpr std::uint64_t small_body = 1 << 20;

/// For one thread at a time.
class StoredBody {
 public:
  /// Errors: corrupt (unknown codec, impossible lengths, no such file), io.
  static Result<std::shared_ptr<StoredBody>> open(SegmentFolder& folder, const Placement& place);
  StoredBody(std::shared_ptr<const UniqueFd> file, Codecs& codecs, const Placement& place)
      : file_(std::move(file)), codecs_(codecs), place_(place) {}

  const Placement& place() const { return place_; }
  bool is_large() const { return place_.codec == Codec::frames || place_.length > small_body; }

  /// Appends the first `most` octets of the body, or all. Errors: corrupt, io.
  Result<> append_start(std::string& out, std::uint64_t most);

  /// Some octets of a large body.
  struct Piece {
    std::uint64_t begin = 0;
    std::string octets;
    std::uint64_t end() const { return begin + octets.size(); }
  };
  /// The piece that holds this octet, which must exist; of a raw body from there on, at most so many.
  Result<Piece> piece_at(std::uint64_t offset, std::size_t most_raw);

  Error damaged() const;

 private:
  Result<std::string> read(std::uint64_t offset, std::size_t n) const;
  Result<> append_small(std::string& out, std::uint64_t wanted);
  Result<const FrameTable*> table();
  Result<Piece> frame_at(std::uint64_t offset);

  const std::shared_ptr<const UniqueFd> file_;
  Codecs& codecs_;
  const Placement place_;
  std::optional<FrameTable> table_;
};

}  // namespace postern::store::sqlite
