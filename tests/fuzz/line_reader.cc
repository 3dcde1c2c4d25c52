// SPDX-License-Identifier: Apache-2.0
// Any octets through Connection::read_line: lines hold no CR, LF or NUL, keep the limit, and nothing is lost: every LF of the
// input ends one line, good or faulty.
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "tests/support/net.h"

namespace {

constexpr std::size_t limit = 32;
/// What a socketpair takes without a reader.
constexpr std::size_t most_octets = 64 * 1024;

postern::async::Task<std::size_t> read_lines(postern::net::Connection& connection) {
  std::size_t lines = 0;
  for (;;) {
    const auto line = co_await connection.read_line(limit);
    const bool faulty = !line && connection.line_fault() != postern::net::LineFault::none;
    if (!line && (!faulty || line.error().kind == postern::ErrorKind::closed)) co_return lines;
    ++lines;
    if (!line) continue;
    if (line->size() + 2 > limit) std::abort();
    if (line->find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > most_octets) return 0;
  postern::test::TestLoop loop;
  auto [connection, peer] = loop.make_raw_pair();
  if (size > 0 && ::send(peer.get(), data, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) return 0;
  peer.reset();
  const auto expected = static_cast<std::size_t>(std::count(data, data + size, '\n'));
  if (loop.run(read_lines(*connection)) != expected) std::abort();
  return 0;
}
