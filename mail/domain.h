// SPDX-License-Identifier: Apache-2.0
// Domain: a host or mail domain in one canonical form, so that two spellings compare equal (security.md D81).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::mail {

/// Canonical form: lower-case A-labels without trailing dot, 1–253 octets, labels 1–63 octets (RFC 5890, UTS 46
/// non-transitional, through ICU). Immutable value.
class Domain {
 public:
  /// From user or wire text: ASCII or UTF-8. Error invalid names the label that is wrong.
  static Result<Domain> parse(std::string_view text);

  /// "xn--bcher-kva.example": for DNS, comparison and storage.
  const std::string& ascii() const { return ascii_; }
  /// "bücher.example": for people and for SMTPUTF8 peers.
  std::string unicode() const;
  bool is_international() const { return ascii_.find("xn--") != std::string::npos; }
  auto operator<=>(const Domain&) const = default;

 private:
  explicit Domain(std::string ascii) : ascii_(std::move(ascii)) {}
  std::string ascii_;
};

}  // namespace postern::mail
