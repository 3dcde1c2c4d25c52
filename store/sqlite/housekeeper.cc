// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/housekeeper.h"

#include <pthread.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "store/sqlite/inspect.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/repairs.h"
#include "store/sqlite/undelete.h"

namespace postern::store::sqlite {

namespace {

using namespace std::chrono_literals;

constexpr auto minute_interval = 60s;
constexpr auto hour_interval = 3600s;
constexpr UnixTime day = 86400;
/// Cached structures are compared for one mailbox in so many each night.
constexpr std::int64_t structure_nights = 30;
constexpr unsigned never_compact = 100;

}  // namespace

std::optional<UnixTime> next_time_of_day(UnixTime now, const std::string& time_of_day) {
  const auto colon = time_of_day.find(':');
  if (colon == std::string::npos) return std::nullopt;
  int hour = 0;
  int minute = 0;
  std::from_chars(time_of_day.data(), time_of_day.data() + colon, hour);
  std::from_chars(time_of_day.data() + colon + 1, time_of_day.data() + time_of_day.size(), minute);
  const std::time_t start = now;
  for (int days = 0; days < 3; ++days) {
    std::tm local{};
    ::localtime_r(&start, &local);
    local.tm_mday += days;
    local.tm_hour = hour;
    local.tm_min = minute;
    local.tm_sec = 0;
    local.tm_isdst = -1;
    const std::time_t at = ::mktime(&local);
    if (at > now) return at;
  }
  return std::nullopt;
}

Housekeeper::Housekeeper(Parts parts, HousekeepingOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      pace_(options_.rate),
      care_{parts_.writer, parts_.segments, *parts_.db, parts_.space, pace_, parts_.clock, parts_.log},
      counters_{
          parts_.metrics.counter("postern_store_reap_slices_total", "Visits to the writer that ended expunged messages."),
          parts_.metrics.counter("postern_store_compactions_total", "Segments that were rewritten or removed as dead."),
          parts_.metrics.counter("postern_store_compaction_copied_bytes_total", "Octets copied to new segments."),
          parts_.metrics.counter("postern_store_compaction_reclaimed_bytes_total", "Octets that compaction gave back."),
          parts_.metrics.counter("postern_store_audit_findings_total", "Things the audit found wrong."),
          parts_.metrics.counter("postern_store_audit_repairs_total", "Findings that were repaired from other rows."),
          parts_.metrics.counter("postern_store_audit_bodies_total", "Stored bodies whose checksum was verified."),
          parts_.metrics.gauge("postern_store_audit_last_timestamp_seconds", "When the last audit ended."),
          parts_.metrics.gauge("postern_store_audit_last_findings", "Findings of the last audit that are not repaired."),
          parts_.metrics.gauge("postern_store_dead_bytes", "Octets of bodies nobody refers to, in files that are still there.")},
      next_minute_(SteadyClock::now() + minute_interval),
      next_hour_(SteadyClock::now() + hour_interval),
      next_audit_(next_time_of_day(parts_.clock.unix_now(), options_.audit_at)) {}

void Housekeeper::start() { thread_ = std::thread(&Housekeeper::loop, this); }

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  pace_.stop();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::loop() {
  ::pthread_setname_np(::pthread_self(), "store-care");
  for (;;) {
    const std::uint64_t job = wait();
    if (pace_.stopped()) break;
    if (job != 0) run_job(job);
    if (SteadyClock::now() >= next_minute_) minute();
    if (SteadyClock::now() >= next_hour_) {
      next_hour_ = SteadyClock::now() + hour_interval;
      note("pruning history", prune_history(care_, options_.history));
    }
    if (next_audit_ && parts_.clock.unix_now() >= *next_audit_) nightly();
  }
  const std::lock_guard lock(mutex_);
  for (JobState& state : jobs_) {
    if (!state.ended_now()) state.phase = JobState::Phase::stopped;
  }
}

std::uint64_t Housekeeper::wait() {
  std::unique_lock lock(mutex_);
  const auto waiting = [this] {
    return std::find_if(jobs_.begin(), jobs_.end(), [](const JobState& job) { return job.phase == JobState::Phase::waiting; });
  };
  changed_.wait_for(lock, 1s, [&] { return stopping_ || waiting() != jobs_.end(); });
  const auto job = waiting();
  return stopping_ || job == jobs_.end() ? 0 : job->id;
}

template <class F>
void Housekeeper::change(std::uint64_t id, F edit) {
  const std::lock_guard lock(mutex_);
  for (JobState& state : jobs_) {
    if (state.id == id) edit(state);
  }
}

void Housekeeper::note(const char* what, const Result<>& done) {
  if (done || done.error().kind == ErrorKind::closed) return;
  parts_.log.warning("store", "housekeeping could not finish", {{"what", what}, {"error", done.error().text}});
}

Result<std::uint64_t> Housekeeper::start(JobOrder order) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(ErrorKind::unavailable, "the store is closed");
  if (jobs_.size() >= max_jobs) {
    const auto old = std::find_if(jobs_.begin(), jobs_.end(), [](const JobState& job) { return job.ended_now(); });
    if (old == jobs_.end()) return fail(ErrorKind::unavailable, "16 jobs of housekeeping wait already; try again later");
    jobs_.erase(old);
  }
  JobState state;
  state.id = ++last_job_;
  state.order = order;
  jobs_.push_back(std::move(state));
  changed_.notify_all();
  return last_job_;
}

std::optional<JobState> Housekeeper::job(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  for (const JobState& state : jobs_) {
    if (state.id == id) return state;
  }
  return std::nullopt;
}

void Housekeeper::run_job(std::uint64_t id) {
  JobOrder order;
  change(id, [&](JobState& state) {
    state.phase = JobState::Phase::running;
    state.started = parts_.clock.unix_now();
    order = state.order;
  });
  const auto done = order.kind == JobOrder::Kind::audit ? audit(id, order) : compact(id, order);
  change(id, [&](JobState& state) {
    state.ended = parts_.clock.unix_now();
    state.phase = done                                     ? JobState::Phase::done
                  : done.error().kind == ErrorKind::closed ? JobState::Phase::stopped
                                                           : JobState::Phase::failed;
    if (!done) state.error = done.error().text;
  });
}

void Housekeeper::minute() {
  next_minute_ = SteadyClock::now() + minute_interval;
  parts_.segments.let_go();
  note("reaping", reap());
  note("compaction", compact_one());
}

/// Ends expunged messages and removed mailboxes whose window is over, then files that nobody holds any more.
Result<> Housekeeper::reap() {
  const UnixTime before = parts_.clock.unix_now() - parts_.undelete_window.count();
  const auto due = care_.read<bool>([before](Database& db) -> Result<bool> {
    return db.integer(0,
                      "SELECT EXISTS (SELECT 1 FROM reap WHERE expunged_at<?1) OR EXISTS (SELECT 1 FROM segment WHERE state=2 OR "
                      "(state=1 "
                      "AND NOT EXISTS (SELECT 1 FROM blob WHERE seg=segment.id))) "
                      "OR EXISTS (SELECT 1 FROM removed_mailbox WHERE removed_at<?1)",
                      before) != 0;
  });
  if (!due) return std::unexpected(due.error());
  SliceSize slice;
  for (bool more = *due; more;) {
    const auto done = write_slice<bool>(care_, slice, [before, rows = slice.rows()](Transaction& tx) -> Result<bool> {
      if (reap_expired(tx, before, rows)) return true;
      reap_removed_mailboxes(tx, before);
      tx.drop_retired();
      return false;
    });
    if (!done) return std::unexpected(done.error());
    counters_.reaped_slices.add();
    more = *done;
  }
  return {};
}

Result<> Housekeeper::compact_one() {
  const auto found = care_.read<std::vector<Candidate>>([this](Database& db) -> Result<std::vector<Candidate>> {
    counters_.dead_bytes.set(static_cast<double>(db.integer(0, "SELECT total(iif(state=2, bytes, dead)) FROM segment")));
    return candidates(db, options_.compact_above);
  });
  if (!found) return std::unexpected(found.error());
  if (options_.compact_above >= never_compact) return {};
  for (const Candidate& one : *found) {
    if (std::find(damaged_.begin(), damaged_.end(), one.id) != damaged_.end()) continue;
    // One that does not fit on the disk leaves the turn to the next one.
    if (one.bytes - std::min(one.dead, one.bytes) > parts_.space.spare_bytes()) continue;
    const auto done = compact_segment(0, one.id);
    return done ? Result<>() : std::unexpected(done.error());
  }
  return {};
}

Result<> Housekeeper::compact(std::uint64_t job, const JobOrder& order) {
  std::vector<Candidate> chosen{{order.segment, 0, 0}};
  if (order.segment == 0) {
    const unsigned percent = order.all ? 0 : options_.compact_above;
    auto found = care_.read<std::vector<Candidate>>(
        [percent](Database& db) -> Result<std::vector<Candidate>> { return candidates(db, percent); });
    if (!found) return std::unexpected(found.error());
    chosen = std::move(*found);
  }
  for (const Candidate& one : chosen) {
    change(job, [&](JobState& state) { state.stage = fmt::format("segment {}", one.id); });
    const auto done = compact_segment(job, one.id);
    if (!done) return std::unexpected(done.error());
    change(job, [&](JobState& state) {
      ++state.segments_done;
      state.bytes_reclaimed += done->bytes_before - std::min(done->bytes_before, done->bytes_after);
      state.findings.insert(state.findings.end(), done->damaged.begin(), done->damaged.end());
    });
  }
  return reap();  // files whose pins have ended
}

Result<Compacted> Housekeeper::compact_segment(std::uint64_t job, SegmentId id) {
  Compaction compaction(care_, id, [this, job](std::uint64_t done, std::uint64_t total) {
    change(job, [&](JobState& state) {
      state.done = done;
      state.total = total;
    });
  });
  auto done = compaction.run();
  if (!done) return done;
  if (!done->damaged.empty()) damaged_.push_back(id);
  const auto reclaimed = done->bytes_before - std::min(done->bytes_before, done->bytes_after);
  counters_.compacted.add();
  counters_.copied_bytes.add(static_cast<double>(done->bytes_after));
  counters_.reclaimed_bytes.add(static_cast<double>(reclaimed));
  parts_.log.info("store", "segment compacted",
                  {{"segment", id},
                   {"into", done->to},
                   {"bodies", done->records},
                   {"bytes_before", done->bytes_before},
                   {"bytes_after", done->bytes_after},
                   {"damaged", done->damaged.size()}});
  return done;
}

void Housekeeper::nightly() {
  const auto job = start({.kind = JobOrder::Kind::audit, .nightly = true});
  if (job) run_job(*job);
  const std::lock_guard lock(mutex_);
  next_audit_ = next_time_of_day(parts_.clock.unix_now(), options_.audit_at);
}

Result<> Housekeeper::audit(std::uint64_t job, const JobOrder& order) {
  if (auto done = audit_rows(job, order); !done) return done;
  if (auto done = audit_credentials(job, order); !done) return done;
  if (order.bodies || (order.nightly && options_.audit_bodies.count() > 0)) {
    if (auto done = audit_bodies(job, order); !done) return done;
  }
  return note_audit(job);
}

Result<> Housekeeper::audit_rows(std::uint64_t job, const JobOrder& order) {
  AuditScope scope{.folder = &parts_.segments, .now = parts_.clock.unix_now(), .whole_integrity = !order.nightly};
  if (order.nightly) {
    scope.of = structure_nights;
    scope.share = scope.now / day % structure_nights;
  }
  RowAudit rows(*parts_.db, scope);
  bool doubtful = false;
  for (bool more = true; more;) {
    std::vector<Discrepancy> found;
    change(job, [&](JobState& state) { state.stage = rows.stage(); });
    const auto begun = SteadyClock::now();
    const auto stepped = care_.read<bool>([&](Database&) -> Result<bool> { return rows.step(found); });
    if (!stepped) return std::unexpected(stepped.error());
    doubtful = doubtful || std::any_of(found.begin(), found.end(), is_missing_body);
    for (Discrepancy& one : found) {
      // While a message lacks its body, no body is thrown away for want of a message.
      if (doubtful && ends_body(one)) one.repair = Repair::none;
      take(job, order, std::move(one));
    }
    more = *stepped;
    // As long a rest as the step took: at most half a core.
    if (!pace_.rest(options_.rate == 0 ? SteadyClock::duration::zero() : SteadyClock::now() - begun))
      return fail(ErrorKind::closed, "stopped");
  }
  return {};
}

/// auth.db has its own connection, opened for this moment only.
Result<> Housekeeper::audit_credentials(std::uint64_t job, const JobOrder& order) {
  change(job, [](JobState& state) { state.stage = "structure of the credentials"; });
  auto db = Database::open({parts_.folder / "auth.db", Database::Mode::read_only});
  if (!db) {
    take(job, order, {{"structure", "auth.db: " + db.error().text, false}, Repair::none, 0, {}});
    return {};
  }
  try {
    auto row = order.nightly ? (*db)->query("PRAGMA quick_check(100)") : (*db)->query("PRAGMA integrity_check(100)");
    while (row.step()) {
      if (row.text(0) != "ok")
        take(job, order, {{"structure", "auth.db: " + std::string(row.text(0)), false}, Repair::none, 0, {}});
    }
    auto owner = (*db)->query("SELECT DISTINCT account FROM credential");
    while (owner.step()) {
      const auto account = owner.integer(0);
      if (parts_.db->integer(0, "SELECT 1 FROM account WHERE id=?1", account) != 0) continue;
      const auto text =
          fmt::format("there are credentials of account {}, which does not exist; the next start removes them", account);
      take(job, order, {{"credentials without account", text, false}, Repair::none, account, {}});
    }
  } catch (const SqlError& error) {
    take(job, order, {{"structure", "auth.db: " + error.error.text, false}, Repair::none, 0, {}});
  }
  return {};
}

Result<> Housekeeper::audit_bodies(std::uint64_t job, const JobOrder& order) {
  change(job, [](JobState& state) { state.stage = "bodies"; });
  std::uint64_t share = 0;
  if (!order.bodies) {
    const auto all = care_.read<std::uint64_t>([](Database& db) -> Result<std::uint64_t> {
      return static_cast<std::uint64_t>(db.integer(0, "SELECT total(bytes) FROM segment WHERE state=1"));
    });
    if (!all) return std::unexpected(all.error());
    const auto nights = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(options_.audit_bodies.count() / day));
    share = *all / nights + 1;
  }
  BodyAudit bodies(care_, {.share = share,
                           .found = [&](Discrepancy one) { take(job, order, std::move(one)); },
                           .progress =
                               [&](std::uint64_t done, std::uint64_t total) {
                                 change(job, [&](JobState& state) {
                                   state.done = done;
                                   state.total = total;
                                 });
                               }});
  const auto done = bodies.run();
  if (!done) return std::unexpected(done.error());
  counters_.bodies_read.add(static_cast<double>(done->bodies));
  change(job, [&](JobState& state) {
    state.bodies_read = done->bodies;
    state.bytes_read = done->bytes;
    state.segments_done = done->segments;
  });
  return {};
}

