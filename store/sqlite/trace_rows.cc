// SPDX-License-Identifier: Apache-2.0
// One line for each detail: name, tab, value.
#include "store/sqlite/trace_rows.h"

#include <algorithm>

#include "store/sqlite/trace_book.h"

namespace postern::store::sqlite {
namespace {

/// Tabs and line ends separate; whatever a stranger wrote has none afterwards.
void append_plain(std::string& out, std::string_view text) {
  for (const char c : text) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
}

void read_details(std::string_view text, TraceEvent& into) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    const auto tab = line.find('\t');
    if (tab != std::string_view::npos) into.add(std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::string write_details(const TraceEvent& event) {
  std::string out;
  for (const auto& [name, value] : event.details) {
    const auto before = out.size();
    append_plain(out, name);
    out += '\t';
    append_plain(out, value);
    out += '\n';
    if (out.size() <= trace_event_max) continue;
    out.resize(before);
    out += "cut\tmore was not kept\n";
    break;
  }
  return out;
}

TraceEvent read_event(Query& row) {
  TraceEvent out;
  out.id = row.integer(0);
  out.at_ms = row.integer(1);
  out.message = row.text(2);
  out.kind = row.text(3);
  read_details(row.text(4), out);
  return out;
}

}  // namespace postern::store::sqlite
