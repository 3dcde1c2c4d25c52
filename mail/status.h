// SPDX-License-Identifier: Apache-2.0
// The one table of reply codes and enhanced status codes (RFC 5321 §4.2, RFC 3463, RFC 5248 registry). Code names a
// status by a word; nobody writes 550 or 5.1.1 anywhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::mail {

/// RFC 3463 §2: class "." subject "." detail. class 0 means "none" (replies of RFC 5321 that carry none, as 354 or EHLO).
struct EnhancedStatus {
  std::uint8_t klass = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;
  std::string to_string() const;
  /// Reads "5.1.1" at the start of a reply text; nothing when there is none.
  static std::optional<EnhancedStatus> parse(std::string_view text);
  bool operator==(const EnhancedStatus&) const = default;
};

/// A named status: SMTP code, enhanced code and the default English text.
struct Status {
  std::uint16_t code = 0;
  EnhancedStatus enhanced;
  std::string_view text;
};

namespace status {
#define POSTERN_STATUS(name, code, klass, subject, detail, text) \
  inline constexpr Status name{code, {klass, subject, detail}, text};
#include "mail/status_table.inc"
#undef POSTERN_STATUS
}  // namespace status

}  // namespace postern::mail
