// SPDX-License-Identifier: Apache-2.0
// Hours: the times of a week, "mon-fri 07:00-19:00, sat 09:00-12:00", in the local time of this machine. A value without I/O:
// who asks brings the wall time, so that tests need no clock.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace postern::auth {

/// A moment as the clock on the wall shows it.
struct WallTime {
  unsigned weekday = 0;  ///< 0 Monday … 6 Sunday
  unsigned minute = 0;   ///< of the day, 0 … 1439
  /// "sat 03:12".
  std::string to_string() const;
  bool operator==(const WallTime&) const = default;
};

/// By the time zone of the process (TZ, /etc/localtime).
WallTime wall_time(UnixTime now);

class Hours {
 public:
  /// Most spans in one text.
  static constexpr std::size_t max_spans = 50;

  //   hours = span *( "," span )
  //   span  = days / times / days SP times
  //   days  = day [ "-" day ]       day = "mon" … "sun", or more letters of the name
  //   times = time "-" time         time = 1*2DIGIT [ ":" 2DIGIT ]; 24:00 is the end of the day
  /// A span whose end is not after its start goes on into the next day. Empty text: at any time. Error invalid says what is
  /// wrong and shows how to write it.
  static Result<Hours> parse(std::string_view text);

  bool contains(WallTime moment) const;
  /// The canonical text, which parse() takes again.
  std::string to_string() const;
  bool operator==(const Hours&) const = default;

 private:
  struct Span {
    unsigned first = 0, last = 6;  ///< days, the last may be before the first: "sat-mon"
    unsigned from = 0, to = 1440;  ///< minutes
    bool has_day(unsigned day) const;
    bool operator==(const Span&) const = default;
  };
  static Result<Span> parse_span(std::string_view text);
  std::vector<Span> spans_;
};

}  // namespace postern::auth
