// SPDX-License-Identifier: Apache-2.0
// PRECIS OpaqueString from ICU's properties: ICU has normalisation and character classes, but no profile for it
// (design.md §7). The order of the class tests is that of RFC 8264 §8.
#include "auth/passwords.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/random.h"

namespace postern::auth {
namespace {

enum class PrecisClass { valid, context, disallowed };

/// RFC 5892 §2.6, the code points whose class is not what their properties say.
constexpr std::array<UChar32, 6> valid_exceptions = {0x00DF, 0x03C2, 0x06FD, 0x06FE, 0x0F0B, 0x3007};
constexpr std::array<UChar32, 5> context_exceptions = {0x00B7, 0x0375, 0x05F3, 0x05F4, 0x30FB};
constexpr std::array<UChar32, 10> refused_exceptions = {0x0640, 0x07FA, 0x302E, 0x302F, 0x3031,
                                                        0x3032, 0x3033, 0x3034, 0x3035, 0x303B};
constexpr UChar32 zero_width_non_joiner = 0x200C;
constexpr UChar32 zero_width_joiner = 0x200D;
constexpr unsigned virama_class = 9;

template <std::size_t n>
bool among(const std::array<UChar32, n>& list, UChar32 c) {
  return std::find(list.begin(), list.end(), c) != list.end();
}

bool is_arabic_indic_digit(UChar32 c) { return c >= 0x0660 && c <= 0x0669; }
bool is_extended_arabic_indic_digit(UChar32 c) { return c >= 0x06F0 && c <= 0x06F9; }

bool is_old_hangul_jamo(UChar32 c) {
  const auto type = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
  return type == U_HST_LEADING_JAMO || type == U_HST_VOWEL_JAMO || type == U_HST_TRAILING_JAMO;
}

/// RFC 8264 §9.17: changes under NFKC.
bool has_compatibility_form(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* nfkc = icu::Normalizer2::getNFKCInstance(status);
  const icu::UnicodeString text(c);
  return U_SUCCESS(status) && nfkc->normalize(text, status) != text && U_SUCCESS(status);
}

/// Letters, digits, marks, spaces, symbols and punctuation: everything FreeformClass takes by general category.
bool is_valid_category(UChar32 c) {
  constexpr std::uint32_t classes = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK | U_GC_ZS_MASK | U_GC_S_MASK | U_GC_P_MASK;
  return (U_GET_GC_MASK(c) & classes) != 0;
}

/// RFC 8264 §8
PrecisClass freeform_class(UChar32 c) {
  if (among(valid_exceptions, c)) return PrecisClass::valid;
  if (among(refused_exceptions, c)) return PrecisClass::disallowed;
  if (among(context_exceptions, c) || is_arabic_indic_digit(c) || is_extended_arabic_indic_digit(c)) return PrecisClass::context;
  if (u_charType(c) == U_UNASSIGNED && !U_IS_UNICODE_NONCHAR(c)) return PrecisClass::disallowed;
  if (c >= 0x21 && c <= 0x7E) return PrecisClass::valid;
  if (c == zero_width_joiner || c == zero_width_non_joiner) return PrecisClass::context;
  if (is_old_hangul_jamo(c)) return PrecisClass::disallowed;
  if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || U_IS_UNICODE_NONCHAR(c)) return PrecisClass::disallowed;
  if (u_charType(c) == U_CONTROL_CHAR) return PrecisClass::disallowed;
  if (has_compatibility_form(c) || is_valid_category(c)) return PrecisClass::valid;
  return PrecisClass::disallowed;
}

UScriptCode script_of(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  const auto script = uscript_getScript(c, &status);
  return U_SUCCESS(status) ? script : USCRIPT_INVALID_CODE;
}

/// The code point before or after an index, or -1 at the ends.
UChar32 before(const icu::UnicodeString& text, std::int32_t at) { return at > 0 ? text.char32At(text.moveIndex32(at, -1)) : -1; }
UChar32 after(const icu::UnicodeString& text, std::int32_t at) {
  const auto next = text.moveIndex32(at, 1);
  return next < text.length() ? text.char32At(next) : -1;
}

/// Walks from `at` in steps of `step` over transparent code points and gives the joining type found (RFC 5892 A.1).
std::int32_t joining_type(const icu::UnicodeString& text, std::int32_t at, std::int32_t step) {
  for (;;) {
    const auto next = text.moveIndex32(at, step);
    if (next == at || next >= text.length()) return U_JT_NON_JOINING;
    const auto type = u_getIntPropertyValue(text.char32At(next), UCHAR_JOINING_TYPE);
    if (type != U_JT_TRANSPARENT) return type;
    at = next;
  }
}

/// RFC 5892 appendix A.1: after a virama, or between letters that join.
bool non_joiner_fits(const icu::UnicodeString& text, std::int32_t at) {
  const auto previous = before(text, at);
  if (previous >= 0 && u_getCombiningClass(previous) == virama_class) return true;
  const auto left = joining_type(text, at, -1);
  const auto right = joining_type(text, at, 1);
  return (left == U_JT_LEFT_JOINING || left == U_JT_DUAL_JOINING) && (right == U_JT_RIGHT_JOINING || right == U_JT_DUAL_JOINING);
}

template <class Predicate>
bool any_of(const icu::UnicodeString& text, Predicate predicate) {
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    if (predicate(text.char32At(i))) return true;
  }
  return false;
}

