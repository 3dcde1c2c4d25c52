// SPDX-License-Identifier: Apache-2.0
// What a submission server changes in a header block (RFC 6409 §8), before the door; nothing is changed afterwards.
// Pure function of the block and the facts given.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "mail/address.h"
#include "mail/domain.h"

namespace postern::submission {

struct FixupFacts {
  UnixTime now = 0;
  mail::Domain host;  ///< our name, for Message-ID
  /// Whether the account may call itself so.
  std::function<bool(const mail::Address&)> may_send_as;
};

/// The block with
///   Bcc, Resent-Bcc, Return-Path and Delivered-To removed (security.md D79; RFC 5321 §4.4),
///   Sender removed when it is not the account's,
///   Date and Message-ID added on top when they are missing.
std::string fix_header(std::string_view header, const FixupFacts& facts);

}  // namespace postern::submission
