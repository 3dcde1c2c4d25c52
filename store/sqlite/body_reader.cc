// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/body_reader.h"

#include <algorithm>

namespace postern::store::sqlite {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

/// Columns from `at` on: seg, off, len, codec, sum, osize.
Placement read_placement(Query& row, int at = 0) {
  return {row.unsigned_integer(at),
          row.unsigned_integer(at + 1),
          row.unsigned_integer(at + 2),
          row.unsigned_integer(at + 4),
          static_cast<Codec>(row.integer(at + 3)),
          row.unsigned_integer(at + 5)};
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
  LargeReader(std::shared_ptr<StoredBody> body, Lane& lane, std::string prefix)
      : body_(std::move(body)), lane_(lane), prefix_(std::move(prefix)) {}
  std::uint64_t size() const override { return prefix_.size() + body_->place().original; }

  Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override {
    if (offset < prefix_.size()) co_return std::string_view(prefix_).substr(offset, most);
    const std::uint64_t at = offset - prefix_.size();
    if (at >= body_->place().original || most == 0) co_return std::string_view();
    if (at < piece_.begin || at >= piece_.end()) {
      // The job owns what it touches: the caller may be cancelled and gone before it ends.
      auto job = [body = body_, at]() { return body->piece_at(at, piece_bytes); };
      auto piece = co_await lane_.run_plain<StoredBody::Piece>(std::move(job));
      if (!piece) co_return std::unexpected(piece.error());
      piece_ = std::move(*piece);
      if (!verify()) co_return std::unexpected(body_->damaged());
    }
    co_return std::string_view(piece_.octets).substr(static_cast<std::size_t>(at - piece_.begin), most);
  }

 private:
  /// False when this piece ended a reading from start to end with the wrong checksum. Frames have been verified already.
  bool verify() {
    const Placement& place = body_->place();
    if (place.codec != Codec::raw || piece_.begin != verified_) return true;
    sum_.add(piece_.octets);
    verified_ += piece_.octets.size();
    if (verified_ < place.length || sum_.value() == place.checksum) return true;
    piece_ = {};
    return false;
  }

  const std::shared_ptr<StoredBody> body_;
  Lane& lane_;
  const std::string prefix_;
  StoredBody::Piece piece_;
  Checksum sum_;
  std::uint64_t verified_ = 0;
};

}  // namespace

std::optional<Location> locate_queued(Database& db, std::uint64_t queue) {
  auto row = db.query(
      "SELECT b.seg, b.off, b.len, b.codec, b.sum, b.osize, q.prefix FROM queue q JOIN blob b ON b.id=q.blob WHERE q.id=?1",
      queue);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), std::string(row.text(6))};
}

std::optional<Location> locate_message(Database& db, std::int64_t message) {
  auto row = db.query(
      "SELECT b.seg, b.off, b.len, b.codec, b.sum, b.osize, x.prefix FROM message m JOIN blob b ON b.id=m.blob LEFT JOIN "
      "msgmeta x ON x.id=m.id WHERE m.id=?1",
      message);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), std::string(row.text(6))};
}

std::optional<Location> locate_expunged(Database& db, std::int64_t message, std::int64_t expunged_since) {
  auto row = db.query(
      "SELECT b.seg, b.off, b.len, b.codec, b.sum, b.osize FROM reap r JOIN blob b ON b.id=r.blob WHERE r.id=?1 AND "
      "r.expunged_at>=?2",
      message, expunged_since);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), prefix_of(db, message)};
}

Location location_in(Database& db, Query& row) {
  const bool has_prefix = row.integer(1) != 0;
  return {read_placement(row, 2), has_prefix ? prefix_of(db, row.integer(0)) : std::string()};
}

std::optional<Location> locate_blob(Database& db, std::int64_t message, std::int64_t blob) {
  auto row = db.query("SELECT seg, off, len, codec, sum, osize FROM blob WHERE id=?1", blob);
  if (!row.step()) return std::nullopt;
  return Location{read_placement(row), prefix_of(db, message)};
}

Result<std::string> read_start(SegmentFolder& folder, const Location& location, std::uint64_t most) {
  std::string out = location.prefix.substr(0, most);
  if (out.size() == most) return out;
  const auto body = StoredBody::open(folder, location.place);
  if (!body) return std::unexpected(body.error());
  if (auto done = (*body)->append_start(out, most - out.size()); !done) return std::unexpected(done.error());
  return out;
}

Result<std::unique_ptr<BodyReader>> open_body(SegmentFolder& folder, Lane& long_lane, Location location) {
  auto body = StoredBody::open(folder, location.place);
  if (!body) return std::unexpected(body.error());
  if ((*body)->is_large()) return std::make_unique<LargeReader>(std::move(*body), long_lane, std::move(location.prefix));
  std::string octets;
  if (auto done = (*body)->append_start(octets, location.place.original); !done) return std::unexpected(done.error());
  return std::make_unique<SmallReader>(std::move(location.prefix), std::move(octets));
}

}  // namespace postern::store::sqlite
