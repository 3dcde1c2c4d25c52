// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/wal_archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "store/sqlite/backup_files.h"

namespace postern::store::sqlite {

namespace fs = std::filesystem;

namespace {

Result<UniqueFd> open_for_appending(const fs::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(errno_error("open " + path.string(), errno));
  return file;
}

/// "12 1800000000"; nothing for a torn line.
std::optional<std::pair<std::uint64_t, UnixTime>> parse_commit(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  std::uint64_t frames = 0;
  UnixTime time = 0;
  const auto first = std::from_chars(line.data(), line.data() + space, frames);
  const auto second = std::from_chars(line.data() + space + 1, line.data() + line.size(), time);
  if (first.ec != std::errc() || second.ec != std::errc() || second.ptr != line.data() + line.size()) return std::nullopt;
  return std::pair(frames, time);
}

}  // namespace

fs::path wal_copy_path(const fs::path& run_folder, std::uint64_t seq) { return run_folder / fmt::format("{:010}.wal", seq); }
fs::path wal_commits_path(const fs::path& run_folder, std::uint64_t seq) {
  return run_folder / fmt::format("{:010}.commits", seq);
}

Result<std::uint64_t> frames_until(const fs::path& commits, UnixTime time) {
  const auto text = read_file(commits);
  if (!text) return std::unexpected(text.error());
  std::uint64_t out = 0;
  std::string_view rest = *text;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const auto commit = parse_commit(rest.substr(0, end));
    if (commit && commit->second <= time) out = std::max(out, commit->first);
    rest.remove_prefix(end + 1);
  }
  return out;
}

void WalArchive::committed(std::uint64_t frames) {
  const std::lock_guard lock(mutex_);
  if (run_.empty() || frames == 0) return;
  const UnixTime now = parts_.clock.unix_now();
  // A smaller number of frames is a new generation: the lines of the old one went with before_checkpoint().
  if (!pending_.empty() && pending_.back().time == now && pending_.back().frames <= frames) pending_.pop_back();
  pending_.push_back({frames, now});
}

void WalArchive::before_checkpoint() {
  const std::lock_guard lock(mutex_);
  if (run_.empty()) return;
  if (auto copied = copy_new(Durability::written); !copied) give_up(copied.error());
}

Result<> WalArchive::begin_run(const std::string& run) {
  const std::lock_guard lock(mutex_);
  if (auto made = make_private_folder(parts_.folder / run); !made) return made;
  run_ = run;
  seq_ = 0;
  salt1_ = salt2_ = 0;
  shipped_bytes_ = shipped_frames_ = commits_bytes_ = 0;
  log_.reset();
  copy_.reset();
  commits_.reset();
  pending_.clear();
  broken_ = false;
  return copy_new(Durability::synced);
}

Result<WalPosition> WalArchive::ship() {
  const std::lock_guard lock(mutex_);
  if (run_.empty()) return WalPosition{};
  if (auto copied = copy_new(Durability::synced); !copied) {
    give_up(copied.error());
    return std::unexpected(copied.error());
  }
  return WalPosition{run_, seq_, shipped_frames_};
}

/// Nothing of this run can be trusted to follow what was copied so far.
void WalArchive::give_up(const Error& error) {
  parts_.events.warning("backup", "the write-ahead log could not be copied; a new base snapshot follows",
                        {{"error", error.text}, {"run", run_}});
  run_.clear();
  broken_ = true;
}

Result<> WalArchive::copy_new(Durability durability) {
  auto log = WalFile::open(parts_.log);
  // Empty, or not there yet: nothing was written since the last checkpoint.
  if (!log && (log.error().kind == ErrorKind::not_found || log.error().kind == ErrorKind::corrupt)) return {};
  if (!log) return std::unexpected(log.error());
  if (!log_ || log->salt1() != salt1_ || log->salt2() != salt2_) {
    if (auto followed = follow(*log); !followed) return followed;
    log_ = std::move(*log);
  }
  WalFile::Mark last = log_->mark();
  for (;;) {
    const auto frame = log_->next();
    if (!frame) return std::unexpected(frame.error());
    if (!*frame) break;
    if ((*frame)->db_pages != 0) last = log_->mark();
  }
  log_->rewind(last);
  if (log_->frames() > shipped_frames_ || shipped_bytes_ == 0) {
    if (auto appended = append(log_->bytes()); !appended) return appended;
    shipped_frames_ = log_->frames();
  }
  if (auto noted = append_commits(shipped_frames_); !noted) return noted;
  return durability == Durability::synced ? sync_files() : Result<>();
}

/// A new generation: its first salt is the old one's plus one, or commits are missing.
Result<> WalArchive::follow(const WalFile& log) {
  if (seq_ > 0 && log.salt1() != salt1_ + 1) return fail(ErrorKind::corrupt, "a generation of the write-ahead log is missing");
  if (seq_ > 0) {
    if (auto synced = sync_files(); !synced) return synced;
  }
  ++seq_;
  salt1_ = log.salt1();
  salt2_ = log.salt2();
  shipped_bytes_ = shipped_frames_ = commits_bytes_ = 0;
  const fs::path folder = parts_.folder / run_;
  auto copy = open_for_appending(wal_copy_path(folder, seq_));
  auto commits = open_for_appending(wal_commits_path(folder, seq_));
  if (!copy) return std::unexpected(copy.error());
  if (!commits) return std::unexpected(commits.error());
  copy_ = std::move(*copy);
  commits_ = std::move(*commits);
  return sync_directory(folder);
}

/// The log's octets up to there, at their own places.
Result<> WalArchive::append(std::uint64_t bytes) {
  const UniqueFd log(::open(parts_.log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!log) return std::unexpected(errno_error("open " + parts_.log.string(), errno));
  if (auto copied = copy_range(log.get(), copy_.get(), shipped_bytes_, bytes - shipped_bytes_); !copied) return copied;
  shipped_bytes_ = bytes;
  return {};
}

/// Lines of the commits that are in the copy. At the start of a run the log may hold commits that nobody told of: they get a line
/// with the present time.
Result<> WalArchive::append_commits(std::uint64_t frames) {
  std::string lines;
  std::vector<Commit> later;
  for (const Commit& commit : pending_) {
    if (commit.frames > frames) {
      later.push_back(commit);
      continue;
    }
    fmt::format_to(std::back_inserter(lines), "{} {}\n", commit.frames, commit.time);
  }
  pending_ = std::move(later);
  if (commits_bytes_ == 0 && lines.empty() && frames > 0) {
    lines = fmt::format("{} {}\n", frames, parts_.clock.unix_now());
  }
  if (lines.empty()) return {};
  if (auto written = write_all_at(commits_.get(), lines, commits_bytes_); !written) return written;
  commits_bytes_ += lines.size();
  return {};
}

Result<> WalArchive::sync_files() {
  for (const UniqueFd* file : {&copy_, &commits_}) {
    if (*file && ::fdatasync(file->get()) != 0) return std::unexpected(errno_error("sync the copied log", errno));
  }
  return {};
}

}  // namespace postern::store::sqlite
