// SPDX-License-Identifier: Apache-2.0
// Who a message of our own people may say it is from (RFC 6409 §6.1, security.md D78): every address of From, Sender,
// Resent-From and Resent-Sender must be one that the sender may use. Pure functions of the header; the refusals name the field,
// the address and the remedy.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mail/address.h"

namespace postern::submission {

/// Whether the one who sends may use this address.
using MayUse = std::function<bool(const mail::Address&)>;

/// Which fields are looked at.
enum class Claims : unsigned char {
  author,  ///< From
  every    ///< From, Sender, Resent-From, Resent-Sender
};

/// The text of the refusal, one line of ASCII; nothing: all claims are true. A From without a usable address is refused too.
std::optional<std::string> identity_refusal(std::string_view header, Claims claims, const MayUse& may_use);

/// The same for the envelope's sender.
std::string sender_refusal(const mail::Address& sender);

}  // namespace postern::submission
