// SPDX-License-Identifier: Apache-2.0
// The grammar of tag lists.
#include "policy/tag_list.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::policy {
namespace {

bool is_tag_name(std::string_view name) {
  if (name.empty() || !ascii::is_alpha(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

bool is_value_octet(char c) {
  return (ascii::is_vchar(c) && c != ';') || ascii::is_wsp(c) || c == '\r' || c == '\n' || ascii::is_eight_bit(c);
}

}  // namespace

// RFC 6376 §3.2
//   tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
Result<> TagList::take(std::string_view spec) {
  const auto equals = spec.find('=');
  if (equals == std::string_view::npos) return fail(ErrorKind::invalid, "a tag without \"=\"");
  const Tag tag{ascii::trim(spec.substr(0, equals)), ascii::trim(spec.substr(equals + 1))};
  if (!is_tag_name(tag.name)) return fail(ErrorKind::invalid, "a tag without a proper name");
  if (!std::ranges::all_of(tag.value, is_value_octet)) return fail(ErrorKind::invalid, "control characters in a tag");
  if (find(tag.name)) return fail(ErrorKind::invalid, "tag " + std::string(tag.name) + " occurs twice");
  if (tags_.size() >= tags_max) return fail(ErrorKind::limit, "too many tags");
  tags_.push_back(tag);
  return {};
}

// RFC 6376 §3.2
//   tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
Result<TagList> TagList::parse(std::string_view text) {
  if (text.size() > tag_list_max) return fail(ErrorKind::too_large, "the tag list is too long");
  TagList out;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const auto spec = ascii::trim(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    if (spec.empty() && ascii::trim(text).empty()) break;
    if (auto taken = out.take(spec); !taken) return std::unexpected(taken.error());
  }
  return out;
}

TagList TagList::salvage(std::string_view text) {
  text = text.substr(0, tag_list_max);
  TagList out;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    static_cast<void>(out.take(ascii::trim(text.substr(0, end))));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

std::optional<std::string_view> TagList::find(std::string_view name) const {
  const auto tag = std::ranges::find(tags_, name, &Tag::name);
  if (tag == tags_.end()) return std::nullopt;
  return tag->value;
}

std::string without_space(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return !ascii::is_wsp(c) && c != '\r' && c != '\n'; });
  return out;
}

std::vector<std::string_view> split_colons(std::string_view text, std::size_t max) {
  std::vector<std::string_view> out;
  Cursor in(text);
  while (!in.at_end() && out.size() < max) {
    out.push_back(ascii::trim(in.take_until(':')));
    in.take(':');
  }
  return out;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  Cursor in(text);
  const auto value = in.take_number();
  if (!value || !in.at_end()) return std::nullopt;
  return value;
}

}  // namespace postern::policy
