// SPDX-License-Identifier: Apache-2.0
#include "pop3/grammar.h"

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::pop3 {

namespace {
constexpr std::uint64_t max_message_number = INT32_MAX;
constexpr std::size_t min_verb = 3;
constexpr std::size_t max_verb = 4;
}  // namespace

// RFC 1939 §3
Result<Command> parse_command(std::string_view line) {
  Cursor in(line);
  const auto verb = in.take_while(ascii::is_alnum);
  if (verb.size() < min_verb || verb.size() > max_verb || (!in.at_end() && !in.is(' '))) {
    return fail(ErrorKind::invalid, "not a POP3 command");
  }
  in.take(' ');
  return Command{ascii::upper(verb), in.rest()};
}

std::vector<std::string_view> split_parameters(std::string_view argument) {
  std::vector<std::string_view> out;
  Cursor in(argument);
  while (!in.at_end()) {
    const auto part = in.take_until(' ');
    if (!part.empty()) out.push_back(part);
    in.take(' ');
  }
  return out;
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  Cursor in(text);
  const auto number = in.take_number(max_message_number);
  if (!number || *number == 0 || !in.at_end()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void DotStuffer::append(std::string_view octets, std::string& out) {
  while (!octets.empty()) {
    if (at_line_start_ && octets.front() == '.') out.push_back('.');
    const auto newline = octets.find('\n');
    if (newline == std::string_view::npos) {
      out.append(octets);
      after_cr_ = octets.back() == '\r';
      at_line_start_ = false;
      return;
    }
    const bool has_cr = newline == 0 ? after_cr_ : octets[newline - 1] == '\r';
    out.append(octets.substr(0, newline));
    out.append(has_cr ? "\n" : "\r\n");
    octets.remove_prefix(newline + 1);
    at_line_start_ = true;
    after_cr_ = false;
    ++lines_;
  }
}

void DotStuffer::finish(std::string& out) {
  if (!at_line_start_) out.append(after_cr_ ? "\n" : "\r\n");
  out.append(".\r\n");
  at_line_start_ = true;
  after_cr_ = false;
}

std::string_view TopCutter::take(std::string_view octets) {
  if (done_) return {};
  for (std::size_t pos = 0; pos < octets.size(); ++pos) {
    if (in_body_ && left_ == 0) {
      done_ = true;
      return octets.substr(0, pos);
    }
    const auto newline = octets.find('\n', pos);
    const auto end = newline == std::string_view::npos ? octets.size() : newline;
    const auto line = octets.substr(pos, end - pos);
    if (!line.empty() && line != "\r") line_empty_ = false;
    if (newline == std::string_view::npos) return octets;
    if (in_body_) {
      --left_;
    } else if (line_empty_) {
      in_body_ = true;
    }
    line_empty_ = true;
    pos = newline;
  }
  if (in_body_ && left_ == 0) done_ = true;
  return octets;
}

}  // namespace postern::pop3
