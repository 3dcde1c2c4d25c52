// SPDX-License-Identifier: Apache-2.0
// Section addressing: see section.h.
#include "mime/section.h"

namespace postern::mime {
namespace {

/// Part `number` of a message (given as the part that is its root): a child of a multipart, or 1 for the only body.
PartIndex part_of_message(const PartTree& tree, PartIndex message, std::uint32_t number) {
  // RFC 3501 §6.4.5: "Every message has at least one part number."
  if (tree.parts[message].kind == PartKind::multipart) return tree.child(message, number);
  return number == 1 ? message : no_part;
}

/// Part `number` below a part that was itself reached by a number.
PartIndex part_of_part(const PartTree& tree, PartIndex part, std::uint32_t number) {
  switch (tree.parts[part].kind) {
    case PartKind::multipart: return tree.child(part, number);
    case PartKind::message: return part_of_message(tree, tree.parts[part].first_child, number);
    case PartKind::leaf: return no_part;
  }
  return no_part;
}

Range header_of(const Part& part) { return {part.header_begin, part.body_begin}; }
Range body_of(const Part& part) { return {part.body_begin, part.body_end}; }

std::optional<Range> section_of_message(const Part& message, SectionKind kind) {
  switch (kind) {
    case SectionKind::whole: return Range{message.header_begin, message.body_end};
    case SectionKind::header: return header_of(message);
    case SectionKind::text: return body_of(message);
    case SectionKind::mime: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

PartIndex find_part(const PartTree& tree, std::span<const std::uint32_t> path) {
  if (path.empty()) return 0;
  PartIndex index = part_of_message(tree, 0, path.front());
  for (const std::uint32_t number : path.subspan(1)) {
    if (index == no_part) return no_part;
    index = part_of_part(tree, index, number);
  }
  return index;
}

std::optional<Range> find_section(const PartTree& tree, std::span<const std::uint32_t> path, SectionKind kind) {
  if (path.empty()) return section_of_message(tree.root(), kind);
  const PartIndex index = find_part(tree, path);
  if (index == no_part) return std::nullopt;
  const Part& part = tree.parts[index];
  if (kind == SectionKind::whole) return body_of(part);
  if (kind == SectionKind::mime) return header_of(part);
  // RFC 3501 §6.4.5: HEADER and TEXT of a part are those of the message it encloses.
  if (part.kind != PartKind::message) return std::nullopt;
  return section_of_message(tree.parts[part.first_child], kind);
}

}  // namespace postern::mime
