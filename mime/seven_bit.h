// SPDX-License-Identifier: Apache-2.0
// How a message with 8-bit content becomes one of 7-bit text (RFC 6152 §3): which parts to recode, and when to leave it alone.
//
// The plan is all or nothing: what comes out holds no octet above 127, or there is no plan. There is none where an octet stands
// that no transfer encoding reaches (a header field, the text between parts, a part that is encoded already), and none that
// would change what a signature inside the message speaks for (multipart/signed, RFC 1847 §2.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mime/part.h"
#include "mime/recoder.h"

namespace postern::mime {

/// Counts the octets above 127 in each part's own content. Fed once with the message that the tree describes, in order.
class HighOctets {
 public:
  /// The tree must outlive it.
  explicit HighOctets(const PartTree& tree);
  void feed(std::string_view bytes);
  /// Any at all.
  bool any() const;
  /// Some in a header, or in the text before, between and behind parts.
  bool outside() const { return outside_ > 0; }
  std::uint64_t of(std::size_t part) const { return counts_[part]; }

 private:
  const PartTree& tree_;
  std::vector<std::size_t> leaves_;    ///< parts without children, in their order in the message
  std::vector<std::uint64_t> counts_;  ///< for each part
  std::uint64_t outside_ = 0;
  std::uint64_t offset_ = 0;
  std::size_t next_ = 0;  ///< of leaves_
};

/// One value for each part. Text becomes quoted-printable unless base64 is shorter, everything else base64; what encloses
/// changed parts says 7bit (RFC 2045 §6.4). Nothing when it cannot be done.
std::optional<std::vector<Recoding>> plan_seven_bit(const PartTree& tree, const HighOctets& octets);

}  // namespace postern::mime
