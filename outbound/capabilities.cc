// SPDX-License-Identifier: Apache-2.0
// RFC 5321 §4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param )
#include "outbound/capabilities.h"

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::outbound {

namespace {

constexpr std::size_t max_mechanisms = 32;

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  Cursor in(text);
  for (;;) {
    in.skip_wsp();
    if (in.at_end()) return out;
    out.push_back(in.take_while([](char c) { return !ascii::is_wsp(c); }));
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  Cursor in(text);
  const auto value = in.take_number();
  return in.at_end() ? value : std::nullopt;
}

void add_mechanisms(Capabilities& out, std::span<const std::string_view> names) {
  for (const auto name : names) {
    if (out.auth.size() < max_mechanisms) out.auth.push_back(ascii::upper(name));
  }
}

// RFC 9422 §3: esmtp-limits = "LIMITS" 1*( SP limit-name "=" limit-value )
void read_limits(Capabilities& out, std::span<const std::string_view> limits) {
  for (const auto limit : limits) {
    Cursor in(limit);
    if (in.take_word("RCPTMAX=")) out.rcpt_max = number(in.rest());
    if (in.take_word("MAILMAX=")) out.mail_max = number(in.rest());
  }
}

bool* flag_of(Capabilities& out, std::string_view keyword) {
  static constexpr std::array<std::pair<std::string_view, bool Capabilities::*>, 6> flags{{
      {"PIPELINING", &Capabilities::pipelining},
      {"8BITMIME", &Capabilities::eight_bit_mime},
      {"SMTPUTF8", &Capabilities::smtputf8},
      {"STARTTLS", &Capabilities::starttls},
      {"DSN", &Capabilities::dsn},
      {"REQUIRETLS", &Capabilities::require_tls},
  }};
  for (const auto& [name, member] : flags) {
    if (ascii::iequals(keyword, name)) return &(out.*member);
  }
  return nullptr;
}

}  // namespace

Capabilities read_capabilities(const Reply& ehlo) {
  Capabilities out;
  out.esmtp = true;
  for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {
    const auto parts = words(ehlo.lines[i]);
    if (parts.empty()) continue;
    const auto rest = std::span(parts).subspan(1);
    if (bool* flag = flag_of(out, parts.front())) *flag = true;
    if (ascii::iequals(parts.front(), "SIZE")) out.size = rest.empty() ? 0 : number(rest.front()).value_or(0);
    if (ascii::iequals(parts.front(), "AUTH")) add_mechanisms(out, rest);
    if (ascii::iequals(parts.front(), "LIMITS")) read_limits(out, rest);
  }
  return out;
}

}  // namespace postern::outbound
