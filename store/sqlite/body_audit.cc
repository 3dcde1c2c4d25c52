// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/body_audit.h"

#include <sys/stat.h>

namespace postern::store::sqlite {

namespace {

/// Messages named for one damaged body: finding them reads the whole message table.
constexpr int named_messages = 5;
constexpr std::size_t most_named_bodies = 20;
constexpr std::int64_t verified_damaged = -1;

std::string owners(Database& db, std::int64_t blob) {
  std::string out;
  auto row = db.query("SELECT id FROM message WHERE blob=?1 LIMIT ?2", blob, named_messages);
  while (row.step()) out += fmt::format("; message {} of mailbox {}", uid_of(row.integer(0)), row.integer(0) >> 32);
  return out;
}

/// Only what the reader itself has to say ends everything; damage of one body does not.
bool ends_all(const Error& error) { return error.kind != ErrorKind::corrupt && error.kind != ErrorKind::io; }

}  // namespace

Result<BodyCounts> BodyAudit::run() {
  const auto targets = choose();
  if (!targets) return std::unexpected(targets.error());
  for (const Target& target : *targets) total_ += target.bytes;
  for (const Target& target : *targets) {
    if (auto checked = check(target); !checked) return std::unexpected(checked.error());
    ++counts_.segments;
  }
  return counts_;
}

Result<std::vector<BodyAudit::Target>> BodyAudit::choose() const {
  return care_.read<std::vector<Target>>([this](Database& db) -> Result<std::vector<Target>> {
    std::vector<Target> out;
    std::uint64_t taken = 0;
    auto row = db.query(
        "SELECT id, kind, state, iif(state=0, (SELECT coalesce(max(off+len),0) FROM blob WHERE seg=segment.id), bytes), dead, "
        "verified FROM segment WHERE state<2 ORDER BY verified, id");
    while (row.step()) {
      if (orders_.share != 0 && taken >= orders_.share) break;
      out.push_back({row.unsigned_integer(0), row.integer(1) != 0, row.integer(2) != 0, row.unsigned_integer(3), row.integer(4),
                     row.integer(5)});
      if (out.back().verified != verified_damaged) taken += out.back().bytes;
    }
    return out;
  });
}

Result<> BodyAudit::check(const Target& chosen) {
  Target target = chosen;
  std::vector<Body> bodies;
  auto seen = care_.read<bool>([&](Database& db) -> Result<bool> {
    // Once more, in the moment of the bodies: compaction may have been here.
    const auto there = db.integer(-1, "SELECT dead FROM segment WHERE id=?1", target.id);
    target.dead = there;
    auto row = db.query("SELECT id, off, len, sum FROM blob WHERE seg=?1 ORDER BY off", target.id);
    while (row.step())
      bodies.push_back({row.integer(0), row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(3)});
    return there >= 0;
  });
  if (!seen) return std::unexpected(seen.error());
  if (!*seen || bodies.empty()) return {};
  const auto file = care_.folder.open(target.id);
  if (!file) return {};  // the row audit tells of missing files
  struct stat status{};
  if (::fstat((*file)->get(), &status) != 0) return std::unexpected(errno_error("look at a segment", errno));
  SegmentReader reader((*file)->get(), static_cast<std::uint64_t>(status.st_size), &care_.pace);
  damaged_here_ = 0;
  auto done = target.single ? check_single(target, reader, bodies) : check_shared(target, reader, bodies);
  counts_.bytes += reader.bytes_read();
  if (!done) return done;
  return remember(target);
}

Result<> BodyAudit::check_shared(const Target& target, SegmentReader& reader, const std::vector<Body>& bodies) {
  RecordWalk walk(reader);
  for (const Body& body : bodies) {
    if (auto checked = check_record(target, reader, walk, body); !checked) return checked;
    tell(reader.bytes_read());
  }
  return target.sealed ? count_dead(target, reader, walk, bodies) : Result<>();
}

Result<> BodyAudit::check_record(const Target& target, SegmentReader& reader, RecordWalk& walk, const Body& body) {
  ++counts_.bodies;
  const auto found = walk.find(body.offset);
  if (!found) {
    if (ends_all(found.error())) return std::unexpected(found.error());
    return damaged(target, body, found.error().text);
  }
  if (!found->has_value()) return damaged(target, body, "has no header");
  const RecordHeader& header = (*found)->header;
  if (header.stored_length != body.length || header.checksum != body.sum) {
    return damaged(target, body, "differs from its header");
  }
  const auto bytes = reader.at(body.offset, body.length);
  if (!bytes) {
    if (ends_all(bytes.error())) return std::unexpected(bytes.error());
    return damaged(target, body, bytes.error().text);
  }
  return checksum(*bytes) == body.sum ? Result<>() : damaged(target, body, "fails its checksum");
}

/// What is behind the last living record counts too.
Result<> BodyAudit::count_dead(const Target& target, SegmentReader& reader, RecordWalk& walk, const std::vector<Body>& bodies) {
  for (;;) {
    const auto more = walk.next();
    if (!more) {
      if (ends_all(more.error())) return std::unexpected(more.error());
      return {};
    }
    if (!more->has_value()) break;
    tell(reader.bytes_read());
  }
  if (!walk.unbroken() || damaged_here_ > 0) return {};
  std::uint64_t living = 0;
  for (const Body& body : bodies) living += body.length;
  const auto dead = static_cast<std::int64_t>(walk.passed_bytes() - living);
  if (dead == target.dead) return {};
  orders_.found({{"dead octets", fmt::format("segment {} counts {} dead octets and has {}", target.id, target.dead, dead), false},
                 Repair::segment_dead,
                 static_cast<std::int64_t>(target.id),
                 {dead - target.dead, 0, 0, 0}});
  return {};
}

Result<> BodyAudit::check_single(const Target& target, SegmentReader& reader, const std::vector<Body>& bodies) {
  const Body& body = bodies.front();
  ++counts_.bodies;
  Checksum sum;
  for (std::uint64_t at = 0; at < body.length;) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(SegmentReader::window_bytes, body.length - at));
    const auto piece = reader.at(body.offset + at, n);
    if (!piece) {
      if (ends_all(piece.error())) return std::unexpected(piece.error());
      return damaged(target, body, piece.error().text);
    }
    sum.add(*piece);
    at += n;
    tell(reader.bytes_read());
  }
  return sum.value() == body.sum ? Result<>() : damaged(target, body, "fails its checksum");
}

