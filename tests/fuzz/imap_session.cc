// SPDX-License-Identifier: Apache-2.0
// A whole session after the login, on the store in memory. The server must end when its input ends, and everything it says
// must be well-formed: lines that end with CRLF, literals of the announced size.
#include <cstdlib>

#include "imap/assembly.h"
#include "tests/imap/client.h"

namespace {

using namespace postern;

/// Aborts when the server's octets are no sequence of IMAP responses.
void check_output(std::string_view out) {
  while (!out.empty()) {
    const auto end = out.find("\r\n");
    if (end == std::string_view::npos) std::abort();
    const auto line = out.substr(0, end);
    if (line.find_first_of("\r\n") != std::string_view::npos) std::abort();
    out.remove_prefix(end + 2);
    const auto literal = imap::literal_mark(line);
    if (!literal || line.starts_with("+")) continue;
    if (literal->size > out.size()) std::abort();
    out.remove_prefix(static_cast<std::size_t>(literal->size));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t longest = 16 * 1024;
  constexpr std::chrono::seconds patience{5};
  test::ImapHouse house;
  house.act("all_off COMPRESS=DEFLATE");  // its octets could not be checked
  house.act("mail alice 3");
  test::ImapClient client(house);
  client.send("a LOGIN alice secret\r\nb SELECT INBOX\r\n");
  client.send({reinterpret_cast<const char*>(data), std::min(size, longest)});
  client.end_input();
  const auto out = client.rest(patience);
  if (!client.ended()) std::abort();
  check_output(out);
  return 0;
}
