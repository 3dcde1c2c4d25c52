// SPDX-License-Identifier: Apache-2.0
// Searcher: runs a SearchProgram over the view in three passes of rising cost: snapshot, index entry with envelope, message.
// A message goes on to the next pass only while its truth is unknown.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "imap/envelope.h"
#include "imap/limits.h"
#include "imap/message.h"
#include "imap/read_ahead.h"
#include "imap/search_key.h"
#include "imap/session.h"

namespace postern::imap {

class Searcher {
 public:
  Searcher(Session& session, const SearchProgram& program);

  /// Indexes of the rows that match, ascending. Errors: invalid (a sequence number without message), limit (security.md D89), io.
  async::Task<Result<std::vector<std::size_t>>> run();

 private:
  /// What is known of the message under test; null when not read yet.
  struct Known {
    std::size_t index = 0;
    const store::Row* row = nullptr;
    const store::MessageInfo* info = nullptr;
    const EnvelopeFilter* filter = nullptr;  ///< has looked at the message's envelope
    const Envelope* envelope = nullptr;
  };
  Result<> resolve();
  store::MetaFields fields() const;
  std::uint64_t octets() const;
  Truth test(const Known& known);
  Truth leaf(std::size_t key, const Known& known) const;
  Truth snapshot_leaf(const SearchKey& key, std::size_t number, const Known& known) const;
  Truth size_leaf(const SearchKey& key, const Known& known) const;
  async::Task<Result<>> test_page(const std::vector<std::size_t>& page);
  Truth text_leaf(const SearchKey& key, const Known& known) const;
  async::Task<Result<Truth>> test_entry(std::size_t index, const store::MessageInfo* info);
  async::Task<Result<Truth>> test_message(const Known& known, Message& message);
  async::Task<Result<>> read_header(Message& message);

  Session& session_;
  const SearchProgram& program_;
  store::MetaFields wanted_;
  std::map<std::size_t, IndexRanges> sets_;  ///< by key: rows of its message set
  std::map<std::size_t, std::uint64_t> keyword_bits_;
  std::vector<std::optional<Truth>> content_;  ///< by key: truth of header, body and text keys for the message under test
  std::vector<Truth> stack_;
  EnvelopeFilter filter_;
  std::vector<std::size_t> matches_;
  ReadAhead texts_;
  std::uint64_t budget_ = limits::search_bytes;
  std::size_t work_ = 0;  ///< keys tested since others had a turn
};

}  // namespace postern::imap
