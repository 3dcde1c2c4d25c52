// SPDX-License-Identifier: Apache-2.0
// Text form of enhanced status codes.
#include "mail/status.h"

#include <fmt/format.h>

#include "base/cursor.h"

namespace postern::mail {
namespace {

constexpr std::uint64_t max_part = 999;  // RFC 3463 §2: one to three digits

}  // namespace

std::string EnhancedStatus::to_string() const { return fmt::format("{}.{}.{}", klass, subject, detail); }

// RFC 3463 §2
//   status-code = class "." subject "." detail
//   class       = "2" / "4" / "5"
//   subject     = 1*3digit     detail = 1*3digit
std::optional<EnhancedStatus> EnhancedStatus::parse(std::string_view text) {
  Cursor in(text);
  const auto klass = in.take_number(5);
  if (!klass || (*klass != 2 && *klass != 4 && *klass != 5) || !in.take('.')) return std::nullopt;
  const auto subject = in.take_number(max_part);
  if (!subject || !in.take('.')) return std::nullopt;
  const auto detail = in.take_number(max_part);
  if (!detail || (!in.at_end() && !in.is(' '))) return std::nullopt;
  return EnhancedStatus{static_cast<std::uint8_t>(*klass), static_cast<std::uint16_t>(*subject),
                        static_cast<std::uint16_t>(*detail)};
}

}  // namespace postern::mail
