// SPDX-License-Identifier: Apache-2.0
// The store's doors to the queue and to the account tables: each call is one visit to the writer or to a lane.
#include "store/sqlite/account_writes.h"
#include "store/sqlite/core.h"
#include "store/sqlite/queue_writes.h"

namespace postern::store::sqlite {

namespace {

class SqliteQueue final : public Queue, public QueueClock {
 public:
  explicit SqliteQueue(Core& core) : core_(core) {}

  Task<Result<std::vector<Claim>>> claim(std::size_t most, std::chrono::seconds lease, std::vector<std::string> busy) override {
    co_return co_await core_.writer->run<std::vector<Claim>>([order = ClaimOrder{most, lease, std::move(busy), trusted()}](
                                                                 Transaction& tx, auto) { return sqlite::claim(tx, order); });
  }
  Task<Result<>> report(std::vector<Attempt> attempts) override {
    co_return co_await core_.writer->run<void>(
        [attempts = std::move(attempts)](Transaction& tx, auto) { return sqlite::report(tx, attempts); });
  }
  Task<Result<std::unique_ptr<BodyReader>>> body(QueueId id) override {
    using Reader = std::unique_ptr<BodyReader>;
    co_return co_await core_.short_lane->run<Reader>([core = &core_, id](Database& db) -> Result<Reader> {
      auto location = locate_queued(db, id);
      if (!location) return fail(ErrorKind::not_found, "no such queue entry");
      return open_body(core->folder, *core->long_lane, std::move(*location));
    });
  }
  Task<Result<std::vector<QueueEntry>>> list(QueueFilter filter) override {
    using Entries = std::vector<QueueEntry>;
    co_return co_await core_.long_lane->run<Entries>(
        [filter = std::move(filter)](Database& db) -> Result<Entries> { return list_queue(db, filter); });
  }
  Task<Result<std::size_t>> order(QueueFilter filter, QueueOrder order) override {
    co_return co_await core_.writer->run<std::size_t>(
        [filter = std::move(filter), order](Transaction& tx, auto) { return sqlite::order(tx, filter, order); });
  }
  Task<Result<std::size_t>> follow(std::chrono::seconds by, std::chrono::seconds kept) override {
    co_return co_await core_.writer->run<std::size_t>(
        [by, kept](Transaction& tx, auto) { return follow_clock(tx, {by, tx.now(), kept}); });
  }
  Task<Result<std::optional<UnixTime>>> next_due() override {
    using Due = std::optional<UnixTime>;
    co_return co_await core_.short_lane->run<Due>([](Database& db) -> Result<Due> { return sqlite::next_due(db); });
  }
  std::size_t depth() const override { return static_cast<std::size_t>(std::max<std::int64_t>(core_.queue_depth, 0)); }
  async::Event& event() override { return core_.queue_event; }

 private:
  Core& core_;
};

class SqliteAccounts final : public Accounts {
 public:
  explicit SqliteAccounts(Core& core) : core_(core) {}

  Task<Result<AccountTable>> load() override {
    co_return co_await core_.long_lane->run<AccountTable>([](Database& db) -> Result<AccountTable> { return load_accounts(db); });
  }
  Task<Result<>> add_domain(DomainRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::add_domain(tx, row); });
  }
  Task<Result<>> set_domain(DomainRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::set_domain(tx, row); });
  }
  Task<Result<>> remove_domain(std::string name) override {
    co_return co_await core_.writer->run<void>(
        [name = std::move(name)](Transaction& tx, auto) { return sqlite::remove_domain(tx, name); });
  }
  Task<Result<AccountId>> add_account(AccountRow row) override {
    co_return co_await core_.writer->run<AccountId>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::add_account(tx, row); });
  }
  Task<Result<std::vector<AccountId>>> add_accounts(std::vector<NewAccount> rows) override {
    using Ids = std::vector<AccountId>;
    co_return co_await core_.writer->run<Ids>(
        [rows = std::move(rows)](Transaction& tx, auto) { return sqlite::add_accounts(tx, rows); });
  }
  Task<Result<>> set_account(AccountRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::set_account(tx, row); });
  }
  Task<Result<>> remove_account(AccountId id) override {
    co_return co_await core_.writer->run<void>([id](Transaction& tx, auto) { return sqlite::remove_account(tx, id); });
  }
  Task<Result<>> add_address(AddressRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::add_address(tx, row); });
  }
  Task<Result<>> remove_address(AddressRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::remove_address(tx, row); });
  }
  Task<Result<>> set_group(GroupRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::set_group(tx, row); });
  }
  Task<Result<>> remove_group(std::string name) override {
    co_return co_await core_.writer->run<void>(
        [name = std::move(name)](Transaction& tx, auto) { return sqlite::remove_group(tx, name); });
  }
  Task<Result<>> add_send_as(SendAsRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::add_send_as(tx, row); });
  }
  Task<Result<>> remove_send_as(SendAsRow row) override {
    co_return co_await core_.writer->run<void>(
        [row = std::move(row)](Transaction& tx, auto) { return sqlite::remove_send_as(tx, row); });
  }
  Task<Result<std::vector<QuotaNotice>>> quota_notices() override {
    using Notices = std::vector<QuotaNotice>;
    co_return co_await core_.short_lane->run<Notices>([](Database& db) -> Result<Notices> { return load_quota_notices(db); });
  }
  Task<Result<>> set_quota_notice(QuotaNotice notice) override {
    co_return co_await core_.writer->run<void>(
        [notice = std::move(notice)](Transaction& tx, auto) { return sqlite::set_quota_notice(tx, notice); });
  }

 private:
  Core& core_;
};

}  // namespace

std::unique_ptr<Queue> make_queue(Core& core) { return std::make_unique<SqliteQueue>(core); }
std::unique_ptr<Accounts> make_accounts(Core& core) { return std::make_unique<SqliteAccounts>(core); }

}  // namespace postern::store::sqlite
