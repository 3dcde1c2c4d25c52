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

/// What searches and orders need of an envelope. It looks into the text, which must outlive it; each call reads anew.
class Envelope {
 public:
  /// Error corrupt when the text is no envelope.
  static Result<Envelope> parse(std::string_view text);

  /// The day on which the message says it was written, in its own time zone; nothing when it does not say.
  std::optional<Day> sent() const;
  /// The same as an instant.
  std::optional<UnixTime> sent_at() const;
  /// As it stands, encoded words included.
  std::string subject() const;
  FirstAddress from() const;
  FirstAddress to() const;
  FirstAddress cc() const;
  std::string in_reply_to() const;
  std::string message_id() const;

 private:
  // As they are written: nstrings, and the first address of each list; empty where there is none.
  std::string_view date_;
  std::string_view subject_;
  std::string_view from_;
  std::string_view to_;
  std::string_view cc_;
  std::string_view in_reply_to_;
  std::string_view message_id_;
};

}  // namespace postern::imap
