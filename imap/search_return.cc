// SPDX-License-Identifier: Apache-2.0
// The grammar of RETURN options, and where a partial range lies in a result.
#include "imap/search_return.h"

#include <algorithm>

#include "imap/fetch_item.h"

namespace postern::imap {
namespace {

// RFC 5465 §8: modifier-update =/ "UPDATE" [SP "(" fetch-att *(SP fetch-att) ")"]
void parse_update_fetch(Parser& in, SearchReturn& out) {
  if (!in.rest().starts_with(" (")) return;
  in.sp();
  out.update_fetch = std::make_shared<const FetchRequest>(parse_fetch_list(in));
}

void parse_option(Parser& in, SearchReturn& out) {
  if (in.take_keyword("MIN")) {
    out.min = true;
  } else if (in.take_keyword("MAX")) {
    out.max = true;
  } else if (in.take_keyword("ALL")) {
    out.all = true;
  } else if (in.take_keyword("COUNT")) {
    out.count = true;
  } else if (in.take_keyword("SAVE")) {
    out.save = true;
  } else if (in.take_keyword("UPDATE")) {
    out.update = true;
    parse_update_fetch(in, out);
  } else if (in.take_keyword("CONTEXT")) {
    // RFC 5267 §4.2: only a hint that the result will be asked for again
  } else if (in.take_keyword("PARTIAL")) {
    if (out.partial) in.fail("PARTIAL is allowed once");
    in.sp();
    out.partial = parse_partial_range(in);
  } else {
    in.fail("Unknown search return option");
  }
}

}  // namespace

std::pair<std::size_t, std::size_t> PartialRange::of(std::size_t total) const {
  const auto begin = std::min<std::size_t>(first - 1, total), end = std::min<std::size_t>(last, total);
  if (!from_end) return {begin, end};
  return {total - end, total - begin};
}

std::string PartialRange::to_string() const {
  const auto* sign = from_end ? "-" : "";
  return fmt::format("{}{}:{}{}", sign, first, sign, last);
}

// RFC 9394 §4: partial-range = partial-range-first / partial-range-last; partial-range-first = nz-number ":" nz-number;
//              partial-range-last = "-" nz-number ":" "-" nz-number
PartialRange parse_partial_range(Parser& in) {
  PartialRange out;
  out.from_end = in.take('-');
  out.first = in.nz_number();
  in.expect(':');
  if (out.from_end) in.expect('-');
  out.last = in.nz_number();
  if (out.first > out.last) std::swap(out.first, out.last);
  return out;
}

// RFC 4731 §3.1: "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"; an empty list means ALL.
// RFC 9394 §3.1: PARTIAL and ALL exclude each other.
SearchReturn parse_search_returns(Parser& in) {
  SearchReturn out;
  if (!in.take_keyword("RETURN")) return out;
  out.extended = true;
  in.sp();
  in.expect('(');
  if (in.take(')')) {
    out.all = true;
  } else {
    do parse_option(in, out);
    while (in.take(' '));
    in.expect(')');
  }
  if (out.all && out.partial) in.fail("ALL and PARTIAL exclude each other");
  in.sp();
  return out;
}

}  // namespace postern::imap
