// SPDX-License-Identifier: Apache-2.0
#include "store/feeds.h"

#include <algorithm>

namespace postern::store {

class FeedTable::Listener final : public Feed, public std::enable_shared_from_this<Listener> {
 public:
  explicit Listener(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  async::Event& event() override { return event_; }
  void follow(std::vector<AccountId> accounts) override {
    const std::lock_guard lock(shared_->mutex);
    std::erase_if(shared_->listeners, [](const auto& one) { return one.second.expired(); });
    for (const AccountId account : accounts) {
      const auto [begin, end] = shared_->listeners.equal_range(account);
      const bool known = std::any_of(begin, end, [this](const auto& one) { return one.second.lock().get() == this; });
      if (!known) shared_->listeners.emplace(account, weak_from_this());
    }
  }

 private:
  const std::shared_ptr<Shared> shared_;
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
    if (shared_->listeners.empty()) return;
    for (const auto& [account, listener] : shared_->listeners) {
      if (std::ranges::find(accounts, account) == accounts.end() && std::ranges::find(accounts, AccountId{0}) == accounts.end())
        continue;
      if (auto alive = listener.lock()) woken.push_back(std::move(alive));
    }
  }
  for (const auto& listener : woken) listener->event().publish();
}

}  // namespace postern::store
