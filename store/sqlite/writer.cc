// SPDX-License-Identifier: Apache-2.0
// The batching writer.
//
// Crash table (design.md §3, storage.md §5): what a power cut leaves behind at each step of a batch, and what open() does.
//
//   S1 nothing received             nothing.
//   S2 receiving                    memory or an unnamed file: vanishes. The client saw no 250.
//   S3 body in the segment, no row  the tail behind the last row's body is cut off; a file without a row is removed.
//   S3' row committed, body torn    (COMMIT and the segment's sync run in parallel, unless the batch lies in cleared room and
//   went
//                                   to the device before COMMIT) rows at or past the watermark are checked;
//                                   those whose body fails its checksum are expunged (MODSEQ + VANISHED). Never acknowledged.
//   S4 body and rows durable        accepted. When the 250 was lost, the sender's second copy is its right.
//   S5 references gone              the bytes count as dead; a file with no living body is removed.
//
// The watermark in `sys` is where the batch's own bodies begin: everything before it was synced by earlier batches.
#include "store/sqlite/writer.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>

#include "store/sqlite/refused.h"

namespace postern::store::sqlite {

namespace {

using namespace std::chrono_literals;
using SteadyClock = Writer::SteadyClock;

// storage.md §2.2: greedy batches of a crowd fall into two halves that wait for each other's sync. So while a batch is under way
// those are waited for who were answered with the batch before; each gap may be a twentieth of a sync.
constexpr double linger_sync_seconds = 0.0001;
constexpr double linger_gap_share = 0.05;
constexpr std::chrono::duration<double> min_linger_gap = 20us;
constexpr std::chrono::duration<double> max_linger_gap = 200us;
/// The thread is not woken for fewer while it waits for a crowd.
constexpr std::size_t linger_step = 8;
constexpr double average_weight = 0.2;
/// While the log is copied away, each checkpoint begins a new copy: an idle second is no reason for one.
constexpr int archived_checkpoint_pages = 1000;
constexpr auto idle_interval = 1s;
/// A client that has just changed a whole mailbox often goes on with it: the log is moved when it has paused for so long.
constexpr auto quiet_interval = 30ms;

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

Error stopped() { return {ErrorKind::unavailable, "the store stopped writing after a disk error; see the log and restart"}; }

/// A copy in slices could be neither finished nor taken back.
Error left_frozen() { return {ErrorKind::unavailable, "an unfinished COPY holds the mailbox; see the log and restart"}; }

/// True when the whole batch is lost, not the one command.
bool ends_batch(const Database& db, const Error& error) {
  return db.idle() || error.kind == ErrorKind::no_space || error.kind == ErrorKind::io;
}

bool is_full(const Result<>& result) { return !result && result.error().kind == ErrorKind::no_space; }

}  // namespace

Writer::Writer(Parts parts)
    : parts_(std::move(parts)),
      transaction_(parts_.db, parts_.clock),
      sync_(parts_.folder.disk()),
      counters_{
          parts_.metrics.counter("postern_store_batches_total", "Transactions of the store's writer."),
          parts_.metrics.counter("postern_store_commands_total", "Writes handed to the store."),
          parts_.metrics.histogram("postern_store_batch_size", "Writes in one transaction.", {1, 2, 5, 10, 20, 50, 100, 500}),
          parts_.metrics.histogram("postern_store_sync_seconds", "Time from the first write of a batch until it is durable.",
                                   {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 1})},
      thread_(&Writer::loop, this) {}

Writer::~Writer() { close(); }

void Writer::close() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<> Writer::enqueue(std::unique_ptr<Command> command) {
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return std::unexpected(stopped());
    if (stopping_) return fail(ErrorKind::unavailable, "the store is closed");
    if (waiting_.size() >= max_waiting) return fail(ErrorKind::unavailable, "too many writes are waiting");
    waiting_.push_back(std::move(command));
    enough = waiting_.size() == wake_at_;
  }
  if (enough) arrived_.notify_one();
  return {};
}

void Writer::loop() {
  pthread_setname_np(pthread_self(), "store-writer");
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  for (;;) {
    Commands commands = take();
    if (!commands.empty()) {
      run_batch(commands);
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && waiting_.empty()) break;
    }
    use_idle_time();
  }
  write_clean_end();
}

/// Waits for commands and takes a batch of them; empty after an idle second, in a quiet moment with a long log, or when stopping.
Writer::Commands Writer::take() {
  const bool soon = parts_.db.wal_pages() >= checkpoint_pages && !log_is_stuck_;
  const auto patience = soon ? quiet_interval : idle_interval;
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, patience, [this] { return stopping_ || !waiting_.empty(); });
  round_ = {};
  Commands out;
  take_waiting(out, batch_commands);
  return out;
}

