// SPDX-License-Identifier: Apache-2.0
// Literal marks and the limits they are held to.
#include "imap/assembly.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "imap/grammar.h"

namespace postern::imap {
namespace {

/// Buffers above this are given back after a command.
constexpr std::size_t kept_capacity = 4 * 1024;

}  // namespace

// RFC 7888 §4: literal = "{" number ["+"] "}" CRLF *CHAR8
std::optional<LiteralMark> literal_mark(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const auto open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  LiteralMark out;
  auto inner = line.substr(open + 1, line.size() - open - 2);
  // RFC 3516 §7: literal8 = "~" literal; elsewhere the tilde is part of an atom
  out.binary = open >= 2 && line[open - 1] == '~' && (line[open - 2] == ' ' || line[open - 2] == '(');
  out.mark = line.size() - open + (out.binary ? 1 : 0);
  if (inner.ends_with('+')) {
    out.waits = false;
    inner.remove_suffix(1);
  }
  if (inner.empty() || !std::ranges::all_of(inner, ascii::is_digit)) return std::nullopt;
  Cursor in(inner);
  out.size = in.take_number().value_or(UINT64_MAX);
  return out;
}

// RFC 3501 §6.3.11: append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
// RFC 8508 §5: replace = ["UID" SP] "REPLACE" SP seq-number SP mailbox … likewise
// The mailbox may be a literal, too; every later one is a message.
bool CommandAssembler::is_message_literal() const {
  Cursor in(text_);
  in.take_while(is_tag_char);
  if (!in.take(' ')) return false;
  if (!in.take_word("APPEND ")) {
    in.take_word("UID ");
    if (!in.take_word("REPLACE ")) return false;
    in.take_until(' ');
    if (!in.take(' ')) return false;
  }
  return in.rest().size() > mark_->mark;
}

CommandAssembler::Need CommandAssembler::take_line(std::string_view line) {
  mark_ = literal_mark(line);
  if (text_.size() + line.size() > limits_.command) {
    refusal_ = no("TOOBIG", "Command too long");
    return Need::refused;
  }
  text_.append(line);
  if (!mark_) return Need::complete;
  if (is_message_literal()) {
    text_.resize(text_.size() - mark_->mark);
    ends_in_message_ = true;
    return Need::message;
  }
  if (mark_->size > limits_.literal || text_.size() + mark_->size > limits_.command) {
    refusal_ = no("TOOBIG", "Literal too long");
    return Need::refused;
  }
  text_.append("\r\n");
  return Need::literal;
}

void CommandAssembler::reset(limits::CommandLimits limits) {
  limits_ = limits;
  mark_.reset();
  ends_in_message_ = false;
  text_.clear();
  if (text_.capacity() > kept_capacity) text_.shrink_to_fit();
}

}  // namespace postern::imap
