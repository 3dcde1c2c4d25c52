// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/backup_verify.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "store/sqlite/companions.h"
#include "store/sqlite/database.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/schema.h"

namespace postern::store::sqlite {

namespace fs = std::filesystem;

namespace {

constexpr int cache_kib = 16 * 1024;
/// Findings of one backup that are told one by one.
constexpr std::size_t max_findings = 100;
constexpr std::size_t read_step = 1 << 20;
/// The header stands before the arrival text, which is not longer than this; larger gaps are no record.
constexpr std::uint64_t max_arrival = 1 << 20;

struct BodyRow {
  std::int64_t id = 0;
  SegmentId segment = 0;
  int kind = 0;
  std::uint64_t offset = 0, length = 0, original = 0;
  std::uint64_t sum = 0;
  int codec = 0;
};

/// One folder's bodies; remembers what was read, because backups share most of it.
class BodyChecker {
 public:
  explicit BodyChecker(fs::path segments) : segments_(std::move(segments)) {}

  /// Empty when the record is whole, else what is wrong with it.
  std::string check(const BodyRow& row) {
    const auto key = std::tuple(row.segment, row.offset, row.sum);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    return known_[key] = read(row);
  }

 private:
  std::string read(const BodyRow& row) {
    if (auto opened = open(row.segment); !opened.empty()) return opened;
    if (row.offset + row.length > size_) return fmt::format("segment {} ends before the body at {}", row.segment, row.offset);
    Checksum sum;
    std::string buffer;
    for (std::uint64_t at = 0; at < row.length; at += buffer.size()) {
      buffer.resize(std::min<std::uint64_t>(read_step, row.length - at));
      if (auto done = read_all_at(file_.get(), buffer, row.offset + at); !done) return done.error().text;
      sum.add(buffer);
    }
    if (sum.value() != row.sum) return fmt::format("the body at {} of segment {} fails its checksum", row.offset, row.segment);
    return check_header(row);
  }

  std::string open(SegmentId id) {
    if (id == open_id_ && file_) return {};
    const auto path = segment_path(segments_, id);
    file_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    open_id_ = id;
    if (!file_) return path.string() + " is missing";
    size_ = size_of(path).value_or(0);
    return {};
  }

  /// A file of one record ends with its header; in a file of many the header is found in front of the arrival text.
  std::string check_header(const BodyRow& row) {
    const auto bad = fmt::format("no record header for the body at {} of segment {}", row.offset, row.segment);
    const bool single = row.kind == static_cast<int>(RecordKind::single);
    if (single && size_ < RecordHeader::size) return bad;
    const std::uint64_t reach = std::min<std::uint64_t>(row.offset, RecordHeader::size + max_arrival);
    const std::uint64_t from = single ? size_ - RecordHeader::size : row.offset - std::min(reach, first_reach);
    if (matches(row, from, single ? size_ : row.offset)) return {};
    return !single && matches(row, row.offset - reach, row.offset) ? std::string() : bad;
  }

  /// True when some record header between these places is that of the body.
  bool matches(const BodyRow& row, std::uint64_t from, std::uint64_t to) {
    std::string bytes(to - from, '\0');
    if (!read_all_at(file_.get(), bytes, from)) return false;
    for (auto at = bytes.rfind("PMSG"); at != std::string::npos; at = at == 0 ? std::string::npos : bytes.rfind("PMSG", at - 1)) {
      const std::string_view rest = std::string_view(bytes).substr(at);
      const auto header = decode(rest);
      if (header && header->checksum == row.sum && header->stored_length == row.length) return true;
    }
    return false;
  }

  static constexpr std::uint64_t first_reach = 4096;
  const fs::path segments_;
  std::map<std::tuple<SegmentId, std::uint64_t, std::uint64_t>, std::string> known_;
  SegmentId open_id_ = 0;
  UniqueFd file_;
  std::uint64_t size_ = 0;
};

/// Findings that stay readable: after a hundred only their number counts.
class Findings {
 public:
  explicit Findings(std::vector<std::string>& out) : out_(out) {}
  ~Findings() {
    if (more_ > 0) out_.push_back(fmt::format("and {} more", more_));
  }
  Findings(const Findings&) = delete;
  void add(std::string text) {
    if (text.empty()) return;
    if (out_.size() < max_findings) {
      out_.push_back(std::move(text));
    } else {
      ++more_;
    }
  }

