// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/compaction.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace postern::store::sqlite {

namespace {

constexpr std::size_t write_step = 1 << 20;
/// The new file is synced that often, so that no sync of a client waits behind a gigabyte of ours.
constexpr std::uint64_t sync_step = 8 << 20;
constexpr unsigned whole = 100;

}  // namespace

std::vector<Candidate> candidates(Database& db, unsigned percent) {
  std::vector<Candidate> out;
  auto row =
      db.query("SELECT id, bytes, dead FROM segment WHERE kind=0 AND state=1 AND dead>0 AND dead*?1>=bytes*?2 ORDER BY dead DESC",
               whole, percent);
  while (row.step()) out.push_back({row.unsigned_integer(0), row.unsigned_integer(1), row.unsigned_integer(2)});
  return out;
}

/// The new file. Removed again unless it was announced to the index.
class Compaction::Target {
 public:
  explicit Target(SegmentFolder& folder) : folder_(folder) {}
  ~Target() {
    if (file_ && !announced_) folder_.remove(id_);
  }
  Target(const Target&) = delete;

  Result<> create(std::uint64_t bytes) {
    id_ = folder_.next_id();
    auto made = folder_.create(id_);
    if (!made) return std::unexpected(made.error());
    file_ = std::move(*made);
    return bytes == 0 ? Result<>() : folder_.disk().allocate(file_.get(), 0, bytes);
  }
  /// Appends the octets; gives where they begin.
  Result<std::uint64_t> append(std::string_view bytes) {
    const std::uint64_t at = end_ + buffer_.size();
    buffer_.append(bytes);
    if (buffer_.size() >= write_step) {
      if (auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
    }
    return at;
  }
  /// Cuts what was reserved too much; durable afterwards.
  Result<> seal() {
    if (auto flushed = flush(); !flushed) return flushed;
    if (auto cut = folder_.disk().truncate(file_.get(), end_); !cut) return cut;
    return folder_.disk().sync(file_.get());
  }
  /// From now on the index may know it, so only open() may judge the file.
  void announced() { announced_ = true; }
  SegmentId id() const { return id_; }
  std::uint64_t bytes() const { return end_; }

 private:
  Result<> flush() {
    if (buffer_.empty()) return {};
    iovec piece{buffer_.data(), buffer_.size()};
    if (auto written = folder_.disk().write(file_.get(), {&piece, 1}, end_); !written) return written;
    end_ += buffer_.size();
    buffer_.clear();
    if (end_ - synced_ < sync_step) return {};
    synced_ = end_;
    return folder_.disk().sync(file_.get());
  }

  SegmentFolder& folder_;
  UniqueFd file_;
  SegmentId id_ = 0;
  std::string buffer_;
  std::uint64_t end_ = 0;
  std::uint64_t synced_ = 0;
  bool announced_ = false;
};

Result<Compacted> Compaction::run() {
  if (auto planned = plan(); !planned) return std::unexpected(planned.error());
  if (!living_.empty()) {
    if (living_bytes_ > care_.space.spare_bytes()) {
      return fail(ErrorKind::no_space, fmt::format("compacting segment {} needs {} octets of free space", from_, living_bytes_));
    }
    Target target(care_.folder);
    if (auto copied = copy(target); !copied) return std::unexpected(copied.error());
    if (out_.records > 0) {
      out_.to = target.id();
      out_.bytes_after = target.bytes();
      if (auto announced = announce(target); !announced) return std::unexpected(announced.error());
      if (auto moved = move_rows(); !moved) return std::unexpected(moved.error());
    }
  }
  if (auto finished = finish(); !finished) return std::unexpected(finished.error());
  return std::move(out_);
}

Result<> Compaction::plan() {
  return care_.read<void>([this](Database& db) -> Result<> {
    {
      auto row = db.query("SELECT kind, state, bytes FROM segment WHERE id=?1", from_);
      if (!row.step()) return fail(ErrorKind::not_found, fmt::format("there is no segment {}", from_));
      if (row.integer(0) != 0 || row.integer(1) != 1) {
        return fail(ErrorKind::invalid, fmt::format("segment {} is no sealed file of many records", from_));
      }
      out_.bytes_before = row.unsigned_integer(2);
    }
    auto row = db.query("SELECT id, off, len, sum FROM blob WHERE seg=?1 ORDER BY off", from_);
    while (row.step()) {
      living_.push_back({row.integer(0), row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(3), 0});
      living_bytes_ += living_.back().length + RecordHeader::size;
    }
    return {};
  });
}

Result<> Compaction::copy(Target& target) {
  const auto file = care_.folder.open(from_);
  if (!file) return std::unexpected(file.error());
  struct stat status{};
  if (::fstat((*file)->get(), &status) != 0) return std::unexpected(errno_error("look at a segment", errno));
  SegmentReader reader((*file)->get(), static_cast<std::uint64_t>(status.st_size), &care_.pace);
  if (auto created = target.create(living_bytes_); !created) return created;
  RecordWalk walk(reader);
  std::uint64_t done = 0;
  for (Living& one : living_) {
    if (auto copied = copy_record(target, walk, reader, one); !copied) return copied;
    done += one.length + RecordHeader::size;
    if (progress_) progress_(done, living_bytes_);
  }
  return target.seal();
}

/// The stored bytes are copied as they are, with their header and arrival text.
Result<> Compaction::copy_record(Target& target, RecordWalk& walk, SegmentReader& reader, Living& one) {
  const auto found = walk.find(one.from);
  if (!found && found.error().kind != ErrorKind::corrupt && found.error().kind != ErrorKind::io) {
    return std::unexpected(found.error());
  }
  if (!found || !found->has_value()) {
    report_damage(one, found ? "has no header" : found.error().text);
    return {};
  }
  const WalkedRecord& record = **found;
  const auto bytes = reader.at(record.start, record.end() - record.start);
  if (!bytes && bytes.error().kind == ErrorKind::closed) return std::unexpected(bytes.error());
  const bool same = bytes && record.header.stored_length == one.length && record.header.checksum == one.sum &&
                    checksum(bytes->substr(record.body - record.start)) == one.sum;
  if (!same) {
    report_damage(one, bytes ? "fails its checksum" : bytes.error().text);
    return {};
  }
  const auto at = target.append(*bytes);
  if (!at) return std::unexpected(at.error());
  one.to = *at + (record.body - record.start);
  ++out_.records;
  return {};
}

void Compaction::report_damage(const Living& one, std::string_view what) {
  Finding finding{"bodies", fmt::format("body {} at {} of segment {} {}", one.blob, one.from, from_, what), false};
  care_.log.error("store", "a damaged body was left in its segment", {{"finding", finding.text}});
  out_.damaged.push_back(std::move(finding));
}

Result<> Compaction::announce(Target& target) {
  std::uint64_t copied = 0;
  for (const Living& one : living_) copied += one.to != 0 ? one.length : 0;
  auto done = care_.write<void>([id = target.id(), bytes = target.bytes(), copied](Transaction& tx) -> Result<> {
    tx.db().run("INSERT INTO segment(id, kind, state, bytes, dead, verified) VALUES (?1,0,1,?2,?3,?4)", id, bytes, copied,
                tx.now());
    return {};
  });
  // When it is not certain that the row is missing, the file must stay.
  if (done || done.error().kind == ErrorKind::closed || care_.writer.failed()) target.announced();
  return done;
}

/// Rows that went meanwhile are not there to be moved: their copies stay dead.
Result<> Compaction::move_rows() {
  std::erase_if(living_, [](const Living& one) { return one.to == 0; });
  SliceSize slice;
  for (std::size_t next = 0; next < living_.size();) {
    const auto some = std::span(living_).subspan(next, std::min(slice.rows(), living_.size() - next));
    const auto moved = write_slice<void>(care_, slice, [this, some](Transaction& tx) {
      move_some(tx, some);
      return Result<>();
    });
    if (!moved) return moved;
    next += some.size();
  }
  return {};
}

void Compaction::move_some(Transaction& tx, std::span<const Living> some) const {
  std::uint64_t moved = 0;
  for (const Living& one : some) {
    const auto changed = tx.db().run("UPDATE blob SET seg=?1, off=?2 WHERE id=?3 AND seg=?4 AND off=?5", out_.to, one.to,
                                     one.blob, from_, one.from);
    moved += changed > 0 ? one.length : 0;
  }
  tx.db().run("UPDATE segment SET dead=dead+?2 WHERE id=?1", from_, moved);
  tx.db().run("UPDATE segment SET dead=dead-?2 WHERE id=?1", out_.to, moved);
}

Result<> Compaction::finish() {
  // Readers that looked a row up before it moved still find the file.
  [[maybe_unused]] const auto held = care_.folder.hold(from_);
  return care_.write<void>([from = from_, to = out_.to](Transaction& tx) -> Result<> {
    tx.drop_if_empty(from);
    if (to != 0) tx.drop_if_empty(to);
    return {};
  });
}

}  // namespace postern::store::sqlite
