// SPDX-License-Identifier: Apache-2.0
// Making of messages.
#include "bench/load/text.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "bench/load/sign.h"

namespace postern::bench {

namespace {

constexpr std::size_t corpus_size = 4 * 1024 * 1024;
constexpr std::size_t line_length = 76;
constexpr std::size_t least_word = 2;
constexpr std::size_t most_word = 11;
constexpr unsigned seed = 20250711;             // the same text in every run
constexpr std::uint64_t signed_messages = 500;  // made before the clock starts: signing costs more than everything else here
constexpr std::uint64_t stride = 104'729;       // a prime: neighbouring messages begin at places far apart

std::string make_corpus(std::size_t size) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<std::size_t> length(least_word, most_word);
  std::uniform_int_distribution<int> letter('a', 'z');
  std::string text;
  text.reserve(size + line_length);
  std::size_t column = 0;
  while (text.size() < size) {
    const std::size_t word = length(random);
    if (column + word + 1 > line_length) {
      text += "\r\n";
      column = 0;
    }
    for (std::size_t i = 0; i < word; ++i) text += static_cast<char>(letter(random));
    text += ' ';
    column += word + 1;
  }
  return text + "\r\n";
}

}  // namespace

Messages::Messages(Shape shape) : shape_(std::move(shape)), corpus_(make_corpus(std::max(corpus_size, 2 * shape_.size))) {
  if (shape_.key_file.empty()) return;
  const Signer signer(shape_.key_file);
  for (std::uint64_t n = 0; n < signed_messages; ++n) signed_.push_back(signer.sign(compose(n, "sender@elsewhere.test")));
}

std::string Messages::fields(std::uint64_t n, std::string_view from) const {
  return fmt::format(
      "Date: Tue, 03 Feb 2026 {:02}:{:02}:{:02} +0100\r\n"
      "From: \"Sender Number {}\" <{}>\r\n"
      "To: \"A Reader\" <reader@bench.test>, other{}@bench.test\r\n"
      "Message-ID: <{}.{}.bench@elsewhere.test>\r\n"
      "Subject: Measured message {} about word{}\r\n"
      "User-Agent: Mozilla Thunderbird\r\nX-Priority: 3\r\nMIME-Version: 1.0\r\n",
      n / 3600 % 24, n / 60 % 60, n % 60, n % 97, from, n % 13, n, getpid(), n, n % 1000);
}

// Whole lines of the corpus, from a place that n decides.
std::string Messages::body(std::uint64_t n, std::size_t size) const {
  const std::size_t room = corpus_.size() - size - 2 * line_length;
  const std::size_t from = corpus_.find('\n', n * stride % room) + 1;
  const std::size_t to = corpus_.rfind('\n', from + size) + 1;
  return corpus_.substr(from, to > from ? to - from : 0);
}

std::string Messages::multipart(std::uint64_t n, std::size_t size) const {
  const std::size_t third = size / 3;
  return fmt::format(
      "Content-Type: multipart/mixed; boundary=\"outer-{0}\"\r\n\r\nThis is a message with parts.\r\n"
      "--outer-{0}\r\nContent-Type: multipart/alternative; boundary=\"inner-{0}\"\r\n\r\n"
      "--inner-{0}\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n\r\n{1}"
      "--inner-{0}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>\r\n{2}</p></body></html>\r\n"
      "--inner-{0}--\r\n--outer-{0}\r\nContent-Type: text/csv; name=\"table{0}.csv\"\r\n"
      "Content-Disposition: attachment; filename=\"table{0}.csv\"\r\n\r\n{3}--outer-{0}--\r\n",
      n, body(n, third), body(n + 1, third), body(n + 2, third));
}

std::string Messages::make(std::uint64_t n, std::string_view from) const {
  return signed_.empty() ? compose(n, from) : signed_[n % signed_.size()];
}

std::string Messages::compose(std::uint64_t n, std::string_view from) const {
  std::string message = fields(n, from);
  const std::size_t left = shape_.size > message.size() + line_length ? shape_.size - message.size() : line_length;
  if (shape_.mime) return message + multipart(n, left);
  return message + "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + body(n, left);
}

}  // namespace postern::bench
