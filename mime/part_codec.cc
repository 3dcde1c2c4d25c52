// SPDX-License-Identifier: Apache-2.0
// The stored form of a part tree: see part_codec.h.
//
// version, since version 2 the listed fields of the header, flags, number of parts, then for each part in order: index minus
// parent (0 for the root), kind, flags, header offset from the parent's body, header size, body size, lines, and the strings.
// Numbers are little-endian base 128, strings have their length before them. Sibling links follow from the parents, so they are
// not stored and cannot be damaged.
#include "mime/part_codec.h"

#include "base/cursor.h"

namespace postern::mime {
namespace {

constexpr std::uint64_t max_offset = std::uint64_t{1} << 48;  ///< no message is larger; keeps sums far from overflow
constexpr unsigned number_bits = 7;
constexpr unsigned max_shift = 63;
constexpr unsigned char more_bit = 0x80;
constexpr unsigned char without_listed = 1;  ///< the version of Postern 0.1

void put_number(std::string& out, std::uint64_t value) {
  while (value >= more_bit) {
    out += static_cast<char>((value & 0x7f) | more_bit);
    value >>= number_bits;
  }
  out += static_cast<char>(value);
}

void put_string(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

void put_parameters(std::string& out, const Parameters& parameters) {
  put_number(out, parameters.size());
  for (const Parameter& parameter : parameters) {
    put_string(out, parameter.name);
    put_string(out, parameter.value);
    put_number(out, parameter.extended ? 1 : 0);
    if (!parameter.extended) continue;
    put_string(out, parameter.charset);
    put_string(out, parameter.language);
  }
}

void put_part(std::string& out, const PartTree& tree, PartIndex index) {
  const Part& part = tree.parts[index];
  const bool root = part.parent == no_part;
  put_number(out, root ? 0 : index - part.parent);
  put_number(out, static_cast<std::uint64_t>(part.kind));
  put_number(out, part.flags);
  put_number(out, part.header_begin - (root ? 0 : tree.parts[part.parent].body_begin));
  put_number(out, part.header_size());
  put_number(out, part.body_size());
  put_number(out, part.body_lines);
  put_string(out, part.type.type);
  put_string(out, part.type.subtype);
  put_parameters(out, part.type.parameters);
  for (const auto* text : {&part.encoding, &part.id, &part.description, &part.md5, &part.location, &part.disposition.value}) {
    put_string(out, *text);
  }
  put_parameters(out, part.disposition.parameters);
  put_number(out, part.languages.size());
  for (const std::string& tag : part.languages) put_string(out, tag);
  put_string(out, part.envelope);
}

/// Reads what put_* wrote. After the first damage everything is zero or empty, and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : in_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return in_.at_end(); }

  std::uint64_t number(std::uint64_t max) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < max_shift; shift += number_bits) {
      if (in_.at_end()) ok_ = false;
      const auto octet = static_cast<unsigned char>(in_.next().value_or('\0'));
      value |= static_cast<std::uint64_t>(octet & 0x7f) << shift;
      if ((octet & more_bit) == 0) break;
      if (shift + number_bits >= max_shift) ok_ = false;
    }
    if (value > max) ok_ = false;
    return ok_ ? value : 0;
  }
  std::string_view view() {
    const std::uint64_t size = number(max_offset);
    if (size > in_.rest().size()) ok_ = false;
    return ok_ ? in_.take_n(static_cast<std::size_t>(size)) : std::string_view();
  }
  std::string string() { return std::string(view()); }
  Parameters parameters() {
    Parameters list(static_cast<std::size_t>(number(max_parameters)));
    for (Parameter& parameter : list) {
      parameter.name = string();
      parameter.value = string();
      parameter.extended = number(1) == 1;
      if (!parameter.extended) continue;
      parameter.charset = string();
      parameter.language = string();
    }
    return list;
  }

 private:
  Cursor in_;
  bool ok_ = true;
};

