// SPDX-License-Identifier: Apache-2.0
// Notifier: what NOTIFY asked for (RFC 5465), and the picture of the watched mailboxes as the client was told of them last.
// tell() compares it with the store's and says the difference.
//
// Nothing waits in a queue: what happens while a client is slow melts into one difference, and the picture is bounded by
// limits::notify_mailboxes. What a session may not look up is never read: every picture comes from the session's own store calls.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task.h"
#include "base/result.h"
#include "imap/notify_request.h"
#include "imap/session.h"
#include "store/mailbox_name.h"
#include "store/sharing.h"

namespace postern::imap {

class Notifier {
 public:
  Notifier(Session& session, NotifyRequest request);

  const NotifyRequest& request() const { return request_; }
  /// Signalled when there may be something to tell.
  async::Event& event() { return feed_->event(); }
  /// Looks for the first time; with STATUS says what is there (RFC 5465 §3.1). Errors: limit, and those of the store.
  async::Task<Result<>> begin();
  /// Hears of the selected mailbox, too, when it is somebody else's.
  async::Task<> follow_selected();
  /// Says what changed in mailboxes that are not selected. Errors: limit (more mailboxes than can be watched), and those of the
  /// store: then notifying is over (RFC 5465 §5.8).
  async::Task<Result<>> tell();

 private:
  struct Order {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return store::mailbox_before(a, b); }
  };
  using Notes = std::vector<store::Annotation>;
  /// One mailbox as it was told last.
  struct Known {
    std::string name;
    std::uint32_t uidvalidity = 0;
    store::Uid uidnext = 0;
    std::uint32_t messages = 0;
    store::ModSeq highest = 0;
    unsigned events = no_event;  ///< bits of NotifyEvent
  };
  /// Everything the session may look up now; gone after each comparison.
  struct Sight {
    std::map<store::MailboxId, store::MailboxInfo> mailboxes;
    std::set<std::string, Order> names;
    std::set<std::string, Order> subscribed;
  };

  async::Task<Result<Sight>> look();
  std::map<store::MailboxId, Known> watched(const Sight& sight) const;
  unsigned events_of(const Sight& sight, const store::MailboxInfo& info) const;
  unsigned events_of(const Sight& sight, std::string_view name) const;
  async::Task<> compare(const Sight& sight, const std::map<store::MailboxId, Known>& now);
  void tell_name(const Sight& sight, std::string_view name, std::string_view old_name);
  void tell_subscriptions(const Sight& sight);
  async::Task<> tell_status(const store::MailboxInfo& info, const Known& before, unsigned events);
  async::Task<Result<>> tell_notes(const Sight& sight);
  async::Task<Result<std::map<store::MailboxId, Notes>>> read_notes();
  async::Task<Result<>> follow_owners(const Sight& sight);

  Session& session_;
  const NotifyRequest request_;
  std::shared_ptr<store::Feed> feed_;
  std::uint64_t structure_ = 0;  ///< of the feed, when annotations were read last
  std::map<store::MailboxId, Known> known_;
  std::set<std::string, Order> subscribed_;
  std::map<store::MailboxId, Notes> notes_;  ///< 0: of the server
  std::set<store::MailboxId> followed_;      ///< mailboxes of others whose owners are followed
};

}  // namespace postern::imap
