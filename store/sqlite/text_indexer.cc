// SPDX-License-Identifier: Apache-2.0
// The indexer's thread: see text_indexer.h. mutex_ is held only for the lists that other threads touch, never during a step.
#include "store/sqlite/text_indexer.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "store/sqlite/lane.h"
#include "store/sqlite/text_rows.h"

namespace postern::store::sqlite {

namespace {

using namespace std::chrono_literals;

/// Nice value of the thread: deliveries and searches go first.
constexpr int thread_nice = 10;
/// New mail is left to gather for so long, so that it makes fewer blocks.
constexpr auto new_mail_delay = 1s;
/// Text of reaped messages goes so long after them, once for all of the minute.
constexpr auto removal_delay = 60s;
constexpr auto start_delay = 2s;
constexpr auto failure_delay = 60s;
/// One batch: whichever comes first.
constexpr std::size_t batch_messages = 512;
constexpr std::size_t batch_text = 2 << 20;
constexpr auto batch_time = 50ms;
/// Mail came in less than that ago: rest nine times as long as the work took, whosever text is next; else a quarter.
constexpr auto busy_time = 250ms;
constexpr int busy_rest = 9;
constexpr int quiet_rest_share = 4;
/// Small blocks are merged when there are so many.
constexpr std::size_t merge_at = 8;
/// Entries of all files held in memory, at some 40 octets each.
constexpr std::size_t max_entries_held = 2'000'000;

/// A body that could not be read is tried so often; the first failure may be a segment that moved under us.
constexpr unsigned max_tries = 2;

constexpr std::string_view extension = ".tx";

/// The account whose file this is; 0 for other names.
AccountId account_of(const std::filesystem::path& path) {
  const std::string name = path.stem();
  AccountId id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return path.extension() == extension && error == std::errc() && end == name.data() + name.size() ? id : 0;
}

}  // namespace

TextIndexer::TextIndexer(Parts parts)
    : parts_(std::move(parts)),
      gauges_{parts_.metrics.gauge("postern_store_text_messages", "Bodies whose text is kept for searching."),
              parts_.metrics.gauge("postern_store_text_waiting", "Bodies whose text is still to be made."),
              parts_.metrics.gauge("postern_store_text_bytes", "Octets of kept text on the disk.")},
      maker_(*parts_.db, parts_.segments),
      thread_(&TextIndexer::loop, this) {}

TextIndexer::~TextIndexer() { close(); }

void TextIndexer::close() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    requests_.clear();
    settling_.clear();
  }
  wakeup_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::filesystem::path TextIndexer::path_of(AccountId account) const {
  return parts_.folder / (std::to_string(account) + std::string(extension));
}

// ---- called from other threads

/// With mutex_ held.
void TextIndexer::note(AccountId account, Clock::duration delay, bool check) {
  const auto due = Clock::now() + delay;
  const auto [order, fresh] = orders_.try_emplace(account, Order{due, check});
  if (fresh) return;
  order->second.due = std::min(order->second.due, due);
  order->second.check |= check;
}

void TextIndexer::publish(const Transaction& transaction) {
  const auto touched = transaction.touched_mailboxes();
  const auto gone = transaction.gone_accounts();
  const auto lost = transaction.accounts_that_lost_text();
  if (touched.empty() && gone.empty() && lost.empty()) return;
  const std::lock_guard lock(mutex_);
  last_write_ = Clock::now();
  for (const MailboxState* mailbox : touched) {
    if (mailbox->gone) {
      note(mailbox->account, removal_delay, true);
    } else {
      note(mailbox->account, new_mail_delay, false);
    }
  }
  for (const AccountId account : lost) note(account, removal_delay, true);
  gone_.insert(gone_.end(), gone.begin(), gone.end());
  // Most commits of a busy server come while the thread rests: it wakes by itself, in time.
  const auto earliest = gone.empty() ? last_write_ + new_mail_delay : last_write_;
  if (earliest < asleep_until_) wakeup_.notify_one();
}

Task<TextViewPtr> TextIndexer::view(AccountId account) {
  auto [promise, future] = async::make_promise<TextViewPtr>();
  {
    const std::lock_guard lock(mutex_);
    if (const auto ready = views_.find(account); ready != views_.end()) co_return ready->second;
    if (stopping_) co_return nullptr;
    requests_.push_back({account, std::move(promise)});
  }
  wakeup_.notify_one();
  try {
    co_return co_await std::move(future).get();
  } catch (const async::BrokenPromise&) {
    co_return nullptr;
  }
}

