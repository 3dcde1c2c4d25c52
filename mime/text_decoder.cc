// SPDX-License-Identifier: Apache-2.0
// Body text as UTF-8: see text_decoder.h.
#include "mime/text_decoder.h"

namespace postern::mime {

TextDecoder::TextDecoder(TransferEncoding encoding, std::string_view charset) : transfer_(encoding), charset_(charset) {}

TextDecoder::TextDecoder(const Part& part) : TextDecoder(part.transfer_encoding, part.type.parameter("charset")) {}

void TextDecoder::decode(std::string_view raw, std::string& out) {
  octets_.clear();
  transfer_.decode(raw, octets_);
  charset_.decode(octets_, out);
}

void TextDecoder::finish(std::string& out) {
  octets_.clear();
  transfer_.finish(octets_);
  charset_.decode(octets_, out);
  charset_.finish(out);
}

}  // namespace postern::mime
