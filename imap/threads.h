// SPDX-License-Identifier: Apache-2.0
// Threads: the algorithms of RFC 5256 on plain values, without I/O. ReferenceThreads builds trees from Message-ID, References
// and In-Reply-To; SubjectThreads puts equal subjects together. Nothing recurses, so depth costs no stack; links that would
// close a loop are left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace postern::imap {

/// What threading needs of one message. Given in the order of sequence numbers.
struct ThreadMessage {
  std::uint32_t number = 0;  ///< what the client is told
  UnixTime sent = 0;
  std::string subject;  ///< base subject
  bool is_reply = false;
  std::string id;                       ///< normal form, empty when there is none
  std::vector<std::string> references;  ///< oldest first, the parent last
};

/// The message ids in a field, in their normal form without angle brackets (RFC 5256 §3, REFERENCES step 1).
std::vector<std::string> message_ids(std::string_view field);

/// A forest. Node 0 … count-1; number 0 is a message that nobody has.
struct ThreadTree {
  struct Node {
    std::uint32_t number = 0;
    UnixTime sent = 0;
    std::vector<std::uint32_t> children;
  };
  std::vector<Node> nodes;
  std::vector<std::uint32_t> roots;

  /// Appends the thread below one root: "(3 6 (4 23)(44 7 96))" (RFC 5256 §4).
  void append(std::string& out, std::uint32_t root) const;
};

/// THREAD=REFERENCES.
class ReferenceThreads {
 public:
  void add(ThreadMessage message);
  /// Links followed so far: the measure of work.
  std::uint64_t steps() const { return steps_; }
  /// Octets of ids and subjects kept.
  std::uint64_t octets() const { return octets_; }
  /// The object is used up.
  ThreadTree finish();

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  /// Beside tree_.nodes.
  struct Extra {
    std::uint32_t parent = none;
    bool has_children = false;
    bool is_reply = false;
    std::string subject;
  };
  std::uint32_t make_node();
  std::uint32_t node_of(const std::string& id);
  std::uint32_t place(ThreadMessage& message);
  bool is_above(std::uint32_t node, std::uint32_t below);
  void link(std::uint32_t parent, std::uint32_t child);
  void gather();
  void prune();
  void sort_children();
  void merge_subjects();
  void merge(std::uint32_t& known, std::uint32_t root);
  const Extra& subject_of(std::uint32_t root) const;
  bool is_dummy(std::uint32_t node) const { return tree_.nodes[node].number == 0; }
  void sort(std::vector<std::uint32_t>& siblings) const;
  UnixTime sent(std::uint32_t node) const;
  std::uint32_t lowest(std::uint32_t node) const;

  ThreadTree tree_;
  std::vector<Extra> extra_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::uint64_t steps_ = 0;
  std::uint64_t octets_ = 0;
};

/// THREAD=ORDEREDSUBJECT.
class SubjectThreads {
 public:
  void add(ThreadMessage message);
  std::uint64_t octets() const { return octets_; }
  /// The object is used up.
  ThreadTree finish();

 private:
  std::vector<ThreadMessage> messages_;
  std::uint64_t octets_ = 0;
};

}  // namespace postern::imap