void TextIndexer::distrust(AccountId account, const TextViewPtr& seen) {
  const std::lock_guard lock(mutex_);
  const auto now = views_.find(account);
  // When the file has moved on, what could not be read was retired, most likely.
  if (now == views_.end() || now->second != seen) return;
  views_.erase(now);
  note(account, 0s, true);
  orders_[account].distrusted = true;
  wakeup_.notify_one();
}

TextFigures TextIndexer::figures() const {
  const std::lock_guard lock(mutex_);
  return sum_;
}

Task<Result<>> TextIndexer::settle() {
  auto [promise, future] = async::make_promise<Result<>>();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) co_return fail(ErrorKind::unavailable, "the store is closed");
    settle_asked_ = true;
    settling_.push_back(std::move(promise));
  }
  wakeup_.notify_one();
  try {
    co_return co_await std::move(future).get();
  } catch (const async::BrokenPromise&) {
    co_return fail(ErrorKind::unavailable, "the store is closed");
  }
}

void TextIndexer::pause() {
  const std::lock_guard lock(mutex_);
  ++pauses_;
}

void TextIndexer::resume() {
  const std::lock_guard lock(mutex_);
  if (pauses_ != 0) --pauses_;
  wakeup_.notify_one();
}

// ---- the thread

void TextIndexer::loop() {
  pthread_setname_np(pthread_self(), "store-text");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), thread_nice);
  order_all(start_delay);
  std::unique_lock lock(mutex_);
  while (turn(lock)) {
  }
}

/// Every account is to be compared with its file; files without an account go.
void TextIndexer::order_all(Clock::duration delay) {
  auto read = [](Database& db) -> Result<std::vector<AccountId>> { return all_accounts(db); };
  const auto found = Lane::guarded<std::vector<AccountId>>(*parts_.db, read);
  if (!found) return;
  const std::set<AccountId> accounts(found->begin(), found->end());
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(parts_.folder, error)) {
    if (!accounts.contains(account_of(file.path()))) ::unlink(file.path().c_str());
  }
  const std::lock_guard lock(mutex_);
  for (const AccountId account : accounts) note(account, delay, true);
}

/// Does one thing, or waits for something to do. False when it is to stop.
bool TextIndexer::turn(std::unique_lock<std::mutex>& lock) {
  if (stopping_) return false;
  if (!gone_.empty()) {
    const auto gone = std::exchange(gone_, {});
    for (const AccountId account : gone) forget(account);
    return true;
  }
  if (!requests_.empty()) {
    serve(lock);
    return true;
  }
  if (std::exchange(settle_asked_, false)) {
    lock.unlock();
    order_all(0s);
    lock.lock();
    return true;
  }
  const auto next = next_order();
  if (next == orders_.end()) {
    answer_settled({});
    wakeup_.wait(lock);
  } else if (pauses_ != 0) {
    wakeup_.wait(lock);
  } else if (const auto due = std::max(next->second.due, rest_until_); settling_.empty() && due > Clock::now()) {
    asleep_until_ = due;
    wakeup_.wait_until(lock, due);
    asleep_until_ = Clock::time_point::max();
  } else {
    run_step(lock, next->first);
  }
  return true;
}

std::map<AccountId, TextIndexer::Order>::iterator TextIndexer::next_order() {
  return std::ranges::min_element(orders_, {}, [](const auto& one) { return one.second.due; });
}

void TextIndexer::answer_settled(const Result<>& outcome) {
  if (settle_asked_) return;
  for (auto& promise : std::exchange(settling_, {})) promise.set(outcome);
}

/// A search waits for an account's file.
void TextIndexer::serve(std::unique_lock<std::mutex>& lock) {
  Request request = std::move(requests_.front());
  requests_.pop_front();
  lock.unlock();
  const auto account = load(request.account);
  request.promise.set(account ? (*account)->file->view() : nullptr);
  lock.lock();
}

