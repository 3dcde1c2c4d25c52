// SPDX-License-Identifier: Apache-2.0
// The text of a body part as UTF-8, for SEARCH BODY and TEXT: transfer decoding, then charset, as a stream.
#pragma once

#include <string>
#include <string_view>

#include "mime/charset.h"
#include "mime/part.h"
#include "mime/transfer_encoding.h"

namespace postern::mime {

class TextDecoder {
 public:
  TextDecoder(TransferEncoding encoding, std::string_view charset);
  /// With the part's own encoding and charset.
  explicit TextDecoder(const Part& part);
  /// Appends the UTF-8 of the next octets of the body. The caller may clear `out` between calls.
  void decode(std::string_view raw, std::string& out);
  void finish(std::string& out);

 private:
  TransferDecoder transfer_;
  CharsetDecoder charset_;
  std::string octets_;  ///< kept for its capacity
};

}  // namespace postern::mime
