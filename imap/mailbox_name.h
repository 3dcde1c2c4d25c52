// SPDX-License-Identifier: Apache-2.0
// Mailbox names: modified UTF-7 of the wire against UTF-8 NFC inside, and the wildcards of LIST.
// A decoded name has passed store::canonical_mailbox, which holds the rules (security.md D90).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::imap {

/// How names stand on the wire: modified UTF-7, or UTF-8 once the client has enabled UTF8=ACCEPT or IMAP4rev2.
enum class NameForm : bool { utf7, utf8 };

/// RFC 3501 §5.1.3, strictly: canonical base64, no encoded printable ASCII, no null shifts, valid UTF-16. Gives UTF-8.
/// Error: invalid.
Result<std::string> decode_utf7(std::string_view wire);
/// UTF-8 to modified UTF-7.
std::string encode_mailbox_name(std::string_view name);

/// A name from the wire as the store knows it: decoded, NFC, INBOX in capitals, by the rules of store/mailbox_name.h.
/// Errors: invalid, limit (levels or octets).
Result<std::string> decode_mailbox_name(std::string_view wire, NameForm form = NameForm::utf7);

/// The same for a mailbox to be made: names that LIST could not ask for (with * or %) are refused.
Result<std::string> decode_new_mailbox(std::string_view wire, NameForm form = NameForm::utf7);

/// One LIST pattern, joined with its reference. RFC 3501 §6.3.8: * matches anything, % anything but the separator.
class ListPattern {
 public:
  /// Both as on the wire. Error: invalid (bad UTF-7 or UTF-8), limit.
  static Result<ListPattern> make(std::string_view reference, std::string_view pattern, NameForm form = NameForm::utf7);
  /// Time: pattern × name, without backtracking. INBOX matches in any case.
  bool matches(std::string_view name) const;

 private:
  std::string text_;  ///< UTF-8, runs of wildcards folded into one
};

}  // namespace postern::imap
