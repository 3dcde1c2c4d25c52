// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/stored_body.h"

#include <algorithm>

namespace postern::store::sqlite {

Result<std::shared_ptr<StoredBody>> StoredBody::open(SegmentFolder& folder, const Placement& place) {
  const bool known = place.codec <= Codec::frames;
  // One frame is only made of small bodies: what says otherwise shall not make us reserve memory for it.
  const bool possible = place.codec != Codec::zstd || (place.original <= small_body && place.length <= small_body);
  if (!known || !possible || (place.codec == Codec::raw && place.original != place.length)) {
    return fail(ErrorKind::corrupt,
                fmt::format("the body at {} of segment {} is stored in a form that this postern does not know", place.offset,
                            place.segment));
  }
  auto file = folder.open(place.segment);
  if (!file) return std::unexpected(file.error());
  return std::make_shared<StoredBody>(std::move(*file), folder.codecs(), place);
}

Error StoredBody::damaged() const {
  return {ErrorKind::corrupt, fmt::format("the body at {} of segment {} fails its checksum", place_.offset, place_.segment)};
}

namespace {

/// Lengthens the text by n octets that `fill` writes, without writing zeros there first; as it was before when that fails.
/// `fill` may not throw: no memory at all for zstd ends the program.
template <class Fill>
Result<> grow(std::string& text, std::size_t n, Fill fill) {
  Result<> done;
  const std::size_t start = text.size();
  text.resize_and_overwrite(start + n, [&](char* octets, std::size_t) noexcept {
    done = fill(std::span(octets + start, n));
    return done ? start + n : start;
  });
  return done;
}

}  // namespace

/// `offset` counts from the first stored octet.
Result<std::string> StoredBody::read(std::uint64_t offset, std::size_t n) const {
  std::string out;
  auto done = grow(out, n, [&](std::span<char> room) { return read_all_at(file_->get(), room, place_.offset + offset); });
  if (!done) return std::unexpected(done.error());
  return out;
}

Result<> StoredBody::append_start(std::string& out, std::uint64_t most) {
  const std::uint64_t wanted = std::min(most, place_.original);
  if (!is_large()) return append_small(out, wanted);
  for (std::uint64_t at = 0; at < wanted;) {
    const auto piece = piece_at(at, static_cast<std::size_t>(std::min<std::uint64_t>(wanted - at, frame_bytes)));
    if (!piece) return std::unexpected(piece.error());
    out.append(piece->octets, 0, static_cast<std::size_t>(wanted - at));
    at = piece->end();
  }
  return {};
}

Result<> StoredBody::append_small(std::string& out, std::uint64_t wanted) {
  const std::size_t start = out.size();
  if (place_.codec == Codec::raw) {
    auto done = grow(out, place_.length, [&](std::span<char> room) { return read_all_at(file_->get(), room, place_.offset); });
    if (!done) return done;
    if (checksum(std::string_view(out).substr(start)) != place_.checksum) return std::unexpected(damaged());
    out.resize(start + wanted);
    return {};
  }
  const auto stored = read(0, place_.length);
  if (!stored) return std::unexpected(stored.error());
  if (checksum(*stored) != place_.checksum) return std::unexpected(damaged());
  return grow(out, wanted, [&](std::span<char> room) -> Result<> {
    if (!codecs_.expand(*stored, room)) return std::unexpected(damaged());
    return {};
  });
}

Result<StoredBody::Piece> StoredBody::piece_at(std::uint64_t offset, std::size_t most_raw) {
  if (place_.codec == Codec::frames) return frame_at(offset);
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(place_.length - offset, most_raw));
  auto octets = read(offset, n);
  if (!octets) return std::unexpected(octets.error());
  return Piece{offset, std::move(*octets)};
}

Result<const FrameTable*> StoredBody::table() {
  if (table_) return &*table_;
  if (place_.length < FrameTable::footer_size) return std::unexpected(damaged());
  const auto footer = read(place_.length - FrameTable::footer_size, FrameTable::footer_size);
  if (!footer) return std::unexpected(footer.error());
  const auto size = FrameTable::size_of(*footer);
  if (!size || *size > place_.length) return std::unexpected(damaged());
  const auto bytes = read(place_.length - *size, *size);
  if (!bytes) return std::unexpected(bytes.error());
  auto parsed = FrameTable::parse(*bytes);
  if (!parsed || parsed->original_size() != place_.original || parsed->stored_size() + *size != place_.length) {
    return std::unexpected(damaged());
  }
  table_ = std::move(*parsed);
  return &*table_;
}

Result<StoredBody::Piece> StoredBody::frame_at(std::uint64_t offset) {
  const auto known = table();
  if (!known) return std::unexpected(known.error());
  const auto& frame = (*known)->frames()[(*known)->frame_of(offset)];
  const auto stored = read(frame.stored_at, frame.stored);
  if (!stored) return std::unexpected(stored.error());
  Piece piece{frame.original_at, {}};
  auto done = grow(piece.octets, frame.original, [&](std::span<char> room) -> Result<> {
    if (!codecs_.expand(*stored, room)) return std::unexpected(damaged());
    return {};
  });
  if (!done || !FrameTable::matches(frame, piece.octets)) return std::unexpected(damaged());
  return piece;
}

}  // namespace postern::store::sqlite
