// SPDX-License-Identifier: Apache-2.0
// Srs: the Sender Rewriting Scheme. Mail that is forwarded leaves with a sender of our own domain, so that SPF passes at the next
// server; a notice to that address finds its way back to the true sender.
//
//   SRS0=hash=day=example.net=carol@example.org                  carol@example.net wrote to example.org
//   SRS1=hash=example.net=rest@example.org                       the sender was rewritten before, by example.net
//
// The hash is keyed, so that nobody else can make such an address; the day, in two base32 digits, makes it expire. Hosts on the
// way may change the case of letters: hash and day do not depend on it.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "mail/address.h"

namespace postern::policy {

/// The proof that an address was made by our Srs and is young enough: one of the ways mail may leave without a login
/// (design.md §3.3). Only Srs::reverse() makes one.
class ReturnPath {
 public:
  /// The sender as it was before.
  const mail::Address& to() const { return to_; }

 private:
  friend class Srs;
  explicit ReturnPath(mail::Address to) : to_(std::move(to)) {}
  mail::Address to_;
};

class Srs {
 public:
  /// Reads the key, or makes it (32 octets, mode 0600). Errors name the file: denied (others may read it), corrupt (wrong size),
  /// io.
  static Result<Srs> open(const std::filesystem::path& key_file);
  /// For tests: any key.
  explicit Srs(Secret key) : key_(std::move(key)) {}

  /// The sender that mail forwarded by `through` gets. Nothing when it cannot be written that way: an address literal, or a local
  /// part that would be longer than 64 octets (RFC 5321 §4.5.3.1.1).
  std::optional<mail::Address> forward(const mail::Address& sender, const mail::Domain& through, UnixTime now) const;
  /// Whether the local part claims to be one of these.
  static bool is_rewritten(const mail::Address& address);
  /// Errors: invalid (not of this form), denied (not made here), limit (older than `valid`, or from the future).
  Result<ReturnPath> reverse(const mail::Address& address, UnixTime now, std::chrono::seconds valid) const;

 private:
  std::string hash(std::string_view text) const;
  bool is_hash(std::string_view given, std::string_view text) const;
  Secret key_;
};

}  // namespace postern::policy
