// SPDX-License-Identifier: Apache-2.0
// Taken: notes of recipients that a server elsewhere has just taken, kept in a small file of the data folder until the store
// knows it too. Without them a process that dies while the store still gathers its next commit would send those messages twice.
//
// A note is one write of 48 octets into the page cache, made in the same breath as the reply is read: it outlives the process,
// not the power. It names the recipient by ids and by a hash of what the row says, so that a note never speaks for another row,
// also when the store is an older one that was restored. Losing the file loses nothing but that protection.
// Lives on the runner's executor.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "store/store.h"

namespace postern::queue {

class Taken {
 public:
  /// Notes at most; what is more goes without one.
  static constexpr std::size_t capacity = 4096;

  struct Note {
    store::QueueRecipientId recipient = 0;
    store::QueueId entry = 0;
    bool dsn_passed = false;  ///< the other server takes care of success reports (mail::Outcome)
    std::string print;        ///< of the row it speaks for
    bool operator==(const Note&) const = default;
  };

  /// A note in writing before it is true: then nothing but one write lies between the reply and its note.
  struct Draft {
    store::QueueRecipientId recipient = 0;
    std::string bytes;
  };
  static Draft draft(const store::QueueEntry& entry, const store::QueueRecipient& recipient, bool dsn_passed);

  /// Opens or makes the file and reads what an earlier process left. Errors: io, no_space, denied.
  static Result<std::unique_ptr<Taken>> open(const std::filesystem::path& file, Log& log);

  /// Notes that the recipient was taken. What cannot be written is logged once and goes without a note.
  void add(const Draft& draft);
  /// The store knows it durably: its place may be used again.
  void settle(store::QueueRecipientId recipient);

  /// Notes of the earlier process; empty when called again.
  std::vector<Note> take_left();
  /// Whether the note speaks for this row.
  static bool speaks_for(const Note& note, const store::QueueEntry& entry, const store::QueueRecipient& recipient);

 private:
  Taken(UniqueFd file, Log& log);
  void read_left();

  UniqueFd file_;
  Log& log_;
  std::vector<Note> left_;
  std::array<store::QueueRecipientId, capacity> slots_{};  ///< 0: free
  std::vector<std::size_t> free_;
  bool complained_ = false;
};

}  // namespace postern::queue