void TextIndexer::run_step(std::unique_lock<std::mutex>& lock, AccountId account) {
  const Order order = orders_.extract(account).mapped();
  lock.unlock();
  const auto start = Clock::now();
  const auto more = step(account, order);
  const auto end = Clock::now();
  lock.lock();
  const bool busy = end - last_write_ < busy_time;
  rest_until_ = end + (busy ? (end - start) * busy_rest : (end - start) / quiet_rest_share);
  if (!more) {
    parts_.log.warning("store", "the search text of an account could not be brought up to date; searches decode its mail",
                       {{"account", account}, {"error", more.error().text}});
    note(account, failure_delay, true);
    answer_settled(std::unexpected(more.error()));
    return;
  }
  if (!*more) {
    if (retry(account)) note(account, failure_delay, true);
    return;
  }
  note(account, 0s, false);
}

bool TextIndexer::retry(AccountId account) const {
  const auto known = accounts_.find(account);
  return known != accounts_.end() && known->second.retry;
}

/// True when there is more to do for this account.
Result<bool> TextIndexer::step(AccountId id, const Order& order) {
  if (order.distrusted) accounts_.erase(id);
  auto found = load(id);
  if (found && !(*found)->file->in_place()) {
    accounts_.erase(id);
    found = load(id);
  }
  if (!found) return std::unexpected(found.error());
  Account& account = **found;
  auto work = [&](Database&) -> Result<bool> {
    Result<> done;
    if (order.check || !account.checked) {
      done = check(id, account, order.distrusted);
    } else {
      look_for_new(id, account);
    }
    if (done && !room()) {
      account.retry = true;
      return false;
    }
    if (done && !account.missing.empty()) done = index_batch(account);
    if (done && account.missing.empty()) done = merge(account);
    if (!done) return std::unexpected(done.error());
    return !account.missing.empty() || !account.checked;
  };
  auto more = Lane::guarded<bool>(*parts_.db, work);
  if (!more) account.checked = false;
  show(id, account);
  evict(id);
  return more;
}

Result<TextIndexer::Account*> TextIndexer::load(AccountId id) {
  if (const auto known = accounts_.find(id); known != accounts_.end()) {
    known->second.used = Clock::now();
    return &known->second;
  }
  auto file = TextFile::open(path_of(id), id);
  if (!file) return std::unexpected(file.error());
  Account& account = accounts_[id];
  account.file = std::move(*file);
  account.used = Clock::now();
  show(id, account);
  evict(id);
  return &account;
}

/// Compares all of the account with all of its file.
Result<> TextIndexer::check(AccountId id, Account& account, bool verify) {
  std::vector<TextSource> living;
  const auto mailboxes = mailboxes_of(*parts_.db, id);
  account.through.clear();
  for (const MailboxEnd& mailbox : mailboxes) {
    add_messages(*parts_.db, mailbox.id, 0, living);
    account.through[mailbox.id] = mailbox.last;
  }
  auto messages = living;
  for (const MailboxEnd& mailbox : mailboxes) add_expunged(*parts_.db, mailbox.id, living);
  sort_unique(living);
  std::vector<TextBlockPtr> spoiled;
  for (const TextBlockPtr& block : account.file->view()->blocks) {
    const bool dead = std::ranges::any_of(block->entries, [&](const TextEntry& one) { return !is_living(living, one); });
    if (dead || (verify && !account.file->read(*block))) spoiled.push_back(block);
  }
  if (auto done = rewrite(account, spoiled, &living); !done) return done;
  account.file->set_verified();
  account.missing = lacking(account, std::move(messages));
  account.checked = true;
  account.retry = false;
  return account.file->compact();
}

void TextIndexer::look_for_new(AccountId id, Account& account) {
  if (!account.missing.empty()) return;
  std::vector<TextSource> fresh;
  for (const MailboxEnd& mailbox : mailboxes_of(*parts_.db, id)) {
    Uid& through = account.through[mailbox.id];
    if (mailbox.last > through) add_messages(*parts_.db, mailbox.id, through + 1, fresh);
    through = mailbox.last;
  }
  account.missing = lacking(account, std::move(fresh));
}

