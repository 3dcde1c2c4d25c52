// SPDX-License-Identifier: Apache-2.0
// Formatting of replies.
#include "smtp/reply.h"

#include <array>
#include <charconv>

namespace postern::smtp {
namespace {

void append_number(std::string& out, unsigned number) {
  std::array<char, 8> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_line(std::string& out, const Reply& reply, std::string_view line, char separator) {
  append_number(out, reply.code);
  out += separator;
  if (reply.enhanced.klass != 0) {
    append_number(out, reply.enhanced.klass);
    out += '.';
    append_number(out, reply.enhanced.subject);
    out += '.';
    append_number(out, reply.enhanced.detail);
    out += ' ';
  }
  out += line;
  out += "\r\n";
}

}  // namespace

Reply reply(const mail::Status& status) { return {status.code, status.enhanced, std::string(status.text), Then::go_on}; }
Reply reply(const mail::Status& status, std::string text) { return {status.code, status.enhanced, std::move(text), Then::go_on}; }
Reply closing(const mail::Status& status) { return {status.code, status.enhanced, std::string(status.text), Then::close}; }
Reply closing(const mail::Status& status, std::string text) {
  return {status.code, status.enhanced, std::move(text), Then::close};
}

void append_to(std::string& out, const Reply& reply) {
  std::string_view rest = reply.text;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    append_line(out, reply, rest.substr(0, end), '-');
    rest.remove_prefix(end + 1);
  }
  append_line(out, reply, rest, ' ');
}

}  // namespace postern::smtp
