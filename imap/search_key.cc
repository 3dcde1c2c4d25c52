// SPDX-License-Identifier: Apache-2.0
// The grammar of SEARCH: a table of keys, and a parser with a stack of its own instead of recursion.
#include "imap/search_key.h"

#include "base/ascii.h"
#include "base/encoding.h"
#include "imap/limits.h"
#include "mime/charset.h"

namespace postern::imap {
namespace {

using Kind = SearchKey::Kind;

/// What the argument of a key is.
enum class Argument : std::uint8_t { none, flag, keyword, date, number, seconds, object, text, field_and_text, set, uid, modseq };

/// One row of RFC 3501 §6.4.4.
struct Row {
  std::string_view name;
  Argument argument;
  Kind kind;
  std::uint64_t bits = 0;
  bool negated = false;
  std::string_view field = {};
};

constexpr Row rows[] = {
    {"ALL", Argument::none, Kind::always},
    {"ANSWERED", Argument::flag, Kind::flag, store::flag::answered},
    {"BCC", Argument::text, Kind::envelope_text, 0, false, "bcc"},
    {"BEFORE", Argument::date, Kind::before},
    {"BODY", Argument::text, Kind::body},
    {"CC", Argument::text, Kind::envelope_text, 0, false, "cc"},
    {"DELETED", Argument::flag, Kind::flag, store::flag::deleted},
    {"DRAFT", Argument::flag, Kind::flag, store::flag::draft},
    {"EMAILID", Argument::object, Kind::email_id},  // RFC 8474 §6
    {"FLAGGED", Argument::flag, Kind::flag, store::flag::flagged},
    {"FROM", Argument::text, Kind::envelope_text, 0, false, "from"},
    {"HEADER", Argument::field_and_text, Kind::header},
    {"KEYWORD", Argument::keyword, Kind::keyword},
    {"LARGER", Argument::number, Kind::larger},
    {"MODSEQ", Argument::modseq, Kind::modseq},
    {"OLD", Argument::none, Kind::recent, 0, true},
    {"OLDER", Argument::seconds, Kind::older},  // RFC 5032 §3
    {"ON", Argument::date, Kind::on},
    {"RECENT", Argument::none, Kind::recent},
    {"SAVEDATESUPPORTED", Argument::none, Kind::always},  // RFC 8514 §4.2
    {"SAVEDBEFORE", Argument::date, Kind::saved_before},
    {"SAVEDON", Argument::date, Kind::saved_on},
    {"SAVEDSINCE", Argument::date, Kind::saved_since},
    {"SEEN", Argument::flag, Kind::flag, store::flag::seen},
    {"SENTBEFORE", Argument::date, Kind::sent_before},
    {"SENTON", Argument::date, Kind::sent_on},
    {"SENTSINCE", Argument::date, Kind::sent_since},
    {"SINCE", Argument::date, Kind::since},
    {"SMALLER", Argument::number, Kind::smaller},
    {"SUBJECT", Argument::text, Kind::envelope_text, 0, false, "subject"},
    {"TEXT", Argument::text, Kind::text},
    {"THREADID", Argument::object, Kind::never},  // no message has one
    {"TO", Argument::text, Kind::envelope_text, 0, false, "to"},
    {"UID", Argument::set, Kind::set},
    {"UIDAFTER", Argument::uid, Kind::uid_above},  // RFC 9738 §3.2
    {"UIDBEFORE", Argument::uid, Kind::uid_below},
    {"UNANSWERED", Argument::flag, Kind::flag, store::flag::answered, true},
    {"UNDELETED", Argument::flag, Kind::flag, store::flag::deleted, true},
    {"UNDRAFT", Argument::flag, Kind::flag, store::flag::draft, true},
    {"UNFLAGGED", Argument::flag, Kind::flag, store::flag::flagged, true},
    {"UNKEYWORD", Argument::keyword, Kind::keyword, 0, true},
    {"UNSEEN", Argument::flag, Kind::flag, store::flag::seen, true},
    {"YOUNGER", Argument::seconds, Kind::younger},
};

/// Header fields whose values the cached envelope has as they are.
constexpr std::string_view envelope_fields[] = {"subject", "message-id", "in-reply-to"};

class KeyParser {
 public:
  KeyParser(Parser& in, SearchProgram& program, std::string charset) : in_(in), program_(program), charset_(std::move(charset)) {}

  /// search-key *(SP search-key) to the end of the command.
  void run() {
    open_.push_back({Open::Kind::top, 0});
    while (in_.ok() && !open_.empty()) key();
  }

 private:
  /// A key that waits for keys inside.
  struct Open {
    enum class Kind : std::uint8_t { top, group, negation, choice } kind;
    std::uint32_t done;  ///< keys inside that are complete
  };

  void key() {
    if (open_.size() > limits::nesting) return in_.fail("Search keys are nested too deeply");
    if (program_.keys.size() > limits::search_keys) return in_.refuse(no("LIMIT", "Too many search keys"));
    if (in_.take('(')) return open_.push_back({Open::Kind::group, 0});
    if (in_.take_keyword("NOT")) return begin(Open::Kind::negation);
    if (in_.take_keyword("OR")) return begin(Open::Kind::choice);
    leaf();
    close();
  }
  void begin(Open::Kind kind) {
    in_.sp();
    open_.push_back({kind, 0});
  }

