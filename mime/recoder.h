// SPDX-License-Identifier: Apache-2.0
// Recoder: writes a message again with the content of some parts in another transfer encoding, for readers that do not take
// binary or 8-bit content (RFC 3030 §3, RFC 6152 §3). Everything else stays octet for octet. It streams: beside the tree it holds
// one header block; the output does not depend on where the input was cut. Signatures over the old octets break, so ask for it
// only where the message could not go on otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/part.h"

namespace postern::mime {

/// What becomes of one part.
enum class Recoding : std::uint8_t {
  keep,
  base64,            ///< the content is encoded, the field says so
  quoted_printable,  ///< the same
  relabel_8bit,      ///< only the field changes: a multipart or message whose parts are no longer binary
  relabel_7bit       ///< the same, where nothing needs 8 bits any more
};

/// One value for each part of the tree: binary leaves become base64, what encloses them 8bit (RFC 2045 §6.4). Empty when no part
/// says that it is binary.
std::vector<Recoding> without_binary(const PartTree& tree);

/// Fed once with the message that the tree describes, in order.
class Recoder {
 public:
  /// `plan` has a value for each part. The tree is not needed afterwards.
  Recoder(const PartTree& tree, const std::vector<Recoding>& plan);
  /// Appends what `bytes` become.
  void feed(std::string_view bytes, std::string& out);
  /// Appends the rest.
  void finish(std::string& out);

 private:
  /// A run of octets that changes; what lies between spans is copied.
  struct Span {
    std::uint64_t begin;
    std::uint64_t end;
    Recoding how;
    bool header;
  };
  void take(const Span& span, std::string_view bytes, std::string& out);
  void end_span(const Span& span, std::string& out);

  std::vector<Span> spans_;  ///< ascending, apart from each other
  std::size_t next_ = 0;
  std::uint64_t offset_ = 0;
  std::string header_;  ///< of the span that is being read
  Base64Encoder base64_;
  QuotedPrintableEncoder quoted_;
};

}  // namespace postern::mime
