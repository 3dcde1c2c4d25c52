// SPDX-License-Identifier: Apache-2.0
// A Maildir as a source: Maildir++ (.Sub.Folder) and Dovecot's LAYOUT=fs (Sub/Folder), with Dovecot's keywords, subscriptions and
// order. INTERNALDATE is the file's time of change. The key of a message is its unique file name without flags and sizes, so
// flags may change between two runs. Memory: the names of one folder, about 70 octets each.
#pragma once

#include <filesystem>

#include "transfer/files.h"
#include "transfer/maildir_names.h"
#include "transfer/source.h"

namespace postern::transfer {

class MaildirSource final : public Source {
 public:
  /// Error invalid when the folder has neither cur nor new; the text says where a Maildir may be.
  static Result<std::unique_ptr<MaildirSource>> open_at(const std::filesystem::path& path);

  std::string_view kind() const override { return "maildir"; }
  Task<Result<std::vector<SourceFolder>>> folders() override;
  Task<Result<std::vector<std::string>>> subscriptions() override;
  Task<Result<>> open(const SourceFolder& folder, KeyMaker keys) override;
  Task<Result<std::vector<Candidate>>> next() override;
  void want(std::vector<std::size_t> wanted) override;
  Task<Result<std::optional<Taken>>> take(Intake& intake) override;

 private:
  enum class Place : std::uint8_t { cur, fresh };
  /// A file's name in names_, and where it stands in the order.
  struct File {
    std::uint32_t begin = 0;
    std::uint16_t length = 0;
    Place place = Place::cur;
    std::uint32_t uid = UINT32_MAX;  ///< of dovecot-uidlist; UINT32_MAX: not in it
  };
  explicit MaildirSource(std::filesystem::path path, UniqueFd top) : path_(std::move(path)), top_(std::move(top)) {}

  struct Nested {
    std::string path;
    int levels;
  };
  void find_folders(int folder, const Nested& at, std::vector<SourceFolder>& out);
  std::optional<SourceFolder> describe(int parent, const std::string& name, std::string id);
  Result<UniqueFd> reach(const std::string& id);
  Result<> list(Place place);
  Result<> read_order();
  void sort_files();
  std::string_view name_of(const File& file) const { return std::string_view(names_).substr(file.begin, file.length); }
  std::string path_of(const File& file) const;
  Result<OpenFile> open_message(const File& file, std::string& name);
  Marks marks_of(const File& file, const MaildirName& name, UnixTime modified);

  std::filesystem::path path_;
  UniqueFd top_;
  // The open folder.
  std::string folder_id_;
  UniqueFd folder_;
  UniqueFd cur_;
  UniqueFd new_;
  KeyMaker keys_;
  MaildirKeywords keywords_;
  std::string names_;
  std::vector<File> files_;
  std::size_t next_ = 0;
  std::size_t chunk_begin_ = 0;
  std::vector<std::size_t> wanted_;
  std::size_t taken_ = 0;
  bool unnamed_keyword_ = false;
};

}  // namespace postern::transfer
