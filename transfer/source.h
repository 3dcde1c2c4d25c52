// SPDX-License-Identifier: Apache-2.0
// Source: where an import reads from. The importer asks for folders, then for each folder chunk by chunk what there is
// (candidates with their import keys), says which of them it wants, and takes those. A source reads nothing twice that the
// journal knows already, keeps at most one chunk in memory, and never changes what it reads.
// Errors of next() and of the others mean that the source cannot go on; what is wrong with one message is part of Taken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"
#include "transfer/box.h"
#include "transfer/intake.h"
#include "transfer/key.h"

namespace postern::transfer {

/// Most candidates of one chunk; one question to the journal.
inline constexpr std::size_t max_chunk = 500;

struct SourceFolder {
  std::string id;        ///< the source's own name for it: a folder's path, a mailbox name on the wire
  std::string identity;  ///< what stands for it in import keys; may be empty where a message's own identity is enough
  std::string name;      ///< UTF-8, '/' between levels, "INBOX" for the inbox; any other octets are the importer's to mend
  store::SpecialUse use = store::SpecialUse::none;  ///< as the source declares it; names are looked at by the importer
  std::uint64_t messages = 0;                       ///< an estimate where counting would mean reading everything
  std::uint64_t bytes = 0;                          ///< 0: not known
};

/// One message that is there.
struct Candidate {
  std::string key;
  std::string label;  ///< for the report: a path, or "mailbox, UID 7"
  std::uint64_t size = 0;
  std::uint64_t place = 0;  ///< the source's own
};

/// What stands beside a message.
struct Marks {
  std::uint64_t flags = 0;  ///< store::flag
  std::vector<std::string> keywords;
  UnixTime internal_date = 0;
};

/// A wanted message that was written to the intake, or why it could not be.
struct Taken {
  std::size_t candidate = 0;  ///< index in the chunk
  Marks marks;
  std::string trouble;  ///< empty when all went well
};

/// A thing worth telling at the end.
struct Note {
  std::string where;
  std::string what;
  bool operator==(const Note&) const = default;
};

class Source {
 public:
  virtual ~Source() = default;
  /// "maildir", "mbox", "eml", "imap": part of the import keys.
  virtual std::string_view kind() const = 0;
  virtual Task<Result<std::vector<SourceFolder>>> folders() = 0;
  /// Names as in SourceFolder::name; after folders().
  virtual Task<Result<std::vector<std::string>>> subscriptions() = 0;
  /// Begins a folder.
  virtual Task<Result<>> open(const SourceFolder& folder, KeyMaker keys) = 0;
  /// The next candidates in order; none at the end of the folder.
  virtual Task<Result<std::vector<Candidate>>> next() = 0;
  /// Which candidates of the chunk take() shall give: ascending indices.
  virtual void want(std::vector<std::size_t> wanted) = 0;
  /// One wanted message, not necessarily in order; nothing when all were given.
  virtual Task<Result<std::optional<Taken>>> take(Intake& intake) = 0;
  /// Things left out or strange, since the last call.
  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

 protected:
  static constexpr std::size_t max_notes = 1'000;
  void note(std::string where, std::string what) {
    if (notes_.size() < max_notes) notes_.push_back({std::move(where), std::move(what)});
  }

 private:
  std::vector<Note> notes_;
};

}  // namespace postern::transfer