bool is_japanese(UChar32 c) {
  const auto script = script_of(c);
  return script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || script == USCRIPT_HAN;
}

/// RFC 5892 appendix A: the rule of the code point at this index.
bool context_allows(const icu::UnicodeString& text, std::int32_t at) {
  const auto c = text.char32At(at);
  if (is_arabic_indic_digit(c)) return !any_of(text, is_extended_arabic_indic_digit);
  if (is_extended_arabic_indic_digit(c)) return !any_of(text, is_arabic_indic_digit);
  const auto previous = before(text, at);
  switch (c) {
    case zero_width_non_joiner: return non_joiner_fits(text, at);
    case zero_width_joiner: return previous >= 0 && u_getCombiningClass(previous) == virama_class;
    case 0x00B7: return previous == 'l' && after(text, at) == 'l';
    case 0x0375: return script_of(after(text, at)) == USCRIPT_GREEK;
    case 0x05F3:
    case 0x05F4: return script_of(previous) == USCRIPT_HEBREW;
    case 0x30FB: return any_of(text, is_japanese);
    default: return false;
  }
}

/// Checks the class of every code point and maps spaces (RFC 8265 §4.2.1 and §4.2.2 rule 2).
Result<icu::UnicodeString> prepared(const icu::UnicodeString& text) {
  icu::UnicodeString out;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto c = text.char32At(i);
    const auto kind = freeform_class(c);
    if (kind == PrecisClass::disallowed || (kind == PrecisClass::context && !context_allows(text, i))) {
      return fail(ErrorKind::invalid,
                  "The password has a character that cannot be typed reliably (a control, invisible or "
                  "unassigned one). Use letters, digits, spaces, punctuation and symbols.");
    }
    out.append(u_charType(c) == U_SPACE_SEPARATOR ? UChar32{' '} : c);
  }
  return out;
}

}  // namespace

// RFC 8265 §4.2.2
Result<Secret> opaque_string(std::string_view password) {
  if (password.size() > max_password_octets) return fail(ErrorKind::too_large, "Too long: more than 512 octets. Leave some out.");
  if (!is_utf8(password)) return fail(ErrorKind::invalid, "The password is not valid UTF-8. Type it again, or send it as UTF-8.");
  if (password.empty()) return fail(ErrorKind::invalid, "The password is empty. Four unrelated words work well.");
  const auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(password.data(), static_cast<std::int32_t>(password.size())));
  auto mapped = prepared(text);
  if (!mapped) return std::unexpected(mapped.error());
  UErrorCode status = U_ZERO_ERROR;
  const auto* nfc = icu::Normalizer2::getNFCInstance(status);
  const auto normal = U_SUCCESS(status) ? nfc->normalize(*mapped, status) : icu::UnicodeString();
  if (U_FAILURE(status) || normal.isEmpty()) return fail(ErrorKind::internal, "NFC normalisation failed");
  std::string utf8;
  normal.toUTF8String(utf8);
  return Secret::take(utf8);
}

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Secret generate_password() {
  constexpr int groups = 4;
  constexpr std::size_t group_size = 5;
  std::string text = random::token(group_size);
  for (int i = 1; i < groups; ++i) text += "-" + random::token(group_size);
  return Secret::take(text);
}

}  // namespace postern::auth
