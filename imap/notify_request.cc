// SPDX-License-Identifier: Apache-2.0
// The grammar of NOTIFY, and which group speaks of a mailbox.
#include "imap/notify_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "imap/limits.h"
#include "store/mailbox_name.h"
#include "store/sharing.h"

namespace postern::imap {
namespace {

using Filter = EventGroup::Filter;

constexpr unsigned message_events = message_new | message_expunge | flag_change;

constexpr std::array<std::pair<NotifyEvent, std::string_view>, 7> event_names = {
    {{message_new, "MessageNew"},
     {message_expunge, "MessageExpunge"},
     {flag_change, "FlagChange"},
     {mailbox_name, "MailboxName"},
     {subscription_change, "SubscriptionChange"},
     {mailbox_metadata_change, "MailboxMetadataChange"},
     {server_metadata_change, "ServerMetadataChange"}}};

constexpr std::array<std::pair<Filter, std::string_view>, 7> filter_names = {{{Filter::selected, "SELECTED"},
                                                                              {Filter::selected_delayed, "SELECTED-DELAYED"},
                                                                              {Filter::inboxes, "INBOXES"},
                                                                              {Filter::personal, "PERSONAL"},
                                                                              {Filter::subscribed, "SUBSCRIBED"},
                                                                              {Filter::subtree, "SUBTREE"},
                                                                              {Filter::mailboxes, "MAILBOXES"}}};

class GroupParser {
 public:
  GroupParser(Parser& in, unsigned known) : in_(in), known_(known) {}

  EventGroup group() {
    EventGroup out;
    in_.expect('(');
    filter(out);
    in_.sp();
    events(out);
    in_.expect(')');
    check(out);
    return out;
  }

 private:
  void filter(EventGroup& out) {
    const auto word = in_.atom();
    const auto found = std::ranges::find_if(filter_names, [&](const auto& one) { return ascii::iequals(one.second, word); });
    if (found == filter_names.end()) return in_.fail("Unknown mailbox specifier");
    out.filter = found->first;
    if (out.filter == Filter::subtree || out.filter == Filter::mailboxes) names(out);
  }

  // one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
  void names(EventGroup& out) {
    in_.sp();
    if (!in_.take('(')) return name(out);
    do name(out);
    while (in_.take(' '));
    in_.expect(')');
  }

  void name(EventGroup& out) {
    out.names.push_back(in_.mailbox());
    if (++names_ > limits::notify_names) in_.refuse(no("LIMIT", "Too many mailboxes in one NOTIFY"));
  }

  // events = ("(" event *(SP event) ")") / "NONE"
  void events(EventGroup& out) {
    if (in_.take_keyword("NONE")) return;
    in_.expect('(');
    do event(out);
    while (in_.take(' '));
    in_.expect(')');
  }

  void event(EventGroup& out) {
    const auto word = in_.atom();
    const auto found = std::ranges::find_if(event_names, [&](const auto& one) { return ascii::iequals(one.second, word); });
    if (!in_.ok()) return;
    if (found == event_names.end() || (found->first & known_) == 0) return in_.refuse(bad_event());
    out.events |= found->first;
    if (found->first != message_new || !in_.rest().starts_with(" (")) return;
    in_.sp();
    out.fetch = parse_fetch_list(in_);
  }

  // RFC 5465 §5: the code lists what there is.
  Reply bad_event() const {
    std::string names;
    for (const auto& [event, name] : event_names) {
      if ((event & known_) != 0) names.append(names.empty() ? "" : " ").append(name);
    }
    return no("BADEVENT (" + names + ")", "There is an event that this server does not tell");
  }

  // RFC 5465 §5 and §6.1
  void check(const EventGroup& group) {
    if (!in_.ok()) return;
    const bool arrivals = (group.events & message_new) != 0, expunges = (group.events & message_expunge) != 0;
    if (arrivals != expunges) in_.fail("MessageNew and MessageExpunge belong together");
    if ((group.events & flag_change) != 0 && !arrivals) in_.fail("FlagChange needs MessageNew and MessageExpunge");
    if (group.is_selected() && (group.events & ~message_events) != 0)
      in_.fail("The selected mailbox has events of messages only");
    if (group.fetch && !group.is_selected()) in_.fail("FETCH attributes are for the selected mailbox");
  }

  Parser& in_;
  const unsigned known_;
  std::size_t names_ = 0;
};

bool matches(const EventGroup& group, const NotifyTarget& target) {
  const auto below = [&](const std::string& name) { return target.name == name || store::is_below(target.name, name); };
  switch (group.filter) {
    case Filter::inboxes: return target.inbox && !target.foreign;
    case Filter::personal: return !target.foreign;
    case Filter::subscribed: return target.subscribed;
    case Filter::subtree: return std::ranges::any_of(group.names, below);
    case Filter::mailboxes: return std::ranges::find(group.names, target.name) != group.names.end();
    default: return false;
  }
}

}  // namespace

const EventGroup* NotifyRequest::selected() const {
  const auto found = std::ranges::find_if(groups, &EventGroup::is_selected);
  return found == groups.end() ? nullptr : &*found;
}

// RFC 5465 §6: several groups can apply to the same mailbox.
unsigned NotifyRequest::events_of(const NotifyTarget& target) const {
  unsigned out = no_event;
  for (const auto& group : groups) {
    if (!matches(group, target)) continue;
    if (group.events == no_event) break;
    out |= group.events;
  }
  return out;
}

unsigned NotifyRequest::all_events() const {
  unsigned out = no_event;
  for (const auto& group : groups) out |= group.is_selected() ? unsigned{no_event} : group.events;
  return out;
}

bool NotifyRequest::needs_foreign() const {
  return std::ranges::any_of(groups, [](const EventGroup& group) {
    const auto foreign = [](const std::string& name) { return store::parse_foreign(name, {}).has_value(); };
    return group.filter == Filter::subscribed || std::ranges::any_of(group.names, foreign);
  });
}

bool NotifyRequest::needs_subscriptions() const {
  const auto by_them = [](const EventGroup& group) { return group.filter == Filter::subscribed; };
  return (all_events() & (subscription_change | mailbox_name)) != 0 || std::ranges::any_of(groups, by_them);
}

// RFC 5465 §8: notify = "NOTIFY" SP (notify-set / "NONE"); notify-set = "SET" [SP "STATUS"] SP event-group *(SP event-group)
NotifyRequest parse_notify(Parser& in, unsigned known) {
  NotifyRequest out;
  in.sp();
  if (in.take_keyword("NONE")) {
    out.none = true;
    in.end();
    return out;
  }
  if (!in.take_keyword("SET")) in.fail("Expected SET or NONE");
  in.sp();
  if (in.take_keyword("STATUS")) {
    out.status = true;
    in.sp();
  }
  GroupParser groups(in, known);
  do {
    out.groups.push_back(groups.group());
    if (out.groups.size() > limits::notify_groups) in.refuse(no("LIMIT", "Too many groups of events"));
  } while (in.take(' '));
  in.end();
  // RFC 5465 §6.1
  if (std::ranges::count_if(out.groups, &EventGroup::is_selected) > 1) in.fail("One group is enough for the selected mailbox");
  return out;
}

}  // namespace postern::imap
