// SPDX-License-Identifier: Apache-2.0
// The in-memory store: owns the state and its doors, and accepts messages.
#include <filesystem>

#include "store/account_text.h"
#include "store/mailbox_name.h"
#include "store/memory/accounts.h"
#include "store/memory/memory.h"
#include "store/memory/queue.h"
#include "store/memory/session.h"
#include "store/spool.h"

namespace postern::store::memory {

namespace {

class Implementation final : public MemoryStore {
 public:
  Implementation(const Clock& clock, std::chrono::seconds undelete_window)
      : state_(std::make_shared<State>(clock, undelete_window)),
        queue_(make_queue(state_)),
        accounts_(make_accounts(state_)),
        credentials_(make_credentials(state_)) {}

  std::unique_ptr<Spool> spool() override { return make_spool(std::filesystem::temp_directory_path()); }
  std::unique_ptr<Session> session(const mail::Identity& identity) override { return make_session(state_, identity); }
  Task<Result<Accepted>> accept(Acceptance acceptance) override { co_return accept_now(std::move(acceptance)); }
  Quota quota(AccountId account) const override {
    const std::lock_guard lock(state_->mutex);
    return state_->quota(account);
  }
  Quota domain_quota(const std::string& domain) const override {
    const std::lock_guard lock(state_->mutex);
    return state_->domain_quota(domain);
  }
  Result<QuotaHold> hold(AccountId account, std::uint64_t bytes) override {
    const std::lock_guard lock(state_->mutex);
    return state_->hold(account, bytes);
  }
  Queue& queue() override { return *queue_; }
  Accounts& accounts() override { return *accounts_; }
  Credentials& credentials() override { return *credentials_; }
  void close() override {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
  }
  void fail_writes(std::optional<Error> error) override {
    const std::lock_guard lock(state_->mutex);
    state_->write_error = std::move(error);
  }

 private:
  struct Share {
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
  };

  /// Refuses before anything changes: unknown accounts, bad names, quotas over all deliveries together.
  Result<> check(Acceptance& acceptance) {
    std::map<AccountId, Share> shares;
    std::map<std::string, Share> domains;
    for (auto& delivery : acceptance.deliveries) {
      auto account = state_->account(delivery.account);
      if (!account) return std::unexpected(account.error());
      auto name = canonical_mailbox(delivery.mailbox);
      if (!name) return std::unexpected(name.error());
      delivery.mailbox = std::move(*name);
      Share& share = shares[delivery.account];
      share.bytes += delivery.prefix.size() + acceptance.body->size();
      ++share.messages;
    }
    for (const auto& [id, share] : shares) {
      const Account& account = state_->accounts.at(id);
      auto room = state_->check_quota(account, share.bytes, share.messages);
      if (!room) return room;
      Share& domain = domains[std::string(domain_of_login(account.row.login))];
      domain.bytes += share.bytes;
      domain.messages += share.messages;
    }
    for (const auto& [name, share] : domains) {
      if (auto room = state_->check_domain_quota(name, share.bytes, share.messages); !room) return room;
    }
    return {};
  }

  Result<Accepted> accept_now(Acceptance acceptance) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    if (auto checked = check(acceptance); !checked) return std::unexpected(checked.error());
    Accepted out;
    for (auto& delivery : acceptance.deliveries) {
      Mailbox* mailbox = state_->find(delivery.account, delivery.mailbox);
      if (!mailbox) mailbox = &state_->make_mailbox(delivery.account, delivery.mailbox, SpecialUse::none);
      auto content = std::make_shared<Content>(Content{acceptance.body, acceptance.meta, std::move(delivery.prefix)});
      Change change(*state_, *mailbox);
      const Uid uid = change.add(Message{std::move(content), acceptance.internal_date}, delivery.flags & flag::system_mask);
      change.commit();
      out.delivered.push_back({delivery.account, mailbox->id, uid});
    }
    if (acceptance.enqueue) {
      out.queued = enqueue(*state_, std::move(*acceptance.enqueue), acceptance.body);
      state_->queue_event.publish();
    }
    return out;
  }

  std::shared_ptr<State> state_;
  std::unique_ptr<Queue> queue_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<Credentials> credentials_;
};

}  // namespace

std::unique_ptr<MemoryStore> make(const Clock& clock, std::chrono::seconds undelete_window) {
  return std::make_unique<Implementation>(clock, undelete_window);
}

}  // namespace postern::store::memory
