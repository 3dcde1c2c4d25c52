// SPDX-License-Identifier: Apache-2.0
// SORT and UID SORT (RFC 5256), with the keys of RFC 5957 and the return options of RFC 5267 (ESORT).
#include "imap/search_answer.h"
#include "imap/searcher.h"
#include "imap/session.h"
#include "imap/sorter.h"

namespace postern::imap::commands {

// RFC 5256 §5: sort = ["UID" SP] "SORT" SP sort-criteria SP search-criteria; RFC 5267 §4: RETURN (…) may stand in front.
async::Task<Reply> sort(Session& session, Command& command) {
  auto& in = command.args;
  SearchProgram program;
  in.sp();
  program.returns = parse_search_returns(in);
  auto criteria = parse_sort_criteria(in);
  in.sp();
  parse_search_criteria(in, program);
  check_update(session, command, program, "CONTEXT=SORT");
  if (!in.ok()) co_return in.fault();
  if (program.uses_modseq) session.enable_condstore();
  Searcher searcher(session, program);
  MessageLimit limit(session);
  searcher.respect(limit);
  auto matches = co_await searcher.run();
  if (limit.has_stopped()) {
    if (program.returns.save) session.view().save({});
    co_return limit.refusal();
  }
  if (matches) {
    Sorter sorter(session, criteria);
    matches = co_await sorter.run(*std::move(matches));
  }
  if (!matches) {
    if (program.returns.save) session.view().save({});
    co_return search_failed(matches.error());
  }
  SearchAnswer(session, command, program, *matches).append("SORT");
  keep_updated(session, command, std::move(program), std::move(criteria), *matches);
  co_return ok("Done");
}

}  // namespace postern::imap::commands
