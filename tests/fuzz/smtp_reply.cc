// SPDX-License-Identifier: Apache-2.0
// Replies of a hostile server: the parser must stay within its bounds, must not depend on how the bytes were cut, and what it
// gives must be fit for a log line and a DSN.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/ascii.h"
#include "base/encoding.h"
#include "outbound/capabilities.h"
#include "outbound/reply_parser.h"

namespace {

using postern::outbound::ReplyParser;

void require(bool truth) {
  if (!truth) std::abort();
}

void check(const postern::outbound::Reply& reply) {
  const auto outcome = postern::outbound::outcome_of(reply, "host.example");
  require(outcome.text.size() <= 512 && postern::is_utf8(outcome.text));
  for (const char c : outcome.text) require(!postern::ascii::is_ctl(c));
  require(reply.lines.size() <= postern::outbound::max_reply_lines);
  (void)postern::outbound::read_capabilities(reply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReplyParser whole;
  ReplyParser stepwise;
  std::size_t used = 0;
  const auto state = whole.feed(bytes, used);
  require(used <= size);
  ReplyParser::State step = ReplyParser::State::more;
  std::size_t at = 0;
  while (at < size && step == ReplyParser::State::more) {
    std::size_t one = 0;
    step = stepwise.feed(bytes.substr(at, 1), one);
    at += one;
    if (one == 0) break;
  }
  require((state == ReplyParser::State::done) == (step == ReplyParser::State::done));
  if (state != ReplyParser::State::done) return 0;
  require(at == used && whole.reply().lines == stepwise.reply().lines);
  check(whole.reply());
  return 0;
}
