// SPDX-License-Identifier: Apache-2.0
// The text of any octets: the same in one piece and in small ones, well-formed UTF-8, and not more than what is put in allows.
#include <cstdint>
#include <cstdlib>

#include "mime/charset.h"
#include "mime/search_text.h"

namespace {

using namespace postern;

struct Collected final : mime::TextSink {
  void add(mime::TextPlace place, std::string_view text) override { texts[static_cast<std::size_t>(place)] += text; }
  std::string texts[mime::text_places];
};

void extract(std::string_view message, const mime::PartTree& tree, std::size_t piece, Collected& out) {
  mime::TextExtractor extractor({tree, 0, mime::all_places}, out);
  std::size_t octets = 0;
  while (const auto range = extractor.wants()) {
    if (range->begin >= range->end || range->end > message.size()) std::abort();
    const auto some = message.substr(range->begin, std::min<std::size_t>(piece, range->size()));
    octets += some.size();
    extractor.feed(some);
  }
  // Every octet is asked for once at most.
  if (octets > message.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] + 1U;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto tree = mime::parse_message(message);
  Collected whole, pieces;
  extract(message, tree, message.size(), whole);
  extract(message, tree, piece, pieces);
  for (std::size_t place = 0; place < mime::text_places; ++place) {
    if (whole.texts[place] != pieces.texts[place]) std::abort();
    if (mime::to_utf8(whole.texts[place], "utf-8") != whole.texts[place]) std::abort();
  }
  for (const auto& header : {whole.texts[0], whole.texts[1]}) {
    if (!header.empty() && header.back() != '\n') std::abort();
  }
  return 0;
}
