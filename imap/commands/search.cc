// SPDX-License-Identifier: Apache-2.0
// SEARCH and UID SEARCH, with ESEARCH (RFC 4731), SEARCHRES (RFC 5182) and PARTIAL (RFC 9394).
#include <algorithm>

#include "imap/search_answer.h"
#include "imap/searcher.h"
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 3501 §6.4.4
async::Task<Reply> search(Session& session, Command& command) {
  auto program = parse_search(command.args);
  // RFC 9051 §6.4.4: the answer is ESEARCH, whether RETURN was given or not.
  if (session.revision2() && !program.returns.extended) program.returns.extended = program.returns.all = true;
  // RFC 6855 §3: after ENABLE UTF8=ACCEPT there is only UTF-8.
  if (session.utf8() && program.names_charset) command.args.fail("CHARSET is not allowed with UTF8=ACCEPT");
  check_update(session, command, program, "CONTEXT=SEARCH");
  if (!command.args.ok()) co_return command.args.fault();
  if (program.uses_modseq) session.enable_condstore();
  Searcher searcher(session, program);
  MessageLimit limit(session);
  searcher.respect(limit);
  auto matches = co_await searcher.run();
  if (!matches) {
    // RFC 5182 §2.1: a search that fails leaves an empty result.
    if (program.returns.save) session.view().save({});
    co_return search_failed(matches.error());
  }
  if (limit.has_stopped() && !program.returns.extended) std::ranges::reverse(*matches);
  SearchAnswer(session, command, program, *matches).append("SEARCH");
  if (!limit.has_stopped()) {
    keep_updated(session, command, std::move(program), {}, *matches);
  } else if (program.returns.update) {
    session.tell_no_update(command.tag, "Results of a search that stopped at the limit of messages are not kept up to date");
  }
  co_return limit.tell(session, ok("Done"));
}

}  // namespace postern::imap::commands
