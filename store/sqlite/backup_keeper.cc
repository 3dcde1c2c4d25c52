// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/backup_keeper.h"

#include <pthread.h>

#include "store/sqlite/database.h"
#include "store/sqlite/lane.h"

namespace postern::store::sqlite {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// A base that failed is tried again after this time.
constexpr std::chrono::minutes try_again{10};
constexpr int cache_kib = 2 * 1024;

}  // namespace

BackupKeeper::BackupKeeper(Parts parts)
    : parts_(std::move(parts)), companions_(parts_.data_dir, parts_.log), thread_(&BackupKeeper::loop, this) {}

void BackupKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void BackupKeeper::loop() {
  pthread_setname_np(pthread_self(), "store-backup");
  const auto pause = parts_.options.point_in_time ? parts_.options.ship_every : parts_.options.every;
  auto next_base = SteadyClock::now();
  for (;;) {
    const bool broken = parts_.archive && parts_.archive->broken();
    if (broken) run_ = {};
    if (SteadyClock::now() >= next_base || broken) {
      make_base();
      next_base = SteadyClock::now() + (said_ ? std::chrono::seconds(try_again) : parts_.options.every);
    } else if (parts_.options.point_in_time) {
      ship();
    }
    std::unique_lock lock(mutex_);
    const auto until = std::min(next_base, SteadyClock::now() + pause);
    if (wake_.wait_until(lock, until, [this] { return stopping_; })) break;
  }
  if (parts_.options.point_in_time) ship();
}

void BackupKeeper::say(const Error& error) {
  if (!std::exchange(said_, true)) {
    parts_.log.error("backup", "no backup", {{"folder", parts_.options.folder.string()}, {"error", error.text}});
  }
}

void BackupKeeper::make_base() {
  if (auto taken = take_base(); !taken) {
    say(taken.error());
  } else {
    said_ = false;
  }
}

Result<> BackupKeeper::take_base() {
  const auto& options = parts_.options;
  if (parts_.archive && run_.folder.empty()) {
    if (auto made = make_private_folder(options.folder / "wal"); !made) return made;
    const auto name = stamp(parts_.clock.unix_now());
    if (auto begun = parts_.archive->begin_run(name); !begun) return begun;
    run_ = {options.folder / "wal" / name, {}};
  }
  const auto companions = companions_.fingerprint();
  if (!companions) return std::unexpected(companions.error());
  const auto staged = parts_.stage();
  if (!staged) return std::unexpected(staged.error());
  auto collected = collect_backup({.staged = staged->folder, .folder = options.folder, .config = options.config}, {});
  remove_staged(parts_.data_dir, staged->folder.filename().string());
  if (!collected) return std::unexpected(collected.error());
  companions_.begin(*companions);
  run_.store_id = collected->manifest.store_id;
  for (const auto& complaint : collected->complaints) parts_.log.error("backup", "a segment is damaged", {{"what", complaint}});
  const auto pruned = prune_backups(options.folder, options.keep);
  if (!pruned) return std::unexpected(pruned.error());
  parts_.log.info("backup", "made",
                  {{"name", collected->manifest.name}, {"new_bytes", collected->new_bytes}, {"old_removed", pruned->backups}});
  return {};
}

void BackupKeeper::ship() {
  if (auto shipped = ship_now(); !shipped) {
    say(shipped.error());
  } else {
    said_ = false;
  }
}

/// The log first, then the bodies that it speaks of.
Result<> BackupKeeper::ship_now() {
  if (run_.folder.empty()) return {};
  const auto shipped = parts_.archive->ship();
  if (!shipped) return std::unexpected(shipped.error());
  auto index = Database::open({parts_.data_dir / "mail.db", Database::Mode::read_only, cache_kib});
  if (!index) return std::unexpected(index.error());
  const auto& options = parts_.options;
  auto work = [&](Database& db) { return ship_segments(parts_.data_dir, options.folder, db, Transfer::link); };
  if (auto segments = Lane::guarded<void>(**index, work); !segments) return segments;
  return ship_companions();
}

Result<> BackupKeeper::ship_companions() {
  if (run_.store_id.empty()) return {};
  auto held = hold_folder(parts_.options.folder);
  if (!held) return std::unexpected(held.error());
  const auto copied = companions_.ship(run_, parts_.clock.unix_now());
  return copied ? Result<>() : std::unexpected(copied.error());
}

}  // namespace postern::store::sqlite
