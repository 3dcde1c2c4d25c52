// SPDX-License-Identifier: Apache-2.0
// One listener for each open feed, found by the accounts that it follows.
#include "store/feeds.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace postern::store {
namespace {

/// Mailboxes that a feed remembers for a reader that is slow; beyond it, all may have changed.
constexpr std::size_t most_touched = 64;

}  // namespace

class FeedTable::Listener final : public Feed, public std::enable_shared_from_this<Listener> {
 public:
  explicit Listener(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~Listener() override {
    const std::lock_guard lock(shared_->mutex);
    for (const AccountId account : followed_) {
      const auto [begin, end] = shared_->listeners.equal_range(account);
      const auto mine = std::find_if(begin, end, [this](const auto& one) { return one.second == this; });
      if (mine != end) shared_->listeners.erase(mine);
    }
  }
  async::Event& event() override { return event_; }
  std::uint64_t structure() const override { return structure_.load(); }
  void follow(std::vector<AccountId> accounts) override {
    const std::lock_guard lock(shared_->mutex);
    for (const AccountId account : accounts) {
      if (std::ranges::find(followed_, account) != followed_.end()) continue;
      followed_.push_back(account);
      shared_->listeners.emplace(account, this);
    }
  }
  std::optional<std::vector<MailboxId>> take_touched() override {
    const std::lock_guard lock(shared_->mutex);
    auto out = std::exchange(touched_, {});
    if (std::exchange(too_many_, false)) return std::nullopt;
    return out;
  }
  void hear() {
    ++structure_;
    event_.publish();
  }
  void wake() { event_.publish(); }
  /// Under the table's mutex.
  void touch(MailboxId mailbox) {
    if (std::ranges::find(touched_, mailbox) != touched_.end()) return;
    too_many_ = too_many_ || touched_.size() == most_touched;
    if (!too_many_) touched_.push_back(mailbox);
  }

 private:
  const std::shared_ptr<Shared> shared_;
  std::vector<AccountId> followed_;  ///< under the table's mutex
  std::atomic<std::uint64_t> structure_ = 0;
  std::vector<MailboxId> touched_;  ///< under the table's mutex
  bool too_many_ = false;           ///< the same
  async::Event event_;
};

std::shared_ptr<Feed> FeedTable::open(AccountId account) {
  auto listener = std::make_shared<Listener>(shared_);
  listener->follow({account});
  return listener;
}

void FeedTable::publish(std::span<const AccountId> accounts) {
  std::vector<std::shared_ptr<Listener>> woken;
  {
    const std::lock_guard lock(shared_->mutex);
    // One that is being destroyed waits for the mutex; its reference cannot be taken any more.
    const auto wake = [&woken](const auto& one) {
      if (auto alive = one.second->weak_from_this().lock()) woken.push_back(std::move(alive));
    };
    const bool everybody = std::ranges::find(accounts, AccountId{0}) != accounts.end();
    if (everybody) std::ranges::for_each(shared_->listeners, wake);
    for (const AccountId account : everybody ? std::span<const AccountId>() : accounts) {
      const auto [begin, end] = shared_->listeners.equal_range(account);
      std::for_each(begin, end, wake);
    }
  }
  for (const auto& listener : woken) listener->hear();
}

void FeedTable::publish_messages(std::span<const Touched> touched) {
  std::vector<std::shared_ptr<Listener>> woken;
  {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& [account, mailbox] : touched) {
      const auto [begin, end] = shared_->listeners.equal_range(account);
      for (auto one = begin; one != end; ++one) {
        auto alive = one->second->weak_from_this().lock();
        if (!alive) continue;
        alive->touch(mailbox);
        woken.push_back(std::move(alive));
      }
    }
  }
  for (const auto& listener : woken) listener->wake();
}

}  // namespace postern::store