Part read_part(Reader& in, const PartTree& tree) {
  const std::uint64_t index = tree.parts.size();
  Part part;
  const std::uint64_t up = in.number(index);
  const bool root = up == 0;
  if (!root) part.parent = static_cast<PartIndex>(index - up);
  part.kind = static_cast<PartKind>(in.number(static_cast<std::uint64_t>(PartKind::message)));
  part.flags = static_cast<std::uint8_t>(in.number(UINT8_MAX));
  part.header_begin = in.number(max_offset) + (root ? 0 : tree.parts[part.parent].body_begin);
  part.body_begin = part.header_begin + in.number(max_offset);
  part.body_end = part.body_begin + in.number(max_offset);
  part.body_lines = in.number(max_offset);
  part.type.type = in.string();
  part.type.subtype = in.string();
  part.type.parameters = in.parameters();
  for (auto* text : {&part.encoding, &part.id, &part.description, &part.md5, &part.location, &part.disposition.value}) {
    *text = in.string();
  }
  part.transfer_encoding = parse_transfer_encoding(part.encoding);
  part.disposition.parameters = in.parameters();
  part.languages.resize(static_cast<std::size_t>(in.number(max_parameters)));
  for (std::string& tag : part.languages) tag = in.string();
  part.envelope = in.string();
  return part;
}

/// Sets first_child and next_sibling from the parents.
void link_siblings(PartTree& tree) {
  std::vector<PartIndex> last(tree.parts.size(), no_part);
  for (PartIndex index = 1; index < tree.parts.size(); ++index) {
    const PartIndex parent = tree.parts[index].parent;
    if (parent == no_part) continue;
    PartIndex& before = last[parent];
    (before == no_part ? tree.parts[parent].first_child : tree.parts[before].next_sibling) = index;
    before = index;
  }
}

/// A part against its parent and the sibling before it.
bool fits(const PartTree& tree, PartIndex index, PartIndex before) {
  const Part& part = tree.parts[index];
  const Part& parent = tree.parts[part.parent];
  if (parent.kind == PartKind::leaf || (parent.kind == PartKind::message && before != no_part)) return false;
  const std::uint64_t from = before == no_part ? parent.body_begin : tree.parts[before].body_end;
  const PartIndex link = before == no_part ? parent.first_child : tree.parts[before].next_sibling;
  return link == index && part.header_begin >= from && part.body_end <= parent.body_end;
}

}  // namespace

std::string encode_parts(const PartTree& tree) {
  std::string out(1, static_cast<char>(part_codec_version));
  put_string(out, tree.listed);
  put_number(out, tree.truncated ? 1 : 0);
  put_number(out, tree.parts.size());
  for (PartIndex index = 0; index < tree.parts.size(); ++index) put_part(out, tree, index);
  return out;
}

Result<PartTree> decode_parts(std::string_view bytes) {
  if (bytes.empty()) return fail(ErrorKind::corrupt, "an empty part tree");
  const auto version = static_cast<unsigned char>(bytes.front());
  if (version != part_codec_version && version != without_listed) {
    return fail(ErrorKind::unsupported, "a part tree of another version");
  }
  Reader in(bytes.substr(1));
  PartTree tree;
  if (version != without_listed) tree.listed = in.string();
  tree.truncated = in.number(1) == 1;
  const std::uint64_t count = in.number(max_parts);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) tree.parts.push_back(read_part(in, tree));
  if (!in.ok() || !in.at_end()) return fail(ErrorKind::corrupt, "a damaged part tree");
  link_siblings(tree);
  if (!is_tree(tree)) return fail(ErrorKind::corrupt, "a part tree whose parts do not fit into each other");
  return tree;
}

std::string_view listed_fields_in(std::string_view bytes) {
  if (bytes.empty() || static_cast<unsigned char>(bytes.front()) != part_codec_version) return {};
  return Reader(bytes.substr(1)).view();
}

bool is_tree(const PartTree& tree) {
  const auto& parts = tree.parts;
  if (parts.empty() || parts.size() > max_parts || parts.front().parent != no_part) return false;
  std::vector<PartIndex> last(parts.size(), no_part);
  std::vector<std::size_t> depth(parts.size(), 1);
  for (PartIndex index = 0; index < parts.size(); ++index) {
    const Part& part = parts[index];
    if (part.header_begin > part.body_begin || part.body_begin > part.body_end) return false;
    if (part.kind == PartKind::message && part.first_child == no_part) return false;
    if (index == 0) continue;
    if (part.parent >= index || !fits(tree, index, last[part.parent])) return false;
    depth[index] = depth[part.parent] + 1;
    if (depth[index] > max_depth + 1) return false;
    last[part.parent] = index;
  }
  // The last child has no link onward, and a part without children none down.
  for (PartIndex index = 0; index < parts.size(); ++index) {
    if ((last[index] == no_part ? parts[index].first_child : parts[last[index]].next_sibling) != no_part) return false;
  }
  return parts.front().next_sibling == no_part;
}

}  // namespace postern::mime
