// SPDX-License-Identifier: Apache-2.0
// What the rules of each stage see: plain values, gathered before any rule is asked. Views are valid during the call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "mail/envelope.h"

namespace postern::policy {

/// Which way the mail goes.
enum class Direction : std::uint8_t { inbound, submitted };

/// What became of a question to DNS. Rules treat `unasked` as "nothing to say".
enum class Answer : std::uint8_t { unasked, yes, no, unsure };

/// A client has connected.
struct ConnectEvidence {
  IpAddress ip;
  Answer reverse = Answer::unasked;  ///< its address has a name that leads back to it
  std::string reverse_name;          ///< that name; without a confirmed one the name it claims
};

/// It has greeted.
struct HeloEvidence {
  IpAddress ip;
  IpAddress own_ip;  ///< the address of ours it connected to
  std::string_view name;
  std::string_view own_hostname;
  Answer resolves = Answer::unasked;
};

/// It has named a sender.
struct MailEvidence {
  IpAddress ip;
  const mail::ReversePath* sender = nullptr;
  Answer receives = Answer::unasked;  ///< the sender's domain has MX or address
  bool null_mx = false;               ///< RFC 7505: it says that it takes no mail
};

/// It has named a recipient, for whom mail is taken here.
struct RcptEvidence {
  IpAddress ip;
  const mail::ReversePath* sender = nullptr;
  const mail::Address* recipient = nullptr;
  double points = 0;  ///< of the stages before
};

/// The header block is complete; the body is still to come.
struct HeaderEvidence {
  Direction direction = Direction::inbound;
  std::string_view ip;  ///< peer address
  std::string_view helo;
  const mail::Envelope* envelope = nullptr;
  std::string_view header;  ///< as received, with the empty line
  std::size_t received_hops_max = 100;
  std::string_view own_hostname;
};

/// What SPF, DKIM, ARC and DMARC said; policy/authentication.h.
struct Authentication;

/// All of the message is here.
struct MessageEvidence {
  const HeaderEvidence* header = nullptr;
  const Authentication* authentication = nullptr;  ///< null: not looked at
};

}  // namespace postern::policy
