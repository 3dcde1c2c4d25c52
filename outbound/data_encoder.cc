// SPDX-License-Identifier: Apache-2.0
// RFC 5321 §4.5.2 (transparency) and §2.3.8 (lines end with CRLF, and CR and LF occur nowhere else).
#include "outbound/data_encoder.h"

#include <cstring>

namespace postern::outbound {

namespace {

/// Position of the first CR or LF at or after `from`, or the end.
std::size_t find_line_end(std::string_view bytes, std::size_t from) {
  const auto* start = bytes.data() + from;
  const auto* lf = static_cast<const char*>(std::memchr(start, '\n', bytes.size() - from));
  const std::size_t end = lf ? static_cast<std::size_t>(lf - bytes.data()) : bytes.size();
  const auto* cr = static_cast<const char*>(std::memchr(start, '\r', end - from));
  return cr ? static_cast<std::size_t>(cr - bytes.data()) : end;
}

}  // namespace

void DataEncoder::put_text(std::string_view text, std::string& out) {
  if (text.empty()) return;
  if (line_start_ && text.front() == '.') out += '.';
  out.append(text);
  line_start_ = false;
}

void DataEncoder::encode(std::string_view bytes, std::string& out) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (cr_) {
      // Whatever follows a CR, the line ends here; an LF of its own is part of that end.
      out += "\r\n";
      line_start_ = true;
      cr_ = false;
      if (bytes[at] == '\n') {
        ++at;
        continue;
      }
    }
    const std::size_t end = find_line_end(bytes, at);
    put_text(bytes.substr(at, end - at), out);
    at = end;
    if (at == bytes.size()) break;
    if (bytes[at] == '\r') {
      cr_ = true;
    } else {
      out += "\r\n";
      line_start_ = true;
    }
    ++at;
  }
}

void DataEncoder::finish(std::string& out) {
  if (cr_ || !line_start_) out += "\r\n";
  out += ".\r\n";
  line_start_ = true;
  cr_ = false;
}

}  // namespace postern::outbound
