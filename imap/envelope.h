// SPDX-License-Identifier: Apache-2.0
// Reads the cached ENVELOPE text back, for SEARCH: the values a client's text is compared with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imap/grammar.h"

namespace postern::imap {

/// The fields of one message, in the comparison form of mime::casemap; address lists as "name <mailbox@host>, …".
class Envelope {
 public:
  /// Error corrupt when the text is no envelope.
  static Result<Envelope> parse(std::string_view text);

  /// The day on which the message says it was written, in its own time zone; nothing when it does not say.
  std::optional<Day> sent() const { return sent_; }
  /// By lower-case field name: subject, from, to, cc, bcc, in-reply-to, message-id; empty for others.
  std::string_view text(std::string_view field) const;

 private:
  std::optional<Day> sent_;
  std::string subject_, from_, to_, cc_, bcc_, in_reply_to_, message_id_;
};

/// Says quickly that a text cannot occur in an envelope, so that most messages of a search are never parsed.
class EnvelopeFilter {
 public:
  /// Looks at the next envelope.
  void look_at(std::string_view envelope);
  /// True when a field of this envelope may contain the text, which is in the comparison form.
  bool may_have(std::string_view text) const;

 private:
  std::string folded_;  ///< the envelope in capitals
  bool plain_ = false;  ///< its octets are the text itself: no encoded words, literals, quoting or 8-bit
};

}  // namespace postern::imap
