// SPDX-License-Identifier: Apache-2.0
// Counting octets above 127 by part, and the plan made from that; see seven_bit.h.
#include "mime/seven_bit.h"

#include <algorithm>

namespace postern::mime {

namespace {

/// Quoted-printable makes three octets of one, base64 four of three: with fewer than one in so many to encode the first is
/// shorter.
constexpr std::uint64_t quoted_is_shorter = 6;

std::uint64_t count_high(std::string_view bytes) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(bytes, [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; }));
}

/// RFC 1847 §2.1: the parts of multipart/signed must not be altered on the way.
bool is_signed(const PartTree& tree, std::size_t index) {
  for (PartIndex at = tree.parts[index].parent; at != no_part; at = tree.parts[at].parent) {
    if (tree.parts[at].kind == PartKind::multipart && tree.parts[at].type.subtype == "signed") return true;
  }
  return false;
}

bool says_more_than_7bit(const Part& part) { return part.encoding == "8bit" || part.encoding == "binary"; }

/// What becomes of a leaf; nothing when it must stay and is not 7-bit.
std::optional<Recoding> plan_leaf(const Part& part, std::uint64_t high) {
  if (high == 0) return says_more_than_7bit(part) ? Recoding::relabel_7bit : Recoding::keep;
  // RFC 2045 §6.4: multipart and message content is never encoded, also where it could not be taken apart.
  if (part.type.type == "multipart" || part.type.type == "message") return std::nullopt;
  if (part.transfer_encoding != TransferEncoding::identity) return std::nullopt;
  const bool quoted = part.type.type == "text" && high * quoted_is_shorter < part.body_size();
  return quoted ? Recoding::quoted_printable : Recoding::base64;
}

}  // namespace

HighOctets::HighOctets(const PartTree& tree) : tree_(tree), counts_(tree.parts.size(), 0) {
  for (std::size_t i = 0; i < tree.parts.size(); ++i) {
    if (tree.parts[i].first_child == no_part && tree.parts[i].body_size() > 0) leaves_.push_back(i);
  }
  std::ranges::sort(leaves_, {}, [&tree](std::size_t i) { return tree.parts[i].body_begin; });
}

void HighOctets::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    while (next_ < leaves_.size() && offset_ >= tree_.parts[leaves_[next_]].body_end) ++next_;
    const Part* leaf = next_ < leaves_.size() ? &tree_.parts[leaves_[next_]] : nullptr;
    const bool inside = leaf != nullptr && offset_ >= leaf->body_begin;
    std::uint64_t size = bytes.size();
    if (leaf != nullptr) size = std::min(size, (inside ? leaf->body_end : leaf->body_begin) - offset_);
    const auto piece = bytes.substr(0, static_cast<std::size_t>(size));
    (inside ? counts_[leaves_[next_]] : outside_) += count_high(piece);
    offset_ += size;
    bytes.remove_prefix(piece.size());
  }
}

bool HighOctets::any() const {
  return outside_ > 0 || std::ranges::any_of(counts_, [](std::uint64_t count) { return count > 0; });
}

std::optional<std::vector<Recoding>> plan_seven_bit(const PartTree& tree, const HighOctets& octets) {
  if (tree.truncated || octets.outside()) return std::nullopt;
  std::vector<Recoding> plan(tree.parts.size(), Recoding::keep);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto& part = tree.parts[i];
    const bool encloses = part.first_child != no_part;
    const auto how =
        encloses ? (says_more_than_7bit(part) ? Recoding::relabel_7bit : Recoding::keep) : plan_leaf(part, octets.of(i));
    if (!how || (*how != Recoding::keep && is_signed(tree, i))) {
      // A label alone is worth neither a broken signature nor a message that stays.
      if (how == Recoding::relabel_7bit) continue;
      return std::nullopt;
    }
    plan[i] = *how;
  }
  return plan;
}

}  // namespace postern::mime
