// SPDX-License-Identifier: Apache-2.0
// AUTH of SMTP, AUTHENTICATE of IMAP and AUTH of POP3 as a stranger speaks them, from the first octet to the last, with the real
// auth behind them, libsasl2 included. The first octet chooses the protocol, the rest is what the client sends.
// Checked: the session ends when the client has said all, every line of ours is whole and in the protocol's form.
#include "tests/auth/three_doors.h"

namespace {

using namespace postern;
using auth::testing::ThreeDoors;

auth::Settings unlimited() {
  auto settings = auth::testing::House::all_mechanisms();
  constexpr unsigned many = 1U << 30;
  settings.guard = {
      .address_minute = many, .address_day = many, .network_day = many, .account_day = many, .known_network_day = many};
  settings.record.life = std::chrono::seconds(0);
  return settings;
}

/// A world serves some inputs; then a new one, so that nothing grows without end. Made at once, so that it goes before what
/// OpenSSL keeps for its threads.
ThreeDoors& world() {
  static auto current = std::make_unique<ThreeDoors>(unlimited());
  static int used = 0;
  if (++used % 5000 == 0) {
    current.reset();
    current = std::make_unique<ThreeDoors>(unlimited());
  }
  return *current;
}

bool has_form(std::string_view line, int protocol) {
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return false;
  if (protocol == 0) return line.size() >= 4 && ascii::is_digit(line[0]) && (line[3] == ' ' || line[3] == '-');
  if (protocol == 1) return !line.empty();
  return true;  // POP3 lists follow "+OK"
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t longest = 32 * 1024;
  if (size == 0 || size > longest) return 0;
  const int protocol = data[0] % 3;
  auto& served = world();
  auto out = served.answer({reinterpret_cast<const char*>(data) + 1, size - 1}, static_cast<ThreeDoors::Door>(protocol));
  served.house.lines.clear();
  for (std::string_view rest = out; !rest.empty();) {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos || !has_form(rest.substr(0, end), protocol)) std::abort();
    rest.remove_prefix(end + 2);
  }
  return 0;
}
