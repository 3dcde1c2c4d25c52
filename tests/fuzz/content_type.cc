// SPDX-License-Identifier: Apache-2.0
// Values with parameters: never empty types, bounded, values as harmless UTF-8, and what we write of a value reads back.
#include "mime/content_type.h"

#include <cstdint>
#include <cstdlib>

#include "base/ascii.h"
#include "base/encoding.h"

using namespace postern;
using namespace postern::mime;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const Parameters& parameters) {
  require(parameters.size() <= max_parameters);
  for (const Parameter& one : parameters) {
    const std::string value = one.utf8();
    require(is_utf8(value));
    for (const char c : value) require(!ascii::is_ctl(c) || c == '\t');
    if (value.empty() || value.find("=?") != std::string::npos || value.size() > 4'000) continue;
    if (ascii::is_ascii(value) && ascii::trim(value) != value) continue;
    const auto again = parse_content_type("a/b" + format_parameter("x", value));
    require(again.parameters.size() == 1 && again.parameters[0].utf8() == value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ContentType type = parse_content_type(text);
  require(!type.type.empty() && !type.subtype.empty());
  check(type.parameters);
  check(parse_disposition(text).parameters);
  require(parse_languages(text).size() <= max_parameters);
  return 0;
}
