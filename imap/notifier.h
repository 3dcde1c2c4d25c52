// SPDX-License-Identifier: Apache-2.0
// Notifier: what NOTIFY asked for (RFC 5465), and the picture of the watched mailboxes as the client was told of them last.
// tell() compares it with the store's and says the difference.
//
// Nothing waits in a queue: what happens while a client is slow melts into one difference, and the picture is bounded by
// limits::notify_mailboxes. What a session may not look up is never read: every picture comes from the session's own store calls.
// All mailboxes are listed only when names, rights or subscriptions changed; mail costs a look at its own mailbox.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
  /// The session itself made (or removed) a mailbox of this name, or (un)subscribed it: not told to it (RFC 5465 §5).
  void made_by_session(std::string_view name) { own_[std::string(name)].exists = true; }
  void removed_by_session(std::string_view name) { own_[std::string(name)].exists = false; }
  void subscribed_by_session(std::string_view name, bool on) { own_[std::string(name)].subscribed = on; }
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
    std::uint32_t unseen = 0;
    store::ModSeq highest = 0;
    unsigned events = no_event;  ///< bits of NotifyEvent
    bool readable = true;
  };
  /// What the session's own commands made of a name.
  struct Own {
    std::optional<bool> exists;
    std::optional<bool> subscribed;
  };
  using Picture = std::map<store::MailboxId, Known>;
  /// Everything the session may look up now; gone after each comparison.
  struct Sight {
    std::map<store::MailboxId, store::MailboxInfo> mailboxes;
    std::set<std::string, Order> names;
    std::set<std::string, Order> subscribed;
    std::set<store::MailboxId> unreadable;  ///< of others, to be looked up alone

    const store::MailboxInfo* of(std::string_view name) const;
    void remove(store::MailboxId id);
  };
  enum class Status : bool { first, change };

  async::Task<Result<>> tell_touched(const std::vector<store::MailboxId>& touched);
  async::Task<Result<Sight>> look();
  static Known known_as(const store::MailboxInfo& info, unsigned events);
  Picture watched(const Sight& sight) const;
  unsigned events_of(const Sight& sight, const store::MailboxInfo& info) const;
  unsigned events_of(const Sight& sight, std::string_view name) const;
  async::Task<> compare(const Sight& sight, const Picture& now);
  async::Task<> tell_gone(const Sight& sight);
  void tell_one(const Sight& sight, const store::MailboxInfo& info, const Known* before, const Known* after);
  bool is_child_of_renamed(const Sight& sight, const Known& before, const store::MailboxInfo& info) const;
  void tell_parent(const Sight& sight, std::string_view name);
  void tell_name(const Sight& sight, std::string_view name, std::string_view old_name = {});
  void tell_subscriptions(const Sight& sight);
  void tell_own(const Sight& sight);
  void tell_status(const store::MailboxInfo& info, const Known& before, const Known& after, Status status);
  async::Task<Result<>> tell_notes(const Sight& sight);
  async::Task<Result<std::map<store::MailboxId, Notes>>> read_notes();
  async::Task<Result<>> follow_owners(Sight& sight);

  Session& session_;
  const NotifyRequest request_;
  std::shared_ptr<store::Feed> feed_;
  std::uint64_t structure_ = 0;  ///< of the feed, when everything was looked at last
  Picture known_;
  std::set<std::string, Order> subscribed_;
  std::map<store::MailboxId, Notes> notes_;  ///< 0: of the server
  std::set<store::MailboxId> followed_;      ///< mailboxes of others whose owners are followed
  std::map<std::string, Own, std::less<>> own_;
  std::set<std::string, Order> told_;  ///< names in the comparison that runs
};

}  // namespace postern::imap
