// SPDX-License-Identifier: Apache-2.0
// Taken: notes of recipients that a server elsewhere has just taken, kept in a small file of the data folder until the store
// knows it too. Without them a process that dies while the store still gathers its next commit would send those messages twice.
//
// A note outlives the process, not the power. It is drafted before the reply is there, and one store into a mapped page makes it
// count in the same breath as the reply is read: a system call there could wait for the file system's journal, and a process that
// is killed while it waits has written nothing. Where rewriting a page may need room (neither ext4 nor XFS) it is a write after
// all, for a mapping without room would end the process. A note names the recipient by ids and by a hash of what the row says, so
// that it never speaks for another row, also when the store is an older one that was restored. Losing the file loses nothing but
// that protection. Lives on the runner's executor.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
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

  /// A note in its place that does not count yet; gives the place back when it never does. Goes before the Taken.
  class Draft {
   public:
    Draft(Draft&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), slot_(other.slot_), bytes_(std::move(other.bytes_)) {}
    ~Draft();
    /// The recipient was taken. Once.
    void confirm();

   private:
    friend class Taken;
    Draft(Taken* owner, std::size_t slot, std::string bytes) : owner_(owner), slot_(slot), bytes_(std::move(bytes)) {}
    Taken* owner_;  ///< null: there was no place
    std::size_t slot_;
    std::string bytes_;
  };

  /// Opens or makes the file and reads what an earlier process left. Errors: io, no_space, denied.
  static Result<std::unique_ptr<Taken>> open(const std::filesystem::path& file, Log& log);

  /// What finds no place or cannot be written goes without a note; the latter is logged once.
  Draft draft(const store::QueueEntry& entry, const store::QueueRecipient& recipient, bool dsn_passed);
  /// The store knows it durably: its place may be used again.
  void settle(store::QueueRecipientId recipient);

  /// Notes of the earlier process; empty when called again.
  std::vector<Note> take_left();
  /// Whether the note speaks for this row.
  static bool speaks_for(const Note& note, const store::QueueEntry& entry, const store::QueueRecipient& recipient);

 private:
  /// The whole file, mapped; its blocks are allocated.
  struct Unmap {
    void operator()(char* begin) const;
  };
  using Mapping = std::unique_ptr<char, Unmap>;

  Taken(UniqueFd file, Log& log);
  void map(const std::filesystem::path& file);
  void read_left();
  bool write(std::size_t slot, const std::string& bytes);

  UniqueFd file_;
  Mapping mapping_;  ///< null: notes are written
  Log& log_;
  std::vector<Note> left_;
  std::array<store::QueueRecipientId, capacity> slots_{};  ///< 0: free
  std::vector<std::size_t> free_;
  bool complained_ = false;
};

}  // namespace postern::queue