 private:
  std::vector<std::string>& out_;
  std::size_t more_ = 0;
};

void check_file(Findings& findings, const fs::path& path, std::uint64_t bytes, std::optional<std::uint64_t> sum) {
  const auto size = size_of(path);
  if (!size) return findings.add(path.string() + " is missing");
  if (*size < bytes) return findings.add(fmt::format("{} has {} octets instead of {}", path.string(), *size, bytes));
  if (!sum) return;
  const auto found = checksum_of_file(path, bytes);
  if (!found) return findings.add(found.error().text);
  if (*found != *sum) findings.add(path.string() + " fails its checksum");
}

Result<> check_index(Database& db, BodyChecker& bodies, Findings& findings, VerifiedBackup& out) {
  {
    auto row = db.query("PRAGMA integrity_check(20)");
    while (row.step()) {
      if (row.text(0) != "ok") findings.add("index: " + std::string(row.text(0)));
    }
  }
  if (db.integer(0, "PRAGMA user_version") > static_cast<std::int64_t>(mail_schema().size())) {
    findings.add("the index was written by a newer postern; only that one can restore it");
  }
  out.accounts = static_cast<std::uint64_t>(db.integer(0, "SELECT count(*) FROM account"));
  out.messages = static_cast<std::uint64_t>(db.integer(0, "SELECT count(*) FROM message"));
  auto row = db.query(
      "SELECT b.id, b.seg, coalesce(s.kind,-1), b.off, b.len, b.osize, b.sum, b.codec FROM blob b LEFT JOIN segment s ON "
      "s.id=b.seg "
      "ORDER BY b.seg, b.off");
  while (row.step()) {
    ++out.bodies;
    const BodyRow body{row.integer(0),          row.unsigned_integer(1),         static_cast<int>(row.integer(2)),
                       row.unsigned_integer(3), row.unsigned_integer(4),         row.unsigned_integer(5),
                       row.unsigned_integer(6), static_cast<int>(row.integer(7))};
    findings.add(body.kind < 0 ? fmt::format("body {} belongs to no segment", body.id) : bodies.check(body));
  }
  return {};
}

VerifiedBackup check_backup(const fs::path& folder, const Manifest& manifest, BodyChecker& bodies) {
  VerifiedBackup out{manifest.name, manifest.time};
  Findings findings(out.findings);
  const auto index = folder / "index" / manifest.name;
  bool has_index = false;
  for (const auto& file : manifest.files) {
    check_file(findings, index / file.name, file.bytes, file.checksum);
    has_index = has_index || file.name == "mail.db";
  }
  if (!has_index) findings.add("the manifest names no mail.db");
  for (const auto& segment : manifest.segments) {
    check_file(findings, segment_path(folder / "segments", segment.id), segment.bytes, segment.checksum);
  }
  auto db = Database::open({index / "mail.db", Database::Mode::read_only, cache_kib});
  if (!db) {
    findings.add(db.error().text);
    return out;
  }
  auto work = [&](Database& d) { return check_index(d, bodies, findings, out); };
  if (auto checked = Lane::guarded<void>(**db, work); !checked) findings.add("index: " + checked.error().text);
  return out;
}

/// Each generation whole up to a commit, each first salt one more than the one before, none missing in between.
void check_run(const fs::path& run, const Manifest& base, Verified& out) {
  std::uint32_t salt = 0;
  std::uint64_t seq = base.wal.seq;
  for (; fs::exists(wal_copy_path(run, seq)); ++seq, ++out.log_generations) {
    const auto path = wal_copy_path(run, seq);
    const auto extent = committed_extent(path);
    if (!extent) {
      out.log_findings.push_back(extent.error().text);
      return;
    }
    const auto noted = frames_until(wal_commits_path(run, seq), std::numeric_limits<UnixTime>::max());
    if (noted && *noted > extent->frames) {
      out.log_findings.push_back(fmt::format("{} holds {} frames of {}", path.string(), extent->frames, *noted));
    }
    if (seq > base.wal.seq && extent->salt1 != salt + 1)
      out.log_findings.push_back(path.string() + " does not follow the one before");
    if (seq == base.wal.least_seq && extent->frames < base.wal.least_frames) {
      out.log_findings.push_back(path.string() + " ends before its base snapshot");
    }
    salt = extent->salt1;
  }
  std::error_code error;
  for (const auto& file : fs::directory_iterator(run, error)) {
    const auto number = std::strtoull(file.path().stem().c_str(), nullptr, 10);
    if (file.path().extension() == ".wal" && number > seq) {
      out.log_findings.push_back(fmt::format("{} is missing", wal_copy_path(run, seq).string()));
      return;
    }
  }
}

void check_companions(const fs::path& run, Verified& out) {
  auto found = companion_copies(run);
  Findings findings(out.log_findings);
  for (auto& complaint : found.complaints) findings.add(std::move(complaint));
  for (const auto& copy : found.copies) {
    for (const auto& file : copy.manifest.files) check_file(findings, copy.folder / file.name, file.bytes, file.checksum);
  }
}

}  // namespace

Result<Verified> verify_backups(const VerifyOrder& order, const std::function<void(CollectProgress)>& progress) {
  auto backups = list_backups(order.folder);
  if (!backups) return std::unexpected(backups.error());
  if (!order.name.empty()) std::erase_if(*backups, [&](const Manifest& one) { return one.name != order.name; });
  if (backups->empty()) return fail(ErrorKind::not_found, "there is no backup " + order.name + " in " + order.folder.string());
  Verified out;
  BodyChecker bodies(order.folder / "segments");
  std::set<std::string> runs;
  try {
    for (const auto& manifest : *backups) {
      out.backups.push_back(check_backup(order.folder, manifest, bodies));
      const auto run = order.folder / "wal" / manifest.wal.run;
      if (!manifest.wal.run.empty() && runs.insert(manifest.wal.run).second && fs::exists(run)) {
        check_run(run, manifest, out);
        check_companions(run, out);
      }
      if (progress) progress({out.backups.size(), backups->size()});
    }
  } catch (const fs::filesystem_error& error) {
    return std::unexpected(errno_error("verify " + order.folder.string(), error.code().value()));
  }
  return out;
}

}  // namespace postern::store::sqlite
