// SPDX-License-Identifier: Apache-2.0
// Rows of [quota] and [store].
#include <charconv>
#include <limits>

#include "config/option.h"

namespace postern::config {
namespace {

constexpr std::uint64_t day = 86400;
/// TOML integers are 64 bits with sign.
constexpr std::uint64_t unlimited_range = std::numeric_limits<std::int64_t>::max();

Section quota() {
  return Builder<Quota>(
             "quota", [](Config& c) -> Quota& { return c.quota; }, "How much mail accounts and domains may keep.")
      .size("default_bytes", &Quota::default_bytes, {0, unlimited_range},
            "For accounts that are made without a quota of their own, when their domain has no default either. 0: no limit.")
      .number("default_messages", &Quota::default_messages, {0, unlimited_range}, "The same, counted in messages.")
      .choice("when_full", &Quota::when_full, {{"defer", OverQuota::defer}, {"reject", OverQuota::reject}},
              "What SMTP answers for a full mailbox: defer (452 4.2.2, to be tried again) or reject (552 5.2.2, for good).")
      .parsed_list("warn_at", &Quota::warn_at, Percent::parse,
                   "Shares of the quota at which a mailbox's owner, or a domain's postmaster, gets a mail; once. []: none.")
      .done();
}

/// "3:30" and "03:30" to "03:30"; empty stays empty.
Result<std::string> time_of_day(std::string_view text) {
  if (text.empty()) return std::string();
  constexpr unsigned hours = 24;
  constexpr unsigned minutes = 60;
  unsigned hour = hours;
  unsigned minute = minutes;
  const char* const end = text.data() + text.size();
  const auto [colon, bad_hour] = std::from_chars(text.data(), end, hour);
  if (bad_hour == std::errc() && colon != end && *colon == ':' && end - colon == 3) {
    const auto [rest, bad_minute] = std::from_chars(colon + 1, end, minute);
    if (bad_minute == std::errc() && rest == end && hour < hours && minute < minutes) {
      return fmt::format("{:02}:{:02}", hour, minute);
    }
  }
  return fail(ErrorKind::invalid, show_text(text) + " is no time of day; write for example \"03:30\", or \"\" for never");
}

Section store() {
  return Builder<Store>(
             "store", [](Config& c) -> Store& { return c.store; }, "Where mail rests.")
      .duration("undelete_window", &Store::undelete_window, {0, 3650 * day},
                "How long deleted mail can be brought back. It counts for no quota.")
      .size("segment_bytes", &Store::segment_bytes, {MiB, 64 * GiB}, "Size at which a new file of message bodies is begun.")
      .number("compact_above", &Store::compact_above, {5, 100},
              "A file of bodies is rewritten when more than so many percent of it belong to deleted mail. 100: never.")
      .size("housekeeping_rate", &Store::housekeeping_rate, {MiB, 64 * GiB},
            "Octets a second that rewriting and checking files of bodies may read, so that nobody notices them.")
      .name("audit_at", &Store::audit_at, time_of_day,
            "Local time of the nightly audit, which repairs what it can and logs what it finds. \"\": never.")
      .duration("audit_bodies", &Store::audit_bodies, {0, 3650 * day},
                "The audit reads a share of all bodies each night, so that each is checked within this time. 0: none.")
      .duration("vanished_keep", &Store::vanished_keep, {day, 3650 * day},
                "How long a mailbox remembers which messages are gone. A client that was away for longer compares all numbers.")
      .number("vanished_ranges", &Store::vanished_ranges, {1000, 100'000'000}, "The most ranges of numbers it remembers.")
      .flag("search_text", &Store::search_text,
            "Keep the decoded text of all mail in text/, for quick searches. false: none is kept, searches read the mail.")
      .size("free_space_min", &Store::free_space_min, {0, 64 * GiB},
            "With less free space on the disk new mail is refused for the time being; reading and deleting go on.")
      .size("ballast", &Store::ballast, {0, 64 * GiB},
            "Room kept in the file `ballast`. It is given up when the disk is full all the same, so that deleting still works.")
      .at_restart()
      .done();
}

Section backup() {
  return Builder<Backup>(
             "backup", [](Config& c) -> Backup& { return c.backup; },
             "Backups by the server itself; `postern backup FOLDER` makes one anywhere, at any time.")
      .path("folder", &Backup::folder,
            "Where they go, best on another disk; 0700, for the server's user. All secrets are in it. \"\": none.")
      .duration("every", &Backup::every, {300, 365 * day}, "Time between two backups. One more is made at each start.")
      .number("keep", &Backup::keep, {1, 10'000}, "So many are kept; older ones go, with the bodies that only they have.")
      .flag("point_in_time", &Backup::point_in_time,
            "Copy every change between two backups too (log of mail.db, new bodies), to restore to any second.")
      .duration("ship_every", &Backup::ship_every, {1, day}, "How often that is done. What is younger is lost with the disk.")
      .at_restart()
      .done();
}

}  // namespace

std::vector<Section> store_sections() { return {quota(), store(), backup()}; }

}  // namespace postern::config
