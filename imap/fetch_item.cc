// SPDX-License-Identifier: Apache-2.0
// The grammar of FETCH items, sections and modifiers.
#include "imap/fetch_item.h"

#include "base/ascii.h"
#include "imap/limits.h"
#include "imap/response.h"

namespace postern::imap {
namespace {

using Kind = FetchItem::Kind;
using mime::SectionKind;

class ItemParser {
 public:
  ItemParser(Parser& in, FetchRequest& request) : in_(in), request_(request) {}

  // RFC 3501 §9: fetch-att
  void item() {
    if (request_.items.size() >= limits::fetch_items) return in_.refuse(no("LIMIT", "Too many items"));
    const auto name = ascii::upper(in_.word());
    if (!in_.ok()) return;
    if (name == "BODY" && !in_.is('[')) return put(Kind::body);
    if (name == "BODY" || name == "BODY.PEEK") return body_section(name == "BODY");
    if (name == "BINARY" || name == "BINARY.PEEK" || name == "BINARY.SIZE") return binary(name);
    if (name == "PREVIEW") return preview();
    if (name.starts_with("RFC822") && rfc822(name)) return;
    static constexpr std::pair<std::string_view, Kind> plain[] = {
        {"FLAGS", Kind::flags},       {"UID", Kind::uid},
        {"MODSEQ", Kind::modseq},     {"INTERNALDATE", Kind::internal_date},
        {"ENVELOPE", Kind::envelope}, {"BODYSTRUCTURE", Kind::body_structure},
        {"RFC822.SIZE", Kind::size},  {"SAVEDATE", Kind::save_date},
        {"EMAILID", Kind::email_id},  {"THREADID", Kind::thread_id}};
    for (const auto& [word, kind] : plain) {
      if (name == word) return put(kind);
    }
    in_.fail("Unknown item");
  }

  /// RFC 3501 §6.4.5: macros stand alone.
  bool macro() {
    const bool all = in_.take_keyword("ALL"), full = !all && in_.take_keyword("FULL");
    if (!all && !full && !in_.take_keyword("FAST")) return false;
    put(Kind::flags);
    put(Kind::internal_date);
    put(Kind::size);
    if (all || full) put(Kind::envelope);
    if (full) put(Kind::body);
    return true;
  }

 private:
  void put(Kind kind) { request_.items.push_back({.kind = kind}); }

  // RFC 3501 §6.4.5: the old names of whole sections
  bool rfc822(std::string_view name) {
    FetchItem item{.kind = Kind::section, .label = std::string(name)};
    if (name == "RFC822.HEADER") {
      item.section.kind = SectionKind::header;
    } else if (name == "RFC822.TEXT") {
      item.section.kind = SectionKind::text;
      request_.sets_seen = true;
    } else if (name == "RFC822") {
      request_.sets_seen = true;
    } else {
      return false;
    }
    request_.items.push_back(std::move(item));
    return true;
  }

  // RFC 3501 §9: fetch-att = "BODY" section ["<" number "." nz-number ">"] / "BODY.PEEK" section …
  //              section = "[" [section-spec] "]"
  void body_section(bool sets_seen) {
    FetchItem item{.kind = Kind::section};
    in_.expect('[');
    item.label = "BODY[";
    if (!in_.is(']')) section_spec(item);
    in_.expect(']');
    item.label += ']';
    if (in_.take('<')) partial(item);
    if (sets_seen) request_.sets_seen = true;
    if (in_.ok()) request_.items.push_back(std::move(item));
  }

  // RFC 3516 §7: fetch-att =/ "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary
  //              section-binary = "[" [section-part] "]"
  void binary(std::string_view name) {
    const bool size = name == "BINARY.SIZE";
    FetchItem item{.kind = size ? Kind::binary_size : Kind::binary};
    item.label = size ? "BINARY.SIZE[" : "BINARY[";
    in_.expect('[');
    while (in_.ok() && !in_.is(']')) {
      if (item.section.path.size() == limits::section_depth) return in_.fail("Section nested too deeply");
      if (!item.section.path.empty()) in_.expect('.');
      item.section.path.push_back(in_.nz_number());
      item.label += fmt::format("{}{}", item.section.path.size() > 1 ? "." : "", item.section.path.back());
    }
    in_.expect(']');
    item.label += ']';
    if (!size && in_.take('<')) partial(item);
    if (name == "BINARY") request_.sets_seen = true;
    if (in_.ok()) request_.items.push_back(std::move(item));
  }

  // RFC 8970 §3.2: "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]; preview-mod = "LAZY". What else may stand in parentheses
  // here are modifiers of FETCH.
  void preview() {
    if (in_.ok() && ascii::istarts_with(in_.rest(), " (LAZY")) {
      in_.sp();
      in_.expect('(');
      do {
        if (!in_.take_keyword("LAZY")) in_.fail("Unknown preview modifier");
      } while (in_.take(' '));
      in_.expect(')');
    }
    put(Kind::preview);
  }