  /// After a complete key: completes what it was the last part of, and goes to the next key.
  void close() {
    while (in_.ok() && !open_.empty()) {
      auto& top = open_.back();
      ++top.done;
      switch (top.kind) {
        case Open::Kind::negation: put({.kind = Kind::negate}); break;
        case Open::Kind::choice:
          if (top.done < 2) return in_.sp();
          put({.kind = Kind::any_of, .count = 2});
          break;
        case Open::Kind::group:
          if (!in_.is(')')) return in_.sp();
          in_.take(')');
          put({.kind = Kind::all_of, .count = top.done});
          break;
        case Open::Kind::top:
          if (!in_.at_end()) return in_.sp();
          put({.kind = Kind::all_of, .count = top.done});
          break;
      }
      open_.pop_back();
    }
  }

  void leaf() {
    if (in_.is('*') || in_.is('$') || (!in_.at_end() && ascii::is_digit(in_.rest()[0]))) {
      return put({.kind = Kind::set, .numbering = Numbering::sequence, .set = in_.sequence_set()});
    }
    const auto name = in_.atom();
    if (!in_.ok()) return;
    if (ascii::iequals(name, "NEW")) return new_messages();
    for (const auto& row : rows) {
      if (!ascii::iequals(name, row.name)) continue;
      argument(row);
      if (row.negated) put({.kind = Kind::negate});
      return;
    }
    in_.fail("Unknown search key");
  }

  // RFC 3501 §6.4.4: NEW is RECENT UNSEEN.
  void new_messages() {
    put({.kind = Kind::recent});
    put({.kind = Kind::flag, .bits = store::flag::seen});
    put({.kind = Kind::negate});
    put({.kind = Kind::all_of, .count = 2});
  }

  void argument(const Row& row) {
    SearchKey key{.kind = row.kind, .bits = row.bits, .field = std::string(row.field)};
    if (row.argument != Argument::none && row.argument != Argument::flag) in_.sp();
    switch (row.argument) {
      case Argument::none:
      case Argument::flag: break;
      case Argument::keyword: key.text = in_.atom(); break;
      case Argument::date: key.day = in_.date(); break;
      case Argument::number: key.number = in_.number64(); break;
      case Argument::object: key.text = in_.atom(); break;
      case Argument::seconds:
      case Argument::uid: key.number = in_.nz_number(); break;
      case Argument::text: key.text = text(); break;
      case Argument::field_and_text: header(key); break;
      case Argument::set:
        key.numbering = Numbering::uid;
        key.set = in_.sequence_set();
        break;
      case Argument::modseq: modseq(key); break;
    }
    put(std::move(key));
  }

  void header(SearchKey& key) {
    key.field = ascii::lower(in_.astring());
    in_.sp();
    key.text = text();
    if (std::ranges::find(envelope_fields, key.field) != std::end(envelope_fields) && !key.text.empty()) {
      key.kind = Kind::envelope_text;
    }
  }

  // RFC 7162 §3.1.5: search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
  //                  search-modseq-ext = SP entry-name SP entry-type-req
  // We keep one mod-sequence for each message, so the entry makes no difference.
  void modseq(SearchKey& key) {
    if (in_.is('"')) {
      const auto entry = in_.string();
      in_.sp();
      const auto type = in_.atom();
      const bool known = ascii::iequals(type, "priv") || ascii::iequals(type, "shared") || ascii::iequals(type, "all");
      if (!ascii::istarts_with(entry, "/flags/") || !known) in_.fail("Unknown entry");
      in_.sp();
    }
    key.number = in_.mod_sequence();
    program_.uses_modseq = true;
  }

  std::string text() {
    const auto bytes = in_.astring();
    return mime::casemap(charset_.empty() ? bytes : mime::to_utf8(bytes, charset_));
  }

  void put(SearchKey key) { program_.keys.push_back(std::move(key)); }

  Parser& in_;
  SearchProgram& program_;
  std::string charset_;
  std::vector<Open> open_;
};

// RFC 3501 §6.4.4: BADCHARSET names what we know.
std::string read_charset(Parser& in) {
  auto charset = in.astring();
  in.sp();
  if (in.ok() && !mime::is_known_charset(charset)) {
    in.refuse(no("BADCHARSET (UTF-8 US-ASCII ISO-8859-1)", "This charset is not known"));
  }
  return charset;
}

}  // namespace

SearchProgram parse_search(Parser& in) {
  SearchProgram program;
  in.sp();
  program.returns = parse_search_returns(in);
  std::string charset;
  if (in.take_keyword("CHARSET")) {
    program.names_charset = true;
    in.sp();
    charset = read_charset(in);
  }
  KeyParser(in, program, std::move(charset)).run();
  return program;
}

void parse_search_criteria(Parser& in, SearchProgram& program) {
  auto charset = read_charset(in);
  KeyParser(in, program, std::move(charset)).run();
}

Truth negate(Truth value) {
  switch (value) {
    case Truth::no: return Truth::yes;
    case Truth::yes: return Truth::no;
    case Truth::unknown: return Truth::unknown;
  }
  return Truth::unknown;
}

Truth combine(std::vector<Truth>& stack, std::size_t count, SearchKey::Kind kind) {
  const auto decisive = kind == Kind::any_of ? Truth::yes : Truth::no;
  auto out = negate(decisive);
  for (; count > 0; --count) {
    const auto value = stack.back();
    stack.pop_back();
    if (value == decisive || out == decisive) {
      out = decisive;
    } else if (value == Truth::unknown) {
      out = Truth::unknown;
    }
  }
  return out;
}

}  // namespace postern::imap
