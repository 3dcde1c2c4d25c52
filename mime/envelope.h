// SPDX-License-Identifier: Apache-2.0
// What IMAP ENVELOPE, SEARCH and SORT want to know of a message's header, as values and as ready IMAP text.
// The text is what the store keeps beside the message; it is valid RFC 3501 and RFC 9051 whatever the header holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mime/address_list.h"
#include "mime/date.h"
#include "mime/header.h"

namespace postern::mime {

/// The first field of each kind counts. Texts are nothing when the field is absent, empty when it is empty (RFC 9051 §7.5.2).
struct MessageSummary {
  std::optional<Date> date;              ///< nothing when absent or unreadable
  std::optional<std::string> date_text;  ///< as written, unfolded
  std::optional<std::string> subject;    ///< unfolded, encoded words as they stand
  AddressList from;
  AddressList sender;  ///< as written; empty when absent
  AddressList reply_to;
  AddressList to;
  AddressList cc;
  AddressList bcc;
  std::optional<std::string> in_reply_to;  ///< unfolded
  std::optional<std::string> message_id;   ///< unfolded
  bool duplicate = false;                  ///< one of these fields occurred twice (security.md D36, D40)
};

MessageSummary summarize(const Header& header);

/// RFC 3501 §7.4.2: "(date subject from sender reply-to to cc bcc in-reply-to message-id)". Header text that is not plain ASCII
/// becomes a literal with its octets unchanged; NUL octets are dropped.
std::string imap_envelope(std::string_view header_block);
std::string imap_envelope(const MessageSummary& summary);

/// Appends an IMAP nstring: NIL for no value, a quoted string, or a literal where a quoted string cannot hold it.
void append_nstring(std::string& out, std::optional<std::string_view> text);
/// The same, but an empty value is NIL.
void append_nstring_or_nil(std::string& out, std::string_view text);

}  // namespace postern::mime
