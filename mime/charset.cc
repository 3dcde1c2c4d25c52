// SPDX-License-Identifier: Apache-2.0
// Charsets: see charset.h. UTF-8 and what we read as UTF-8 is checked here with ICU's macros; all else goes through a pair of
// ICU converters over a pivot buffer. Names are looked up in ICU's alias table before a converter is opened, so a hostile
// name never makes ICU look for files.
#include "mime/charset.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "base/ascii.h"

namespace postern::mime {
namespace {

constexpr std::size_t max_charset_name = 64;
constexpr std::size_t pivot_units = 1'024;
constexpr std::size_t output_step = 4'096;  ///< octets of output per ICU call
constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Names that mean something else in practice (the WHATWG Encoding Standard has the same pairs).
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> practical_names = {{
    {"iso-8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"iso8859-1", "windows-1252"},
    {"iso_8859-1", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"iso-8859-11", "windows-874"},
    {"gb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"ks_c_5601-1987", "windows-949"},
    {"euc-kr", "windows-949"},
    {"x-sjis", "shift_jis"},
}};
constexpr std::array<std::string_view, 6> utf8_names = {"", "utf-8", "utf8", "us-ascii", "ascii", "ansi_x3.4-1968"};

bool is_name_char(char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '+'; }

/// Lower case, replaced by what is meant in practice; empty for UTF-8.
std::string practical_name(std::string_view name) {
  std::string lower = ascii::lower(ascii::trim(name));
  if (std::ranges::find(utf8_names, lower) != utf8_names.end()) return {};
  for (const auto& [written, meant] : practical_names) {
    if (written == lower) return std::string(meant);
  }
  return lower;
}

/// True when ICU has this converter among its own.
bool icu_knows(const std::string& name) {
  if (name.empty() || name.size() > max_charset_name || !std::ranges::all_of(name, is_name_char)) return false;
  UErrorCode error = U_ZERO_ERROR;
  return ucnv_countAliases(name.c_str(), &error) > 0 && U_SUCCESS(error);
}

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

/// Null when it cannot be opened.
Converter open_converter(const char* name) {
  UErrorCode error = U_ZERO_ERROR;
  Converter converter(ucnv_open(name, &error));
  return U_SUCCESS(error) ? std::move(converter) : nullptr;
}

/// Appends well-formed UTF-8; each maximal ill-formed piece becomes U+FFFD (Unicode §3.9).
void append_checked(std::string_view in, std::string& out) {
  const auto size = static_cast<int32_t>(in.size());
  int32_t at = 0;
  while (at < size) {
    const int32_t from = at;
    UChar32 c = 0;
    U8_NEXT(in.data(), at, size, c);
    if (c < 0) {
      out += replacement;
    } else {
      out += in.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(at - from));
    }
  }
}

}  // namespace

/// Either a converter with its pivot, or (converter null) a check of UTF-8 with up to three octets waiting.
struct CharsetDecoder::State {
  Converter source;
  Converter target;
  std::array<UChar, pivot_units> pivot;
  UChar* pivot_source = nullptr;
  UChar* pivot_target = nullptr;
  std::string waiting;

  void convert(std::string_view in, std::string& out, bool flush);
  void check(std::string_view in, std::string& out);
};

void CharsetDecoder::State::convert(std::string_view in, std::string& out, bool flush) {
  if (pivot_source == nullptr) pivot_source = pivot_target = pivot.data();
  const char* from = in.empty() ? "" : in.data();  // ICU refuses a null pointer
  const char* const from_end = from + in.size();
  std::array<char, output_step> buffer;
  for (;;) {
    char* to = buffer.data();
    UErrorCode error = U_ZERO_ERROR;
    ucnv_convertEx(target.get(), source.get(), &to, buffer.data() + buffer.size(), &from, from_end, pivot.data(), &pivot_source,
                   &pivot_target, pivot.data() + pivot.size(), false, flush, &error);
    out.append(buffer.data(), static_cast<std::size_t>(to - buffer.data()));
    if (error == U_BUFFER_OVERFLOW_ERROR) continue;
    if (U_FAILURE(error)) out += replacement;
    return;
  }
}

void CharsetDecoder::State::check(std::string_view in, std::string& out) {
  if (waiting.empty() && ascii::is_ascii(in)) {
    out += in;
    return;
  }
  // Pieces below 2 GiB keep ICU's 32-bit offsets in range.
  constexpr std::size_t max_piece = 1U << 30;
  while (!in.empty()) {
    waiting += in.substr(0, max_piece);
    in.remove_prefix(std::min(in.size(), max_piece));
    auto whole = static_cast<int32_t>(waiting.size());
    U8_TRUNCATE_IF_INCOMPLETE(waiting.data(), 0, whole);
    append_checked(std::string_view(waiting).substr(0, static_cast<std::size_t>(whole)), out);
    waiting.erase(0, static_cast<std::size_t>(whole));
  }
}

CharsetDecoder::CharsetDecoder(std::string_view charset) : state_(std::make_unique_for_overwrite<State>()) {
  const std::string name = practical_name(charset);
  if (!icu_knows(name)) return;
  state_->source = open_converter(name.c_str());
  state_->target = open_converter("UTF-8");
  if (state_->target == nullptr) state_->source = nullptr;
}

CharsetDecoder::~CharsetDecoder() = default;
CharsetDecoder::CharsetDecoder(CharsetDecoder&&) noexcept = default;
CharsetDecoder& CharsetDecoder::operator=(CharsetDecoder&&) noexcept = default;

void CharsetDecoder::decode(std::string_view in, std::string& out) {
  if (state_->source != nullptr) return state_->convert(in, out, false);
  state_->check(in, out);
}

void CharsetDecoder::finish(std::string& out) {
  if (state_->source != nullptr) {
    state_->convert({}, out, true);
    ucnv_reset(state_->source.get());
    ucnv_reset(state_->target.get());
    state_->pivot_source = nullptr;
    return;
  }
  if (!state_->waiting.empty()) out += replacement;
  state_->waiting.clear();
}

bool is_known_charset(std::string_view name) {
  const std::string practical = practical_name(name);
  return practical.empty() ? !ascii::trim(name).empty() : icu_knows(practical);
}

std::string to_utf8(std::string_view bytes, std::string_view charset) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  CharsetDecoder decoder(charset);
  decoder.decode(bytes, out);
  decoder.finish(out);
  return out;
}

// RFC 5051 §2
std::string casemap(std::string_view utf8) {
  if (ascii::is_ascii(utf8)) return ascii::upper(utf8);
  icu::UnicodeString titled;
  const auto size = static_cast<int32_t>(std::min<std::size_t>(utf8.size(), INT32_MAX));
  for (int32_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(utf8.data(), at, size, c);
    titled.append(u_totitle(c));
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfkd = icu::Normalizer2::getNFKDInstance(error);
  if (U_FAILURE(error)) throw std::runtime_error("ICU has no NFKD data");
  std::string out;
  nfkd->normalize(titled, error).toUTF8String(out);
  return out;
}

void load_charsets() {
  for (const char* name : {"windows-1252", "iso-2022-jp", "gb18030", "shift_jis", "windows-949", "big5", "koi8-r", "utf-7"}) {
    (void)to_utf8("x", name);
  }
  (void)casemap("\xC3\xA9");
}

}  // namespace postern::mime
