// SPDX-License-Identifier: Apache-2.0
// The arguments of LIST in its basic and extended forms (RFC 3501 §6.3.8, RFC 5258, RFC 5819, RFC 6154).
#pragma once

#include <string>
#include <vector>

#include "imap/annotations.h"
#include "imap/grammar.h"
#include "imap/mailbox_name.h"
#include "imap/status_item.h"

namespace postern::imap {

struct ListRequest {
  // selection options
  bool only_subscribed = false;
  bool only_special_use = false;
  bool recursive_match = false;
  // return options
  bool return_subscribed = false;
  StatusItems return_status;
  bool return_rights = false;    ///< RFC 8440
  EntryRequest return_metadata;  ///< RFC 9590; without entries nobody asked

  bool extended = false;        ///< options or several patterns were given
  bool asks_separator = false;  ///< the one pattern is empty
  std::vector<ListPattern> patterns;

  bool matches(std::string_view name) const;
};

/// Everything behind "LIST". Faults go to the parser.
ListRequest parse_list(Parser& in);

}  // namespace postern::imap
