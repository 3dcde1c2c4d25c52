// SPDX-License-Identifier: Apache-2.0
// The grammar of LIST with selection options, several patterns and return options.
#include "imap/list_request.h"

#include "imap/limits.h"

namespace postern::imap {
namespace {

// RFC 5258 §6: list-select-opts = "(" [list-select-option *(SP list-select-option)] ")"
void parse_select(Parser& in, ListRequest& out) {
  in.expect('(');
  out.extended = true;
  if (in.take(')')) return;
  bool remote = false;
  do {
    if (in.take_keyword("SUBSCRIBED")) {
      out.only_subscribed = true;
    } else if (in.take_keyword("SPECIAL-USE")) {
      out.only_special_use = true;
    } else if (in.take_keyword("RECURSIVEMATCH")) {
      out.recursive_match = true;
    } else if (in.take_keyword("REMOTE")) {
      remote = true;  // every mailbox is local: the option changes nothing (RFC 5258 §3.1)
    } else {
      in.fail("Unknown selection option");
    }
  } while (in.take(' '));
  in.expect(')');
  // RFC 5258 §3.1: RECURSIVEMATCH needs an option that it can apply to.
  if (out.recursive_match && !out.only_subscribed)
    in.fail(remote ? "RECURSIVEMATCH needs more than REMOTE" : "RECURSIVEMATCH needs SUBSCRIBED");
}

// RFC 5258 §6: list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
void parse_return(Parser& in, ListRequest& out) {
  out.extended = true;
  if (!in.take_keyword("RETURN")) in.fail("Expected RETURN");
  in.sp();
  in.expect('(');
  if (in.take(')')) return;
  do {
    if (in.take_keyword("SUBSCRIBED")) {
      out.return_subscribed = true;
    } else if (in.take_keyword("STATUS")) {
      in.sp();
      out.return_status = parse_status_items(in);
    } else if (in.take_keyword("MYRIGHTS")) {
      out.return_rights = true;
    } else if (in.take_keyword("METADATA")) {
      in.sp();
      parse_entries(in, out.return_metadata.entries);
    } else if (!in.take_keyword("CHILDREN") && !in.take_keyword("SPECIAL-USE")) {  // both are always told
      in.fail("Unknown return option");
    }
  } while (in.take(' '));
  in.expect(')');
}

void add_pattern(Parser& in, std::string_view reference, ListRequest& out) {
  const auto text = in.list_mailbox();
  if (!in.ok()) return;
  if (out.patterns.size() == limits::list_patterns) return in.refuse(no("LIMIT", "Too many patterns"));
  out.asks_separator = text.empty();
  auto pattern = ListPattern::make(reference, text, in.names());
  if (!pattern) return in.refuse(no("CANNOT", "This is no valid pattern"));
  out.patterns.push_back(*std::move(pattern));
}

}  // namespace

bool ListRequest::matches(std::string_view name) const {
  return std::ranges::any_of(patterns, [name](const ListPattern& pattern) { return pattern.matches(name); });
}

// RFC 5258 §6: list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
ListRequest parse_list(Parser& in) {
  ListRequest out;
  in.sp();
  if (in.is('(')) {
    parse_select(in, out);
    in.sp();
  }
  const auto reference = in.astring();
  in.sp();
  if (in.take('(')) {
    out.extended = true;
    do add_pattern(in, reference, out);
    while (in.take(' '));
    in.expect(')');
    out.asks_separator = false;
  } else {
    add_pattern(in, reference, out);
  }
  if (in.ok() && !in.at_end()) {
    in.sp();
    parse_return(in, out);
  }
  in.end();
  if (out.extended) out.asks_separator = false;
  return out;
}

}  // namespace postern::imap
