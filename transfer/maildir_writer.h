// SPDX-License-Identifier: Apache-2.0
// Writes Maildir++ as Dovecot reads it: cur/DATE.VuidvalidityUuid.postern,S=…,W=…:2,FLAGS with the file's time as INTERNALDATE,
// dovecot-keywords, dovecot-uidlist (so that UIDs stay the same there) and subscriptions. Files are written in tmp, synced batch
// by batch, and only then renamed into cur: what is in cur is whole. Lines end with LF.
#pragma once

#include <filesystem>

#include "transfer/exporter.h"
#include "transfer/files.h"
#include "transfer/maildir_names.h"

namespace postern::transfer {

class MaildirWriter final : public ExportWriter {
 public:
  /// Makes the folder when it is missing.
  static Result<std::unique_ptr<MaildirWriter>> open_at(const std::filesystem::path& path);

  Result<store::UidSet> open(const BoxFolder& folder, const Listing& listing) override;
  Result<> begin(const OutgoingHead& head) override;
  Result<> take(std::string_view bytes) override;
  Result<> end() override;
  Result<> flush() override;
  Result<> close() override;
  Result<> subscriptions(const std::vector<std::string>& names) override;

 private:
  struct Pending {
    std::string temporary;
    std::string final;
  };
  explicit MaildirWriter(std::filesystem::path path, UniqueFd top) : path_(std::move(path)), top_(std::move(top)) {}
  Result<> write_out();
  Result<> write_uidlist();
  std::string info(std::uint64_t flags, const std::vector<std::string>& keywords);
  char letter(const std::string& keyword);
  std::optional<store::Uid> uid_of(std::string_view base) const;
  Result<> refresh_flags(const std::vector<std::pair<store::Uid, std::string>>& files, const Listing& listing);

  std::filesystem::path path_;
  UniqueFd top_;
  // The open mailbox.
  BoxFolder folder_;
  std::filesystem::path place_;
  UniqueFd here_;
  UniqueFd cur_;
  UniqueFd tmp_;
  MaildirKeywords keywords_;
  std::vector<std::pair<store::Uid, std::string>> names_;  ///< of all that is in cur and ours
  std::vector<Pending> pending_;
  // The open message.
  OutgoingHead head_;
  std::string base_;
  UniqueFd file_;
  std::string out_;
  std::uint64_t written_ = 0;
  std::uint64_t wire_size_ = 0;
  bool held_cr_ = false;
};

}  // namespace postern::transfer
