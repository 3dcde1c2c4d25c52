// SPDX-License-Identifier: Apache-2.0
// TextIndexer: keeps the text files of all accounts up to date, in the background, on one thread of low priority with a
// connection of its own. It learns from the writer which accounts changed, and finds out itself what their files lack: so it
// catches up after a start, a restore, or when a file was deleted, and nothing depends on its being quick.
//
// An account's step: load its file, compare with mail.db, index a batch of what is missing, remove the text of messages whose
// last row in `message` and `reap` is gone, merge small blocks. Between steps it rests, longer while mail is coming in.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "async/completion.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/sqlite/space.h"
#include "store/sqlite/text_index.h"
#include "store/sqlite/text_maker.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

class TextIndexer final : public TextIndex {
 public:
  struct Parts {
    std::filesystem::path folder;  ///< exists
    std::unique_ptr<Database> db;  ///< read-only
    SegmentFolder& segments;
    Log& log;
    Metrics& metrics;
    const Space* space = nullptr;  ///< no text is made while it refuses mail
  };
  explicit TextIndexer(Parts parts);
  /// close()
  ~TextIndexer() override;
  TextIndexer(const TextIndexer&) = delete;

  /// On the writer's thread, when a batch is durable.
  void publish(const Transaction& transaction);
  /// What is searchable of the account now; null when there is nothing.
  Task<TextViewPtr> view(AccountId account);
  /// A search could not read a block of this view.
  void distrust(AccountId account, const TextViewPtr& seen);
  void close();

  TextFigures figures() const override;
  Task<Result<>> settle() override;
  void pause() override;
  void resume() override;

 private:
  using Clock = std::chrono::steady_clock;
  /// Work for an account.
  struct Order {
    Clock::time_point due;
    bool check = false;       ///< compare everything, not only what is new
    bool distrusted = false;  ///< read every block of the file again
  };
  struct Request {
    AccountId account = 0;
    async::Promise<TextViewPtr> promise;
  };
  /// What the thread knows of an account whose file it holds open.
  struct Account {
    std::unique_ptr<TextFile> file;
    std::map<MailboxId, Uid> through;  ///< UIDs up to here were looked at
    std::vector<TextSource> missing;   ///< descending by blob
    bool checked = false;
    bool retry = false;                          ///< some could not be read this time
    std::map<std::uint64_t, unsigned> failures;  ///< by blob
    Clock::time_point used;
  };
  using Totals = TextFigures;

  void loop();
  void order_all(Clock::duration delay);
  bool turn(std::unique_lock<std::mutex>& lock);
  void serve(std::unique_lock<std::mutex>& lock);
  void run_step(std::unique_lock<std::mutex>& lock, AccountId account);
  std::map<AccountId, Order>::iterator next_order();
  void answer_settled(const Result<>& outcome);
  void note(AccountId account, Clock::duration delay, bool check);

  Result<bool> step(AccountId id, const Order& order);
  Result<Account*> load(AccountId id);
  bool retry(AccountId account) const;
  bool room() const { return !parts_.space || !parts_.space->refusing(); }
  Result<> check(AccountId id, Account& account, bool verify);
  void look_for_new(AccountId id, Account& account);
  Result<> index_batch(Account& account);
  void unreadable(Account& account, const TextSource& source, const Error& error);
  std::vector<TextSource> lacking(const Account& account, std::vector<TextSource> messages) const;
  Result<> rewrite(Account& account, const std::vector<TextBlockPtr>& blocks, const std::vector<TextSource>* living);
  Result<> merge(Account& account);
  void evict(AccountId except);
  void forget(AccountId account);
  void count(const Totals& before, const Totals& now);
  void show(AccountId id, const Account& account);
  std::filesystem::path path_of(AccountId account) const;

  struct Gauges {
    Gauge messages, waiting, bytes;
  };

  Parts parts_;
  Gauges gauges_;
  TextMaker maker_;
  std::map<AccountId, Account> accounts_;  ///< the thread's alone

  mutable std::mutex mutex_;
  std::condition_variable wakeup_;
  std::map<AccountId, Order> orders_;
  std::deque<Request> requests_;
  std::vector<AccountId> gone_;
  std::vector<async::Promise<Result<>>> settling_;
  std::unordered_map<AccountId, TextViewPtr> views_;
  std::map<AccountId, Totals> totals_;
  TextFigures sum_;
  Clock::time_point last_write_{};
  Clock::time_point rest_until_{};                             ///< no step before
  Clock::time_point asleep_until_ = Clock::time_point::max();  ///< the thread wakes by itself then; max when it may not
  unsigned pauses_ = 0;
  bool settle_asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postern::store::sqlite
