// SPDX-License-Identifier: Apache-2.0
// Rehearsal: what port 25 would say to a mail, found out by a real session over a pair of sockets in this process, with the
// address of the supposed client. The same code judges as on the wire, but nothing is stored, counted or logged, no greylist
// learns, and no tarpit waits. Questions to DNS are asked, and a server behind us may be asked who exists there.
#pragma once

#include <string>
#include <vector>

#include "base/ip_address.h"
#include "policy/gate.h"
#include "smtp/conversation.h"
#include "smtp/reply.h"

namespace postern::smtp {

/// A mail that nobody has sent.
struct SupposedMail {
  IpAddress ip;      ///< of the client
  IpAddress own_ip;  ///< the address of ours that it connects to
  std::string helo;
  mail::ReversePath sender;
  mail::Address recipient;
  std::string message;  ///< lines end in CRLF; empty: the session ends after RCPT
};

/// One command and what we would say.
struct RehearsedStep {
  std::string command;  ///< "RCPT TO:<alice@example.org>"; empty for the greeting
  std::string reply;    ///< "250 2.1.5 Recipient ok"; the last line of several
};

struct Rehearsed {
  std::vector<RehearsedStep> steps;     ///< the last one decides
  bool accepted = false;                ///< as far as the supposed mail goes
  std::vector<policy::Reason> reasons;  ///< of every rule that was asked, in that order
  double points = 0;
  std::vector<std::string> destinations;  ///< "mailbox of alice@example.org", "carol@example.net, forwarded"
  std::string added;                      ///< fields that would be put above the message; empty when it is refused
};

/// Error unavailable: no pair of sockets could be had.
async::Task<Result<Rehearsed>> rehearse(Parts parts, policy::Gate& gate, SupposedMail mail);

}  // namespace postern::smtp
