// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/body_reader.h"

#include <algorithm>

namespace postern::store::sqlite {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

Error damaged(const Placement& place) {
  return {ErrorKind::corrupt, fmt::format("the body at {} of segment {} fails its checksum", place.offset, place.segment)};
}

/// Columns: seg, off, len, codec, sum.
Placement read_placement(Query& row) {
  return {row.unsigned_integer(0), row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(4),
          static_cast<Codec>(row.integer(3))};
}

std::string prefix_of(Database& db, std::int64_t message) {
  auto row = db.query("SELECT prefix FROM msgmeta WHERE id=?1", message);
  return row.step() ? std::string(row.text(0)) : std::string();
}

class SmallReader final : public BodyReader {
 public:
  SmallReader(std::string prefix, std::string body) : prefix_(std::move(prefix)), body_(std::move(body)) {}
  std::uint64_t size() const override { return prefix_.size() + body_.size(); }
  Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override { co_return view(offset, most); }

 private:
  std::string_view view(std::uint64_t offset, std::size_t most) const {
    if (offset < prefix_.size()) return std::string_view(prefix_).substr(offset, most);
    offset -= prefix_.size();
    return offset < body_.size() ? std::string_view(body_).substr(offset, most) : std::string_view();
  }
  const std::string prefix_;
  const std::string body_;
};

class LargeReader final : public BodyReader {
 public:
  LargeReader(std::shared_ptr<const UniqueFd> file, Lane& lane, Location location)
      : file_(std::move(file)), lane_(lane), location_(std::move(location)) {}
  std::uint64_t size() const override { return location_.prefix.size() + location_.place.length; }

  Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override {
    const std::string& prefix = location_.prefix;
    if (offset < prefix.size()) co_return std::string_view(prefix).substr(offset, most);
    const std::uint64_t at = offset - prefix.size();
    const std::uint64_t left = location_.place.length - std::min(at, location_.place.length);
    const std::size_t n = std::min<std::uint64_t>({most, left, piece_bytes});
    if (n == 0) co_return std::string_view();
    // The job owns what it touches: the caller may be cancelled and gone before it ends.
    auto job = [file = file_, from = location_.place.offset + at, n]() -> Result<std::string> {
      std::string piece(n, '\0');
      if (auto done = read_all_at(file->get(), piece, from); !done) return std::unexpected(done.error());
      return piece;
    };
    auto piece = co_await lane_.run_plain<std::string>(std::move(job));
    if (!piece) co_return std::unexpected(piece.error());
    piece_ = std::move(*piece);
    if (!verify(at)) co_return std::unexpected(damaged(location_.place));
    co_return std::string_view(piece_);
  }

 private:
  /// False when this piece ended a reading from start to end with the wrong checksum.
  bool verify(std::uint64_t at) {
    if (at != verified_) return true;
    sum_.add(piece_);
    verified_ += piece_.size();
    return verified_ < location_.place.length || sum_.value() == location_.place.checksum;
  }

  const std::shared_ptr<const UniqueFd> file_;
  Lane& lane_;
  const Location location_;
  std::string piece_;
  Checksum sum_;
  std::uint64_t verified_ = 0;
};

}  // namespace

std::optional<Location> locate_queued(Database& db, std::uint64_t queue) {
  auto row = db.query(
      "SELECT b.seg, b.off, b.len, b.codec, b.sum, q.prefix FROM queue q JOIN blob b ON b.id=q.blob WHERE q.id=?1", queue);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), std::string(row.text(5))};
}

std::optional<Location> locate_message(Database& db, std::int64_t message) {
  auto row =
      db.query("SELECT b.seg, b.off, b.len, b.codec, b.sum FROM message m JOIN blob b ON b.id=m.blob WHERE m.id=?1", message);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), prefix_of(db, message)};
}

std::optional<Location> locate_expunged(Database& db, std::int64_t message, std::int64_t expunged_since) {
  auto row = db.query(
      "SELECT b.seg, b.off, b.len, b.codec, b.sum FROM reap r JOIN blob b ON b.id=r.blob WHERE r.id=?1 AND r.expunged_at>=?2",
      message, expunged_since);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), prefix_of(db, message)};
}

std::optional<Location> locate_blob(Database& db, std::int64_t message, std::int64_t blob) {
  auto row = db.query("SELECT seg, off, len, codec, sum FROM blob WHERE id=?1", blob);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), prefix_of(db, message)};
}

Result<std::string> read_start(SegmentFolder& folder, const Location& location, std::uint64_t most) {
  const Placement& place = location.place;
  if (place.codec != Codec::raw) return fail(ErrorKind::corrupt, "the body has a codec that this postern does not know");
  std::string out = location.prefix.substr(0, most);
  if (out.size() == most) return out;
  const auto file = folder.open(place.segment);
  if (!file) return std::unexpected(file.error());
  const std::uint64_t wanted = std::min<std::uint64_t>(most - out.size(), place.length);
  const std::uint64_t bytes = place.length > small_body ? wanted : place.length;
  const std::size_t start = out.size();
  out.resize(start + bytes);
  if (auto done = read_all_at((*file)->get(), std::span(out).subspan(start), place.offset); !done) {
    return std::unexpected(done.error());
  }
  if (bytes == place.length && checksum(std::string_view(out).substr(start)) != place.checksum) {
    return std::unexpected(damaged(place));
  }
  out.resize(start + wanted);
  return out;
}

Result<std::unique_ptr<BodyReader>> open_body(SegmentFolder& folder, Lane& long_lane, Location location) {
  const Placement& place = location.place;
  if (place.codec != Codec::raw) return fail(ErrorKind::corrupt, "the body has a codec that this postern does not know");
  auto file = folder.open(place.segment);
  if (!file) return std::unexpected(file.error());
  if (place.length > small_body) return std::make_unique<LargeReader>(std::move(*file), long_lane, std::move(location));
  std::string body(place.length, '\0');
  if (auto done = read_all_at((*file)->get(), body, place.offset); !done) return std::unexpected(done.error());
  if (checksum(body) != place.checksum) return std::unexpected(damaged(place));
  return std::make_unique<SmallReader>(std::move(location.prefix), std::move(body));
}

}  // namespace postern::store::sqlite
