// SPDX-License-Identifier: Apache-2.0
// The asking end of transfer/wire.h: a Box behind a stream.
#pragma once

#include <filesystem>

#include "net/connection.h"
#include "transfer/box.h"
#include "transfer/wire.h"

namespace postern::transfer {

class RemoteBox final : public Box {
 public:
  /// The stream outlives the box. Large bodies wait in unnamed files in `spool_folder`.
  RemoteBox(net::Connection& stream, std::filesystem::path spool_folder)
      : stream_(stream), spool_folder_(std::move(spool_folder)) {}

  Task<Result<std::string>> login() override;
  Task<Result<std::vector<BoxFolder>>> folders() override;
  Task<Result<std::vector<std::string>>> subscriptions() override;
  Task<Result<store::Quota>> quota() override;
  Task<Result<BoxFolder>> make(std::string name) override;
  Task<Result<>> subscribe(std::string name) override;
  Task<Result<std::vector<bool>>> known(std::vector<std::string> keys) override;
  std::unique_ptr<store::Spool> spool() override;
  Task<Result<>> append(store::MailboxId mailbox, std::vector<store::NewMessage> messages) override;
  Task<Result<std::uint64_t>> outcome() override;
  Task<Result<Listing>> listing(store::MailboxId mailbox) override;
  Task<Result<>> read(store::MailboxId mailbox, std::vector<store::Uid> uids, MessageSink& sink) override;

 private:
  /// Sends the request and gives the values of the answer.
  Task<Result<std::string>> ask(wire::Packer request);
  Task<Result<std::string>> answer();
  Task<Result<>> send_body(const store::Body& body, wire::Packer& out);
  Task<Result<>> take_message(wire::Unpacker& in, MessageSink& sink);

  net::Connection& stream_;
  std::filesystem::path spool_folder_;
};

}  // namespace postern::transfer
