// SPDX-License-Identifier: Apache-2.0
// What FETCH asks for, parsed: items with their labels ready to print, macros expanded, modifiers read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imap/grammar.h"
#include "imap/search_return.h"
#include "mime/section.h"
#include "store/ids.h"

namespace postern::imap {

/// "<origin.count>" behind a section.
struct Partial {
  std::uint64_t origin = 0;  ///< up to 2^63-1 (RFC 9051 §9: partial)
  std::uint64_t count = 0;   ///< above 0
  bool operator==(const Partial&) const = default;
};

/// BODY[…]: which octets of the message.
struct Section {
  enum class Filter : std::uint8_t { none, only, except };  ///< HEADER.FIELDS and HEADER.FIELDS.NOT
  std::vector<std::uint32_t> path;
  mime::SectionKind kind = mime::SectionKind::whole;
  Filter filter = Filter::none;
  std::vector<std::string> fields;
  std::optional<Partial> partial;
  bool operator==(const Section&) const = default;
};

struct FetchItem {
  enum class Kind : std::uint8_t {
    flags,
    uid,
    modseq,
    internal_date,
    size,
    envelope,
    body_structure,
    body,
    section,
    binary,
    binary_size,
    preview,
    save_date,
    email_id,
    thread_id
  };
  Kind kind = Kind::flags;
  Section section;    ///< for Kind::section; of binary and binary_size path and partial
  std::string label;  ///< for the same: "BODY[HEADER]<0>", "RFC822.TEXT", "BINARY.SIZE[2]"
  bool operator==(const FetchItem&) const = default;
};

struct FetchRequest {
  std::vector<FetchItem> items;
  bool sets_seen = false;  ///< a section without PEEK is asked for
  std::optional<store::ModSeq> changed_since;
  bool vanished = false;                ///< RFC 7162 §3.2.6: also tell what went since
  std::optional<PartialRange> partial;  ///< RFC 9394: of the messages that are left, these only

  bool has(FetchItem::Kind kind) const;
  /// SAVEDATE or EMAILID: what store/particulars.h knows.
  bool needs_particulars() const { return has(FetchItem::Kind::save_date) || has(FetchItem::Kind::email_id); }
  /// More than what a list of messages shows.
  bool reads_bodies() const;
  /// Adds an item once, at the front.
  void require(FetchItem::Kind kind);
};

/// "(" fetch-att *(SP fetch-att) ")" alone, as NOTIFY has it (RFC 5465 §8). Faults go to the parser.
FetchRequest parse_fetch_list(Parser& in);
/// RFC 3501 §6.4.5: "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")", then the modifiers of RFC 4466
/// and RFC 7162. The parser stands before the first item. Faults go to the parser.
FetchRequest parse_fetch(Parser& in);

}  // namespace postern::imap