/// Mends what can be mended, and tells it in log, metrics and job.
void Housekeeper::take(std::uint64_t job, const JobOrder& order, Discrepancy found) {
  if (order.repair && found.repair != Repair::none) {
    const auto mended = care_.write<bool>([&found](Transaction& tx) -> Result<bool> { return mend(tx, found); });
    found.finding.repaired = mended.value_or(false);
  }
  counters_.findings.add();
  if (found.finding.repaired) counters_.repairs.add();
  bool told = false;
  change(job, [&](JobState& state) {
    state.repaired += found.finding.repaired;
    told = state.findings.size() < max_findings;
    if (told)
      state.findings.push_back(found.finding);
    else
      ++state.more_findings;
  });
  if (!told) return;
  parts_.log.warning("store", "audit",
                     {{"check", found.finding.check}, {"finding", found.finding.text}, {"repaired", found.finding.repaired}});
}

Result<> Housekeeper::note_audit(std::uint64_t job) {
  const auto state = this->job(job).value_or(JobState{});
  const std::uint64_t findings = state.findings.size() + state.more_findings;
  const std::uint64_t left = findings - state.repaired;
  const UnixTime now = parts_.clock.unix_now();
  counters_.last_audit.set(static_cast<double>(now));
  counters_.last_findings.set(static_cast<double>(left));
  parts_.log.info(
      "store", "audit done",
      {{"findings", findings}, {"repaired", state.repaired}, {"bodies", state.bodies_read}, {"seconds", now - state.started}});
  auto noted = care_.write<void>([now, left](Transaction& tx) -> Result<> {
    tx.db().run("INSERT OR REPLACE INTO sys(k, v) VALUES ('last_audit', ?1), ('last_audit_findings', ?2)", now, left);
    return {};
  });
  // On a full disk the audit was done all the same.
  return !noted && noted.error().kind == ErrorKind::closed ? noted : Result<>();
}

Task<Result<StoreInfo>> Housekeeper::look() {
  auto info = co_await parts_.lane.run<StoreInfo>([folder = parts_.folder](Database& db) { return read_store_info(db, folder); });
  if (!info) co_return info;
  info->free_bytes = parts_.space.free_bytes();
  info->ballast_bytes = parts_.space.ballast_bytes();
  info->refusing = parts_.space.refusing();
  if (parts_.text) {
    const TextFigures text = parts_.text->figures();
    info->text_kept = true;
    info->text_messages = text.messages;
    info->text_waiting = text.waiting;
    info->text_bytes = text.bytes;
  }
  const std::lock_guard lock(mutex_);
  info->next_audit = next_audit_.value_or(0);
  co_return info;
}

Task<Result<std::vector<DumpRow>>> Housekeeper::dump(DumpOrder order) {
  co_return co_await parts_.lane.run<std::vector<DumpRow>>([order = std::move(order), segments = &parts_.segments](Database& db) {
    return order.segment != 0 ? dump_record(db, *segments, order) : dump_rows(db, order);
  });
}

}  // namespace postern::store::sqlite
