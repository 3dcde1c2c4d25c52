// SPDX-License-Identifier: Apache-2.0
// Every parser of imap/ on the same octets: none may fail otherwise than by value, and what decodes must encode again.
#include <cstdlib>

#include "imap/assembly.h"
#include "imap/envelope.h"
#include "imap/fetch_item.h"
#include "imap/list_request.h"
#include "imap/mailbox_name.h"
#include "imap/search_key.h"

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
  imap::parse_list(list);
  flags.flag_list();
  date.date_time();
  set.sequence_set();
  (void)imap::Envelope::parse(text);
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
  assembly(text);
  return 0;
}
