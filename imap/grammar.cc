// SPDX-License-Identifier: Apache-2.0
// Tokens: each method has its ABNF above it, consumes what it says, and leaves the first fault in place.
#include "imap/grammar.h"

#include "base/ascii.h"
#include "imap/limits.h"
#include "imap/mailbox_name.h"
#include "mime/date.h"

namespace postern::imap {
namespace {

constexpr std::int64_t seconds_a_day = 86'400;

/// Longest text of a fault that a client sees.
constexpr std::size_t longest_message = 200;

}  // namespace

Day day_at(UnixTime at) { return at / seconds_a_day - (at % seconds_a_day < 0 ? 1 : 0); }

// RFC 3501 §9: ATOM-CHAR = <any CHAR except atom-specials>
bool is_atom_char(char c) { return ascii::is_vchar(c) && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos; }
// RFC 3501 §9: ASTRING-CHAR = ATOM-CHAR / resp-specials
bool is_astring_char(char c) { return is_atom_char(c) || c == ']'; }
bool is_tag_char(char c) { return is_astring_char(c) && c != '+'; }

void Parser::fail(std::string_view message) {
  if (ok()) fault_ = bad(in_.where(message.substr(0, longest_message)));
}

void Parser::refuse(Reply reply) {
  if (ok()) fault_ = std::move(reply);
}

bool Parser::take_keyword(std::string_view word) {
  if (!ok()) return false;
  const auto from = in_.position();
  if (!in_.take_word(word)) return false;
  if (in_.at_end() || !is_atom_char(in_.peek()) || in_.peek() == '[') return true;
  in_.restore(from);
  return false;
}

void Parser::expect(char c) {
  if (ok() && !in_.take(c)) fail(fmt::format("Expected {}", c == ' ' ? "a space" : std::string(1, c)));
}
void Parser::sp() { expect(' '); }
void Parser::end() {
  if (ok() && !in_.at_end()) fail("Unexpected text after the command");
}

std::string_view Parser::tag() {
  if (!ok()) return {};
  const auto tag = in_.take_while(is_tag_char);
  if (tag.empty()) fail("Expected a tag");
  return tag;
}

std::string_view Parser::atom() {
  if (!ok()) return {};
  const auto atom = in_.take_while(is_atom_char);
  if (atom.empty()) fail("Expected an atom");
  return atom;
}

std::string_view Parser::word() {
  if (!ok()) return {};
  const auto word = in_.take_while([](char c) { return is_atom_char(c) && c != '[' && c != '<'; });
  if (word.empty()) fail("Expected a word");
  return word;
}

// RFC 3501 §9: quoted = DQUOTE *QUOTED-CHAR DQUOTE
//              QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
// Octets above 0x7F are let through; whoever uses the text checks them (mailbox names refuse them).
std::string Parser::quoted() {
  std::string out;
  expect('"');
  while (ok()) {
    out.append(in_.take_while([](char c) { return c != '"' && c != '\\' && c != '\r' && c != '\n' && c != '\0'; }));
    if (in_.take('"')) return out;
    if (!in_.take('\\') || !(in_.is('"') || in_.is('\\'))) {
      fail("Broken quoted string");
    } else {
      out += *in_.next();
    }
  }
  return {};
}

// RFC 3501 §9: literal = "{" number "}" CRLF *CHAR8; RFC 7888 §4: also "{" number "+}"
std::string Parser::literal() {
  expect('{');
  const auto size = ok() ? in_.take_number() : std::nullopt;
  in_.take('+');
  if (ok() && (!size || !in_.take("}\r\n") || in_.rest().size() < *size)) fail("Broken literal");
  if (!ok()) return {};
  const auto bytes = in_.take_n(static_cast<std::size_t>(*size));
  // RFC 3501 §4.3: CHAR8 is any octet except NUL.
  if (bytes.find('\0') != std::string_view::npos) fail("NUL in a literal");
  return std::string(bytes);
}

std::string Parser::string() {
  if (!ok()) return {};
  if (in_.is('"')) return quoted();
  if (in_.is('{')) return literal();
  fail("Expected a string");
  return {};
}

// RFC 3501 §9: astring = 1*ASTRING-CHAR / string
std::string Parser::astring() {
  if (!ok()) return {};
  if (in_.is('"') || in_.is('{')) return string();
  const auto text = in_.take_while(is_astring_char);
  if (text.empty()) fail("Expected a string");
  return std::string(text);
}

std::optional<std::string> Parser::nstring() {
  if (take_keyword("NIL")) return std::nullopt;
  return string();
}

// RFC 3501 §9: list-mailbox = 1*list-char / string; list-char = ATOM-CHAR / list-wildcards / resp-specials
std::string Parser::list_mailbox() {
  if (!ok()) return {};
  if (in_.is('"') || in_.is('{')) return string();
  const auto text = in_.take_while([](char c) { return is_astring_char(c) || c == '%' || c == '*'; });
  if (text.empty()) fail("Expected a mailbox pattern");
  return std::string(text);
}

std::uint32_t Parser::number() {
  if (!ok()) return 0;
  const auto value = in_.take_number(UINT32_MAX);
  if (!value) fail("Expected a number");
  return static_cast<std::uint32_t>(value.value_or(0));
}

std::uint32_t Parser::nz_number() {
  if (is('0')) fail("Expected a number above 0");
  return number();
}

std::uint64_t Parser::mod_sequence() { return number64(); }

std::uint64_t Parser::number64() {
  if (!ok()) return 0;
  const auto value = in_.take_number(INT64_MAX);
  if (!value) fail("Expected a number");
  return value.value_or(0);
}

std::string Parser::mailbox() {
  const auto wire = astring();
  if (!ok()) return {};
  auto name = decode_mailbox_name(wire, names_);
  if (name) return *std::move(name);
  refuse(no("CANNOT", "This is no valid mailbox name"));
  return {};
}

SequenceSet Parser::sequence_set() {
  if (!ok()) return {};
  auto set = SequenceSet::parse(in_);
  if (set) return *std::move(set);
  fail("Broken message set");
  return {};
}

// RFC 3501 §9: flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
// Flag extensions are ours to define, and we have none; \Recent cannot be set.
void Parser::flag(FlagList& list) {
  if (!ok()) return;
  if (!in_.take('\\')) {
    const auto keyword = atom();
    if (keyword.size() > limits::flag_length || list.keywords.size() == limits::flags) {
      return refuse(no("LIMIT", "Too many or too long keywords"));
    }
    list.keywords.emplace_back(keyword);
    return;
  }
  const auto name = atom();
  for (const auto bit :
       {store::flag::seen, store::flag::answered, store::flag::flagged, store::flag::deleted, store::flag::draft}) {
    if (!ascii::iequals(name, flag_name(bit).substr(1))) continue;
    list.system |= bit;
    return;
  }
  fail("Unknown system flag");
}

FlagList Parser::flags() {
  FlagList list;
  do {
    flag(list);
  } while (take(' '));
  return list;
}

FlagList Parser::flag_list() {
  expect('(');
  if (take(')')) return {};
  auto list = flags();
  expect(')');
  return list;
}

int Parser::two_digits() {
  const char tens = in_.peek(0), ones = in_.peek(1);
  if (!ok() || !ascii::is_digit(tens) || !ascii::is_digit(ones)) {
    fail("Broken date");
    return 0;
  }
  in_.take_n(2);
  return (tens - '0') * 10 + (ones - '0');
}

namespace {

/// The day of a calendar date; nothing when there is no such day.
std::optional<mime::CivilTime> civil_date(std::optional<std::uint64_t> day, std::string_view month, int year) {
  const auto number = mime::month_number(month);
  if (!day || !number) return std::nullopt;
  const mime::CivilTime time{.year = year, .month = *number, .day = static_cast<int>(*day)};
  return mime::is_valid(time) ? std::optional(time) : std::nullopt;
}

}  // namespace

// RFC 3501 §9: date-text = date-day "-" date-month "-" date-year
Day Parser::date() {
  const bool in_quotes = take('"');
  const auto day = ok() ? in_.take_number(31) : std::nullopt;
  expect('-');
  const auto month = in_.take_n(3);
  expect('-');
  const int century = two_digits();
  const int year = century * 100 + two_digits();
  if (in_quotes) expect('"');
  const auto time = civil_date(day, month, year);
  if (!time) fail("Broken date");
  return ok() ? day_at(mime::to_unix(*time)) : 0;
}

// RFC 3501 §9: date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
//              date-day-fixed = (SP DIGIT) / 2DIGIT; time = 2DIGIT ":" 2DIGIT ":" 2DIGIT; zone = ("+" / "-") 4DIGIT
UnixTime Parser::date_time() {
  expect('"');
  in_.take(' ');
  const auto day = ok() ? in_.take_number(31) : std::nullopt;
  expect('-');
  const auto month = in_.take_n(3);
  expect('-');
  const int century = two_digits();
  auto time = civil_date(day, month, century * 100 + two_digits());
  sp();
  const int hour = two_digits();
  expect(':');
  const int minute = two_digits();
  expect(':');
  const int second = two_digits();
  sp();
  const bool west = in_.is('-');
  if (!take('+') && !take('-')) fail("Expected a time zone");
  const int zone_hours = two_digits();
  const int zone = zone_hours * 60 + two_digits();
  expect('"');
  if (!time) fail("Broken date");
  if (!ok()) return 0;
  time->hour = hour;
  time->minute = minute;
  time->second = second;
  time->zone_minutes = west ? -zone : zone;
  if (!mime::is_valid(*time)) fail("Broken date");
  return ok() ? mime::to_unix(*time) : 0;
}

}  // namespace postern::imap
