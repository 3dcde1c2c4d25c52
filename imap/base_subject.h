// SPDX-License-Identifier: Apache-2.0
// The base subject of RFC 5256 §2.1: what is left of a Subject without "Re:", "Fwd:", "[list]" and "(fwd)". Pure, and bounded:
// of a subject max_subject octets count.
#pragma once

#include <string>
#include <string_view>

namespace postern::imap {

/// Octets of a decoded subject that are looked at; what people write is far shorter.
inline constexpr std::size_t max_subject = 1'000;

struct BaseSubject {
  std::string text;       ///< in the comparison form of mime::casemap; empty when nothing is left
  bool is_reply = false;  ///< a mark of a reply or a forward was removed
};

/// `subject` is the field's value with its encoded words.
BaseSubject base_subject(std::string_view subject);

}  // namespace postern::imap
