// SPDX-License-Identifier: Apache-2.0
// Header blocks: fields lie in order inside the block, selecting keeps or drops each exactly once, the end is the same in pieces,
// and ENVELOPE never holds a line end outside of a literal.
#include "mime/header.h"

#include <cstdint>
#include <cstdlib>

#include "base/ascii.h"
#include "mime/date.h"
#include "mime/envelope.h"

using namespace postern;
using namespace postern::mime;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Walks over an IMAP response text: quoted strings hold no line end, literals are as long as they say.
void check_imap(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    require(text[i] != '\r' && text[i] != '\n' && text[i] != '\0' && !ascii::is_eight_bit(text[i]));
    if (text[i] == '"') {
      for (++i; text[i] != '"'; ++i) {
        require(i + 1 < text.size() && text[i] != '\n' && text[i] != '\r');
        if (text[i] == '\\') ++i;
      }
    } else if (text[i] == '{') {
      const std::size_t close = text.find("}\r\n", i);
      require(close != std::string_view::npos);
      i = close + 2 + std::stoul(std::string(text.substr(i + 1, close - i - 1)));
      require(i < text.size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view block(reinterpret_cast<const char*>(data), size);
  const Header header(block);
  std::size_t last = 0;
  for (const Field& field : header.fields()) {
    require(field.begin >= last && field.end > field.begin && field.end <= block.size());
    require(block.substr(field.begin, field.name.size()) == field.name);
    require(field.value().find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    last = field.end;
  }
  const std::vector<std::string> names = {"From", "x"};
  const auto only = select_fields(block, names, Select::only).size();
  const auto except = select_fields(block, names, Select::except).size();
  require(only <= block.size() + 2 && except <= block.size() + 2);
  const HeaderEnd end = find_header_end(block);
  HeaderEndFinder finder;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < block.size() && !finder.done(); ++i) taken += finder.feed(block.substr(i, 1));
  require(taken == end.body_begin && finder.done() == end.found);
  (void)check_limits(block);
  check_imap(imap_envelope(block));
  if (const auto date = parse_date(block)) require(parse_date(format_date(*date))->zone_minutes == date->zone_minutes);
  return 0;
}
