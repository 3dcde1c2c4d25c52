// SPDX-License-Identifier: Apache-2.0
// RFC 5321 §4.2.1
//
//   Reply-line     = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//   Reply-code     = %x32-35 %x30-35 %x30-39
//
// The second digit is not held to 0–5: servers exist that invent codes, and only the first digit decides.
#include "outbound/reply_parser.h"

#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::outbound {

namespace {

constexpr std::size_t max_text = 512;
constexpr std::size_t code_digits = 3;

/// 200–599, or 0.
std::uint16_t read_code(std::string_view line) {
  if (line.size() < code_digits || line[0] < '2' || line[0] > '5') return 0;
  if (!ascii::is_digit(line[1]) || !ascii::is_digit(line[2])) return 0;
  return static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < max_text;) {
    const std::size_t n = utf8_sequence(text.substr(i));
    if (n == 0 || (n == 1 && ascii::is_ctl(text[i]))) {
      out += n == 0 ? '?' : ' ';
      ++i;
      continue;
    }
    if (out.size() + n > max_text) break;
    out.append(text.substr(i, n));
    i += n;
  }
  return std::string(ascii::trim(out));
}

std::string Reply::text() const {
  std::string all;
  const std::string code_word = lines.empty() ? std::string() : enhanced().to_string() + " ";
  for (const auto& line : lines) {
    std::string_view part = line;
    if (!all.empty() && part.starts_with(code_word)) part.remove_prefix(code_word.size());
    if (!all.empty()) all += ' ';
    all.append(part);
    if (all.size() > max_text) break;
  }
  return one_line(all);
}

mail::EnhancedStatus Reply::enhanced() const {
  const auto klass = static_cast<std::uint8_t>(code / 100);
  if (!lines.empty()) {
    const auto given = mail::EnhancedStatus::parse(lines.front());
    if (given && given->klass == klass) return *given;
  }
  return {klass == 3 ? std::uint8_t{2} : klass, 0, 0};
}

ReplyParser::State ReplyParser::broken(std::string_view why) {
  fault_ = why;
  return state_ = State::broken;
}

ReplyParser::State ReplyParser::end_line() {
  if (line_.ends_with('\r')) line_.pop_back();
  const std::uint16_t code = read_code(line_);
  if (code == 0) return broken("not a reply");
  if (reply_.code != 0 && reply_.code != code) return broken("lines of one reply differ in their codes");
  reply_.code = code;
  const char separator = line_.size() > code_digits ? line_[code_digits] : ' ';
  if (separator != ' ' && separator != '-') return broken("not a reply");
  reply_.lines.push_back(line_.size() > code_digits ? line_.substr(code_digits + 1) : std::string());
  line_.clear();
  if (separator == ' ') return state_ = State::done;
  return reply_.lines.size() >= max_reply_lines ? broken("a reply of too many lines") : State::more;
}

ReplyParser::State ReplyParser::feed(std::string_view bytes, std::size_t& consumed) {
  consumed = 0;
  while (state_ == State::more && consumed < bytes.size()) {
    const std::string_view rest = bytes.substr(consumed);
    const std::size_t end = rest.find('\n');
    const std::string_view piece = rest.substr(0, end);
    const std::size_t taken = piece.size() + (end == std::string_view::npos ? 0 : 1);
    size_ += taken;
    if (line_.size() + taken > max_reply_line) return broken("a reply line that is too long");
    if (size_ > max_reply) return broken("a reply that is too long");
    line_.append(piece);
    consumed += taken;
    if (end != std::string_view::npos) end_line();
  }
  return state_;
}

void ReplyParser::reset() {
  reply_ = Reply();
  line_.clear();
  size_ = 0;
  state_ = State::more;
  fault_ = {};
}

mail::Outcome outcome_of(const Reply& reply, std::string_view host) {
  mail::Outcome outcome;
  outcome.kind = reply.positive()    ? mail::Outcome::Kind::delivered
                 : reply.permanent() ? mail::Outcome::Kind::failed
                                     : mail::Outcome::Kind::deferred;
  outcome.code = reply.code;
  outcome.enhanced = reply.enhanced();
  // RFC 3464 §2.3.4: an answer that was not expected (a 3yz) must not look like success.
  if (outcome.kind == mail::Outcome::Kind::deferred) outcome.enhanced.klass = 4;
  outcome.text = reply.text();
  outcome.remote_host = std::string(host);
  return outcome;
}

}  // namespace postern::outbound
