// SPDX-License-Identifier: Apache-2.0
// ESEARCH: one search over many mailboxes (RFC 7377). Nothing is selected for it; each mailbox is opened through the store like
// any other reader's, so that what may not be read is passed over without a word.
#include <algorithm>

#include "imap/search_answer.h"
#include "imap/search_source.h"
#include "imap/searcher.h"
#include "imap/session.h"
#include "store/sharing.h"

namespace postern::imap::commands {
namespace {

/// Keys that mean something only in the selected mailbox.
bool needs_selected(const SearchProgram& program) {
  return std::ranges::any_of(program.keys, [](const SearchKey& key) {
    return key.kind == SearchKey::Kind::set && (key.numbering == Numbering::sequence || key.set.is_saved());
  });
}

/// The mailboxes that the source means, but for the selected one; each once.
async::Task<Result<std::vector<store::MailboxInfo>>> find_mailboxes(Session& session, const SearchSource& source) {
  std::vector<store::MailboxInfo> out;
  if (source.rules.empty()) co_return out;
  auto own = co_await session.store().list();
  if (!own) co_return std::unexpected(own.error());
  auto foreign = co_await store::sharing_of(session.store()).shared_with_me();
  if (!foreign) co_return std::unexpected(foreign.error());
  std::vector<std::string> subscribed;
  if (source.has(SearchSource::Filter::subscribed)) {
    auto names = co_await session.store().subscriptions();
    if (!names) co_return std::unexpected(names.error());
    subscribed = *std::move(names);
    std::ranges::sort(subscribed);
  }
  const auto selected = session.is_selected() ? session.view().mailbox() : 0;
  for (auto* list : {&*own, &*foreign}) {
    for (auto& info : *list) {
      const SearchTarget target{info.name, list == &*own, std::ranges::binary_search(subscribed, info.name)};
      if (source.matches(target) && !(source.selected && info.id == selected)) out.push_back(std::move(info));
    }
  }
  co_return out;
}

/// A picture for the time of this command. Null when the mailbox went or may not be read.
async::Task<std::unique_ptr<View>> look_into(Session& session, const store::MailboxInfo& info) {
  auto watch = co_await session.store().open(info.id);
  if (!watch) co_return nullptr;
  auto snapshot = (*watch)->latest();
  if (!snapshot) co_return nullptr;
  const auto recent_above = snapshot->recent_uid;
  auto view = std::make_unique<View>(*std::move(watch), std::move(snapshot), Access::read_only);
  if (!session.revision2() && recent_above < UINT32_MAX) view->add_recent(recent_above + 1);
  co_return view;
}

// RFC 7377 §2.1: search-correlator =/ … "MAILBOX" SP mailbox "UIDVALIDITY" SP nz-number
std::string place_of(Session& session, const View& view, std::string_view name) {
  std::string out = " MAILBOX ";
  append_mailbox(out, name, session.names());
  fmt::format_to(std::back_inserter(out), " UIDVALIDITY {}", view.snapshot().uidvalidity);
  return out;
}

class MultiSearch {
 public:
  MultiSearch(Session& session, const Command& command, const SearchProgram& program)
      : session_(session), command_(command), program_(program), limit_(session) {}

  /// Why a search failed.
  Reply failed(const Error& error) const { return limit_.has_stopped() ? limit_.refusal() : search_failed(error); }
  /// Searches one mailbox and tells what was found; nothing is said of mailboxes without a match.
  async::Task<Result<>> run(View& view, std::string_view name) {
    Searcher searcher(session_, view, program_);
    searcher.respect(limit_);
    const auto matches = co_await searcher.run();
    if (!matches) co_return std::unexpected(matches.error());
    if (limit_.has_stopped()) co_return fail(ErrorKind::limit, "more messages than one command may look at");
    SearchAnswer answer(session_, view, command_, program_, *matches);
    answer.append_of(place_of(session_, view, name));
    co_await session_.flush_if_full();
    co_return Result<>();
  }

 private:
  Session& session_;
  const Command& command_;
  const SearchProgram& program_;
  MessageLimit limit_;
};

}  // namespace

// RFC 7377 §2.1: esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
async::Task<Reply> esearch(Session& session, Command& command) {
  auto& in = command.args;
  const auto source = parse_search_source(in);
  auto program = parse_search(in);
  if (!program.returns.extended) program.returns.extended = program.returns.all = true;
  if (session.utf8() && program.names_charset) in.fail("CHARSET is not allowed with UTF8=ACCEPT");
  if (source.selected && !session.is_selected()) in.fail("No mailbox is selected");
  if (!source.only_selected() && program.returns.save) in.fail("SAVE is for the selected mailbox alone");
  if (!source.only_selected() && needs_selected(program)) in.fail("Sequence numbers and $ are for the selected mailbox alone");
  if (!in.ok()) co_return in.fault();
  if (program.uses_modseq) session.enable_condstore();
  MultiSearch search(session, command, program);
  if (source.selected) {
    const auto done = co_await search.run(session.view(), session.view().name());
    if (!done && program.returns.save) session.view().save({});
    if (!done) co_return search.failed(done.error());
  }
  const auto mailboxes = co_await find_mailboxes(session, source);
  if (!mailboxes) co_return from_error(mailboxes.error());
  for (const auto& info : *mailboxes) {
    const auto view = co_await look_into(session, info);
    if (!view) continue;
    const auto done = co_await search.run(*view, info.name);
    const bool gone = !done && (done.error().kind == ErrorKind::not_found || done.error().kind == ErrorKind::denied);
    if (!done && !gone) co_return search.failed(done.error());
  }
  // RFC 5267 §4.3.1
  if (program.returns.update) session.tell_no_update(command.tag, "Results of ESEARCH are not kept up to date");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
