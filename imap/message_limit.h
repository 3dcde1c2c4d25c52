// SPDX-License-Identifier: Apache-2.0
// MESSAGELIMIT (RFC 9738): one command works on so many messages at most. Those with the highest UIDs are worked on, from the
// highest down, and the client is told where the command stopped; what is all or nothing (COPY, SORT, THREAD) is refused instead.
#pragma once

#include <optional>

#include "imap/response.h"
#include "imap/sequence_set.h"
#include "store/snapshot.h"

namespace postern::imap {

class Session;

/// The limit of one command, and where it stopped.
class MessageLimit {
 public:
  /// As the configuration has it for this session: none unless it is announced.
  explicit MessageLimit(const Session& session);

  bool is_exceeded_by(std::size_t messages) const { return most_ != 0 && messages > most_; }
  std::size_t most() const { return most_; }
  /// Keeps the highest of these rows. True when others were left out.
  bool cut(const store::Snapshot& snapshot, IndexRanges& rows);
  /// The command did not look at messages below this one.
  void stop_at(store::Uid uid) { stopped_at_ = uid; }
  bool has_stopped() const { return stopped_at_.has_value(); }

  /// The reply to a command that may have stopped: the code stands in it, or, when it has a code already, in an untagged NO in
  /// front (RFC 9738 §3.1).
  Reply tell(Session& session, Reply reply) const;
  /// NO [MESSAGELIMIT 1000] for a command that is all or nothing.
  Reply refusal() const;

 private:
  std::string code() const;

  std::size_t most_ = 0;  ///< 0: none
  std::optional<store::Uid> stopped_at_;
};

}  // namespace postern::imap
