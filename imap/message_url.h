// SPDX-License-Identifier: Apache-2.0
// URLs of messages and their parts on this server (RFC 5092), as CATENATE takes them (RFC 4469 §3): read, and opened for the
// session's account through the store, which checks the rights. Nothing is fetched from anywhere else.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "imap/message.h"
#include "imap/session.h"

namespace postern::imap {

struct MessageUrl {
  std::string user{};                    ///< of "imap://user@host…"; empty in a relative URL
  std::string host{};                    ///< without port; empty likewise
  std::optional<std::string> mailbox{};  ///< as the store knows it; nothing: the selected one (";UID=20")
  std::uint32_t uidvalidity = 0;         ///< 0: not given
  store::Uid uid = 0;
  std::string section{};                           ///< "HEADER.FIELDS (To)"; empty: the whole message
  std::uint64_t origin = 0;                        ///< of ;PARTIAL=
  std::uint64_t count = std::uint64_t{INT64_MAX};  ///< octets, the same
  bool is_absolute() const { return !host.empty(); }
};

/// "imap://alice@mail.example.org/INBOX;UIDVALIDITY=3/;UID=20/;SECTION=1.2", "/INBOX/;UID=20", ";UID=20/;SECTION=HEADER".
/// Errors: invalid; also URLs with an authorization (;URLAUTH=), which we do not give.
Result<MessageUrl> parse_message_url(std::string_view url);

/// The octets that a URL names.
struct UrlOctets {
  std::unique_ptr<Message> message;
  mime::Range range{};  ///< of the message
  std::string text{};   ///< header fields that were chosen; then the range is empty
};
/// Errors: invalid (another server or account, no such section), not_found, denied, io. What is opened in a shared mailbox is
/// traced as read.
async::Task<Result<UrlOctets>> open_url(Session& session, std::string_view url);

}  // namespace postern::imap
