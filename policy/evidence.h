// SPDX-License-Identifier: Apache-2.0
// What the rules of each stage see: plain values, gathered before any rule is asked. Views are valid during the call.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "mail/envelope.h"
#include "policy/own_list.h"
#include "policy/rates.h"

namespace postern::policy {

/// Which way the mail goes.
enum class Direction : std::uint8_t { inbound, submitted };

/// What became of a question to DNS. Rules treat `unasked` as "nothing to say".
enum class Answer : std::uint8_t { unasked, yes, no, unsure };

/// A DNS list that has the client's address, with an answer that counts.
struct Listing {
  std::string zone;
  std::string answer;  ///< "127.0.0.2"
  double points = 0;   ///< negative on lists of good addresses
};

/// A client has connected.
struct ConnectEvidence {
  IpAddress ip;
  Answer reverse = Answer::unasked;  ///< its address has a name that leads back to it
  std::string reverse_name;          ///< that name; without a confirmed one the name it claims
  std::vector<Listing> listings;     ///< DNS lists that have it
  std::vector<std::string> silent;   ///< zones that gave no answer
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
  std::optional<OwnEntry> own;                     ///< the entry of our own list that decides
  std::array<std::uint32_t, rate_sorts> counts{};  ///< recipients in the last hour, by RateOf
  bool grey = false;                               ///< greylisting has not seen it come back yet
  std::array<std::uint32_t, rate_sorts> limits{};  ///< 0: none
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

/// What a message from outside claims to be of ours; empty: nothing.
struct SpoofEvidence {
  std::string sender;          ///< MAIL FROM
  std::string author;          ///< From
  std::string name;            ///< the display name of a From that is not ours
  bool sender_proven = false;  ///< SPF or DKIM has proven MAIL FROM's domain
  bool author_proven = false;  ///< DMARC has passed for From's domain
  bool permitted = false;      ///< a trusted machine, or [[spoof]] allows it for all recipients
};

/// What SPF, DKIM, ARC and DMARC said; policy/authentication.h.
struct Authentication;

/// All of the message is here.
struct MessageEvidence {
  const HeaderEvidence* header = nullptr;
  const Authentication* authentication = nullptr;  ///< null: not looked at
};

}  // namespace postern::policy
