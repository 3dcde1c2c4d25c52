// SPDX-License-Identifier: Apache-2.0
// SearchAnswer: the untagged response to SEARCH and SORT, and the result that SAVE keeps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imap/search_key.h"
#include "imap/session.h"
#include "imap/sorter.h"

namespace postern::imap {

class SearchAnswer {
 public:
  /// `matches`: indexes of rows, ascending, or in the order of SORT. All must outlive this.
  SearchAnswer(Session& session, const Command& command, const SearchProgram& program, const std::vector<std::size_t>& matches)
      : SearchAnswer(session, session.view(), command, program, matches) {}
  /// The same for rows of another view of this session.
  SearchAnswer(Session& session, View& view, const Command& command, const SearchProgram& program,
               const std::vector<std::size_t>& matches);

  /// Appends "* ESEARCH …" when RETURN was given, else "* <response> 2 3 5", and saves what SAVE asks for.
  void append(std::string_view response);
  /// The same for ESEARCH over several mailboxes: `place` goes behind the tag (RFC 7377 §2.1). Without a match nothing is said.
  void append_of(std::string_view place);

 private:
  std::uint32_t number(std::size_t index) const;
  const store::Row& row(std::size_t index) const;
  store::ModSeq highest() const;
  void append_plain(std::string_view response);
  void append_extended(std::string_view place = {});
  std::string numbers(std::size_t begin, std::size_t end) const;
  void save();

  Session& session_;
  View& view_;
  const Command& command_;
  const SearchProgram& program_;
  const std::vector<std::size_t>& matches_;
};

/// Refuses UPDATE (RFC 5267 §4.3) when CONTEXT is off, or the tag is one whose result is kept up to date already. `capability`:
/// "CONTEXT=SEARCH". Faults go to the parser.
void check_update(Session& session, Command& command, const SearchProgram& program, std::string_view capability);
/// Changes of the result are told from now on, or NOUPDATE says that they are not. `order`: of SORT.
void keep_updated(Session& session, const Command& command, SearchProgram program, std::vector<SortCriterion> order,
                  const std::vector<std::size_t>& matches);

/// What a client is told of a search that failed.
Reply search_failed(const Error& error);

}  // namespace postern::imap
