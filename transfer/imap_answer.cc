// SPDX-License-Identifier: Apache-2.0
#include "transfer/imap_answer.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/cursor.h"
#include "mime/date.h"

namespace postern::transfer::imap_client {

namespace {

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorKind::invalid, "the server's answer makes no sense: " + std::string(what));
}

/// Values in an answer; literals are taken in their order.
class Reader {
 public:
  explicit Reader(const Answer& answer) : in_(answer.text), answer_(answer) {}
  Cursor& in() { return in_; }
  /// atom, quoted string, literal or NIL (nothing).
  struct Value {
    bool ok = false;
    bool nil = false;
    bool streamed = false;
    std::string text;
  };
  Value string() {
    if (in_.is('"')) return quoted();
    if (in_.is('{')) return literal();
    const auto atom = in_.take_while([](char c) { return ascii::is_vchar(c) && c != '(' && c != ')' && c != '"' && c != '{'; });
    if (ascii::iequals(atom, "NIL")) return {true, true, false, {}};
    return {!atom.empty(), false, false, std::string(atom)};
  }

 private:
  // RFC 3501 §4.3
  Value quoted() {
    Value out;
    in_.take('"');
    while (const auto c = in_.next()) {
      if (*c == '"') {
        out.ok = true;
        return out;
      }
      const auto octet = *c == '\\' ? in_.next() : c;
      if (!octet) break;
      out.text += *octet;
    }
    return out;
  }
  Value literal() {
    in_.take_until('\n');
    if (!in_.take('\n')) return {};
    if (next_ < answer_.literals.size()) return {true, false, false, answer_.literals[next_++]};
    return {answer_.streamed, false, answer_.streamed, {}};
  }

  Cursor in_;
  const Answer& answer_;
  std::size_t next_ = 0;
};

/// "(a b c)"
bool take_words(Cursor& in, std::vector<std::string>& out) {
  if (!in.take('(')) return false;
  while (!in.take(')')) {
    const auto word = in.take_while([](char c) { return ascii::is_vchar(c) && c != '(' && c != ')'; });
    if (word.empty() || out.size() == max_attributes) return false;
    out.emplace_back(word);
    in.take_while([](char c) { return c == ' '; });
  }
  return true;
}

void sort_flags(const std::vector<std::string>& words, FetchValues& out) {
  using namespace store::flag;
  for (const auto& word : words) {
    const auto is = [&](std::string_view name) { return ascii::iequals(word, name); };
    if (is("\\Seen"))
      out.flags |= seen;
    else if (is("\\Answered"))
      out.flags |= answered;
    else if (is("\\Flagged"))
      out.flags |= flagged;
    else if (is("\\Deleted"))
      out.flags |= deleted;
    else if (is("\\Draft"))
      out.flags |= draft;
    else if (!word.starts_with('\\'))
      out.keywords.push_back(word);
  }
}

/// One item of a FETCH answer; the cursor stands behind its name.
bool take_item(std::string_view name, Reader& reader, FetchValues& out) {
  Cursor& in = reader.in();
  if (ascii::iequals(name, "FLAGS")) {
    std::vector<std::string> words;
    const bool ok = take_words(in, words);
    sort_flags(words, out);
    return ok;
  }
  if (ascii::iequals(name, "UID")) {
    const auto uid = in.take_number(UINT32_MAX);
    out.uid = static_cast<store::Uid>(uid.value_or(0));
    return out.uid != 0;
  }
  if (ascii::iequals(name, "RFC822.SIZE")) {
    const auto size = in.take_number();
    out.size = size.value_or(0);
    return size.has_value();
  }
  if (ascii::iequals(name, "INTERNALDATE")) {
    const auto value = reader.string();
    out.internal_date = parse_internal_date(value.text);
    return value.ok;
  }
  if (ascii::iequals(name, "BODY[]")) {
    auto value = reader.string();
    out.no_text = value.nil;
    if (value.ok && !value.nil && !value.streamed) out.text = std::move(value.text);
    return value.ok;
  }
  // MODSEQ (12) and what else a server may add: a list or a string.
  if (in.is('(')) {
    std::vector<std::string> ignored;
    return take_words(in, ignored);
  }
  return reader.string().ok;
}

}  // namespace

std::optional<LiteralMark> literal_at_end(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const auto at = line.rfind('{');
  if (at == std::string_view::npos) return std::nullopt;
  Cursor in(line.substr(at + 1));
  const auto size = in.take_number(INT64_MAX);
  in.take('+');
  if (!size || !in.take('}') || !in.at_end()) return std::nullopt;
  return LiteralMark{*size, at};
}

bool announces_message(std::string_view text) {
  constexpr std::string_view item = "BODY[] ";
  return text.size() >= item.size() && ascii::iequals(text.substr(text.size() - item.size()), item);
}

// RFC 3501 §7.1
std::optional<Condition> parse_condition(std::string_view rest) {
  using Kind = Condition::Kind;
  Cursor in(rest);
  const auto word = in.take_while(ascii::is_alpha);
  Condition out;
  if (ascii::iequals(word, "OK"))
    out.kind = Kind::ok;
  else if (ascii::iequals(word, "NO"))
    out.kind = Kind::no;
  else if (ascii::iequals(word, "BAD"))
    out.kind = Kind::bad;
  else if (ascii::iequals(word, "BYE"))
    out.kind = Kind::bye;
  else if (ascii::iequals(word, "PREAUTH"))
    out.kind = Kind::preauth;
  else
    return std::nullopt;
  in.take(' ');
  if (in.take('[')) {
    out.code = in.take_until(']');
    in.take(']');
    in.take(' ');
  }
  out.text = in.rest();
  return out;
}

