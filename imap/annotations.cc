// SPDX-License-Identifier: Apache-2.0
#include "imap/annotations.h"

#include <algorithm>

namespace postern::imap {
namespace {

void parse_entry(Parser& in, std::vector<std::string>& out) {
  const auto text = in.astring();
  if (!in.ok()) return;
  if (out.size() == limits::metadata_entries) return in.refuse(no("LIMIT", "Too many entries"));
  auto entry = store::canonical_entry(text);
  if (!entry) return in.fail(entry.error().text);
  out.push_back(*std::move(entry));
}

/// RFC 5464 §4.2.2
bool lies_at(const std::string& entry, const std::string& asked, EntryRequest::Depth depth) {
  if (entry == asked) return true;
  if (depth == EntryRequest::Depth::itself || !entry.starts_with(asked + "/")) return false;
  return depth == EntryRequest::Depth::all || entry.find('/', asked.size() + 1) == std::string::npos;
}

}  // namespace

void parse_entries(Parser& in, std::vector<std::string>& out) {
  if (!in.take('(')) return parse_entry(in, out);
  do parse_entry(in, out);
  while (in.take(' '));
  in.expect(')');
}

std::vector<store::Annotation> choose_entries(const EntryRequest& request, const std::vector<store::Annotation>& all,
                                              std::uint64_t& longest) {
  std::vector<store::Annotation> out;
  const auto has = [&out](const std::string& entry) {
    return std::ranges::any_of(out, [&](const auto& one) { return one.entry == entry; });
  };
  for (const auto& asked : request.entries) {
    bool found = false;
    for (const auto& one : all) {
      if (!lies_at(one.entry, asked, request.depth)) continue;
      found = found || one.entry == asked;
      if (has(one.entry)) continue;
      if (request.max_size && one.value->size() > *request.max_size) {
        longest = std::max<std::uint64_t>(longest, one.value->size());
      } else {
        out.push_back(one);
      }
    }
    if (!found && request.depth == EntryRequest::Depth::itself && !has(asked)) out.push_back({asked, std::nullopt});
  }
  return out;
}

void append_annotations(std::string& out, std::string_view mailbox, NameForm names,
                        const std::vector<store::Annotation>& entries) {
  if (entries.empty()) return;
  out.append("* METADATA ");
  append_mailbox(out, mailbox, names);
  out.append(" (");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i != 0) out += ' ';
    append_string(out, entries[i].entry);
    out += ' ';
    const auto& value = entries[i].value;
    if (!value) {
      out.append("NIL");
    } else {
      // RFC 5464 §5: a value may hold any octet; NUL needs a literal8.
      if (value->find('\0') != std::string::npos) out += '~';
      append_string(out, *value);
    }
  }
  out.append(")\r\n");
}

}  // namespace postern::imap
