// SPDX-License-Identifier: Apache-2.0
// The Box on the store itself.
#pragma once

#include "transfer/box.h"

namespace postern::transfer {

class StoreBox final : public Box {
 public:
  StoreBox(store::Store& store, const mail::Identity& identity) : store_(store), session_(store.session(identity)) {}

  Task<Result<std::string>> login() override;
  Task<Result<std::vector<BoxFolder>>> folders() override;
  Task<Result<std::vector<std::string>>> subscriptions() override;
  Task<Result<store::Quota>> quota() override;
  Task<Result<BoxFolder>> make(std::string name) override;
  Task<Result<>> subscribe(std::string name) override;
  Task<Result<std::vector<bool>>> known(std::vector<std::string> keys) override;
  std::unique_ptr<store::Spool> spool() override { return store_.spool(); }
  Task<Result<>> append(store::MailboxId mailbox, std::vector<store::NewMessage> messages) override;
  Task<Result<std::uint64_t>> outcome() override;
  Task<Result<Listing>> listing(store::MailboxId mailbox) override;
  Task<Result<>> read(store::MailboxId mailbox, std::vector<store::Uid> uids, MessageSink& sink) override;

 private:
  struct Infos {
    std::vector<store::MessageInfo> list;
    std::size_t next = 0;
  };
  Task<Result<>> read_one(store::MailboxId mailbox, store::MessageInfo info, MessageSink& sink);
  Task<Result<>> give_texts(const std::vector<store::StoredText>& texts, Infos& infos, MessageSink& sink);

  store::Store& store_;
  std::unique_ptr<store::Session> session_;
  Result<std::uint64_t> outcome_ = 0;
};

}  // namespace postern::transfer
