// SPDX-License-Identifier: Apache-2.0
// METADATA on the wire (RFC 5464): which entries a client asks for, and the response that gives their values. GETMETADATA, LIST
// with RETURN (METADATA) and NOTIFY share it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "imap/grammar.h"
#include "imap/limits.h"
#include "imap/response.h"
#include "store/sharing.h"

namespace postern::imap {

struct EntryRequest {
  enum class Depth : std::uint8_t { itself, children, all };
  std::vector<std::string> entries;  ///< canonical
  Depth depth = Depth::itself;
  std::optional<std::uint64_t> max_size;  ///< octets; longer values are left out
};

/// entries = entry / "(" entry *(SP entry) ")". Faults go to the parser.
void parse_entries(Parser& in, std::vector<std::string>& out);
/// What of `all` a request speaks of; an entry that was named and has no value comes with none. `longest` gets the size of the
/// longest value that max_size left out.
std::vector<store::Annotation> choose_entries(const EntryRequest& request, const std::vector<store::Annotation>& all,
                                              std::uint64_t& longest);
/// "* METADATA "INBOX" (/private/comment "text" …)" with CRLF; nothing when there are no entries.
void append_annotations(std::string& out, std::string_view mailbox, NameForm names,
                        const std::vector<store::Annotation>& entries);

}  // namespace postern::imap