  void partial(FetchItem& item) {
    Partial partial;
    partial.origin = in_.number64();
    in_.expect('.');
    if (in_.is('0')) in_.fail("Expected a number above 0");
    partial.count = in_.number64();
    in_.expect('>');
    item.section.partial = partial;
    item.label += fmt::format("<{}>", partial.origin);
  }

  // section-spec = section-msgtext / (section-part ["." section-text]); section-part = nz-number *("." nz-number)
  void section_spec(FetchItem& item) {
    auto& path = item.section.path;
    while (in_.ok() && !in_.at_end() && ascii::is_digit(in_.rest()[0])) {
      if (path.size() == limits::section_depth) return in_.fail("Section nested too deeply");
      path.push_back(in_.nz_number());
      item.label += fmt::format("{}{}", path.size() > 1 ? "." : "", path.back());
      if (in_.is(']')) return;
      in_.expect('.');
    }
    if (!path.empty()) item.label += '.';
    section_text(item);
  }

  // section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"; section-text = section-msgtext / "MIME"
  void section_text(FetchItem& item) {
    const auto word = ascii::upper(in_.word());
    item.label += word;
    auto& section = item.section;
    if (word == "TEXT") {
      section.kind = SectionKind::text;
    } else if (word == "MIME" && !section.path.empty()) {
      section.kind = SectionKind::mime;
    } else if (word == "HEADER" || word == "HEADER.FIELDS" || word == "HEADER.FIELDS.NOT") {
      section.kind = SectionKind::header;
      if (word != "HEADER") header_list(item, word.ends_with("NOT") ? Section::Filter::except : Section::Filter::only);
    } else {
      in_.fail("Unknown section");
    }
  }

  // header-list = "(" header-fld-name *(SP header-fld-name) ")"; header-fld-name = astring
  void header_list(FetchItem& item, Section::Filter filter) {
    item.section.filter = filter;
    in_.sp();
    in_.expect('(');
    item.label += " (";
    do {
      if (item.section.fields.size() == limits::header_fields) return in_.refuse(no("LIMIT", "Too many header fields"));
      auto name = in_.astring();
      if (!in_.ok()) return;
      if (!item.section.fields.empty()) item.label += ' ';
      append_field_name(item.label, name);
      item.section.fields.push_back(std::move(name));
    } while (in_.take(' '));
    in_.expect(')');
    item.label += ')';
  }

  static void append_field_name(std::string& out, const std::string& name) {
    if (!name.empty() && std::ranges::all_of(name, is_atom_char)) {
      out += name;
    } else {
      append_string(out, name);
    }
  }

  Parser& in_;
  FetchRequest& request_;
};

// RFC 7162 §3.1.4.1: fetch-modifier = "CHANGEDSINCE" SP mod-sequence-value; §3.2.6: "VANISHED"; RFC 9394 §4: "PARTIAL" SP
// partial-range
void parse_modifier(Parser& in, FetchRequest& request) {
  if (in.take_keyword("CHANGEDSINCE")) {
    if (request.changed_since) in.fail("CHANGEDSINCE is allowed once");
    in.sp();
    request.changed_since = in.mod_sequence();
  } else if (in.take_keyword("VANISHED")) {
    request.vanished = true;
  } else if (in.take_keyword("PARTIAL")) {
    if (request.partial) in.fail("PARTIAL is allowed once");
    in.sp();
    request.partial = parse_partial_range(in);
  } else {
    in.fail("Unknown fetch modifier");
  }
}

// RFC 4466 §2.4: fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"
void parse_modifiers(Parser& in, FetchRequest& request) {
  in.sp();
  in.expect('(');
  do parse_modifier(in, request);
  while (in.take(' '));
  in.expect(')');
  if (request.vanished && !request.changed_since) in.fail("VANISHED needs CHANGEDSINCE");
}

}  // namespace

bool FetchRequest::has(Kind kind) const { return std::ranges::find(items, kind, &FetchItem::kind) != items.end(); }

void FetchRequest::require(Kind kind) {
  if (!has(kind)) items.insert(items.begin(), {.kind = kind});
}

bool FetchRequest::reads_bodies() const {
  return std::ranges::any_of(items, [](const FetchItem& item) {
    const bool text = item.section.kind == SectionKind::whole || item.section.kind == SectionKind::text;
    return item.kind == Kind::binary || (item.kind == Kind::section && text);
  });
}

FetchRequest parse_fetch_list(Parser& in) {
  FetchRequest request;
  ItemParser items(in, request);
  in.expect('(');
  do items.item();
  while (in.take(' '));
  in.expect(')');
  return request;
}

FetchRequest parse_fetch(Parser& in) {
  FetchRequest request;
  if (in.is('(')) {
    request = parse_fetch_list(in);
  } else if (ItemParser items(in, request); !items.macro()) {
    items.item();
  }
  if (in.ok() && !in.at_end()) parse_modifiers(in, request);
  in.end();
  return request;
}

}  // namespace postern::imap
