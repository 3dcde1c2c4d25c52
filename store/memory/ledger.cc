// SPDX-License-Identifier: Apache-2.0
#include "store/memory/ledger.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "store/grey_book.h"
#include "store/guard_book.h"
#include "store/report_book.h"
#include "store/sending_book.h"
#include "store/sts_book.h"

namespace postern::store::memory {

namespace {

class MemoryGuardBook final : public GuardBook {
 public:
  Result<GuardMemory> recall() override {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(ErrorKind::unavailable, "the ledger is closed");
    GuardMemory out;
    for (const auto& [network, ban] : bans_) out.bans.push_back(ban);
    for (const auto& [key, tally] : tallies_) out.tallies.push_back(tally);
    std::ranges::sort(out.tallies, {}, [](const auto& one) { return std::tie(one.since, one.scope, one.key); });
    return out;
  }

  void note(GuardChanges changes) override {
    const std::lock_guard lock(mutex_);
    if (!closed_) take(changes);
  }

  async::Task<Result<>> save(GuardChanges changes) override {
    const std::lock_guard lock(mutex_);
    if (closed_) co_return fail(ErrorKind::unavailable, "the ledger is closed");
    take(changes);
    co_return Result<>();
  }

  bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  void take(const GuardChanges& changes) {
    for (const auto& ban : changes.bans) bans_[ban.network] = ban;
    for (const auto& tally : changes.tallies) tallies_[{tally.scope, tally.key}] = tally;
    for (const auto& tally : changes.forgotten) tallies_.erase({tally.scope, tally.key});
    std::erase_if(bans_, [&](const auto& item) {
      const auto& ban = item.second;
      const auto end = ban.lifted != 0 ? ban.lifted : ban.until;
      return end != 0 && end < changes.bans_before;
    });
    std::erase_if(tallies_, [&](const auto& item) { return item.second.since < changes.tallies_before; });
  }

  std::mutex mutex_;
  bool closed_ = false;
  std::map<std::string, BanRow> bans_;
  std::map<std::pair<TallyScope, std::string>, TallyRow> tallies_;
};

class MemoryGreyBook final : public GreyBook {
 public:
  Result<std::vector<GreyRow>> recall(std::size_t most) override {
    const std::lock_guard lock(mutex_);
    std::vector<GreyRow> out;
    for (const auto& [key, row] : rows_) out.push_back(row);
    std::ranges::sort(out, [](const auto& a, const auto& b) { return std::tie(b.last, a.key) < std::tie(a.last, b.key); });
    if (out.size() > most) out.resize(most);
    return out;
  }
  void note(std::vector<GreyRow> rows, UnixTime before) override {
    const std::lock_guard lock(mutex_);
    for (auto& row : rows) rows_[row.key] = row;
    std::erase_if(rows_, [before](const auto& one) { return one.second.last < before; });
  }