/// What went or moved while we read is no damage.
Result<> BodyAudit::damaged(const Target& target, const Body& body, std::string_view what) {
  const auto text = care_.read<std::string>([&](Database& db) -> Result<std::string> {
    const bool there =
        db.integer(0, "SELECT 1 FROM blob WHERE id=?1 AND seg=?2 AND off=?3", body.id, target.id, body.offset) != 0;
    if (!there) return std::string();
    ++damaged_here_;
    return fmt::format("body {} at {} of segment {} {}{}", body.id, body.offset, target.id, what,
                       damaged_here_ <= most_named_bodies ? owners(db, body.id) : std::string());
  });
  if (!text) return std::unexpected(text.error());
  if (!text->empty()) orders_.found({{"bodies", *text, false}, Repair::none, body.id, {}});
  return {};
}

Result<> BodyAudit::remember(const Target& target) {
  const std::int64_t verified = damaged_here_ > 0 ? verified_damaged : care_.clock.unix_now();
  auto done = care_.write<void>([id = target.id, verified](Transaction& tx) -> Result<> {
    tx.db().run("UPDATE segment SET verified=?2 WHERE id=?1", id, verified);
    return {};
  });
  // A full disk takes no notes; the check itself was done.
  return !done && done.error().kind == ErrorKind::closed ? done : Result<>();
}

void BodyAudit::tell(std::uint64_t reader_bytes) {
  if (orders_.progress) orders_.progress(counts_.bytes + reader_bytes, total_);
}

}  // namespace postern::store::sqlite
