// SPDX-License-Identifier: Apache-2.0
// OwnList: whom this house lets in or keeps out by name, until when, and why. Kept in one small file of the data folder
// (gate.list), written whole and durably at each change; lookups go to an immutable table in memory.
//
// Subjects:  192.0.2.1  192.0.2.0/24  2001:db8::/32   the client
//            example.org                             senders of this domain    .example.org  of all domains below it
//            eve@example.org                         one sender
//            to:alice@example.org  to:example.org    recipients of ours
// The most specific entry wins: recipient address, recipient domain, sender, its domain, domains above, longest network. Where
// an allowing and a blocking one are equal, the mail is let in.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "mail/address.h"

namespace postern::policy {

struct OwnEntry {
  enum class Kind : std::uint8_t { allow, block };
  Kind kind = Kind::block;
  std::string subject;  ///< canonical
  UnixTime since = 0;
  UnixTime until = 0;  ///< 0: for good
  std::string note;    ///< one line
  bool is_over(UnixTime now) const { return until != 0 && until <= now; }
  bool operator==(const OwnEntry&) const = default;
};
std::string_view to_string(OwnEntry::Kind kind);

/// A mail at RCPT.
struct Concerned {
  const IpAddress& ip;
  const mail::ReversePath& sender;
  const mail::Address& recipient;
};

/// Thread-safe.
class OwnList {
 public:
  /// Most entries.
  static constexpr std::size_t max_entries = 100'000;
  static constexpr std::size_t max_note = 200;

  /// A missing file is an empty list. Errors: of reading, and corrupt (names the line).
  static Result<std::unique_ptr<OwnList>> open(std::filesystem::path path);
  ~OwnList();

  /// The canonical subject; error invalid says which forms there are.
  static Result<std::string> canonical(std::string_view subject);
  /// Adds, or replaces the entry of the same kind and subject; entries that are over go. Errors: invalid, limit, of writing.
  Result<OwnEntry> add(OwnEntry entry, UnixTime now);
  /// Removes the subject's entries. Error not_found.
  Result<> remove(std::string_view subject, UnixTime now);
  /// All that are not over, by subject.
  std::vector<OwnEntry> entries(UnixTime now) const;
  /// The entry that decides about this mail.
  std::optional<OwnEntry> find(const Concerned& mail, UnixTime now) const;

 private:
  class Table;
  OwnList(std::filesystem::path path, std::vector<OwnEntry> entries);
  std::shared_ptr<const Table> table() const;
  Result<> replace(std::vector<OwnEntry> entries);

  std::filesystem::path path_;
  std::mutex changing_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_;
};

}  // namespace postern::policy
