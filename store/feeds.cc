// SPDX-License-Identifier: Apache-2.0
// One listener for each open feed, found by the accounts that it follows.
#include "store/feeds.h"

#include <algorithm>
#include <atomic>

namespace postern::store {

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
  void hear(Word word) {
    if (word == Word::structure) ++structure_;
    event_.publish();
  }

 private:
  const std::shared_ptr<Shared> shared_;
  std::vector<AccountId> followed_;  ///< under the table's mutex
  std::atomic<std::uint64_t> structure_ = 0;
  async::Event event_;
};

std::shared_ptr<Feed> FeedTable::open(AccountId account) {
  auto listener = std::make_shared<Listener>(shared_);
  listener->follow({account});
  return listener;
}

void FeedTable::publish(std::span<const AccountId> accounts, Word word) {
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
  for (const auto& listener : woken) listener->hear(word);
}

}  // namespace postern::store
