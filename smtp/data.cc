// SPDX-License-Identifier: Apache-2.0
// Dot reader, line rules and intake of message content; see data.h.
#include "smtp/data.h"

#include <algorithm>

namespace postern::smtp {

namespace status = mail::status;

DotReader::State DotReader::step(char c, State state) const {
  switch (state) {
    case State::line_start:
      if (c == '.') return State::dot;
      return c == '\r' ? State::cr : State::text;
    case State::cr:
      if (c == '\n') return State::line_start;
      return c == '\r' ? State::cr : State::text;
    case State::dot: return c == '\r' ? State::dot_cr : State::text;
    case State::dot_cr:
      if (c == '\n') return State::done;
      return c == '\r' ? State::cr : State::text;
    default: return c == '\r' ? State::cr : State::text;
  }
}

// RFC 5321 §4.5.2
//   The end is CR LF "." CR LF; a "." at the start of any other line is removed. LF alone starts no line.
std::size_t DotReader::feed(std::string_view bytes, const Sink& sink) {
  std::size_t at = 0;
  std::size_t run = 0;  // start of text not handed on yet
  while (at < bytes.size() && !done()) {
    if (state_ == State::text) {
      const void* const cr = std::memchr(bytes.data() + at, '\r', bytes.size() - at);
      if (cr == nullptr) {
        at = bytes.size();
        break;
      }
      at = static_cast<std::size_t>(static_cast<const char*>(cr) - bytes.data());
    }
    const State next = step(bytes[at], state_);
    if (next == State::dot) {  // the dot is stuffing or the end: not text in either case
      if (at > run) sink(bytes.substr(run, at - run));
      run = at + 1;
    } else if (next == State::dot_cr) {  // this CR is text unless LF follows
      run = at + 1;
    } else if (state_ == State::dot_cr && next != State::done) {
      sink("\r");
    } else if (next == State::done) {
      run = at + 1;
    }
    state_ = next;
    ++at;
  }
  if (at > run) sink(bytes.substr(run, at - run));
  return at;
}

void LineMender::feed(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    if (c == '\n') {
      if (!cr_) out += '\r';
      out += '\n';
      cr_ = false;
      continue;
    }
    if (cr_) out += '\n';
    out += c;
    cr_ = c == '\r';
  }
}

void LineMender::finish(std::string& out) {
  if (cr_) out += '\n';
  cr_ = false;
}

void LineChecker::note(LineProblem problem) { problem_ = std::max(problem_, problem); }

// RFC 5321 §2.3.8: CR and LF occur only together, as the end of a line.
void LineChecker::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  if (std::memchr(bytes.data(), '\0', bytes.size()) != nullptr) note(LineProblem::nul);
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    take_line(bytes.substr(0, end + 1));
    bytes.remove_prefix(end + 1);
  }
  if (bytes.empty()) return;
  const auto cr = bytes.find('\r');
  if (cr_ || (cr != std::string_view::npos && cr + 1 != bytes.size())) note(LineProblem::bare_line_end);
  cr_ = bytes.back() == '\r';
  line_ += bytes.size();
  if (line_ > max_line_) note(LineProblem::too_long);
}

void LineChecker::take_line(std::string_view line) {
  line_ += line.size();
  if (line_ > max_line_) note(LineProblem::too_long);
  const auto cr = line.find('\r');
  const bool good = line.size() == 1 ? cr_ : !cr_ && cr + 2 == line.size();
  if (!good) note(LineProblem::bare_line_end);
  line_ = 0;
  cr_ = false;
}

void LineChecker::finish() {
  if (cr_) note(LineProblem::bare_line_end);
}

Intake::Intake(std::unique_ptr<store::Spool> spool, const IntakeLimits& limits, HeaderStep header_step)
    : spool_(std::move(spool)), limits_(limits), header_step_(std::move(header_step)), lines_(limits.line) {}

void Intake::refuse(Reply reply) {
  if (!refusal_) refusal_ = std::move(reply);
  spool_.reset();
  header_ = {};
}

void Intake::refuse_store_error(const Error& error) { refuse(reply_for(error)); }

void Intake::check_lines(std::string_view bytes) {
  lines_.feed(bytes);
  switch (lines_.problem()) {
    case LineProblem::none: return;
    case LineProblem::bare_line_end:
      // Replaces a milder refusal: the session must end, because the client and we may disagree about where lines end (D2).
      refusal_.reset();
      return refuse(closing(status::bad_line_endings));
    case LineProblem::nul: return refuse(reply(status::bad_message, "NUL octet in the message"));
    case LineProblem::too_long: return refuse(reply(status::text_line_too_long));
  }
}

void Intake::write(std::string_view bytes) {
  if (limits_.lines != LineRule::mend) return take(bytes);
  mended_.clear();
  mender_.feed(bytes, mended_);
  take(mended_);
}

void Intake::take(std::string_view bytes) {
  received_ += bytes.size();
  if (limits_.lines != LineRule::binary) check_lines(bytes);
  if (received_ > limits_.message) refuse(reply(status::message_too_large));
  if (refusal_) return;
  if (!header_done_) {
    const auto n = end_finder_.feed(bytes);
    header_.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    if (header_.size() > limits_.header) return refuse(reply(status::header_too_large));
    if (!end_finder_.done()) return;
    end_header();
  }
  if (refusal_ || bytes.empty()) return;
  if (body_step_) body_step_(bytes);
  take_body(bytes);
}

void Intake::end_header() {
  header_done_ = true;
  if (auto refused = header_step_(header_)) return refuse(std::move(*refused));
  take_body(header_);
  header_ = {};
}

void Intake::take_body(std::string_view bytes) {
  if (bytes.empty()) return;
  if (const auto written = spool_->write(bytes); !written) refuse_store_error(written.error());
}

std::expected<store::BodyPtr, Reply> Intake::finish() {
  if (limits_.lines == LineRule::mend) {
    mended_.clear();
    mender_.finish(mended_);
    take(mended_);
  }
  lines_.finish();
  if (lines_.problem() == LineProblem::bare_line_end) check_lines({});
  // A chunk may end without a line end (RFC 3030 §2); what we store and pass on ends with one.
  if (!refusal_ && !lines_.at_line_start()) take("\r\n");
  if (!refusal_ && !header_done_) end_header();
  if (refusal_) return std::unexpected(*refusal_);
  auto body = spool_->finish();
  if (!body) return std::unexpected(reply_for(body.error()));
  return std::move(*body);
}

Reply reply_for(const Error& error) {
  switch (error.kind) {
    case ErrorKind::no_space: return reply(status::disk_full);
    case ErrorKind::over_quota: return reply(status::mailbox_full);
    case ErrorKind::too_large: return reply(status::message_too_large);
    case ErrorKind::limit: return reply(status::too_many_hops);  // the door saw a loop
    case ErrorKind::invalid: return reply(status::bad_message);
    case ErrorKind::io:
    case ErrorKind::unavailable:
    case ErrorKind::timeout: return reply(status::storage_unavailable);
    default: return reply(status::local_error);
  }
}

}  // namespace postern::smtp