Result<> TextIndexer::index_batch(Account& account) {
  const auto end = Clock::now() + batch_time;
  std::vector<TextDocument> batch;
  std::size_t text = 0;
  while (!account.missing.empty() && batch.size() < batch_messages && text < batch_text && Clock::now() < end) {
    auto document = maker_.make(account.missing.back());
    if (!document && document.error().kind == ErrorKind::io) return std::unexpected(document.error());
    const TextSource source = account.missing.back();
    account.missing.pop_back();
    if (!document) {
      unreadable(account, source, document.error());
      continue;
    }
    text += document->size();
    batch.push_back(std::move(*document));
  }
  return batch.empty() ? Result<>() : account.file->append(std::move(batch));
}

void TextIndexer::unreadable(Account& account, const TextSource& source, const Error& error) {
  if (error.kind == ErrorKind::not_found) return;
  if (++account.failures[source.blob] < max_tries) {
    account.retry = true;
    return;
  }
  parts_.log.warning("store", "a message cannot be read for its search text", {{"blob", source.blob}, {"error", error.text}});
}

/// What is still to be indexed of these messages.
std::vector<TextSource> TextIndexer::lacking(const Account& account, std::vector<TextSource> messages) const {
  sort_unique(messages);
  auto out = without_text(messages, *account.file->view());
  std::erase_if(out, [&](const TextSource& one) {
    const auto failed = account.failures.find(one.blob);
    return failed != account.failures.end() && failed->second >= max_tries;
  });
  return out;
}

/// Puts new blocks with the living entries in the place of these. A block that cannot be read loses all of its entries: they are
/// missing from then on.
Result<> TextIndexer::rewrite(Account& account, const std::vector<TextBlockPtr>& blocks, const std::vector<TextSource>* living) {
  std::vector<TextDocument> kept;
  std::vector<TextBlockPtr> done;
  std::size_t text = 0;
  for (const TextBlockPtr& block : blocks) {
    auto documents = account.file->read(*block);
    if (documents) {
      for (TextDocument& one : *documents) {
        if (living && !is_living(*living, one.entry)) continue;
        text += one.size();
        kept.push_back(std::move(one));
      }
    } else {
      account.checked = false;
    }
    done.push_back(block);
    if (text < batch_text && block != blocks.back()) continue;
    if (!kept.empty()) {
      if (auto appended = account.file->append(std::exchange(kept, {})); !appended) return appended;
    }
    account.file->retire(std::exchange(done, {}));
    text = 0;
  }
  return {};
}

Result<> TextIndexer::merge(Account& account) {
  std::vector<TextBlockPtr> small;
  for (const TextBlockPtr& block : account.file->view()->blocks) {
    if (block->length() < TextFile::small_block) small.push_back(block);
  }
  if (small.size() < merge_at) return {};
  return rewrite(account, small, nullptr);
}

/// Lets the files go that were not used for longest, when too many entries are in memory.
void TextIndexer::evict(AccountId except) {
  std::size_t held = 0;
  for (const auto& [id, account] : accounts_) held += account.file->entries();
  while (held > max_entries_held && accounts_.size() > 1) {
    const auto oldest = std::ranges::min_element(
        accounts_, {}, [&](const auto& one) { return one.first == except ? Clock::time_point::max() : one.second.used; });
    held -= oldest->second.file->entries();
    const std::lock_guard lock(mutex_);
    views_.erase(oldest->first);
    accounts_.erase(oldest);
  }
}

/// With mutex_ held: the account is no more.
void TextIndexer::forget(AccountId account) {
  accounts_.erase(account);
  views_.erase(account);
  count(std::exchange(totals_[account], {}), {});
  totals_.erase(account);
  orders_.erase(account);
  ::unlink(path_of(account).c_str());
}

/// With mutex_ held: one account's share of the sums changes.
void TextIndexer::count(const Totals& before, const Totals& now) {
  sum_.messages += now.messages - before.messages;
  sum_.waiting += now.waiting - before.waiting;
  sum_.bytes += now.bytes - before.bytes;
  gauges_.messages.set(static_cast<double>(sum_.messages));
  gauges_.waiting.set(static_cast<double>(sum_.waiting));
  gauges_.bytes.set(static_cast<double>(sum_.bytes));
}

/// Lets the other threads see how the account stands.
void TextIndexer::show(AccountId id, const Account& account) {
  const Totals now{account.file->entries(), account.missing.size(), account.file->living_octets()};
  const std::lock_guard lock(mutex_);
  views_[id] = account.file->view();
  count(std::exchange(totals_[id], now), now);
}

}  // namespace postern::store::sqlite
