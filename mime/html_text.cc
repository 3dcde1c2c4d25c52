// SPDX-License-Identifier: Apache-2.0
// HTML to text: see html_text.h. The tokenizer is a small part of the HTML Standard's §13.2.5; the names are those of HTML 4's
// three entity sets, which is what mail programs write.
#include "mime/html_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"

namespace postern::mime {
namespace {

/// Longest character reference that is looked at, and longest tag name that matters.
constexpr std::size_t max_held = 32;
constexpr std::uint32_t last_code_point = 0x10FFFF;
constexpr std::uint32_t replacement_character = 0xFFFD;

/// Tags inside of a line.
constexpr std::array<std::string_view, 34> inline_tags = {
    "a",    "abbr",   "acronym", "b",   "bdi", "bdo",   "big",  "cite", "code", "data", "del",  "dfn",
    "em",   "font",   "i",       "ins", "kbd", "label", "mark", "nobr", "q",    "s",    "samp", "small",
    "span", "strike", "strong",  "sub", "sup", "time",  "tt",   "u",    "var",  "wbr"};
/// Elements whose content nobody reads.
constexpr std::array<std::string_view, 4> unread_tags = {"script", "style", "template", "noframes"};

/// Latin-1 letters and signs, U+00A0 to U+00FF in order.
constexpr std::array<std::string_view, 96> latin1_names = {
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",    "copy",   "ordf",   "laquo",
    "not",    "shy",    "reg",    "macr",   "deg",    "plusmn", "sup2",   "sup3",   "acute",  "micro",  "para",   "middot",
    "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde",
    "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave", "Iacute", "Icirc",  "Iuml",
    "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",
    "Uuml",   "Yacute", "THORN",  "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
    "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",    "ntilde", "ograve", "oacute",
    "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave", "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml"};

struct Named {
  std::string_view name;
  std::uint32_t code;
};
constexpr std::array other_names = std::to_array<Named>({
    {"quot", 34},      {"amp", 38},      {"lt", 60},       {"gt", 62},       {"apos", 39},     {"OElig", 338},
    {"oelig", 339},    {"Scaron", 352},  {"scaron", 353},  {"Yuml", 376},    {"circ", 710},    {"tilde", 732},
    {"ensp", 8194},    {"emsp", 8195},   {"thinsp", 8201}, {"zwnj", 8204},   {"zwj", 8205},    {"lrm", 8206},
    {"rlm", 8207},     {"ndash", 8211},  {"mdash", 8212},  {"lsquo", 8216},  {"rsquo", 8217},  {"sbquo", 8218},
    {"ldquo", 8220},   {"rdquo", 8221},  {"bdquo", 8222},  {"dagger", 8224}, {"Dagger", 8225}, {"permil", 8240},
    {"lsaquo", 8249},  {"rsaquo", 8250}, {"euro", 8364},   {"fnof", 402},    {"Alpha", 913},   {"Beta", 914},
    {"Gamma", 915},    {"Delta", 916},   {"Epsilon", 917}, {"Zeta", 918},    {"Eta", 919},     {"Theta", 920},
    {"Iota", 921},     {"Kappa", 922},   {"Lambda", 923},  {"Mu", 924},      {"Nu", 925},      {"Xi", 926},
    {"Omicron", 927},  {"Pi", 928},      {"Rho", 929},     {"Sigma", 931},   {"Tau", 932},     {"Upsilon", 933},
    {"Phi", 934},      {"Chi", 935},     {"Psi", 936},     {"Omega", 937},   {"alpha", 945},   {"beta", 946},
    {"gamma", 947},    {"delta", 948},   {"epsilon", 949}, {"zeta", 950},    {"eta", 951},     {"theta", 952},
    {"iota", 953},     {"kappa", 954},   {"lambda", 955},  {"mu", 956},      {"nu", 957},      {"xi", 958},
    {"omicron", 959},  {"pi", 960},      {"rho", 961},     {"sigmaf", 962},  {"sigma", 963},   {"tau", 964},
    {"upsilon", 965},  {"phi", 966},     {"chi", 967},     {"psi", 968},     {"omega", 969},   {"thetasym", 977},
    {"upsih", 978},    {"piv", 982},     {"bull", 8226},   {"hellip", 8230}, {"prime", 8242},  {"Prime", 8243},
    {"oline", 8254},   {"frasl", 8260},  {"weierp", 8472}, {"image", 8465},  {"real", 8476},   {"trade", 8482},
    {"alefsym", 8501}, {"larr", 8592},   {"uarr", 8593},   {"rarr", 8594},   {"darr", 8595},   {"harr", 8596},
    {"crarr", 8629},   {"lArr", 8656},   {"uArr", 8657},   {"rArr", 8658},   {"dArr", 8659},   {"hArr", 8660},
    {"forall", 8704},  {"part", 8706},   {"exist", 8707},  {"empty", 8709},  {"nabla", 8711},  {"isin", 8712},
    {"notin", 8713},   {"ni", 8715},     {"prod", 8719},   {"sum", 8721},    {"minus", 8722},  {"lowast", 8727},
    {"radic", 8730},   {"prop", 8733},   {"infin", 8734},  {"ang", 8736},    {"and", 8743},    {"or", 8744},
    {"cap", 8745},     {"cup", 8746},    {"int", 8747},    {"there4", 8756}, {"sim", 8764},    {"cong", 8773},
    {"asymp", 8776},   {"ne", 8800},     {"equiv", 8801},  {"le", 8804},     {"ge", 8805},     {"sub", 8834},
    {"sup", 8835},     {"nsub", 8836},   {"sube", 8838},   {"supe", 8839},   {"oplus", 8853},  {"otimes", 8855},
    {"perp", 8869},    {"sdot", 8901},   {"lceil", 8968},  {"rceil", 8969},  {"lfloor", 8970}, {"rfloor", 8971},
    {"lang", 9001},    {"rang", 9002},   {"loz", 9674},    {"spades", 9824}, {"clubs", 9827},  {"hearts", 9829},
    {"diams", 9830},
});

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }

void append_code_point(std::uint32_t c, std::string& out) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      byte(0xE0 | c >> 12);
    } else {
      byte(0xF0 | c >> 18);
      byte(0x80 | (c >> 12 & 0x3F));
    }
    byte(0x80 | (c >> 6 & 0x3F));
  }
  byte(0x80 | (c & 0x3F));
}