 private:
  std::mutex mutex_;
  std::map<std::string, GreyRow> rows_;
};

class MemorySendingBook final : public SendingBook {
 public:
  Result<Recalled> recall(Since since) override {
    const std::lock_guard lock(mutex_);
    Recalled out;
    for (const auto& [key, row] : sent_) {
      if (row.slot >= since.sent) out.sent.push_back(row);
    }
    for (const auto& [key, row] : correspondents_) {
      if (row.last >= since.correspondents) out.correspondents.push_back(row);
    }
    std::ranges::sort(out.correspondents, std::greater<>(), &CorrespondentRow::last);
    if (out.correspondents.size() > since.most) out.correspondents.resize(since.most);
    for (const auto& [account, row] : suspensions_) out.suspensions.push_back(row);
    return out;
  }
  void note(SentRow more, std::vector<CorrespondentRow> correspondents, Since since) override {
    const std::lock_guard lock(mutex_);
    auto& row = sent_[{more.account, more.slot}];
    row = {more.account, more.slot, row.messages + more.messages, row.recipients + more.recipients, row.fresh + more.fresh};
    for (const auto& one : correspondents) correspondents_[{one.account, one.hash}] = one;
    std::erase_if(sent_, [&since](const auto& one) { return one.second.slot < since.sent; });
    std::erase_if(correspondents_, [&since](const auto& one) { return one.second.last < since.correspondents; });
  }
  void suspend(SuspensionRow row) override {
    const std::lock_guard lock(mutex_);
    suspensions_[row.account] = std::move(row);
  }
  void lift(AccountId account) override {
    const std::lock_guard lock(mutex_);
    suspensions_.erase(account);
  }
  void forgive(AccountId account) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(sent_, [account](const auto& one) { return one.second.account == account; });
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<AccountId, UnixTime>, SentRow> sent_;
  std::map<std::pair<AccountId, std::uint64_t>, CorrespondentRow> correspondents_;
  std::map<AccountId, SuspensionRow> suspensions_;
};

class MemoryReportBook final : public ReportBook {
 public:
  void note(ReportTopic topic, std::string facts) override {
    const std::lock_guard lock(mutex_);
    add(topic, {std::move(facts), 1});
  }
  async::Task<Result<std::vector<ReportTopic>>> due(ReportKind kind, std::int64_t before_day, std::size_t most) override {
    const std::lock_guard lock(mutex_);
    std::vector<ReportTopic> out;
    for (const auto& [topic, counts] : facts_) {
      if (topic.kind == kind && topic.day < before_day && out.size() < most) out.push_back(topic);
    }
    co_return out;
  }
  async::Task<Result<std::vector<ReportCount>>> read(ReportTopic topic) override {
    const std::lock_guard lock(mutex_);
    std::vector<ReportCount> out;
    const auto at = facts_.find(topic);
    if (sent_.contains(topic) || at == facts_.end()) co_return out;
    for (const auto& [facts, count] : at->second) out.push_back({facts, count});
    co_return out;
  }
  async::Task<Result<>> settle(ReportTopic topic) override {
    const std::lock_guard lock(mutex_);
    const auto node = facts_.extract(topic);
    if (!node.empty()) total_ -= node.mapped().size();
    sent_.insert(topic);
    co_return Result<>();
  }
  void forget(std::int64_t before_day) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(facts_, [before_day](const auto& one) { return one.first.day < before_day; });
    std::erase_if(sent_, [before_day](const auto& one) { return one.day < before_day; });
    total_ = 0;
    for (const auto& [topic, counts] : facts_) total_ += counts.size();
  }

 private:
  void add(const ReportTopic& topic, ReportCount more) {
    const auto at = facts_.find(topic);
    const bool known = at != facts_.end() && at->second.contains(more.facts);
    const bool full = total_ >= report_facts_total_max || (at != facts_.end() && at->second.size() >= report_facts_max);
    if (!known && full) return;
    if (!known) ++total_;
    facts_[topic][std::move(more.facts)] += more.count;
  }

  std::mutex mutex_;
  std::map<ReportTopic, std::map<std::string, std::uint64_t>> facts_;
  std::set<ReportTopic> sent_;
  std::size_t total_ = 0;
};

class MemoryStsBook final : public StsBook {
 public:
  Result<std::vector<StsRow>> recall(std::size_t most) override {
    const std::lock_guard lock(mutex_);
    std::vector<StsRow> out;
    for (const auto& [domain, row] : rows_) out.push_back(row);
    std::ranges::sort(out,
                      [](const auto& a, const auto& b) { return std::tie(b.expires, a.domain) < std::tie(a.expires, b.domain); });
    if (out.size() > most) out.resize(most);
    return out;
  }
  void note(StsRow row) override {
    const std::lock_guard lock(mutex_);
    rows_[row.domain] = std::move(row);
  }
  void forget(UnixTime before) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(rows_, [before](const auto& one) { return one.second.expires < before; });
  }

 private:
  std::mutex mutex_;
  std::map<std::string, StsRow> rows_;
};

class MemoryLedger final : public Ledger {
 public:
  GuardBook& guard() override { return guard_; }
  GreyBook& grey() override { return grey_; }
  SendingBook& sending() override { return sending_; }
  ReportBook& reports() override { return reports_; }
  StsBook& sts() override { return sts_; }
  async::Task<Result<>> settle() override {
    if (guard_.closed()) co_return fail(ErrorKind::unavailable, "the ledger is closed");
    co_return Result<>();
  }
  void close() override { guard_.close(); }

 private:
  MemoryGuardBook guard_;
  MemoryGreyBook grey_;
  MemorySendingBook sending_;
  MemoryReportBook reports_;
  MemoryStsBook sts_;
};

}  // namespace

std::unique_ptr<Ledger> make_ledger() { return std::make_unique<MemoryLedger>(); }

}  // namespace postern::store::memory
