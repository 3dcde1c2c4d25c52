// SPDX-License-Identifier: Apache-2.0
// SEARCH and UID SEARCH, with ESEARCH (RFC 4731) and SEARCHRES (RFC 5182).
#include "imap/searcher.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

class Answer {
 public:
  Answer(Session& session, const Command& command, const SearchProgram& program, const std::vector<std::size_t>& matches)
      : session_(session), command_(command), program_(program), matches_(matches) {}

  void append() {
    const auto& wanted = program_.returns;
    if (wanted.save) save();
    if (!wanted.extended) return append_search();
    if (wanted.min || wanted.max || wanted.all || wanted.count) append_esearch();
  }

 private:
  const store::Row& row(std::size_t index) const { return session_.view().snapshot().row(index); }
  std::uint32_t number(std::size_t index) const {
    return command_.numbering() == Numbering::uid ? row(index).uid : static_cast<std::uint32_t>(index + 1);
  }

  /// RFC 7162 §3.1.10: the highest mod-sequence of what is told.
  store::ModSeq highest() const {
    const auto& wanted = program_.returns;
    store::ModSeq out = 0;
    if (wanted.extended && !wanted.all && !wanted.count) {
      if (wanted.min) out = row(matches_.front()).modseq;
      if (wanted.max) out = std::max(out, row(matches_.back()).modseq);
      return out;
    }
    for (const auto index : matches_) out = std::max(out, row(index).modseq);
    return out;
  }

  // RFC 3501 §7.2.5, RFC 7162 §3.1.5
  void append_search() {
    auto& out = session_.out();
    out.append("* SEARCH");
    for (const auto index : matches_) {
      out += ' ';
      append_number(out, number(index));
    }
    if (program_.uses_modseq && !matches_.empty()) fmt::format_to(std::back_inserter(out), " (MODSEQ {})", highest());
    out.append("\r\n");
  }

  // RFC 4731 §3.1: esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
  void append_esearch() {
    auto& out = session_.out();
    const auto& wanted = program_.returns;
    out.append("* ESEARCH (TAG ");
    append_string(out, command_.tag);
    out += ')';
    if (command_.numbering() == Numbering::uid) out.append(" UID");
    auto to = std::back_inserter(out);
    if (wanted.min && !matches_.empty()) fmt::format_to(to, " MIN {}", number(matches_.front()));
    if (wanted.max && !matches_.empty()) fmt::format_to(to, " MAX {}", number(matches_.back()));
    if (wanted.all && !matches_.empty()) fmt::format_to(to, " ALL {}", all());
    if (wanted.count) fmt::format_to(to, " COUNT {}", matches_.size());
    if (program_.uses_modseq && !matches_.empty()) fmt::format_to(to, " MODSEQ {}", highest());
    out.append("\r\n");
  }

  std::string all() const {
    store::UidSet numbers;
    for (const auto index : matches_) numbers.add(number(index));
    return numbers.to_string();
  }

  // RFC 5182 §2.4: MIN and MAX alone save just what they tell.
  void save() {
    const auto& wanted = program_.returns;
    store::UidSet uids;
    const bool only_ends = (wanted.min || wanted.max) && !wanted.all && !wanted.count;
    for (std::size_t i = 0; i < matches_.size(); ++i) {
      const bool end = (wanted.min && i == 0) || (wanted.max && i + 1 == matches_.size());
      if (!only_ends || end) uids.add(row(matches_[i]).uid);
    }
    session_.view().save(std::move(uids));
  }

  Session& session_;
  const Command& command_;
  const SearchProgram& program_;
  const std::vector<std::size_t>& matches_;
};

Reply failed(const Error& error) {
  if (error.kind == ErrorKind::invalid) return bad("No message of this number");
  if (error.kind == ErrorKind::limit) return no("LIMIT", "Too much text to search at once, narrow the search");
  return from_error(error);
}

}  // namespace

// RFC 3501 §6.4.4
async::Task<Reply> search(Session& session, Command& command) {
  const auto program = parse_search(command.args);
  if (!command.args.ok()) co_return command.args.fault();
  if (program.uses_modseq) session.enable_condstore();
  Searcher searcher(session, program);
  const auto matches = co_await searcher.run();
  if (!matches) {
    // RFC 5182 §2.1: a search that fails leaves an empty result.
    if (program.returns.save) session.view().save({});
    co_return failed(matches.error());
  }
  Answer(session, command, program, *matches).append();
  co_return ok("Done");
}

}  // namespace postern::imap::commands