std::optional<std::vector<std::string>> parse_capabilities(std::string_view rest) {
  Cursor in(rest);
  if (!in.take_word("CAPABILITY")) return std::nullopt;
  std::vector<std::string> out;
  while (in.take(' ') && out.size() < max_attributes) {
    const auto word = in.take_while([](char c) { return ascii::is_vchar(c) && c != ']'; });
    if (!word.empty()) out.push_back(ascii::upper(word));
  }
  return out;
}

bool ListEntry::has(std::string_view attribute) const { return std::ranges::find(attributes, attribute) != attributes.end(); }

// RFC 3501 §7.2.2
Result<ListEntry> parse_list(const Answer& answer) {
  Reader reader(answer);
  Cursor& in = reader.in();
  ListEntry out;
  if (!in.take("* ") || !(in.take_word("LIST ") || in.take_word("LSUB "))) return malformed("LIST expected");
  if (!take_words(in, out.attributes) || !in.take(' ')) return malformed("attributes of a mailbox");
  for (auto& attribute : out.attributes) attribute = ascii::lower(std::string_view(attribute));
  const auto separator = reader.string();
  if (!separator.ok || separator.text.size() > 1 || !in.take(' ')) return malformed("hierarchy separator");
  if (!separator.nil && !separator.text.empty()) out.separator = separator.text.front();
  // An unquoted name may hold ']' and the like.
  const auto name = reader.string();
  if (!name.ok || name.streamed) return malformed("name of a mailbox");
  out.name = name.nil ? "NIL" : name.text;
  if (out.name.empty() || out.name.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos)
    return malformed("name of a mailbox");
  return out;
}

Result<StatusValues> parse_status(const Answer& answer) {
  Reader reader(answer);
  Cursor& in = reader.in();
  if (!in.take("* ") || !in.take_word("STATUS ")) return malformed("STATUS expected");
  if (!reader.string().ok || !in.take(" (")) return malformed("STATUS");
  StatusValues out;
  while (!in.take(')')) {
    const auto name = in.take_while([](char c) { return ascii::is_alpha(c); });
    in.take(' ');
    const auto value = in.take_number();
    if (name.empty() || !value) return malformed("STATUS");
    if (ascii::iequals(name, "MESSAGES")) out.messages = std::min<std::uint64_t>(*value, UINT32_MAX);
    if (ascii::iequals(name, "UIDVALIDITY")) out.uidvalidity = static_cast<std::uint32_t>(*value);
    if (ascii::iequals(name, "SIZE")) out.size = *value;
    in.take(' ');
  }
  return out;
}

// RFC 2342 §5
Result<std::string> parse_namespace(const Answer& answer) {
  Reader reader(answer);
  Cursor& in = reader.in();
  if (!in.take("* ") || !in.take_word("NAMESPACE ")) return malformed("NAMESPACE expected");
  if (!in.take("((")) return std::string();
  const auto prefix = reader.string();
  if (!prefix.ok) return malformed("NAMESPACE");
  return prefix.nil ? std::string() : prefix.text;
}

std::optional<std::uint32_t> parse_number_of(std::string_view rest, std::string_view word) {
  Cursor in(rest);
  const auto number = in.take_number(UINT32_MAX);
  if (!number || !in.take(' ') || !ascii::iequals(in.rest(), word)) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// RFC 3501 §9: date-time, with a space or a digit in front of the day
std::optional<UnixTime> parse_internal_date(std::string_view text) {
  Cursor in(text);
  in.take_while([](char c) { return c == ' '; });
  mime::CivilTime time;
  const auto day = in.take_number(31);
  const bool first = in.take('-');
  const auto month = mime::month_number(in.take_n(3));
  const bool second = in.take('-');
  const auto year = in.take_number(9999);
  in.take(' ');
  const auto hour = in.take_number(23);
  const bool third = in.take(':');
  const auto minute = in.take_number(59);
  const bool fourth = in.take(':');
  const auto sec = in.take_number(60);
  in.take(' ');
  const bool west = in.is('-');
  const bool sign = in.take('-') || in.take('+');
  const auto zone = in.take_number(9959);
  if (!day || !first || !month || !second || !year || !hour || !third || !minute || !fourth || !sec || !sign || !zone ||
      *zone % 100 > 59)
    return std::nullopt;
  const int offset = static_cast<int>(*zone / 100 * 60 + *zone % 100);
  time = {static_cast<int>(*year),   *month,
          static_cast<int>(*day),    static_cast<int>(*hour),
          static_cast<int>(*minute), static_cast<int>(*sec),
          west ? -offset : offset};
  if (!mime::is_valid(time)) return std::nullopt;
  return mime::to_unix(time);
}

// RFC 3501 §7.4.2
Result<FetchValues> parse_fetch(const Answer& answer) {
  Reader reader(answer);
  Cursor& in = reader.in();
  FetchValues out;
  if (!in.take("* ")) return malformed("FETCH expected");
  const auto sequence = in.take_number(UINT32_MAX);
  if (!sequence || !in.take_word(" FETCH (")) return malformed("FETCH expected");
  out.sequence = static_cast<std::uint32_t>(*sequence);
  while (!in.take(')')) {
    const auto name = in.take_while([](char c) { return ascii::is_vchar(c) && c != '(' && c != ')'; });
    if (name.empty() || !in.take(' ') || !take_item(name, reader, out)) return malformed("FETCH");
    in.take_while([](char c) { return c == ' '; });
  }
  return out;
}

}  // namespace postern::transfer::imap_client
