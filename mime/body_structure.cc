// SPDX-License-Identifier: Apache-2.0
// BODYSTRUCTURE: see body_structure.h. The tree is walked by its links: what comes before the children is written when a part
// is entered, the rest when it is left.
#include "mime/body_structure.h"

#include "base/ascii.h"
#include "mime/envelope.h"

namespace postern::mime {
namespace {

constexpr std::string_view empty_text = "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0";
constexpr std::string_view empty_envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";

/// charset'language'value with everything but letters, digits and "-._" as %XX.
std::string extended_value(const Parameter& parameter) {
  // RFC 2231 §4
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out = parameter.charset + '\'' + parameter.language + '\'';
  for (const char c : parameter.value) {
    const auto octet = static_cast<unsigned char>(c);
    if (ascii::is_alnum(c) || c == '-' || c == '.' || c == '_') {
      out += c;
    } else {
      out += {'%', hex[octet >> 4], hex[octet & 15]};
    }
  }
  return out;
}

/// A part that is not, or must not be shown as, what its type says.
bool is_binary(const Part& part) {
  const bool composite = part.type.type == "multipart" || part.type.is("message", "rfc822") || part.type.is("message", "global");
  return part.has(part_opaque) || (part.kind == PartKind::leaf && composite);
}

class Writer {
 public:
  Writer(const PartTree& tree, Structure form) : tree_(tree), form_(form) {}

  std::string write() {
    PartIndex index = 0;
    enter(index);
    for (;;) {
      if (part(index).first_child != no_part) {
        index = part(index).first_child;
        enter(index);
        continue;
      }
      leave(index);
      while (part(index).next_sibling == no_part) {
        index = part(index).parent;
        if (index == no_part) return std::move(out_);
        leave(index);
      }
      index = part(index).next_sibling;
      enter(index);
    }
  }

 private:
  const Part& part(PartIndex index) const { return tree_.parts[index]; }

  void enter(PartIndex index) {
    const Part& entered = part(index);
    out_ += '(';
    if (entered.kind == PartKind::multipart) {
      if (entered.first_child == no_part) empty_part();
      return;
    }
    basic_fields(entered);
    if (entered.kind != PartKind::message) return;
    const PartIndex enclosed = entered.first_child;
    out_ += ' ';
    out_ += enclosed == no_part || part(enclosed).envelope.empty() ? empty_envelope : part(enclosed).envelope;
    out_ += ' ';
    if (enclosed == no_part) empty_part();
  }

  void leave(PartIndex index) {
    const Part& left = part(index);
    if (left.kind == PartKind::multipart) {
      out_ += ' ';
      append_nstring(out_, left.type.subtype);
      if (form_ == Structure::extended) {
        out_ += ' ';
        parameters(left.type.parameters);
        common_extension(left);
      }
    } else {
      const bool lines = left.kind == PartKind::message || (left.type.type == "text" && !is_binary(left));
      if (lines) out_ += ' ' + std::to_string(left.body_lines);
      if (form_ == Structure::extended) {
        out_ += ' ';
        append_nstring_or_nil(out_, left.md5);
        common_extension(left);
      }
    }
    out_ += ')';
  }

  // body-type-basic = media-basic SP body-fields; the same start for text and message
  void basic_fields(const Part& shown) {
    // RFC 3501 §7.4.2
    if (is_binary(shown)) {
      out_ += "\"application\" \"octet-stream\" NIL";
    } else {
      append_nstring(out_, shown.type.type);
      out_ += ' ';
      append_nstring(out_, shown.type.subtype);
      out_ += ' ';
      // RFC 2046 §4.1.2: the default charset of text
      if (shown.type.type == "text" && shown.type.parameter("charset").empty()) {
        text_parameters(shown.type.parameters);
      } else {
        parameters(shown.type.parameters);
      }
    }
    out_ += ' ';
    append_nstring_or_nil(out_, shown.id);
    out_ += ' ';
    append_nstring_or_nil(out_, shown.description);
    out_ += ' ';
    append_nstring(out_, shown.encoding.empty() ? std::string_view("7bit") : std::string_view(shown.encoding));
    out_ += ' ' + std::to_string(shown.body_size());
  }

  void text_parameters(const Parameters& list) {
    out_ += "(\"charset\" \"us-ascii\"";
    for (const Parameter& one : list) {
      if (one.name == "charset") continue;
      out_ += ' ';
      parameter(one);
    }
    out_ += ')';
  }

  void parameters(const Parameters& list) {
    if (list.empty()) {
      out_ += "NIL";
      return;
    }
    for (char before = '('; const Parameter& one : list) {
      out_ += before;
      parameter(one);
      before = ' ';
    }
    out_ += ')';
  }

  void parameter(const Parameter& one) {
    // RFC 2231 §6: pieces are joined, the encoding of the value stays
    append_nstring(out_, one.extended ? one.name + '*' : one.name);
    out_ += ' ';
    append_nstring(out_, one.extended ? extended_value(one) : one.value);
  }

  // SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]
  void common_extension(const Part& shown) {
    // RFC 3501 §7.4.2
    out_ += ' ';
    if (shown.disposition.value.empty()) {
      out_ += "NIL";
    } else {
      out_ += '(';
      append_nstring(out_, shown.disposition.value);
      out_ += ' ';
      parameters(shown.disposition.parameters);
      out_ += ')';
    }
    out_ += ' ';
    languages(shown.languages);
    out_ += ' ';
    append_nstring_or_nil(out_, shown.location);
  }

  void languages(const std::vector<std::string>& tags) {
    if (tags.empty()) {
      out_ += "NIL";
      return;
    }
    for (char before = '('; const std::string& tag : tags) {
      out_ += before;
      append_nstring(out_, tag);
      before = ' ';
    }
    out_ += ')';
  }

  void empty_part() {
    out_ += empty_text;
    out_ += form_ == Structure::extended ? " NIL NIL NIL NIL)" : ")";
  }

  const PartTree& tree_;
  Structure form_;
  std::string out_;
};

}  // namespace

std::string imap_bodystructure(const PartTree& tree, Structure form) { return Writer(tree, form).write(); }

}  // namespace postern::mime
