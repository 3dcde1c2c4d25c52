// SPDX-License-Identifier: Apache-2.0
// The content of a message on its way in. Three parts that know nothing of each other:
//   DotReader    finds where DATA ends and removes the dots that stuffing added. Only CR LF "." CR LF ends (security.md D1).
//   LineChecker  what lines may look like: bare CR, bare LF, NUL, too long.
//   Intake       header block in memory, body into a Spool, sizes counted; after the first fault nothing is kept (D18).
// All three give the same result however the input is cut into pieces, and allocate nothing per line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mime/header.h"
#include "smtp/reply.h"
#include "store/body.h"

namespace postern::smtp {

// RFC 5321 §4.1.1.4, §4.5.2
class DotReader {
 public:
  /// Called with runs of text without the dots of stuffing; the view is valid during the call.
  using Sink = std::function<void(std::string_view)>;
  /// Takes octets up to the end of the message; gives how many were taken. Fewer than given only when done().
  std::size_t feed(std::string_view bytes, const Sink& sink);
  /// CR LF "." CR LF was seen (or "." CR LF as the first line).
  bool done() const { return state_ == State::done; }

 private:
  /// What the octets before the next one were.
  enum class State : std::uint8_t { line_start, text, cr, dot, dot_cr, done };
  State step(char c, State state) const;
  State state_ = State::line_start;
};

/// Makes CR LF of each bare CR and bare LF, for machines of ours that know no better (gate.mend_line_ends_from). Works behind the
/// DotReader, so a mended line never ends a message.
class LineMender {
 public:
  /// Appends the mended octets to `out`.
  void feed(std::string_view bytes, std::string& out);
  /// The message has ended: a CR at its very end gets its LF.
  void finish(std::string& out);

 private:
  bool cr_ = false;  ///< a CR went out last, its LF has not come
};

/// What is wrong with the lines of a message, the worst thing last.
enum class LineProblem : std::uint8_t { none, too_long, nul, bare_line_end };

class LineChecker {
 public:
  explicit LineChecker(std::size_t max_line) : max_line_(max_line) {}
  void feed(std::string_view bytes);
  /// To be asked after the last piece too: a CR at the very end is bare.
  LineProblem problem() const { return problem_; }
  void finish();
  /// The text so far is empty or ends with CR LF.
  bool at_line_start() const { return line_ == 0 && !cr_; }

 private:
  void note(LineProblem problem);
  void take_line(std::string_view line_with_lf);
  std::size_t max_line_;
  std::size_t line_ = 0;  ///< octets of the current line so far
  bool cr_ = false;       ///< the last octet was a CR
  LineProblem problem_ = LineProblem::none;
};

/// What the lines of a message may look like.
enum class LineRule : std::uint8_t {
  strict,  ///< CR and LF only together, no NUL
  mend,    ///< bare CR and LF become CR LF
  binary   ///< anything (RFC 3030 §3); smtp/binary.h looks at it afterwards
};

struct IntakeLimits {
  std::uint64_t message = 0;  ///< octets, header included
  std::size_t header = 0;
  std::size_t line = 0;  ///< octets of one line with its CRLF
  LineRule lines = LineRule::strict;
};

/// A message under way. Use: write()*, finish() once.
class Intake {
 public:
  /// Gets the whole header block (with its empty line when there is one) once, as soon as it is complete; may change it, or
  /// refuse the message.
  using HeaderStep = std::function<Refusal(std::string& header)>;

  /// Sees the body as it is stored, in pieces; header and refused messages are not for it.
  using BodyStep = std::function<void(std::string_view)>;

  Intake(std::unique_ptr<store::Spool> spool, const IntakeLimits& limits, HeaderStep header_step);
  /// Before the first write().
  void show_body_to(BodyStep step) { body_step_ = std::move(step); }

  void write(std::string_view bytes);
  /// The stored message, or why it cannot be one.
  std::expected<store::BodyPtr, Reply> finish();
  /// Octets received, kept or not.
  std::uint64_t received() const { return received_; }
  /// Refused already: what still comes is dropped unread.
  bool refused() const { return refusal_.has_value(); }

 private:
  void take(std::string_view bytes);
  void check_lines(std::string_view bytes);
  void end_header();
  void take_body(std::string_view bytes);
  void refuse(Reply reply);
  void refuse_store_error(const Error& error);

  std::unique_ptr<store::Spool> spool_;
  IntakeLimits limits_;
  HeaderStep header_step_;
  BodyStep body_step_;
  LineMender mender_;
  std::string mended_;
  LineChecker lines_;
  mime::HeaderEndFinder end_finder_;
  std::string header_;
  bool header_done_ = false;
  std::uint64_t received_ = 0;
  Refusal refusal_;
};

/// The reply for an error of spool or store: disk_full, mailbox_full, message_too_large, storage_unavailable.
Reply reply_for(const Error& error);

}  // namespace postern::smtp
