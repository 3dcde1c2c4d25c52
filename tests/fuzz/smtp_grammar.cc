// SPDX-License-Identifier: Apache-2.0
// Fuzz target: every parser of smtp/grammar on the same text, with and without extensions offered.
// Checked: no accepted value can break a header line or a log (security.md D80).
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/ascii.h"
#include "smtp/grammar.h"

namespace {

void require_clean(std::string_view text) {
  if (std::ranges::any_of(text, [](char c) { return postern::ascii::is_ctl(c); })) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern::smtp;
  const std::string_view text(size == 0 ? "" : reinterpret_cast<const char*>(data), size);
  const auto line = split_command(text);
  for (const auto arguments : {text, line.arguments}) {
    for (const ParameterSet& offered : {ParameterSet{}, ParameterSet{true, true, true, true, true, true}}) {
      if (const auto mail = parse_mail(arguments, offered)) {
        require_clean(mail->envelope.envid);
        if (mail->envelope.sender) require_clean(mail->envelope.sender->to_string());
      }
      if (const auto rcpt = parse_rcpt(arguments, offered, true)) {
        require_clean(rcpt->orcpt);
        if (rcpt->recipient) require_clean(rcpt->recipient->address.to_string());
      }
    }
    if (const auto hello = parse_hello(arguments)) require_clean(*hello);
    if (const auto auth = parse_auth(arguments)) require_clean(auth->mechanism);
    (void)parse_bdat(arguments);
  }
  return 0;
}
