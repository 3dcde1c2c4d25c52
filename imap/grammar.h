// SPDX-License-Identifier: Apache-2.0
// Tokens of IMAP commands (RFC 3501 §9) over one assembled command: the lines of the command with their literals in place,
// "{5}\r\nhello" included, without the last CRLF. No I/O, linear, no recursion.
//
// The first thing that does not fit is kept as the fault; later calls then give empty values, so that a command reads its
// arguments straight through and asks ok() once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/cursor.h"
#include "imap/mailbox_name.h"
#include "imap/response.h"
#include "imap/sequence_set.h"

namespace postern::imap {

/// Characters of the grammar.
bool is_atom_char(char c);
bool is_astring_char(char c);
/// tag = 1*<any ASTRING-CHAR except "+">
bool is_tag_char(char c);

/// A list of flags as a client gives it.
struct FlagList {
  std::uint64_t system = 0;           ///< bits of store::flag
  std::vector<std::string> keywords;  ///< as written
  bool operator==(const FlagList&) const = default;
};

/// A day without time or zone, for SEARCH: the number of days since 1970-01-01.
using Day = std::int64_t;
/// The day of an instant in UTC.
Day day_at(UnixTime at);

class Parser {
 public:
  explicit Parser(std::string_view command, NameForm names = NameForm::utf7) : in_(command), names_(names) {}
  /// How mailbox names are written in this command.
  NameForm names() const { return names_; }

  bool ok() const { return !fault_.has_value(); }
  /// Needs !ok().
  const Reply& fault() const { return *fault_; }
  /// Keeps the first fault. `message` says what was expected; the position is added.
  void fail(std::string_view message);
  /// A fault that is no matter of syntax.
  void refuse(Reply reply);

  bool at_end() const { return in_.at_end(); }
  bool is(char c) const { return ok() && in_.is(c); }
  std::size_t position() const { return in_.position(); }
  std::string_view rest() const { return in_.rest(); }
  /// Consumes c when it is next.
  bool take(char c) { return ok() && in_.take(c); }
  /// Consumes the word when it is next and ends there (no further atom character follows).
  bool take_keyword(std::string_view word);

  void expect(char c);
  void sp();
  /// The command must end here.
  void end();

  std::string_view tag();
  std::string_view atom();
  /// An atom that ends before "[" and "<" too: "BODY" of "BODY[…]<…>".
  std::string_view word();
  std::string string();
  std::string astring();
  /// NIL or string.
  std::optional<std::string> nstring();
  /// A pattern of LIST: list-mailbox, as on the wire.
  std::string list_mailbox();
  std::uint32_t number();
  std::uint32_t nz_number();
  /// RFC 9051 §9: number64, up to 2^63-1.
  std::uint64_t number64();
  /// RFC 7162 §7: up to 2^63-1.
  std::uint64_t mod_sequence();
  /// An astring that names a mailbox, as the store knows it; a bad name is NO [CANNOT].
  std::string mailbox();
  /// sequence-set; also "$" (RFC 5182).
  SequenceSet sequence_set();
  /// "(" [flag *(SP flag)] ")"
  FlagList flag_list();
  /// STORE also takes flags without parentheses: flag *(SP flag).
  FlagList flags();
  /// date = date-text / DQUOTE date-text DQUOTE
  Day date();
  /// date-time, with quotes.
  UnixTime date_time();

 private:
  std::string quoted();
  std::string literal();
  void flag(FlagList& list);
  int two_digits();

  Cursor in_;
  NameForm names_;
  std::optional<Reply> fault_;
};

}  // namespace postern::imap
