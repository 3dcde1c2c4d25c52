// SPDX-License-Identifier: Apache-2.0
// mbox files as a source: one file, or a folder tree of them (Thunderbird's .sbd folders too). A first pass finds where messages
// begin and end and hashes their content, a second one reads those that are wanted; so memory does not depend on their size.
// The key of a message is the hash of its content without the mbox's own fields and the number of its occurrence in the file:
// changed flags and a compacted file make no new messages.
#pragma once

#include <filesystem>
#include <unordered_map>

#include "transfer/files.h"
#include "transfer/mbox_format.h"
#include "transfer/source.h"

namespace postern::transfer {

/// Turns the lines of one message in an mbox into the message: own fields are left out, quoting is undone, the empty line that
/// belongs to the mbox is dropped.
class MboxText {
 public:
  using Sink = std::function<Result<>(std::string_view)>;
  MboxText(MboxQuoting quoting, Sink sink) : quoting_(quoting), sink_(std::move(sink)) {}
  Result<> add(const LineReader::Line& line);
  /// Drops the empty line that stands before the next message unless the length was counted.
  Result<> finish(bool counted);
  bool in_header() const { return in_header_; }
  const MboxMarks& marks() const { return marks_; }
  MboxMarks take_marks() { return std::move(marks_); }

 private:
  void add_header_line(const LineReader::Line& line);
  void add_body_line(const LineReader::Line& line);

  MboxQuoting quoting_;
  Sink sink_;
  MboxMarks marks_;
  std::string out_;
  std::string own_field_;   ///< name of the own field whose continuation lines follow
  std::string held_empty_;  ///< an empty line that may be the mbox's
  bool in_header_ = true;
  bool dropping_ = false;
};

/// Where one message lies in the file.
struct MboxSpan {
  std::uint64_t begin = 0;  ///< after the From_ line
  std::uint64_t end = 0;
  UnixTime date = 0;
  bool counted = false;  ///< Content-Length told the end
  MboxMarks marks;
  std::uint64_t size = 0;  ///< of the message, with the line ends of the file
  std::string hash;
};

/// Walks over the messages of one mbox file.
class MboxScanner {
 public:
  MboxScanner(int fd, std::uint64_t size, MboxQuoting quoting) : fd_(fd), size_(size), quoting_(quoting), lines_(fd, 0, size) {}
  /// The next message; nothing at the end. Errors: invalid when the file does not begin with a From_ line, io.
  Result<std::optional<MboxSpan>> next();

 private:
  Result<bool> find_first();
  Result<> read_message(MboxSpan& span);
  bool length_fits(std::uint64_t end) const;

  int fd_;
  std::uint64_t size_;
  MboxQuoting quoting_;
  LineReader lines_;
  std::optional<UnixTime> from_;  ///< date of the From_ line that was read last
  std::uint64_t begin_ = 0;       ///< after it
  bool started_ = false;
};

class MboxSource final : public Source {
 public:
  struct Options {
    MboxQuoting quoting = MboxQuoting::rd;
    std::string inbox_name;  ///< a file of this name is the inbox too (/var/mail/alice)
  };
  /// A file or a folder. Errors: not_found, denied, io.
  static Result<std::unique_ptr<MboxSource>> open_at(const std::filesystem::path& path, Options options);

  std::string_view kind() const override { return "mbox"; }
  Task<Result<std::vector<SourceFolder>>> folders() override;
  Task<Result<std::vector<std::string>>> subscriptions() override;
  Task<Result<>> open(const SourceFolder& folder, KeyMaker keys) override;
  Task<Result<std::vector<Candidate>>> next() override;
  void want(std::vector<std::size_t> wanted) override;
  Task<Result<std::optional<Taken>>> take(Intake& intake) override;

 private:
  MboxSource(std::filesystem::path path, Options options) : path_(std::move(path)), options_(std::move(options)) {}
  struct Nested {
    std::string path;
    int levels;
  };
  void find_files(int folder, const Nested& at, std::vector<SourceFolder>& out);
  void add_file(int folder, const std::string& file, const Nested& at, std::vector<SourceFolder>& out);
  std::string mailbox_of(const Nested& at, std::string file) const;

  std::filesystem::path path_;
  Options options_;
  UniqueFd top_;  ///< the folder, or the file's
  bool single_ = false;
  // The open file.
  std::string file_id_;
  OpenFile file_;
  std::unique_ptr<MboxScanner> scanner_;
  KeyMaker keys_;
  std::unordered_map<std::uint64_t, std::uint32_t> seen_;  ///< start of a content's hash → occurrences
  std::vector<MboxSpan> chunk_;
  std::vector<std::size_t> wanted_;
  std::size_t taken_ = 0;
};

}  // namespace postern::transfer