/// Of "#8364" or "#x20AC" (without "&" and ";"); 0 when it is no number.
std::uint32_t numbered(std::string_view text) {
  const bool hex = text.size() > 1 && (text[1] == 'x' || text[1] == 'X');
  const auto digits = text.substr(hex ? 2 : 1);
  if (digits.empty()) return 0;
  std::uint32_t code = 0;
  for (const char c : digits) {
    if (hex ? !ascii::is_hex(c) : !ascii::is_digit(c)) return 0;
    const auto digit = static_cast<std::uint32_t>(ascii::is_digit(c) ? c - '0' : ascii::lower(c) - 'a' + 10);
    code = std::min(code * (hex ? 16 : 10) + digit, last_code_point + 1);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code == 0 || code > last_code_point || surrogate ? replacement_character : code;
}

/// The character that a reference means; 0 when it means none.
std::uint32_t referenced(std::string_view text) {
  if (text.starts_with('#')) return numbered(text);
  if (const auto* found = std::ranges::find(latin1_names, text); found != latin1_names.end()) {
    return static_cast<std::uint32_t>(0xA0 + (found - latin1_names.begin()));
  }
  const auto* found = std::ranges::find(other_names, text, &Named::name);
  return found == other_names.end() ? 0 : found->code;
}

}  // namespace

void HtmlText::feed(std::string_view utf8, std::string& out) {
  while (!utf8.empty()) {
    if (state_ == State::text) {
      // Most of a page is plain words: they go through in one piece.
      const auto plain = std::min(utf8.find_first_of("<& \t\r\n\f"), utf8.size());
      if (plain != 0) {
        put(utf8.substr(0, plain), out);
        utf8.remove_prefix(plain);
        continue;
      }
    }
    step(utf8.front(), out);
    utf8.remove_prefix(1);
  }
}

void HtmlText::finish(std::string& out) {
  if (state_ == State::reference) end_reference(out);
  if (state_ == State::tag_start) put("<", out);
  *this = HtmlText();
}

