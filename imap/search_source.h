// SPDX-License-Identifier: Apache-2.0
// Where ESEARCH searches (RFC 7377 §2.2): filters that name mailboxes, read from "IN (…)" and held against the mailboxes there
// are. What does not exist is never an error; rights are the store's matter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imap/grammar.h"

namespace postern::imap {

/// A mailbox as the filters look at it.
struct SearchTarget {
  std::string_view name;
  bool own = false;
  bool subscribed = false;
};

struct SearchSource {
  enum class Filter : std::uint8_t { personal, subscribed, subtree, subtree_one, mailbox };
  struct Rule {
    Filter filter = Filter::mailbox;
    std::string name{};  ///< of subtree, subtree_one and mailbox; an empty root is above all
  };
  bool selected = false;  ///< the selected mailbox, too
  std::vector<Rule> rules;

  /// Nothing but the selected mailbox: its sequence numbers and saved result may be used.
  bool only_selected() const { return rules.empty(); }
  bool has(Filter filter) const;
  bool matches(const SearchTarget& target) const;
};

/// [SP "IN" SP "(" filter-mailboxes *(SP filter-mailboxes) ")"]; without it the selected mailbox is meant. Faults go to the
/// parser.
SearchSource parse_search_source(Parser& in);

}  // namespace postern::imap
