// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the dot reader against a plain definition of RFC 5321 §4.5.2, cut into pieces in three ways. Chunking must not
// matter, and nothing but CR LF "." CR LF may end the text (security.md D1). The first octet chooses the size of the pieces.
#include <cstdint>
#include <cstdlib>

#include "smtp/data.h"

namespace {

struct Read {
  std::string text;
  std::size_t taken = 0;
  bool done = false;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view input, std::size_t piece) {
  postern::smtp::DotReader dots;
  Read out;
  while (!input.empty() && !dots.done()) {
    const auto part = input.substr(0, piece);
    out.taken += dots.feed(part, [&](std::string_view text) { out.text += text; });
    input.remove_prefix(part.size());
  }
  out.done = dots.done();
  return out;
}

/// The definition: the end is the first CR LF "." CR LF, lines begin after CR LF and at the start.
Read define(std::string_view input) {
  const std::string framed = "\r\n" + std::string(input);
  const auto end = framed.find("\r\n.\r\n");
  Read out;
  out.done = end != std::string::npos;
  out.taken = out.done ? end + 3 : input.size();
  std::string text = framed.substr(0, out.done ? end + 2 : std::string::npos);
  // Without an end the last octets may be the beginning of one; they are not text yet.
  if (!out.done && text.ends_with("\r\n.\r")) text.pop_back();
  for (std::size_t at = 0; (at = text.find("\r\n.", at)) != std::string::npos; at += 2) text.erase(at + 2, 1);
  out.text = text.substr(2);
  return out;
}

postern::smtp::LineProblem check(std::string_view input, std::size_t piece) {
  postern::smtp::LineChecker lines(64);
  for (; !input.empty(); input.remove_prefix(std::min(piece, input.size()))) lines.feed(input.substr(0, piece));
  lines.finish();
  return lines.problem();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto expected = define(input);
  if (read(input, input.size() + 1) != expected || read(input, piece) != expected || read(input, 1) != expected) std::abort();
  const auto problem = check(input, input.size() + 1);
  if (check(input, piece) != problem || check(input, 1) != problem) std::abort();
  return 0;
}