void HtmlText::step(char c, std::string& out) {
  switch (state_) {
    case State::text: return in_text(c, out);
    case State::reference: return in_reference(c, out);
    case State::tag_start: return in_tag_start(c, out);
    case State::tag: return in_tag(c);
    case State::quoted:
      if (c == quote_) state_ = State::tag;
      return;
    case State::declaration: return in_declaration(c);
    case State::comment: return in_comment(c);
    case State::raw: return in_raw(c);
  }
}

/// Writes what is seen, with the gap before it.
void HtmlText::put(std::string_view visible, std::string& out) {
  if (began_ && gap_ != Gap::none) out += gap_ == Gap::line ? '\n' : ' ';
  gap_ = Gap::none;
  began_ = true;
  out += visible;
}

void HtmlText::in_text(char c, std::string& out) {
  if (c == '<') {
    state_ = State::tag_start;
  } else if (c == '&') {
    held_.clear();
    state_ = State::reference;
  } else if (is_space(c)) {
    gap_ = std::max(gap_, Gap::space);
  } else {
    put({&c, 1}, out);
  }
}

void HtmlText::in_reference(char c, std::string& out) {
  if (held_.size() < max_held && (ascii::is_alnum(c) || (c == '#' && held_.empty()))) {
    held_ += c;
    return;
  }
  if (c == ';' && referenced(held_) != 0) {
    end_reference(out);
    return;
  }
  end_reference(out);
  step(c, out);
}

/// A reference that means nothing stays as it was written.
void HtmlText::end_reference(std::string& out) {
  state_ = State::text;
  const auto code = referenced(held_);
  std::string visible;
  if (code == 0) {
    visible.append("&").append(held_);
  } else {
    append_code_point(code, visible);
  }
  held_.clear();
  if (visible.size() == 1 && is_space(visible.front())) {
    gap_ = std::max(gap_, Gap::space);
    return;
  }
  put(visible, out);
}

void HtmlText::in_tag_start(char c, std::string& out) {
  held_.clear();
  if (c == '!' || c == '?') {
    dashes_ = 0;
    state_ = State::declaration;
  } else if (ascii::is_alpha(c) || c == '/') {
    naming_ = true;
    held_ += ascii::lower(c);
    state_ = State::tag;
  } else {
    state_ = State::text;
    put("<", out);
    step(c, out);
  }
}

void HtmlText::in_tag(char c) {
  if (c == '>') return end_tag();
  if (naming_ && !is_space(c) && c != '/') {
    if (held_.size() < max_held) held_ += ascii::lower(c);
    return;
  }
  naming_ = false;
  if (c == '"' || c == '\'') {
    quote_ = c;
    state_ = State::quoted;
  }
}

void HtmlText::end_tag() {
  state_ = State::text;
  const bool closing = held_.starts_with('/');
  const auto name = std::string_view(held_).substr(closing ? 1 : 0);
  if (!closing && std::ranges::find(unread_tags, name) != unread_tags.end()) {
    raw_end_.assign("</").append(name);
    held_.clear();
    state_ = State::raw;
    gap_ = Gap::line;
    return;
  }
  if (std::ranges::find(inline_tags, name) == inline_tags.end()) gap_ = Gap::line;
}

/// After "<!" or "<?": a comment begins with two dashes, all else ends with ">".
void HtmlText::in_declaration(char c) {
  if (c == '-' && dashes_ < 2) {
    if (++dashes_ == 2) {
      state_ = State::comment;
      dashes_ = 2;  // "<!-->" is an empty comment
    }
    return;
  }
  dashes_ = 2;
  if (c == '>') state_ = State::text;
}

void HtmlText::in_comment(char c) {
  if (c == '-') {
    dashes_ = static_cast<std::uint8_t>(std::min(dashes_ + 1, 2));
  } else {
    if (c == '>' && dashes_ == 2) state_ = State::text;
    dashes_ = 0;
  }
}

/// Inside of a script or style: only its own end tag ends it.
void HtmlText::in_raw(char c) {
  if (held_.size() == raw_end_.size()) {
    if (c == '>') {
      held_.clear();
      state_ = State::text;
    } else if (!is_space(c) && c != '/') {
      held_.clear();
    }
    return;
  }
  const char low = ascii::lower(c);
  if (low == raw_end_[held_.size()]) {
    held_ += low;
  } else {
    held_.assign(low == '<' ? 1 : 0, '<');
  }
}

}  // namespace postern::mime
