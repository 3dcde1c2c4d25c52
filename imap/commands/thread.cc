// SPDX-License-Identifier: Apache-2.0
// THREAD and UID THREAD (RFC 5256) with ORDEREDSUBJECT and REFERENCES.
#include "async/together.h"
#include "imap/base_subject.h"
#include "imap/info_pages.h"
#include "imap/limits.h"
#include "imap/search_answer.h"
#include "imap/searcher.h"
#include "imap/threads.h"
#include "mime/header.h"
#include "mime/part_codec.h"

namespace postern::imap::commands {
namespace {

enum class Algorithm : std::uint8_t { ordered_subject, references };

Algorithm read_algorithm(Parser& in) {
  if (in.take_keyword("REFERENCES")) return Algorithm::references;
  if (!in.take_keyword("ORDEREDSUBJECT")) in.fail("Unknown threading algorithm");
  return Algorithm::ordered_subject;
}

std::string references_in(std::string_view block) {
  std::size_t position = 0;
  while (const auto field = mime::next_field(block, position)) {
    if (field->is("References")) return field->value();
  }
  return {};
}

/// The References field of a message, which the cached envelope has not.
async::Task<Result<std::string>> references_field(const store::MessageInfo& info, Message& message) {
  if (const auto listed = mime::listed_fields_in(info.meta.parts); !listed.empty()) co_return references_in(listed);
  const auto size = co_await message.header_size();
  if (!size) co_return std::unexpected(size.error());
  const auto block = co_await message.read_all({0, *size}, mime::max_header_block);
  if (!block) co_return std::unexpected(block.error());
  co_return references_in(*block);
}

class Threader {
 public:
  Threader(Session& session, const Command& command, Algorithm algorithm)
      : session_(session), command_(command), algorithm_(algorithm) {}

  async::Task<Result<ThreadTree>> run(const std::vector<std::size_t>& matches) {
    const bool references = algorithm_ == Algorithm::references;
    const auto fields =
        static_cast<store::MetaFields>(store::meta_envelope | (references ? store::meta_parts : store::meta_none));
    InfoPages pages(session_, matches,
                    {.fields = fields, .octets = references ? limits::usual_header : 0, .lists_only = references});
    for (;;) {
      const auto more = co_await pages.next();
      if (!more) co_return std::unexpected(more.error());
      if (!*more) break;
      Result<> done;
      // While this page is threaded, the store reads the next one.
      co_await async::together(async::all(pages.read_on(), add_page(pages, done)));
      if (!done) co_return std::unexpected(done.error());
    }
    co_return algorithm_ == Algorithm::references ? by_references_.finish() : by_subject_.finish();
  }

 private:
  bool is_too_much() const {
    return by_references_.octets() + by_subject_.octets() > limits::thread_text || by_references_.steps() > limits::thread_steps;
  }

  /// The outcome is left in `done`.
  async::Task<> add_page(InfoPages& pages, Result<>& done) {
    for (const auto& entry : pages.page()) {
      if (entry.info == nullptr) continue;
      done = co_await add(pages, entry);
      if (!done && done.error().kind != ErrorKind::not_found) co_return;
      done = {};
      if (!is_too_much()) continue;
      done = fail(ErrorKind::limit, "the threads take too much memory or time");
      co_return;
    }
  }

  async::Task<Result<>> add(InfoPages& pages, const InfoPages::Entry& entry) {
    auto message = co_await pages.message(entry);
    const auto envelope = co_await envelope_of(message);
    if (!envelope) co_return std::unexpected(envelope.error());
    auto subject = base_subject(envelope->subject());
    ThreadMessage out{.number = number(entry.index),
                      .sent = envelope->sent_at().value_or(entry.info->internal_date),
                      .subject = std::move(subject.text),
                      .is_reply = subject.is_reply};
    if (algorithm_ == Algorithm::ordered_subject) {
      by_subject_.add(std::move(out));
      co_return Result<>();
    }
    auto ids = message_ids(envelope->message_id());
    if (!ids.empty()) out.id = std::move(ids.front());
    const auto field = co_await references_field(*entry.info, message);
    if (!field) co_return std::unexpected(field.error());
    out.references = message_ids(*field);
    // RFC 5256 §3: without valid References the first id of In-Reply-To is the parent.
    if (out.references.empty()) {
      out.references = message_ids(envelope->in_reply_to());
      if (out.references.size() > 1) out.references.resize(1);
    }
    by_references_.add(std::move(out));
    co_return Result<>();
  }

  std::uint32_t number(std::size_t index) const {
    if (command_.numbering() == Numbering::uid) return session_.view().snapshot().row(index).uid;
    return static_cast<std::uint32_t>(index + 1);
  }

  Session& session_;
  const Command& command_;
  const Algorithm algorithm_;
  ReferenceThreads by_references_;
  SubjectThreads by_subject_;
};

}  // namespace

// RFC 5256 §5: thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
async::Task<Reply> thread(Session& session, Command& command) {
  auto& in = command.args;
  SearchProgram program;
  in.sp();
  const auto algorithm = read_algorithm(in);
  in.sp();
  parse_search_criteria(in, program);
  if (!in.ok()) co_return in.fault();
  if (program.uses_modseq) session.enable_condstore();
  Searcher searcher(session, program);
  MessageLimit limit(session);
  searcher.respect(limit);
  const auto matches = co_await searcher.run();
  if (limit.has_stopped()) co_return limit.refusal();
  if (!matches) co_return search_failed(matches.error());
  Threader threader(session, command, algorithm);
  const auto tree = co_await threader.run(*matches);
  if (!tree) co_return search_failed(tree.error());
  // RFC 5256 §4: thread-data = "THREAD" [SP 1*thread-list]
  session.out().append(tree->roots.empty() ? "* THREAD" : "* THREAD ");
  for (const auto root : tree->roots) {
    tree->append(session.out(), root);
    co_await session.flush_if_full();
  }
  session.out().append("\r\n");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
