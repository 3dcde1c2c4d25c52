// SPDX-License-Identifier: Apache-2.0
// Writes mbox files (mboxrd: every ">*From " line of a message gets one more '>'), one for each mailbox: INBOX.mbox,
// Sub/Folder.mbox. Flags are in Status, X-Status and X-Keywords, INTERNALDATE in the From_ line, in UTC. Beside each file stands
// NAME.mbox.postern: the UIDs that are in it and its length, so that a later run goes on there; a torn tail is cut off.
#pragma once

#include <filesystem>

#include "transfer/exporter.h"
#include "transfer/files.h"

namespace postern::transfer {

/// What NAME.mbox.postern says.
struct MboxState {
  std::uint32_t uidvalidity = 0;
  std::uint64_t size = 0;
  store::UidSet uids;
  bool operator==(const MboxState&) const = default;
};
std::string format_mbox_state(const MboxState& state);
/// Error invalid.
Result<MboxState> parse_mbox_state(std::string_view text);

class MboxWriter final : public ExportWriter {
 public:
  static Result<std::unique_ptr<MboxWriter>> open_at(const std::filesystem::path& path);

  Result<store::UidSet> open(const BoxFolder& folder, const Listing& listing) override;
  Result<> begin(const OutgoingHead& head) override;
  Result<> take(std::string_view bytes) override;
  Result<> end() override;
  Result<> flush() override;
  Result<> close() override;
  /// Written as a list, one name a line.
  Result<> subscriptions(const std::vector<std::string>& names) override;

 private:
  explicit MboxWriter(std::filesystem::path path) : path_(std::move(path)) {}
  Result<MboxState> earlier(std::uint64_t size, std::uint32_t uidvalidity) const;
  Result<> write_out();
  void add_lines(std::string_view text);

  std::filesystem::path path_;
  std::filesystem::path file_path_;
  UniqueFd file_;
  MboxState state_;    ///< durable
  MboxState reached_;  ///< with the messages that are complete
  OutgoingHead head_;
  std::string out_;
  std::uint64_t position_ = 0;  ///< where out_ goes
  std::string line_;            ///< the start of a line that has not ended
  bool passing_ = false;        ///< the line's start is written
  bool held_cr_ = false;
  bool begun_ = false;
};

}  // namespace postern::transfer
