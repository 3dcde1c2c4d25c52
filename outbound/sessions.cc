// SPDX-License-Identifier: Apache-2.0
#include "outbound/sessions.h"

namespace postern::outbound {

/// Permits that are out, and who waits, by address.
struct Sessions::Permit::Table : std::enable_shared_from_this<Sessions::Permit::Table> {
  struct Waiter {
    std::uint64_t id = 0;
    async::Promise<std::optional<Permit>> promise;
  };
  struct Host {
    std::size_t out = 0;
    std::deque<Waiter> waiting;
  };
  std::map<IpAddress, Host> hosts;
  std::uint64_t next_id = 0;

  /// Ends a wait without a permit.
  void give_up(const IpAddress& address, std::uint64_t id) {
    const auto at = hosts.find(address);
    if (at == hosts.end()) return;
    auto& waiting = at->second.waiting;
    const auto waiter = std::ranges::find(waiting, id, &Waiter::id);
    if (waiter == waiting.end()) return;
    auto promise = std::move(waiter->promise);
    waiting.erase(waiter);
    promise.set(std::optional<Permit>());
  }

  /// The permit goes to the next waiter. One that was cancelled drops its promise's value, which gives the permit back again.
  void give_back(const IpAddress& address) {
    const auto at = hosts.find(address);
    if (at == hosts.end()) return;
    if (!at->second.waiting.empty()) {
      auto next = std::move(at->second.waiting.front().promise);
      at->second.waiting.pop_front();
      next.set(Permit(weak_from_this(), address));
      return;
    }
    if (--at->second.out == 0) hosts.erase(at);
  }
};

void Sessions::Permit::release() {
  if (const auto table = owner_.lock()) {
    owner_.reset();
    table->give_back(address_);
  }
}

Sessions::Permit& Sessions::Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  release();
  owner_ = std::move(other.owner_);
  other.owner_.reset();
  address_ = other.address_;
  return *this;
}

Sessions::Sessions(async::Executor executor, async::TaskGroup& group)
    : executor_(executor), group_(group), permits_(std::make_shared<Permit::Table>()), timer_(executor, [this] { sweep(); }) {}

Sessions::~Sessions() = default;

async::Task<std::optional<Sessions::Permit>> Sessions::permit(IpAddress address, std::size_t per_host,
                                                              std::chrono::milliseconds patience) {
  auto& host = permits_->hosts[address];
  if (host.out < std::max<std::size_t>(per_host, 1)) {
    ++host.out;
    co_return Permit(permits_, address);
  }
  auto [promise, future] = async::make_promise<std::optional<Permit>>();
  const std::uint64_t id = ++permits_->next_id;
  host.waiting.push_back({id, std::move(promise)});
  async::Deadline limit(executor_, [table = permits_, address, id] { table->give_up(address, id); });
  limit.set(std::chrono::steady_clock::now() + patience);
  co_return co_await std::move(future).get();
}

std::unique_ptr<Client> Sessions::take(const std::string& key) {
  // The youngest first: the oldest may then grow old enough to go.
  for (auto at = idle_.rbegin(); at != idle_.rend(); ++at) {
    if (at->key != key) continue;
    auto client = std::move(at->client);
    idle_.erase(std::next(at).base());
    return client;
  }
  return nullptr;
}

void Sessions::give(const std::string& key, std::unique_ptr<Client> client) {
  const auto limit = std::min<std::uint64_t>(client->capabilities().mail_max.value_or(max_messages), max_messages);
  if (!client->usable() || client->messages() >= limit || idle_.size() >= max_idle || group_.stopping()) {
    dismiss(std::move(client));
    return;
  }
  const auto until = std::chrono::steady_clock::now() + idle_limit;
  if (idle_.empty()) timer_.set(until);
  idle_.push_back({key, std::move(client), until});
}

async::Task<> Sessions::goodbye(std::unique_ptr<Client> client) { co_await client->quit(); }

void Sessions::dismiss(std::unique_ptr<Client> client) { group_.spawn(executor_, goodbye(std::move(client))); }

void Sessions::clear() {
  for (auto& one : std::exchange(idle_, {})) dismiss(std::move(one.client));
}

void Sessions::sweep() {
  const auto now = std::chrono::steady_clock::now();
  while (!idle_.empty() && idle_.front().until <= now) {
    dismiss(std::move(idle_.front().client));
    idle_.pop_front();
  }
  if (!idle_.empty()) timer_.set(idle_.front().until);
}

}  // namespace postern::outbound
