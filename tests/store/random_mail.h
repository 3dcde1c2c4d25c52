// SPDX-License-Identifier: Apache-2.0
// Random mail for the property tests of searching: every charset, encoding and structure that the extractor knows, few words,
// so that needles are found often, and some octets that are no mail at all.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "mime/charset.h"
#include "mime/part.h"
#include "mime/part_codec.h"
#include "store/store.h"
#include "store/text_match.h"

namespace postern::store::test {

class RandomMail {
 public:
  explicit RandomMail(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }
  std::string word() {
    static const std::vector<std::string> words = {"alpha",
                                                   "Beta",
                                                   "gamma",
                                                   "Stra\xC3\x9F"
                                                   "e",
                                                   "caf\xC3\xA9",
                                                   "e\xCC\x81",
                                                   "\xE3\x81\x93\xE3\x82\x93",
                                                   "kernel",
                                                   "ABBA",
                                                   "x",
                                                   "\xEF\xAC\x81n",
                                                   "a.b@c.example"};
    return words[below(words.size())];
  }
  std::string words(std::size_t most) {
    std::string out;
    for (std::size_t n = 1 + below(most); n > 0; --n) out += word() + (below(9) == 0 ? "\r\n" : " ");
    return out;
  }
  std::string line(std::size_t most) {
    std::string out;
    for (std::size_t n = 1 + below(most); n > 0; --n) {
      out += below(3) == 0 ? "=?utf-8?b?" + base64_encode(word()) + "?=" : word();
      out += below(5) == 0 ? "\r\n " : " ";
    }
    return out + "x";
  }
  std::string message(int depth = 0) {
    if (below(40) == 0) return words(20);  // no header to speak of
    std::string out = "Subject: " + line(6) + "\r\nFrom: " + line(2) + "\r\n";
    if (below(2) == 0) out += "X-List: " + line(3) + "\r\n";
    if (below(3) == 0) out += "Cc:\r\n";
    return out + entity(depth);
  }
  /// What a client might look for: parts of words, across words, things that are not there.
  std::string needle() {
    switch (below(6)) {
      case 0: return "";
      case 1: return mime::casemap("absent " + word());
      case 2: return mime::casemap(word() + " " + word());
      default: {
        const auto text = mime::casemap(word());
        const auto from = below(text.size());
        return text.substr(from, 1 + below(text.size() - from));
      }
    }
  }
  TextNeedle text_needle() {
    static const std::vector<std::string> fields = {"subject", "From", "CC", "x-list", "to", "Received"};
    switch (below(3)) {
      case 0: return {TextScope::text, {}, needle()};
      case 1: return {TextScope::body, {}, needle()};
      default: return {TextScope::header, fields[below(fields.size())], needle()};
    }
  }

 private:
  std::string entity(int depth) {
    switch (below(depth < 2 ? 7 : 5)) {
      case 0: return "\r\n" + words(60);
      case 1:
        return "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_encode(words(60));
      case 2:
        return "Content-Type: text/html; charset=utf-8\r\n\r\n<p>" + words(10) + "<b>" + word() + "</b>" + word() + "</p>&auml;";
      case 3:
        return "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 =\r\nx";
      case 4: return "Content-Type: application/pdf\r\n\r\n" + words(5);
      case 5: return "Content-Type: message/rfc822\r\n\r\n" + message(depth + 1);
      default: {
        std::string out = "Content-Type: multipart/mixed; boundary=\"b" + std::to_string(depth) + "\"\r\n\r\n" + word() + "\r\n";
        for (std::size_t n = below(4); n > 0; --n) out += "--b" + std::to_string(depth) + "\r\n" + entity(depth + 1) + "\r\n";
        return out + "--b" + std::to_string(depth) + "--\r\n" + word();
      }
    }
  }
  std::mt19937 random_;
};

/// With the metadata that the door computes.
inline NewMessage searchable(const std::string& text) {
  const auto tree = mime::parse_message(text);
  return {
      .body = body_of(text), .meta = {tree.root().envelope, "struct", mime::encode_parts(tree)}, .internal_date = 1'700'000'000};
}

}  // namespace postern::store::test
