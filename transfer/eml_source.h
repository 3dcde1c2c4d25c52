// SPDX-License-Identifier: Apache-2.0
// A folder of .eml files as a source; folders in it become mailboxes. The key of a message is its path and its content.
// INTERNALDATE is the date of the topmost Received field, else of Date, else of the file.
#pragma once

#include <filesystem>

#include "transfer/files.h"
#include "transfer/source.h"

namespace postern::transfer {

/// The time at which a message arrived, as far as its header tells; nothing otherwise.
std::optional<UnixTime> arrival_of(std::string_view header);

class EmlSource final : public Source {
 public:
  static Result<std::unique_ptr<EmlSource>> open_at(const std::filesystem::path& path);

  std::string_view kind() const override { return "eml"; }
  Task<Result<std::vector<SourceFolder>>> folders() override;
  Task<Result<std::vector<std::string>>> subscriptions() override;
  Task<Result<>> open(const SourceFolder& folder, KeyMaker keys) override;
  Task<Result<std::vector<Candidate>>> next() override;
  void want(std::vector<std::size_t> wanted) override;
  Task<Result<std::optional<Taken>>> take(Intake& intake) override;

 private:
  EmlSource(std::filesystem::path path, UniqueFd top) : path_(std::move(path)), top_(std::move(top)) {}
  struct Nested {
    std::string path;
    int levels;
  };
  void find_folders(int folder, const Nested& at, std::vector<SourceFolder>& out);
  std::optional<std::string> hash_of(const std::string& name);

  std::filesystem::path path_;
  UniqueFd top_;
  // The open folder.
  std::string folder_id_;
  UniqueFd folder_;
  KeyMaker keys_;
  std::vector<std::string> files_;
  std::vector<std::size_t> chunk_;  ///< indices of files_
  std::size_t next_ = 0;
  std::vector<std::size_t> wanted_;
  std::size_t taken_ = 0;
};

}  // namespace postern::transfer
