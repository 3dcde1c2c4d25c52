// SPDX-License-Identifier: Apache-2.0
// The grammar of mailbox filters, and what they match.
#include "imap/search_source.h"

#include <algorithm>

#include "base/ascii.h"
#include "imap/limits.h"
#include "store/mailbox_name.h"

namespace postern::imap {
namespace {

using Filter = SearchSource::Filter;

/// True when `name` is a child of `parent`, with no level between them.
bool is_child(std::string_view name, std::string_view parent) {
  const auto last = name.rfind(store::hierarchy_separator);
  if (parent.empty()) return last == std::string_view::npos;
  return last != std::string_view::npos && name.substr(0, last) == parent;
}

bool is_under(std::string_view name, std::string_view root) {
  return root.empty() || name == root || store::is_below(name, root);
}

/// The root of a subtree may be the empty name.
void parse_name(Parser& in, Filter filter, SearchSource& out) {
  if (out.rules.size() == limits::search_sources) return in.refuse(no("LIMIT", "Too many mailboxes are named"));
  const auto wire = in.astring();
  if (!in.ok()) return;
  if (wire.empty() && filter != Filter::mailbox) {
    out.rules.push_back({filter, {}});
    return;
  }
  auto name = decode_mailbox_name(wire, in.names());
  if (!name) return in.refuse(no("CANNOT", "This is no valid mailbox name"));
  out.rules.push_back({filter, *std::move(name)});
}

// RFC 5465 §8: one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
void parse_names(Parser& in, Filter filter, SearchSource& out) {
  in.sp();
  if (!in.take('(')) return parse_name(in, filter, out);
  do parse_name(in, filter, out);
  while (in.take(' '));
  in.expect(')');
}

// RFC 5465 §6, with "subtree-one" of RFC 7377 §2.2. Mail is delivered to any mailbox, so "inboxes" are all personal ones
// (RFC 5465 §6.3).
void parse_filter(Parser& in, SearchSource& out) {
  if (in.take_keyword("selected") || in.take_keyword("selected-delayed")) {
    out.selected = true;
  } else if (in.take_keyword("personal") || in.take_keyword("inboxes")) {
    out.rules.push_back({Filter::personal});
  } else if (in.take_keyword("subscribed")) {
    out.rules.push_back({Filter::subscribed});
  } else if (in.take_keyword("subtree-one")) {
    parse_names(in, Filter::subtree_one, out);
  } else if (in.take_keyword("subtree")) {
    parse_names(in, Filter::subtree, out);
  } else if (in.take_keyword("mailboxes")) {
    parse_names(in, Filter::mailbox, out);
  } else {
    in.fail("Unknown mailbox filter");
  }
}

}  // namespace

bool SearchSource::has(Filter filter) const { return std::ranges::find(rules, filter, &Rule::filter) != rules.end(); }

bool SearchSource::matches(const SearchTarget& target) const {
  return std::ranges::any_of(rules, [&target](const Rule& rule) {
    switch (rule.filter) {
      case Filter::personal: return target.own;
      case Filter::subscribed: return target.subscribed;
      case Filter::subtree: return is_under(target.name, rule.name);
      case Filter::subtree_one: return target.name == rule.name || is_child(target.name, rule.name);
      case Filter::mailbox: return target.name == rule.name;
    }
    return false;
  });
}

SearchSource parse_search_source(Parser& in) {
  SearchSource out;
  if (!ascii::istarts_with(in.rest(), " IN ")) {
    out.selected = true;
    return out;
  }
  in.sp();
  in.take_keyword("IN");
  in.sp();
  in.expect('(');
  do parse_filter(in, out);
  while (in.take(' '));
  in.expect(')');
  return out;
}

}  // namespace postern::imap
