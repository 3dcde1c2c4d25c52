// SPDX-License-Identifier: Apache-2.0
// Door: the one way into the house for every message (design.md §3.6): port 25, submission, bounces, reports, forwards, the
// command line. One durable unit holds a message row for each local mailbox and a queue row for each remote recipient;
// when accept() returns success, the message survives a power cut.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/directory.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/live.h"
#include "mail/envelope.h"
#include "mail/identity.h"
#include "store/store.h"

namespace postern::policy {
class RelayRoute;
class ReturnPath;
}  // namespace postern::policy

namespace postern::queue {

/// A recipient elsewhere, together with the proof that mail may go there. The constructors are the whole list of ways out
/// (product.md promise 2).
class RemoteRecipient {
 public:
  /// On behalf of a login or a trusted network.
  static RemoteRecipient by_right(mail::Recipient recipient, const mail::RelayRight& right);
  /// Along an owner's forward; `original` carries NOTIFY and ORCPT.
  static RemoteRecipient by_forward(const auth::Forward& forward, const mail::Recipient& original);

  /// As the configuration hands on this recipient's mail.
  static RemoteRecipient by_relay(const mail::Recipient& recipient, const policy::RelayRoute& route);

  /// A notice about mail that was forwarded, back to its sender; `notice` carries NOTIFY and ORCPT.
  static RemoteRecipient by_return(const policy::ReturnPath& path, const mail::Recipient& notice);

  /// Instead of a recipient that waits in the queue, as the admin orders; NOTIFY and ORCPT are kept.
  static RemoteRecipient by_redirect(mail::Address to, const store::QueueRecipient& instead_of);

  const mail::Recipient& recipient() const { return recipient_; }
  /// The address of ours whose owner forwards; empty otherwise.
  const std::string& forwarded_for() const { return forwarded_for_; }
  /// What outbound looks for: the domain, or the whole address when an entry of [[relay]] names it alone.
  std::string destination() const { return destination_.empty() ? recipient_.address.domain_text() : destination_; }

 private:
  friend class Bouncer;     ///< DSNs to a sender elsewhere that has the right to one
  friend class ReportPost;  ///< reports to a domain that asks for them in DNS
  explicit RemoteRecipient(mail::Recipient recipient) : recipient_(std::move(recipient)) {}
  mail::Recipient recipient_;
  std::string forwarded_for_;
  std::string destination_;
};

struct LocalRecipient {
  store::AccountId account = 0;
  std::string address;                        ///< as the envelope said, for Delivered-To
  unsigned char notify = mail::notify_unset;  ///< of RCPT; SUCCESS makes a report once the message is stored
  std::string orcpt;
};

/// A message on the threshold.
struct Arrival {
  mail::Envelope envelope;  ///< sender and options; recipients are in the two lists below
  store::BodyPtr body;      ///< as received, header and body (after fix-ups), CRLF lines
  std::string trace;        ///< Received and other fields for all, newest first, each ending in CRLF
  std::vector<LocalRecipient> local;
  std::vector<RemoteRecipient> remote;
  store::AccountId account = 0;  ///< the submitting account, 0 for nobody
  store::BounceRight bounce = store::BounceRight::none;
  /// Written by one of our people, a trusted machine or ourselves, its author checked: it is signed on its way out. Never true
  /// for mail of strangers, which would get a signature for whatever author it claims.
  bool ours = false;
  std::string results{};    ///< value of our Authentication-Results; empty: nothing was looked at
  std::string arc_chain{};  ///< what became of the message's ARC chain, in words (policy/arc.h)
};

struct Receipt {
  std::string id;  ///< what the 250 names and the trace knows: short, unique, never used again
  std::size_t local = 0;
  std::size_t remote = 0;
  std::vector<store::Accepted::Where> delivered;  ///< one for each local recipient
};

/// Local deliveries whose sender asked for a report (NOTIFY=SUCCESS, RFC 3461 §4.1).
struct Confirmation {
  mail::Envelope envelope;  ///< sender, ENVID and SMTPUTF8 of the message
  store::BounceRight bounce = store::BounceRight::none;
  std::vector<mail::Recipient> delivered;
  std::string header;  ///< header block of the message
};

/// Who sends these reports: queue/bounce. An interface, because the reports come in through the Door again.
class Confirmer {
 public:
  virtual ~Confirmer() = default;
  virtual async::Task<Result<>> confirm(Confirmation confirmation) = 0;
};

class Forwarding;
class Signer;

class Door {
 public:
  struct Parts {
    store::Store& store;
    config::Live& config;
    Clock& clock;
    Log& log;
    Metrics& metrics;
  };
  explicit Door(Parts parts);
  ~Door();
  /// An id for a message about to arrive; it goes into Received and the reply.
  std::string new_id();
  /// One mailbox gets one copy, one address elsewhere one queue row, however often they are named.
  /// Errors: over_quota, no_space, too_large, io, unavailable; limit (a mail loop: one of our recipients' Delivered-To is in
  /// the header already, 554 5.4.6); invalid (no recipient, or an address that is not fit for a header). Nothing is stored then.
  async::Task<Result<Receipt>> accept(Arrival arrival, std::string id);
  /// Before the first accept(); null again before the confirmer goes. Without one no local delivery is confirmed.
  void confirm_by(Confirmer* confirmer);
  /// Before the first accept(). Without one nothing is signed.
  void sign_by(const Signer* signer);
  /// Before the first accept(). Without one forwarded mail keeps its sender and is not sealed.
  void forward_by(const Forwarding* forwarding);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern::queue
