// SPDX-License-Identifier: Apache-2.0
// Exporter: from a Box into files. What an earlier run wrote is found again by UIDVALIDITY and UID, so that a second run adds
// only what is new. What was written is durable when the run ends, and after each batch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "transfer/box.h"
#include "transfer/progress.h"
#include "transfer/source.h"

namespace postern::transfer {

/// One message on its way out.
struct OutgoingHead {
  store::Uid uid = 0;
  std::uint64_t flags = 0;  ///< system flags
  std::vector<std::string> keywords;
  UnixTime internal_date = 0;
};

/// Where an export writes to. Plain synchronous file work.
class ExportWriter {
 public:
  virtual ~ExportWriter() = default;
  /// Begins a mailbox; gives the UIDs that are there already.
  virtual Result<store::UidSet> open(const BoxFolder& folder, const Listing& listing) = 0;
  virtual Result<> begin(const OutgoingHead& head) = 0;
  virtual Result<> take(std::string_view bytes) = 0;
  virtual Result<> end() = 0;
  /// Makes what was written durable; called after each batch.
  virtual Result<> flush() = 0;
  /// Ends the mailbox.
  virtual Result<> close() = 0;
  virtual Result<> subscriptions(const std::vector<std::string>& names) = 0;
  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

 protected:
  void note(std::string where, std::string what) { notes_.push_back({std::move(where), std::move(what)}); }

 private:
  std::vector<Note> notes_;
};

struct ExportFolder {
  std::string mailbox;
  std::uint64_t written = 0;
  std::uint64_t present = 0;  ///< from an earlier run
  std::uint64_t bytes = 0;    ///< of those written, as stored
};
struct ExportReport {
  std::vector<ExportFolder> folders;
  ExportFolder total;
  std::vector<Note> failures;
  std::vector<Note> notes;
  bool stopped = false;
  std::optional<Error> error;
};

class Exporter {
 public:
  /// `mailboxes`: names; empty for all.
  Exporter(Box& box, ExportWriter& writer, Progress& progress, std::vector<std::string> mailboxes)
      : box_(box), writer_(writer), progress_(progress), mailboxes_(std::move(mailboxes)) {}
  /// Call once.
  Task<ExportReport> run();

 private:
  class Sink;
  struct Chosen {
    BoxFolder folder;
    std::uint64_t missing = 0;
  };
  Task<Result<>> run_all();
  Task<Result<>> export_folder(const BoxFolder& folder);
  Task<Result<>> read_rows(const BoxFolder& folder, const Listing& listing, const store::UidSet& present);
  Result<std::vector<BoxFolder>> choose(std::vector<BoxFolder> folders) const;

  Box& box_;
  ExportWriter& writer_;
  Progress& progress_;
  std::vector<std::string> mailboxes_;
  ExportReport report_;
  ExportFolder folder_;
};

/// The names of the keyword bits.
std::vector<std::string> keyword_names(std::uint64_t flags, const std::vector<std::string>& keywords);

}  // namespace postern::transfer
