// SPDX-License-Identifier: Apache-2.0
// Every parser of imap/ on the same octets: none may fail otherwise than by value, and what decodes must encode again.
#include <algorithm>
#include <cstdlib>

#include "imap/assembly.h"
#include "imap/base_subject.h"
#include "imap/envelope.h"
#include "imap/fetch_item.h"
#include "imap/list_request.h"
#include "imap/mailbox_name.h"
#include "imap/resync.h"
#include "imap/search_key.h"
#include "imap/sorter.h"
#include "imap/threads.h"

namespace {

using namespace postern;

void names(std::string_view text) {
  const auto name = imap::decode_utf7(text);
  if (name && imap::encode_mailbox_name(*name) != text) std::abort();
  const auto pattern = imap::ListPattern::make("", text.substr(0, 100));
  if (pattern) pattern->matches(text);
}

void commands(std::string_view text) {
  imap::Parser fetch(text), search(text), list(text), flags(text), date(text), set(text);
  imap::parse_fetch(fetch);
  const auto program = imap::parse_search(search);
  if (search.ok()) {
    std::vector<imap::Truth> stack;
    imap::evaluate(program.keys, stack, [](std::size_t) { return imap::Truth::unknown; });
    if (!stack.empty() && stack.size() != 1) std::abort();
  }
  imap::Parser sort(text), returns(text), select(text), criteria(text);
  imap::parse_sort_criteria(sort);
  const auto wanted = imap::parse_search_returns(returns);
  if (returns.ok() && wanted.partial) {
    const auto [begin, end] = wanted.partial->of(text.size());
    if (begin > end || end > text.size()) std::abort();
  }
  const auto parameters = imap::parse_select_parameters(select);
  if (select.ok() && parameters.resync) parameters.resync->vanished(store::Snapshot(), store::UidSet::all());
  imap::SearchProgram by_criteria;
  imap::parse_search_criteria(criteria, by_criteria);
  imap::parse_list(list);
  flags.flag_list();
  date.date_time();
  set.sequence_set();
  (void)imap::Envelope::parse(text);
}

/// Threads of any ids and subjects: every message is told, in matching parentheses.
void threads(std::string_view text) {
  imap::ReferenceThreads by_references;
  imap::SubjectThreads by_subject;
  std::uint32_t number = 0;
  while (!text.empty() && number < 200) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto base = imap::base_subject(line);
    auto ids = imap::message_ids(line);
    imap::ThreadMessage message{.number = ++number, .sent = 0, .subject = base.text, .is_reply = base.is_reply};
    by_subject.add(message);
    if (!ids.empty()) message.id = ids.back();
    if (!ids.empty()) ids.pop_back();
    message.references = std::move(ids);
    by_references.add(std::move(message));
  }
  for (const auto& tree : {by_references.finish(), by_subject.finish()}) {
    std::string out;
    for (const auto root : tree.roots) tree.append(out, root);
    if (std::ranges::count(out, '(') != std::ranges::count(out, ')')) std::abort();
    if (number > 0 && out.find(std::to_string(number)) == std::string::npos) std::abort();
  }
}

void assembly(std::string_view text) {
  imap::CommandAssembler in(imap::limits::before_login);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (in.take_line(text.substr(0, end)) == imap::CommandAssembler::Need::refused) return;
    text.remove_prefix(std::min(text.size(), end + 1));
    if (in.text().size() > imap::limits::before_login.command + 2) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  names(text);
  commands(text);
  threads(text);
  assembly(text);
  return 0;
}
