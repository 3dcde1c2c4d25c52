// SPDX-License-Identifier: Apache-2.0
// The arguments of NOTIFY (RFC 5465 §8): groups of events, each for some mailboxes. Several groups may speak of one mailbox,
// whose events are then those of all of them (§6); a group with NONE says that those behind it do not count for its mailboxes.
// The selected mailbox has a group of its own for its messages (§6.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imap/fetch_item.h"
#include "imap/grammar.h"

namespace postern::imap {

/// Events of RFC 5465 §5, as bits.
enum NotifyEvent : unsigned {
  no_event = 0,
  message_new = 1,
  message_expunge = 2,
  flag_change = 4,
  mailbox_name = 8,
  subscription_change = 16,
  mailbox_metadata_change = 32,
  server_metadata_change = 64
};

/// "(" filter-mailboxes SP events ")"
struct EventGroup {
  enum class Filter : std::uint8_t { selected, selected_delayed, inboxes, personal, subscribed, subtree, mailboxes };
  Filter filter = Filter::selected;
  std::vector<std::string> names;     ///< of subtree and mailboxes, as the store knows them
  unsigned events = no_event;         ///< bits of NotifyEvent
  std::optional<FetchRequest> fetch;  ///< what to tell of new messages in the selected mailbox

  bool is_selected() const { return filter == Filter::selected || filter == Filter::selected_delayed; }
};

/// A mailbox as the filters look at it.
struct NotifyTarget {
  std::string_view name;
  bool foreign = false;  ///< somebody else's
  bool inbox = false;    ///< mail is delivered to it
  bool subscribed = false;
};

struct NotifyRequest {
  bool none = false;    ///< NOTIFY NONE
  bool status = false;  ///< STATUS is wanted at once
  std::vector<EventGroup> groups;

  /// The group of the selected mailbox, or null.
  const EventGroup* selected() const;
  /// Bits of NotifyEvent for a mailbox that is not selected.
  unsigned events_of(const NotifyTarget& target) const;
  /// All events that are asked for, but for the selected mailbox's.
  unsigned all_events() const;
  /// Whether mailboxes of others, or subscriptions, matter to the filters.
  bool needs_foreign() const;
  bool needs_subscriptions() const;
};

/// Everything behind "NOTIFY". An event that is not in `known` (bits of NotifyEvent) is NO [BADEVENT (…)]. Faults go to the
/// parser.
NotifyRequest parse_notify(Parser& in, unsigned known);

}  // namespace postern::imap
