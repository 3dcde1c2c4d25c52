// SPDX-License-Identifier: Apache-2.0
// Transaction: everything between an accepted MAIL and the end of the message. It exists exactly as long as there is a
// sender; the session holds it in an optional and throws it away whole on every path (security.md D6), so nothing of one
// message can leak into the next.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mail/envelope.h"
#include "policy/evidence.h"
#include "policy/rule.h"
#include "queue/accept.h"
#include "smtp/data.h"

namespace postern::policy {
class AuthenticationRun;
}

namespace postern::smtp {

/// Where one recipient's mail goes. Only handlers make it; a RemoteRecipient proves its own right to exist.
struct Route {
  std::vector<queue::LocalRecipient> local;
  std::vector<queue::RemoteRecipient> remote;
  std::vector<store::QuotaHold> holds;  ///< room kept in the mailboxes of `local` until the transaction goes
};

struct Transaction {
  mail::Envelope envelope;                                    ///< recipients as they were given
  Route route;                                                ///< where all of them lead, each place once
  std::string id;                                             ///< queue::Door's name for the message
  bool rcpt_tried = false;                                    ///< a RCPT came, refused or not
  bool chunking = false;                                      ///< a BDAT came; DATA is no longer possible (RFC 3030 §2)
  std::chrono::steady_clock::time_point content_end;          ///< when the whole message must be here
  std::unique_ptr<Intake> intake;                             ///< from DATA or the first BDAT on
  std::vector<policy::Reason> reasons;                        ///< what the rules said, for log and trace
  policy::Verdict refusing;                                   ///< of the recipient that was refused last
  std::shared_ptr<policy::AuthenticationRun> authentication;  ///< from the end of the header on; null: not looked at
  std::string message_id;                                     ///< of the header, for the trace
  std::vector<std::pair<std::string, std::string>> places;    ///< "mailbox" or "queue" and where, for the trace
  std::vector<store::Accepted::Where> delivered;              ///< once it is stored, for the trace
  store::AccountId account = 0;                               ///< who submits it; 0: nobody
  bool sender_proven = false;                                 ///< notices may go to the sender (design.md §3)
  double points = 0;                                          ///< what they gave together
  bool allowed = true;                                        ///< our own list lets it in for every recipient so far
  policy::SpoofEvidence spoof;                                ///< what it claims, from the end of the header on
  bool spoof_permitted = true;                                ///< [[spoof]] allows claims for every recipient so far

  /// Adds where a recipient leads, without what is there already.
  void add(const mail::Recipient& recipient, Route more);
};

}  // namespace postern::smtp
