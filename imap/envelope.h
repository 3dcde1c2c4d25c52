// SPDX-License-Identifier: Apache-2.0
// Reads the cached ENVELOPE text back, for the sent dates of SEARCH and the keys of SORT and THREAD.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imap/grammar.h"

namespace postern::imap {

/// The first address of a list; all empty when there is none.
struct FirstAddress {
  std::string name;     ///< as it stands, encoded words included
  std::string mailbox;  ///< local part
  std::string host;
};

/// What searches and orders need of an envelope.
class Envelope {
 public:
  /// Error corrupt when the text is no envelope.
  static Result<Envelope> parse(std::string_view text);

  /// The day on which the message says it was written, in its own time zone; nothing when it does not say.
  std::optional<Day> sent() const { return sent_; }
  /// The same as an instant.
  std::optional<UnixTime> sent_at() const { return sent_at_; }
  /// As it stands, encoded words included.
  const std::string& subject() const { return subject_; }
  const FirstAddress& from() const { return from_; }
  const FirstAddress& to() const { return to_; }
  const FirstAddress& cc() const { return cc_; }
  const std::string& in_reply_to() const { return in_reply_to_; }
  const std::string& message_id() const { return message_id_; }

 private:
  std::optional<Day> sent_;
  std::optional<UnixTime> sent_at_;
  std::string subject_;
  FirstAddress from_;
  FirstAddress to_;
  FirstAddress cc_;
  std::string in_reply_to_;
  std::string message_id_;
};

}  // namespace postern::imap
