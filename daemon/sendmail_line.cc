// SPDX-License-Identifier: Apache-2.0
#include "daemon/sendmail_line.h"

#include <fmt/format.h>

#include "base/ascii.h"

namespace postern::daemon {
namespace {

using Line = SendmailLine;

/// Letters that say how sendmail should do its work, not what: there is one way here. Some take a value.
constexpr std::string_view without_meaning = "vnGU";
constexpr std::string_view hints_with_value = "BhLOpXA";

Result<unsigned char> notify_of(std::string_view text) {
  unsigned char out = mail::notify_unset;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto word = ascii::lower(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (word == "never")
      out |= mail::notify_never;
    else if (word == "success")
      out |= mail::notify_success;
    else if (word == "failure")
      out |= mail::notify_failure;
    else if (word == "delay")
      out |= mail::notify_delay;
    else
      return fail(ErrorKind::invalid, fmt::format("-N {}: give never, or any of success,failure,delay", word));
  }
  if ((out & mail::notify_never) != 0 && out != mail::notify_never) {
    return fail(ErrorKind::invalid, "-N: never stands alone");
  }
  return out;
}

/// Words one after the other.
class Reader {
 public:
  Reader(Line& out, std::span<const std::string> words) : out_(out), words_(words) {}

  Result<> read() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (word == "--") break;
      if (word.size() < 2 || word[0] != '-') {
        out_.recipients.push_back(word);
        continue;
      }
      if (auto done = letters(word); !done) return done;
    }
    out_.recipients.insert(out_.recipients.end(), words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end());
    return {};
  }

 private:
  /// "-ti", "-oi", "-fann@example.org", "-f ann@example.org"
  Result<> letters(std::string_view word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const char letter = word[i];
      const auto rest = word.substr(i + 1);
      if (letter == 't') {
        out_.from = Line::Recipients::of_header;
      } else if (letter == 'i') {
        out_.end = Line::End::at_end;
      } else if (without_meaning.find(letter) == std::string_view::npos) {
        return with_value(letter, rest);
      }
    }
    return {};
  }

  Result<> with_value(char letter, std::string_view rest) {
    if (letter == 'o') return option(rest);
    if (letter == 'b') return mode(rest);
    if (letter == 'q') return fail(ErrorKind::invalid, "-q: use `postern queue retry`");
    constexpr std::string_view known = "frFNRV";
    const bool hint = hints_with_value.find(letter) != std::string_view::npos;
    if (!hint && known.find(letter) == std::string_view::npos) {
      return fail(ErrorKind::invalid, fmt::format("-{}: no such option", letter));
    }
    std::string value(rest);
    if (value.empty()) {
      if (at_ == words_.size()) return fail(ErrorKind::invalid, fmt::format("-{} needs a value", letter));
      value = words_[at_++];
    }
    return hint ? Result<>() : take(letter, std::move(value));
  }

  Result<> take(char letter, std::string value) {
    if (letter == 'f' || letter == 'r') out_.sender = std::move(value);
    if (letter == 'F') out_.name = std::move(value);
    if (letter == 'V') out_.envid = std::move(value);
    if (letter == 'R') {
      const auto word = ascii::lower(value);
      if (word != "full" && word != "hdrs") return fail(ErrorKind::invalid, "-R: give full or hdrs");
      out_.ret = word == "full" ? mail::Return::full : mail::Return::headers;
    }
    if (letter == 'N') {
      const auto notify = notify_of(value);
      if (!notify) return std::unexpected(notify.error());
      out_.notify = *notify;
    }
    return {};
  }

  /// "-oi" and its like; all others are hints.
  Result<> option(std::string_view rest) {
    if (rest == "i") out_.end = Line::End::at_end;
    if (rest.empty()) return fail(ErrorKind::invalid, "-o needs a letter, for example -oi");
    return {};
  }

  Result<> mode(std::string_view rest) {
    if (rest == "m") return {};
    if (rest == "p")
      out_.task = Line::Task::list_queue;
    else if (rest == "i")
      out_.task = Line::Task::make_aliases;
    else if (rest == "s")
      return fail(ErrorKind::invalid, "-bs: speak SMTP to the trusted listener instead");
    else
      return fail(ErrorKind::invalid, fmt::format("-b{}: Postern runs as `postern serve`; only -bm, -bp and -bi are here", rest));
    return {};
  }

  Line& out_;
  std::span<const std::string> words_;
  std::size_t at_ = 0;
};

}  // namespace

Result<SendmailLine> parse_sendmail_line(std::string_view program, std::span<const std::string> words) {
  SendmailLine out;
  if (program == "mailq") out.task = Line::Task::list_queue;
  if (program == "newaliases") out.task = Line::Task::make_aliases;
  if (auto done = Reader(out, words).read(); !done) return std::unexpected(done.error());
  const bool nobody = out.recipients.empty() && out.from == Line::Recipients::of_line;
  if (out.task == Line::Task::send && nobody) {
    return fail(ErrorKind::invalid, "no recipients; name them, or give -t to take those of To, Cc and Bcc");
  }
  return out;
}

}  // namespace postern::daemon
