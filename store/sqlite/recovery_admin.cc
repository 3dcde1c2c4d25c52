// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/recovery_admin.h"

#include "async/executor.h"
#include "store/sqlite/pins.h"
#include "store/sqlite/undelete.h"

namespace postern::store::sqlite {

namespace {

/// Longer than any snapshot takes; ends by itself when we are killed meanwhile.
constexpr std::int64_t pin_seconds = 3600;

std::unique_ptr<WalArchive> make_archive(const std::filesystem::path& data_dir, const BackupOptions& backup, const Clock& clock,
                                         Log& log) {
  if (backup.folder.empty() || !backup.point_in_time) return nullptr;
  return std::make_unique<WalArchive>(WalArchive::Parts{data_dir / "mail.db-wal", backup.folder / "wal", clock, log});
}

}  // namespace

SqliteRecovery::SqliteRecovery(Parts parts)
    : parts_(std::move(parts)),
      lane_("store-snapshot", nullptr),
      archive_(make_archive(parts_.data_dir, parts_.backup, parts_.core.clock, parts_.log)),
      restores_({parts_.core, parts_.data_dir, parts_.log}) {}

void SqliteRecovery::start() {
  remove_staged(parts_.data_dir);
  if (parts_.backup.folder.empty()) return;
  auto stage = [this] { return async::run_alone(stage_backup()); };
  keeper_ = std::make_unique<BackupKeeper>(
      BackupKeeper::Parts{parts_.backup, parts_.data_dir, archive_.get(), parts_.core.clock, parts_.log, std::move(stage)});
}

void SqliteRecovery::close() {
  if (keeper_) keeper_->stop();
  restores_.stop();
  lane_.stop();
}

Task<Result<std::vector<ExpungedMessage>>> SqliteRecovery::list_expunged(ExpungedChoice choice, std::size_t most) {
  using List = std::vector<ExpungedMessage>;
  auto work = [choice = std::move(choice), oldest = parts_.core.window_start(), most](Database& db) {
    return sqlite::list_expunged(db, choice, oldest, most);
  };
  co_return co_await parts_.core.long_lane->run<List>(std::move(work));
}

Task<Result<Undeleted>> SqliteRecovery::undelete(UndeleteOrder order) {
  auto work = [order = std::move(order), oldest = parts_.core.window_start()](Transaction& tx, auto) {
    return sqlite::undelete(tx, order, oldest);
  };
  co_return co_await parts_.core.writer->run<Undeleted>(std::move(work));
}

Task<Result<StagedBackup>> SqliteRecovery::stage_backup() {
  // From here on no file goes that the snapshot may mention.
  const std::string holder = fmt::format("snapshot-{}", ++snapshots_);
  auto pin = [holder, until = parts_.core.clock.unix_now() + pin_seconds](Transaction& tx, auto) -> Result<> {
    pin_segments(tx, holder, until);
    return {};
  };
  if (auto pinned = co_await parts_.core.writer->run<void>(std::move(pin)); !pinned) co_return std::unexpected(pinned.error());
  auto work = [parts = StageParts{parts_.data_dir, parts_.core.clock, archive_.get()}]() { return sqlite::stage_backup(parts); };
  auto staged = co_await lane_.run_plain<StagedBackup>(std::move(work));
  auto unpin = [holder](Transaction& tx, auto) -> Result<> {
    unpin_segments(tx, holder);
    return {};
  };
  [[maybe_unused]] const auto ended = co_await parts_.core.writer->run<void>(std::move(unpin));  // a pin ends by itself too
  co_return staged;
}

Task<Result<>> SqliteRecovery::release_backup(std::filesystem::path folder) {
  const auto name = folder.filename().string();
  if (name.empty() || name == "." || name == "..") co_return fail(ErrorKind::invalid, "no such snapshot");
  auto work = [data_dir = parts_.data_dir, name]() -> Result<> {
    remove_staged(data_dir, name);
    return {};
  };
  co_return co_await lane_.run_plain<void>(std::move(work));
}

}  // namespace postern::store::sqlite
