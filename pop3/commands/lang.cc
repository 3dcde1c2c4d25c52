// SPDX-License-Identifier: Apache-2.0
// LANG and UTF8 (RFC 6856).
#include "base/ascii.h"
#include "pop3/commands.h"
#include "pop3/grammar.h"
#include "pop3/session.h"

namespace postern::pop3::commands {

// RFC 6856 §3: our texts are English. "*" is the default language, "en" what a range for English matches.
async::Task<Reply> lang(Session&, std::string_view argument) {
  const auto parameters = split_parameters(argument);
  if (parameters.size() > 1) co_return Reply::error("LANG takes one language");
  if (parameters.empty()) {
    Reply listing;
    listing.text = "+OK languages follow\r\nen English\r\n.\r\n";
    co_return listing;
  }
  if (parameters[0] != "*" && !ascii::iequals(parameters[0], "en")) co_return Reply::error("there is no such language here");
  co_return Reply::ok("en English it is");
}

// RFC 6856 §2: messages are sent as they are in either mode; what changes is that the client says it can read UTF-8.
async::Task<Reply> utf8(Session&, std::string_view argument) {
  if (!argument.empty()) co_return Reply::error("UTF8 takes no arguments");
  co_return Reply::ok("UTF-8 is welcome");
}

}  // namespace postern::pop3::commands
