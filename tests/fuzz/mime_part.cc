// SPDX-License-Identifier: Apache-2.0
// The MIME parser: whatever comes in, the result is a tree inside the message, the size of pieces does not matter, the stored
// form reads back, and every section lies in the message. The first octet chooses where the message is cut.
#include <cstdint>
#include <cstdlib>

#include "mime/body_structure.h"
#include "mime/part.h"
#include "mime/part_codec.h"
#include "mime/section.h"
#include "mime/text_decoder.h"

using namespace postern::mime;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_sections(const PartTree& tree, std::uint64_t size) {
  for (std::uint32_t a = 0; a < 4; ++a) {
    for (std::uint32_t b = 0; b < 3; ++b) {
      const std::uint32_t path[] = {a, b};
      for (const auto kind : {SectionKind::whole, SectionKind::header, SectionKind::text, SectionKind::mime}) {
        const auto range = find_section(tree, path, kind);
        require(!range || (range->begin <= range->end && range->end <= size));
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = data[0] + std::size_t{1};
  const PartTree tree = parse_message(message);
  require(is_tree(tree) && tree.root().header_begin == 0 && tree.root().body_end == message.size());
  PartParser parser;
  for (std::size_t at = 0; at < message.size(); at += step) parser.feed(message.substr(at, step));
  require(parser.finish() == tree);
  require(decode_parts(encode_parts(tree)) == tree);
  (void)decode_parts(message);
  imap_bodystructure(tree, Structure::basic);
  const std::string structure = imap_bodystructure(tree, Structure::extended);
  require(structure.starts_with('(') && structure.ends_with(')') && structure.find('\0') == std::string::npos);
  check_sections(tree, message.size());
  for (const Part& part : tree.parts) {
    TextDecoder decoder(part);
    std::string text;
    decoder.decode(message.substr(part.body_begin, part.body_size()), text);
    decoder.finish(text);
  }
  return 0;
}
