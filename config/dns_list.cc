// SPDX-License-Identifier: Apache-2.0
#include "config/dns_list.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "base/ascii.h"
#include "base/cursor.h"
#include "mail/domain.h"

namespace postern::config {
namespace {

constexpr double most_points = 100;
constexpr std::uint64_t most_octet = 255;
constexpr std::uint8_t loopback = 127;  // RFC 5782 §2.1: answers lie in 127.0.0.0/8

std::unexpected<Error> bad_list(std::string_view text) {
  return fail(
      ErrorKind::invalid,
      fmt::format("\"{}\" is no list; write \"bl.example.org 4\" or \"bl.example.org=127.0.0.2-11 4\", points −100 to 100",
                  text));
}

std::optional<DnsList::Range> read_range(Cursor& in) {
  if (in.take('*')) return DnsList::Range{};
  const auto least = in.take_number(most_octet);
  if (!least) return std::nullopt;
  auto most = least;
  if (in.take('-')) most = in.take_number(most_octet);
  if (!most || *most < *least) return std::nullopt;
  return DnsList::Range{static_cast<std::uint8_t>(*least), static_cast<std::uint8_t>(*most)};
}

//   answers = range "." range "." range "." range      range = "*" / number [ "-" number ]
bool read_answers(std::string_view text, DnsList& list) {
  Cursor in(text);
  for (std::size_t i = 0; i < list.answers.size(); ++i) {
    if (i > 0 && !in.take('.')) return false;
    const auto range = read_range(in);
    if (!range) return false;
    list.answers[i] = *range;
  }
  return in.at_end() && list.answers[0] == DnsList::Range{loopback, loopback};
}

std::string show(const DnsList::Range& range) {
  if (range == DnsList::Range{}) return "*";
  return range.least == range.most ? fmt::format("{}", range.least) : fmt::format("{}-{}", range.least, range.most);
}

}  // namespace

//   list = zone [ "=" answers ] 1*SP points
Result<DnsList> DnsList::parse(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return bad_list(text);
  auto name = text.substr(0, space);
  const auto number = ascii::trim(text.substr(space));
  DnsList list;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), list.points);
  if (error != std::errc() || end != number.data() + number.size() || !(std::abs(list.points) <= most_points))
    return bad_list(text);
  if (const auto equals = name.find('='); equals != std::string_view::npos) {
    if (!read_answers(name.substr(equals + 1), list)) return bad_list(text);
    name = name.substr(0, equals);
  }
  const auto zone = mail::Domain::parse(name);
  if (!zone || !zone->ascii().contains('.')) return bad_list(text);
  list.zone = zone->ascii();
  return list;
}

std::string DnsList::to_string() const {
  const auto plain = answers == DnsList().answers;
  const auto which =
      plain ? std::string() : fmt::format("={}.{}.{}.{}", show(answers[0]), show(answers[1]), show(answers[2]), show(answers[3]));
  return fmt::format("{}{} {}", zone, which, points);
}

bool DnsList::counts(const std::array<std::uint8_t, 4>& answer) const {
  for (std::size_t i = 0; i < answer.size(); ++i) {
    if (answer[i] < answers[i].least || answer[i] > answers[i].most) return false;
  }
  return true;
}

}  // namespace postern::config
