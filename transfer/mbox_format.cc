// SPDX-License-Identifier: Apache-2.0
#include "transfer/mbox_format.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/cursor.h"
#include "mime/date.h"
#include "store/ids.h"

namespace postern::transfer {

namespace {

namespace flag = store::flag;

constexpr std::string_view from_word = "From ";
constexpr std::size_t max_from_line = 1'000;
constexpr std::size_t max_keywords = 55;
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view nobody = "MAILER-DAEMON";

// mozilla's nsMsgMessageFlags
constexpr std::uint64_t mozilla_read = 0x1, mozilla_replied = 0x2, mozilla_marked = 0x4, mozilla_expunged = 0x8,
                        mozilla_forwarded = 0x1000;

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  Cursor in(text);
  const auto blank = [](char c) { return ascii::is_wsp(c) || c == '\r' || c == '\n'; };
  while (!in.at_end()) {
    in.take_while(blank);
    const auto word = in.take_while([&](char c) { return !blank(c); });
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

bool is_day(std::string_view word) {
  return std::ranges::any_of(days, [&](std::string_view day) { return ascii::iequals(word, day); });
}

/// "15:04:05" or "15:04".
bool take_time(std::string_view word, mime::CivilTime& time) {
  Cursor in(word);
  const auto hour = in.take_number(23);
  const bool first = in.take(':');
  const auto minute = in.take_number(59);
  std::optional<std::uint64_t> second = 0;
  if (in.take(':')) second = in.take_number(60);
  if (!hour || !first || !minute || !second || !in.at_end()) return false;
  time.hour = static_cast<int>(*hour);
  time.minute = static_cast<int>(*minute);
  time.second = static_cast<int>(*second);
  return true;
}

/// A number of one or two digits, or a year of four.
std::optional<int> number(std::string_view word, std::uint64_t most) {
  Cursor in(word);
  const auto value = in.take_number(most);
  if (!value || !in.at_end()) return std::nullopt;
  return static_cast<int>(*value);
}

/// "+0200"; names of zones other than the universal ones do not say an offset.
std::optional<int> zone(std::string_view word) {
  if (word.size() != 5 || (word[0] != '+' && word[0] != '-')) return std::nullopt;
  const auto digits = number(word.substr(1), 9999);
  if (!digits || *digits % 100 > 59) return std::nullopt;
  const int minutes = *digits / 100 * 60 + *digits % 100;
  return word[0] == '-' ? -minutes : minutes;
}

/// The words behind the name of the day: "Jan 2 15:04:05 2024" and its variants.
std::optional<mime::CivilTime> date_after_day(std::span<const std::string_view> rest) {
  if (rest.size() < 4) return std::nullopt;
  mime::CivilTime time;
  auto month = mime::month_number(rest[0]);
  auto day = number(rest[1], 31);
  if (!month) {  // "2 Jan"
    month = mime::month_number(rest[1]);
    day = number(rest[0], 31);
  }
  if (!month || !day) return std::nullopt;
  time.month = *month;
  time.day = *day;
  bool has_time = false, has_year = false;
  for (const auto word : rest.subspan(2, std::min<std::size_t>(rest.size() - 2, 4))) {
    if (!has_time && take_time(word, time)) {
      has_time = true;
    } else if (const auto year = number(word, 9999); year && word.size() == 4 && !has_year) {
      time.year = *year;
      has_year = true;
    } else if (const auto offset = zone(word)) {
      time.zone_minutes = *offset;
    }
  }
  if (!has_time || !has_year || !mime::is_valid(time)) return std::nullopt;
  return time;
}

void add_keywords(std::string_view text, MboxMarks& marks) {
  for (const auto word : words(text)) {
    if (marks.keywords.size() < max_keywords) marks.keywords.emplace_back(word);
  }
}

void take_status(std::string_view letters, MboxMarks& marks) {
  for (const char c : letters) {
    switch (c) {
      case 'R': marks.flags |= flag::seen; break;
      case 'A': marks.flags |= flag::answered; break;
      case 'F': marks.flags |= flag::flagged; break;
      case 'D': marks.flags |= flag::deleted; break;
      case 'T': marks.flags |= flag::draft; break;
      default: break;
    }
  }
}

void take_mozilla(std::string_view text, MboxMarks& marks) {
  std::uint64_t bits = 0;
  for (const char c : text.substr(0, 8)) {
    if (!ascii::is_hex(c)) return;
    bits = bits * 16 + static_cast<std::uint64_t>(ascii::is_digit(c) ? c - '0' : ascii::lower(c) - 'a' + 10);
  }
  if (bits & mozilla_read) marks.flags |= flag::seen;
  if (bits & mozilla_replied) marks.flags |= flag::answered;
  if (bits & mozilla_marked) marks.flags |= flag::flagged;
  if (bits & mozilla_forwarded) marks.keywords.emplace_back("$Forwarded");
  if (bits & mozilla_expunged) marks.gone = true;
}

}  // namespace

std::optional<MboxQuoting> mbox_quoting(std::string_view word) {
  if (word == "mboxrd") return MboxQuoting::rd;
  if (word == "mboxo") return MboxQuoting::o;
  if (word == "none") return MboxQuoting::none;
  return std::nullopt;
}

std::optional<UnixTime> parse_from_line(std::string_view line) {
  if (!line.starts_with(from_word) || line.size() > max_from_line) return std::nullopt;
  const auto all = words(line.substr(from_word.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string_view day = all[i];
    if (day.ends_with(',')) day.remove_suffix(1);
    if (!is_day(day)) continue;
    if (const auto time = date_after_day(std::span(all).subspan(i + 1))) return mime::to_unix(*time);
  }
  return std::nullopt;
}

std::string format_from_line(std::string_view sender, UnixTime at) {
  const bool plain = !sender.empty() && std::ranges::all_of(sender, [](char c) { return ascii::is_vchar(c); });
  const auto time = mime::to_civil(at);
  return fmt::format("From {} {} {} {:2} {:02}:{:02}:{:02} {:04}\n", plain ? sender : nobody,
                     days[static_cast<std::size_t>(mime::weekday(time))], mime::month_name(time.month), time.day, time.hour,
                     time.minute, time.second, time.year);
}

std::size_t quoting_of(std::string_view line, MboxQuoting quoting) {
  if (quoting == MboxQuoting::none || !line.starts_with('>')) return 0;
  if (quoting == MboxQuoting::o) return line.substr(1).starts_with(from_word) ? 1 : 0;
  return needs_quoting(line) ? 1 : 0;
}

bool needs_quoting(std::string_view line) {
  const auto text = line.find_first_not_of('>');
  return text != std::string_view::npos && line.substr(text).starts_with(from_word);
}

bool take_mbox_field(std::string_view field, MboxMarks& marks) {
  const auto colon = field.find(':');
  if (colon == std::string_view::npos) return false;
  const auto name = ascii::trim(field.substr(0, colon));
  const auto value = ascii::trim(field.substr(colon + 1));
  const auto is = [&](std::string_view other) { return ascii::iequals(name, other); };
  if (is("Status") || is("X-Status")) {
    take_status(value, marks);
  } else if (is("X-Keywords") || is("X-Mozilla-Keys")) {
    add_keywords(value, marks);
  } else if (is("X-Mozilla-Status")) {
    take_mozilla(value, marks);
  } else if (is("X-IMAP")) {
    marks.internal = true;
  } else if (is("Content-Length")) {
    Cursor in(value);
    marks.content_length = in.take_number(UINT32_MAX);
  } else {
    return is("X-UID") || is("X-IMAPbase") || is("X-Mozilla-Status2");
  }
  return true;
}

std::string format_mbox_fields(std::uint64_t flags, const std::vector<std::string>& keywords) {
  std::string more;
  for (const auto& [bit, letter] :
       {std::pair{flag::answered, 'A'}, {flag::flagged, 'F'}, {flag::deleted, 'D'}, {flag::draft, 'T'}}) {
    if (flags & bit) more += letter;
  }
  std::string out = (flags & flag::seen) ? "Status: RO\n" : "Status: O\n";
  if (!more.empty()) out += "X-Status: " + more + "\n";
  if (!keywords.empty()) out += fmt::format("X-Keywords: {}\n", fmt::join(keywords, " "));
  return out;
}

}  // namespace postern::transfer
