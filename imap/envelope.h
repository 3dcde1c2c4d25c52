// SPDX-License-Identifier: Apache-2.0
// Reads the cached ENVELOPE text back, for the dates of SEARCH SENTBEFORE, SENTON and SENTSINCE.
#pragma once

#include <optional>
#include <string_view>

#include "imap/grammar.h"

namespace postern::imap {

/// What searches need of an envelope.
class Envelope {
 public:
  /// Error corrupt when the text is no envelope.
  static Result<Envelope> parse(std::string_view text);

  /// The day on which the message says it was written, in its own time zone; nothing when it does not say.
  std::optional<Day> sent() const { return sent_; }

 private:
  std::optional<Day> sent_;
};

}  // namespace postern::imap
