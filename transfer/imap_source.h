// SPDX-License-Identifier: Apache-2.0
// A remote IMAP account as a source. Mailboxes are opened with EXAMINE, messages read with BODY.PEEK: nothing changes there. The
// key of a message is host, user, mailbox, UIDVALIDITY and UID.
#pragma once

#include <unordered_map>

#include "transfer/imap_connection.h"
#include "transfer/source.h"

namespace postern::transfer {

class ImapSource final : public Source {
 public:
  /// Connects and logs in.
  static Task<Result<std::unique_ptr<ImapSource>>> open_at(ImapServer server);
  /// On a connection that is logged in; `who` is "host user".
  static std::unique_ptr<ImapSource> on(std::unique_ptr<ImapConnection> connection, std::string who);

  std::string_view kind() const override { return "imap"; }
  Task<Result<std::vector<SourceFolder>>> folders() override;
  Task<Result<std::vector<std::string>>> subscriptions() override;
  Task<Result<>> open(const SourceFolder& folder, KeyMaker keys) override;
  Task<Result<std::vector<Candidate>>> next() override;
  void want(std::vector<std::size_t> wanted) override;
  Task<Result<std::optional<Taken>>> take(Intake& intake) override;
  /// LOGOUT.
  Task<> close();

 private:
  /// A FETCH under way: the UIDs that were asked for and have not come.
  struct Order {
    std::string tag;
    std::vector<std::size_t> waiting;  ///< indices of the chunk
  };
  explicit ImapSource(std::unique_ptr<ImapConnection> connection, std::string who)
      : connection_(std::move(connection)), who_(std::move(who)) {}

  Task<Result<std::vector<imap_client::ListEntry>>> list(std::string command);
  Task<Result<>> learn_prefix();
  std::string name_of(const imap_client::ListEntry& entry) const;
  Task<Result<std::optional<SourceFolder>>> describe(const imap_client::ListEntry& entry);
  void note_expunge(std::uint32_t sequence);
  Task<Result<>> order_more();
  Task<Result<std::optional<Taken>>> finish_order(const imap_client::Answer& answer);
  std::optional<Taken> match(const imap_client::FetchValues& values);
  Taken taken_of(std::size_t index, std::string trouble);

  std::unique_ptr<ImapConnection> connection_;
  std::string who_;     ///< "host user"
  std::string prefix_;  ///< of the personal namespace
  // The open mailbox.
  std::string folder_name_;
  KeyMaker keys_;
  std::uint32_t exists_ = 0;
  std::uint32_t next_sequence_ = 1;
  std::vector<imap_client::FetchValues> chunk_;
  std::vector<std::size_t> wanted_;
  std::size_t ordered_ = 0;    ///< of wanted_
  std::vector<Order> orders_;  ///< in the order they were sent
  std::vector<Taken> lost_;    ///< to be told
  std::size_t unasked_ = 0;
};

}  // namespace postern::transfer
