// SPDX-License-Identifier: Apache-2.0
// SEARCH, SORT and ESEARCH responses.
#include "imap/search_answer.h"

#include <algorithm>

#include "imap/capabilities.h"
#include "imap/contexts.h"

namespace postern::imap {
namespace {

/// Numbers in the given order; runs that rise by one become ranges, so that the order can be read back (RFC 5267 §3).
class RunWriter {
 public:
  explicit RunWriter(std::string& out) : out_(out) {}
  void add(std::uint32_t number) {
    if (count_ != 0 && number == last_ + 1) {
      last_ = number;
      return;
    }
    end_run();
    first_ = last_ = number;
    ++count_;
  }
  void end_run() {
    if (count_ == 0) return;
    if (count_ > 1) out_ += ',';
    append_number(out_, first_);
    if (last_ == first_) return;
    out_ += ':';
    append_number(out_, last_);
  }

 private:
  std::string& out_;
  std::uint32_t first_ = 0;
  std::uint32_t last_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

SearchAnswer::SearchAnswer(Session& session, View& view, const Command& command, const SearchProgram& program,
                           const std::vector<std::size_t>& matches)
    : session_(session), view_(view), command_(command), program_(program), matches_(matches) {}

void SearchAnswer::append(std::string_view response) {
  const auto& wanted = program_.returns;
  if (wanted.save) save();
  if (!wanted.extended) return append_plain(response);
  if (wanted.min || wanted.max || wanted.all || wanted.count || wanted.partial) append_extended();
}

void SearchAnswer::append_of(std::string_view place) {
  const auto& wanted = program_.returns;
  if (wanted.save) save();
  const bool tells = wanted.min || wanted.max || wanted.all || wanted.count || wanted.partial;
  if (tells && !matches_.empty()) append_extended(place);
}

const store::Row& SearchAnswer::row(std::size_t index) const { return view_.snapshot().row(index); }

std::uint32_t SearchAnswer::number(std::size_t index) const {
  return command_.numbering() == Numbering::uid ? row(index).uid : static_cast<std::uint32_t>(index + 1);
}

/// RFC 7162 §3.1.10: the highest mod-sequence of what is told.
store::ModSeq SearchAnswer::highest() const {
  const auto& wanted = program_.returns;
  store::ModSeq out = 0;
  const auto take = [&](std::size_t begin, std::size_t end) {
    for (auto i = begin; i < end; ++i) out = std::max(out, row(matches_[i]).modseq);
  };
  if (!wanted.extended || wanted.all || wanted.count) {
    take(0, matches_.size());
    return out;
  }
  if (wanted.min) take(0, 1);
  if (wanted.max) take(matches_.size() - 1, matches_.size());
  if (wanted.partial) {
    const auto [begin, end] = wanted.partial->of(matches_.size());
    take(begin, end);
  }
  return out;
}

// RFC 3501 §7.2.5, RFC 5256 §4, RFC 7162 §3.1.5 and §3.1.6
void SearchAnswer::append_plain(std::string_view response) {
  auto& out = session_.out();
  out.append("* ").append(response);
  for (const auto index : matches_) {
    out += ' ';
    append_number(out, number(index));
  }
  if (program_.uses_modseq && !matches_.empty()) fmt::format_to(std::back_inserter(out), " (MODSEQ {})", highest());
  out.append("\r\n");
}

// RFC 4731 §3.1: esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
void SearchAnswer::append_extended(std::string_view place) {
  auto& out = session_.out();
  const auto& wanted = program_.returns;
  out.append("* ESEARCH (TAG ");
  append_string(out, command_.tag);
  out.append(place).append(")");
  if (command_.numbering() == Numbering::uid) out.append(" UID");
  auto to = std::back_inserter(out);
  if (wanted.min && !matches_.empty()) fmt::format_to(to, " MIN {}", number(matches_.front()));
  if (wanted.max && !matches_.empty()) fmt::format_to(to, " MAX {}", number(matches_.back()));
  if (wanted.all && !matches_.empty()) fmt::format_to(to, " ALL {}", numbers(0, matches_.size()));
  if (wanted.partial) {
    // RFC 9394 §3.1: "PARTIAL" SP "(" partial-range SP (sequence-set / nil) ")"
    const auto [begin, end] = wanted.partial->of(matches_.size());
    fmt::format_to(to, " PARTIAL ({} {})", wanted.partial->to_string(), begin == end ? "NIL" : numbers(begin, end));
  }
  if (wanted.count) fmt::format_to(to, " COUNT {}", matches_.size());
  if (program_.uses_modseq && !matches_.empty() && highest() != 0) fmt::format_to(to, " MODSEQ {}", highest());
  out.append("\r\n");
}

std::string SearchAnswer::numbers(std::size_t begin, std::size_t end) const {
  std::string out;
  RunWriter runs(out);
  for (auto i = begin; i < end; ++i) runs.add(number(matches_[i]));
  runs.end_run();
  return out;
}

// RFC 5182 §2.4 and RFC 9394 §3.2: MIN, MAX and PARTIAL without ALL and COUNT save just what they tell.
void SearchAnswer::save() {
  const auto& wanted = program_.returns;
  const bool some = (wanted.min || wanted.max || wanted.partial) && !wanted.all && !wanted.count;
  std::vector<store::Uid> kept;
  const auto keep = [&](std::size_t begin, std::size_t end) {
    for (auto i = begin; i < end; ++i) kept.push_back(row(matches_[i]).uid);
  };
  if (!some) keep(0, matches_.size());
  if (some && !matches_.empty()) {
    if (wanted.min) keep(0, 1);
    if (wanted.max) keep(matches_.size() - 1, matches_.size());
    if (wanted.partial) {
      const auto [begin, end] = wanted.partial->of(matches_.size());
      keep(begin, end);
    }
  }
  std::ranges::sort(kept);
  store::UidSet uids;
  for (const auto uid : kept) uids.add(uid);
  view_.save(std::move(uids));
}

void check_update(Session& session, Command& command, const SearchProgram& program, std::string_view capability) {
  if (!program.returns.update) return;
  if (is_capability_off(*session.config(), session.capabilities_off(), capability)) {
    command.args.fail("Unknown search return option");
  } else if (program.returns.update_fetch && is_capability_off(*session.config(), session.capabilities_off(), "NOTIFY")) {
    command.args.fail("UPDATE takes no FETCH attributes here");
  } else if (session.contexts().has(command.tag)) {
    command.args.fail("Changes of the result of this tag are told already");
  }
}

void keep_updated(Session& session, const Command& command, SearchProgram program, std::vector<SortCriterion> order,
                  const std::vector<std::size_t>& matches) {
  if (!program.returns.update) return;
  if (!can_be_updated(program)) {
    return session.tell_no_update(command.tag, "Results by sequence number, by age or of a saved search are not kept up to date");
  }
  Context context{command.tag, command.numbering(), std::move(program), std::move(order), {}};
  context.members.reserve(matches.size());
  for (const auto index : matches) context.members.push_back(session.view().snapshot().row(index).uid);
  if (!session.contexts().add(std::move(context))) session.tell_no_update(command.tag, "Too many results are kept up to date");
}

Reply search_failed(const Error& error) {
  if (error.kind == ErrorKind::unsupported) return uid_required();
  if (error.kind == ErrorKind::invalid) return bad("No message of this number");
  if (error.kind == ErrorKind::limit) return no("LIMIT", "Too much to search or to order at once, narrow the search");
  return from_error(error);
}

}  // namespace postern::imap