void Writer::take_waiting(Commands& commands, std::size_t most) {
  while (!waiting_.empty() && commands.size() < most && round_.bytes < batch_bytes) {
    std::uint64_t bytes = 0;
    for (const auto& body : waiting_.front()->bodies) bytes += body.placed ? 0 : body.record_size();
    // The bodies of a batch lie in one file.
    if (!commands.empty() && bytes > 0 && !parts_.segment.has_room(round_.bytes + bytes)) return;
    round_.bytes += bytes;
    commands.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

/// Adds who comes back while the batch is under way, so that a crowd shares a sync and its threads do not stand still meanwhile.
/// False when the batch is complete.
bool Writer::take_more(Commands& commands) {
  const std::size_t before = commands.size();
  {
    std::unique_lock lock(mutex_);
    const std::size_t most = std::min(crowd_, batch_commands);
    if (!round_.open || before >= most || sync_average_ <= linger_sync_seconds) return false;
    if (waiting_.empty() && !stopping_) {
      const std::chrono::duration<double> share(sync_average_ * linger_gap_share);
      const auto gap = std::chrono::duration_cast<std::chrono::nanoseconds>(std::clamp(share, min_linger_gap, max_linger_gap));
      wake_at_ = std::min(linger_step, most - before);
      arrived_.wait_for(lock, gap, [this] { return stopping_ || waiting_.size() >= wake_at_; });
      wake_at_ = 1;
    }
    take_waiting(commands, most);
    round_.open = commands.size() > before;
  }
  if (!round_.open) return false;
  const auto placed = place_bodies(std::span(commands).subspan(before));
  if (!placed && failed_) throw SqlError{placed.error()};
  return true;
}

void Writer::run_batch(Commands& commands) {
  const auto start = SteadyClock::now();
  const auto placed = place_bodies(commands);
  auto committed = failed_ ? placed : transact(commands);
  const auto synced = wait_for_sync();
  if (synced && is_full(committed)) {
    if (round_.bodies) parts_.segment.rewind(*round_.bodies);
    committed = transact_without_mail(commands, committed.error());
  }
  counters_.sync_seconds.observe(seconds_since(start));

  const Result<>& bad = !synced ? synced : committed;
  if (!bad) {
    for (auto& command : commands) {
      command->parked = false;
      command->fail_with(bad.error());
    }
    if (!synced || bad.error().kind == ErrorKind::io) {
      fatal(bad.error());
      if (committed) refuse_for_good(commands);
    } else if (round_.bodies) {
      parts_.segment.rewind(*round_.bodies);
    }
    transaction_.end_batch(false);
  } else {
    parts_.segment.clear_rotations();
    parts_.publish(transaction_);
    for (const SegmentId id : transaction_.dead_segments()) parts_.folder.remove(id);
    transaction_.end_batch(true);
  }
  settle(commands);
  after_batch();
}

/// All bodies of the batch are in the segment now. A batch that only overwrote cleared room is handed to the device here, and the
/// commit's own sync makes it durable together with its rows.
Result<> Writer::start_sync() {
  if (!round_.bodies || round_.sync_start != SteadyClock::time_point()) return {};
  round_.sync_start = SteadyClock::now();
  if (!parts_.segment.needs_sync()) return parts_.segment.write_out(*round_.bodies);
  round_.syncing = true;
  sync_.start(parts_.segment.descriptor());
  return {};
}

Result<> Writer::wait_for_sync() {
  if (round_.sync_start == SteadyClock::time_point()) return {};
  auto outcome = round_.syncing ? sync_.wait() : Result<>();
  if (round_.syncing && outcome) parts_.segment.synced();
  sync_average_ += average_weight * (seconds_since(round_.sync_start) - sync_average_);
  return outcome;
}

/// The rows of the batch are durable, its bodies may be whole too; their senders were told that they are not.
void Writer::refuse_for_good(const Commands& commands) {
  std::vector<Placement> bodies;
  for (const auto& command : commands) {
    for (const auto& body : command->bodies) bodies.push_back(body.place);
  }
  if (auto noted = note_refused(parts_.db, bodies); !noted) {
    parts_.log.error("store", "refused mail may appear after the restart", {{"error", noted.error().text}});
  }
}

/// Writes the bodies behind each other. Commands whose bodies could not be written have failed afterwards.
Result<> Writer::place_bodies(std::span<std::unique_ptr<Command>> commands) {
  placing_.clear();
  std::uint64_t bytes = 0;
  for (auto& command : commands) {
    for (auto& body : command->bodies) {
      if (body.placed) continue;
      placing_.push_back(&body);
      bytes += body.record_size();
    }
  }
  if (placing_.empty()) return {};
  auto placed = parts_.segment.make_room(bytes);
  if (placed) placed = parts_.segment.append(placing_);
  if (placed) {
    const NewBody& first = *placing_.front();
    const std::uint64_t before = first.arrival.size() + RecordHeader::size;
    if (!round_.bodies) round_.bodies = ActiveSegment::Position{first.place.segment, first.place.offset - before};
    return {};
  }
  for (auto& command : commands) {
    const bool waits = std::any_of(command->bodies.begin(), command->bodies.end(), [](const NewBody& b) { return !b.placed; });
    if (waits) command->fail_with(placed.error());
  }
  if (placed.error().kind == ErrorKind::io) fatal(placed.error());
  return placed;
}

Result<> Writer::transact(Commands& commands) {
  auto done = try_batch(commands, Care::none);
  if (done && !*done) {
    transaction_.end_batch(false);
    done = try_batch(commands, Care::savepoints);
  }
  return done ? Result<>() : std::unexpected(done.error());
}

/// False when a command left something half-done and the batch was rolled back for that.
Result<bool> Writer::try_batch(Commands& commands, Care care) {
  try {
    TransactionGuard guard(parts_.db);
    record_rotations();
    parts_.prelude(&transaction_);
    for (std::size_t i = 0; i < commands.size() || take_more(commands); ++i) {
      Command& command = *commands[i];
      const bool bodies_ready =
          std::all_of(command.bodies.begin(), command.bodies.end(), [](const NewBody& body) { return body.placed; });
      if (bodies_ready && !command.refused && !run_command(command, care)) return false;
    }
    if (round_.bodies) record_watermark(*round_.bodies);
    transaction_.flush();
    if (auto started = start_sync(); !started) throw SqlError{started.error()};
    guard.commit();
    return true;
  } catch (const SqlError& error) {
    return std::unexpected(error.error);
  }
}

/// security.md §6.3: with the room of the ballast, what makes no mail gets a second try.
Result<> Writer::transact_without_mail(Commands& commands, const Error& full) {
  parts_.disk_full();
  transaction_.end_batch(false);
  round_.open = false;
  round_.bodies.reset();
  for (auto& command : commands) {
    command->refused = !command->bodies.empty();
    if (command->refused) command->fail_with(full);
  }
  const bool left = std::any_of(commands.begin(), commands.end(), [](const auto& command) { return !command->refused; });
  return left ? transact(commands) : std::unexpected(full);
}

void Writer::record_rotations() {
  Database& db = parts_.db;
  for (const auto& rotation : parts_.segment.rotations()) {
    if (rotation.sealed != 0) db.run("UPDATE segment SET state=1, bytes=?2 WHERE id=?1", rotation.sealed, rotation.sealed_bytes);
    db.run("INSERT OR IGNORE INTO segment(id, kind, state) VALUES (?1,0,0)", rotation.begun);
  }
}

void Writer::record_watermark(const ActiveSegment::Position& watermark) {
  parts_.db.run("UPDATE sys SET v=?1 WHERE k='watermark_segment'", watermark.segment);
  parts_.db.run("UPDATE sys SET v=?1 WHERE k='watermark_offset'", watermark.offset);
}

/// One failure does not spoil the batch, unless SQLite says that the disk is full or broken. False when the command failed
/// midway and there is no savepoint to go back to.
bool Writer::run_command(Command& command, Care care) {
  Database& db = parts_.db;
  transaction_.begin_command();
  command.parked = false;
  if (care == Care::savepoints) db.run("SAVEPOINT command");
  const auto changes = db.total_changes();
  try {
    command.run(transaction_);
  } catch (const SqlError& error) {
    if (ends_batch(db, error.error)) throw;
    command.fail_with(error.error);
  } catch (const Frozen&) {
    command.parked = true;
  }
  if (!command.ok() || command.parked) {
    if (care == Care::savepoints) {
      db.run("ROLLBACK TO command");
    } else if (db.total_changes() != changes) {
      return false;
    }
    transaction_.undo_command();
    for (const auto& body : command.bodies) {
      if (!command.parked && body.place.offset != 0) transaction_.add_dead(body.place.segment, body.place.length);
    }
  }
  if (care == Care::savepoints) db.run("RELEASE command");
  return true;
}

void Writer::settle(Commands& commands) {
  async::Batch batch;
  Commands slices;
  const bool could_be_frozen = under_way_ > 0;
  for (auto& command : commands) {
    under_way_ -= std::exchange(command->under_way, false) ? 1 : 0;
    if (failed_ || command->parked || !command->goes_on()) continue;
    command->under_way = true;
    ++under_way_;
    slices.push_back(std::move(command));
  }
  for (auto& command : commands) {
    if (!command) continue;
    if (command->parked && (could_be_frozen || under_way_ > 0)) {
      parked_.push_back(std::move(command));
      continue;
    }
    if (command->parked) command->fail_with(left_frozen());
    if (!command->ok()) drop_single_files(*command);
    command->finish(batch);
  }
  counters_.batches.add();
  counters_.commands.add(static_cast<double>(commands.size()));
  counters_.batch_size.observe(static_cast<double>(commands.size()));
  {
    const std::lock_guard lock(mutex_);
    crowd_ = commands.size() + waiting_.size();
  }
  batch.flush();
  queue_again(std::move(slices), under_way_ == 0);
}

/// Slices go to the end of the line, so that others come between them; who waited for the last of them goes to its front.
void Writer::queue_again(Commands slices, bool thawed) {
  if (slices.empty() && (!thawed || parked_.empty())) return;
  const std::lock_guard lock(mutex_);
  for (auto& command : slices) waiting_.push_back(std::move(command));
  if (!thawed) return;
  for (; !parked_.empty(); parked_.pop_back()) waiting_.push_front(std::move(parked_.back()));
}

/// After a fatal error nothing is removed: whether the row is durable is not known.
void Writer::drop_single_files(const Command& command) {
  if (failed_) return;
  for (const auto& body : command.bodies) {
    if (body.placed && body.place.offset == 0) parts_.folder.remove(body.place.segment);
  }
}

void Writer::fatal(const Error& error) {
  std::deque<std::unique_ptr<Command>> dropped;
  {
    const std::lock_guard lock(mutex_);
    if (failed_.exchange(true)) return;
    dropped.swap(waiting_);  // nothing can be queued from here on
  }
  for (; !parked_.empty(); parked_.pop_back()) dropped.push_back(std::move(parked_.back()));
  parts_.log.error("store", "writing stopped after a disk error; check the disk, then restart", {{"error", error.text}});
  async::Batch batch;
  for (auto& command : dropped) {
    command->fail_with(stopped());
    command->finish(batch);
  }
}

Result<> Writer::checkpoint(bool truncate) {
  if (parts_.tap) parts_.tap->before_checkpoint();
  auto done = parts_.db.checkpoint(truncate);
  log_is_stuck_ = !done;
  return done;
}

void Writer::after_batch() {
  if (!failed_ && parts_.tap) parts_.tap->committed(static_cast<std::uint64_t>(parts_.db.wal_pages()));
  if (failed_ || parts_.db.wal_pages() < most_log_pages) return;
  if (auto done = checkpoint(false); !done) report_checkpoint(done.error());
}

void Writer::report_checkpoint(const Error& error) {
  if (error.kind == ErrorKind::io) return fatal(error);
  if (error.kind == ErrorKind::no_space) return parts_.disk_full();
  parts_.log.warning("store", "the write-ahead log could not be moved", {{"error", error.text}});
}

/// An idle second or a quiet moment: what was left for the next batch, and a log that was copied whole. It keeps its room: the
/// next commits overwrite it from the beginning, which takes less than growing.
void Writer::use_idle_time() {
  if (failed_) return;
  if (parts_.prelude(nullptr)) {
    Commands none;
    round_.open = false;
    run_batch(none);
    return;
  }
  const int pages = parts_.db.wal_pages();
  if (pages == 0 || (parts_.tap && pages < archived_checkpoint_pages)) return;
  if (auto done = checkpoint(false); !done) report_checkpoint(done.error());
}

/// After a clean end nothing has to be verified at the next start.
void Writer::write_clean_end() {
  if (failed_) return;
  try {
    TransactionGuard guard(parts_.db);
    record_rotations();
    record_watermark(parts_.segment.position());
    parts_.prelude(&transaction_);
    transaction_.flush();
    guard.commit();
    [[maybe_unused]] const auto emptied = checkpoint(true);
  } catch (const SqlError& error) {
    parts_.log.warning("store", "closed without a clean end", {{"error", error.error.text}});
  }
}

}  // namespace postern::store::sqlite
