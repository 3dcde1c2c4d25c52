// SPDX-License-Identifier: Apache-2.0
// CommandAssembler: puts a command together from lines and literals, without I/O. It says what to read next, and refuses before
// anything is read into memory what exceeds the limits (security.md D83, D84).
//
//   loop: text = read a line; need = assembler.take_line(text)
//         line: complete → run it      literal: send "+" when it waits, read need.size octets into assembler.text()
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imap/limits.h"
#include "imap/response.h"

namespace postern::imap {

/// A literal announced at the end of a line.
struct LiteralMark {
  std::uint64_t size = 0;
  bool waits = true;     ///< "{n}": the client waits for "+"; "{n+}" does not (RFC 7888)
  std::size_t mark = 0;  ///< octets of the mark itself
  bool binary = false;   ///< "~{n}": may hold NUL (RFC 3516)
  bool operator==(const LiteralMark&) const = default;
};

/// The mark at the end of a line, when there is one. A number too large for 64 bits gives UINT64_MAX.
std::optional<LiteralMark> literal_mark(std::string_view line);

class CommandAssembler {
 public:
  enum class Need : std::uint8_t {
    complete,  ///< text() is a whole command
    literal,   ///< read mark().size octets, then a line
    message,   ///< text() is APPEND up to its message literal, which the command reads itself; the mark is removed
    refused    ///< refusal() says why; the literal of mark(), if any, has to be dropped
  };

  explicit CommandAssembler(limits::CommandLimits limits) : limits_(limits) {}
  /// One line without CRLF. Removes nothing of text() but a message mark.
  Need take_line(std::string_view line);
  /// Where the octets of a literal are to be appended.
  std::string& text() { return text_; }
  const std::optional<LiteralMark>& mark() const { return mark_; }
  /// True after Need::message: mark() is a message literal that nobody has read yet.
  bool ends_in_message() const { return ends_in_message_; }
  const Reply& refusal() const { return refusal_; }
  /// Ready for the next command; keeps small buffers.
  void reset(limits::CommandLimits limits);

 private:
  bool is_message_literal() const;

  bool ends_in_message_ = false;
  limits::CommandLimits limits_;
  std::string text_;
  std::optional<LiteralMark> mark_;
  Reply refusal_;
};

}  // namespace postern::imap
