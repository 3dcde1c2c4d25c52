// SPDX-License-Identifier: Apache-2.0
// Importer: from a Source into a Box. While one batch is being stored the next is read and parsed; memory is two batches and the
// names of one folder. What was imported is in the account's journal, in the same durable unit as the message: a second run and
// a run after a crash go on where the last one ended, and nothing comes twice.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "transfer/box.h"
#include "transfer/folder_names.h"
#include "transfer/progress.h"
#include "transfer/source.h"

namespace postern::transfer {

/// A batch holds at most so many messages or octets.
inline constexpr std::size_t batch_messages = 256;
inline constexpr std::uint64_t batch_octets = 4 * 1024 * 1024;
/// Failures that are listed one by one; the rest is counted.
inline constexpr std::size_t max_listed = 10'000;

struct ImportOptions {
  enum class Run : std::uint8_t { real, dry };             ///< dry: look and count, change nothing
  enum class Quota : std::uint8_t { respected, ignored };  ///< of the account
  enum class Seen : std::uint8_t { as_found, all };        ///< all: mark everything as read
  std::string into;                                        ///< mailbox below which all goes; empty: the places the source has
  Run run = Run::real;
  Quota quota = Quota::respected;
  Seen seen = Seen::as_found;
};

struct FolderReport {
  std::string source;
  std::string mailbox;
  std::uint64_t found = 0;
  std::uint64_t added = 0;  ///< in a dry run: would be
  std::uint64_t known = 0;  ///< imported by an earlier run
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;  ///< of those added
};

struct ImportReport {
  std::vector<FolderReport> folders;
  FolderReport total;
  std::uint64_t subscriptions = 0;
  std::vector<Note> failures;  ///< messages that did not come in
  std::vector<Note> notes;     ///< what came in differently, and what was left out with reason
  bool stopped = false;        ///< Progress::stop() asked for it
  std::optional<Error> error;  ///< why the run ended early; what came in before stays
};

class Importer {
 public:
  Importer(Source& source, Box& box, Progress& progress, ImportOptions options)
      : source_(source), box_(box), progress_(progress), options_(std::move(options)) {}
  /// Call once.
  Task<ImportReport> run();

 private:
  struct Batch {
    store::MailboxId mailbox = 0;
    std::vector<store::NewMessage> messages;
    std::uint64_t octets = 0;
  };
  enum class Look : std::uint8_t { count, import };

  Task<Result<>> run_all();
  Task<Result<>> check_quota(const store::Quota& quota);
  Task<Result<>> walk(const Target& target, Look look);
  Task<Result<>> make_mailbox(const Target& target);
  Task<Result<>> work_on(const std::vector<Candidate>& chunk, Look look);
  Result<> fail_folder(const Target& target, const Error& error);
  Task<Result<>> take_wanted(const std::vector<Candidate>& chunk, const std::vector<std::size_t>& wanted);
  Task<Result<>> add(const Candidate& candidate, Taken taken, Intake& intake);
  Task<Result<>> send_batch();
  Task<Result<>> settle();
  Task<Result<>> subscribe(const std::vector<Target>& targets);
  void keep_keywords(const Candidate& candidate, std::vector<std::string>& keywords);
  void fail_message(const Candidate& candidate, std::string why);
  void add_note(Note note);
  void end_folder();

  Source& source_;
  Box& box_;
  Progress& progress_;
  ImportOptions options_;
  ImportReport report_;
  FolderReport folder_;             ///< the open one
  std::set<std::string> keywords_;  ///< of the open mailbox, lower case
  std::set<std::string> told_;      ///< keywords that a note was made about
  Batch batch_;                     ///< being filled
  std::size_t on_its_way_ = 0;      ///< messages of the batch whose outcome is awaited; 0: none
  std::uint64_t octets_on_its_way_ = 0;
};

/// RFC 9051 §9: a keyword is an atom. Also bounded in length.
bool is_keyword(std::string_view text);

}  // namespace postern::transfer
