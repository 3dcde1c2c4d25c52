// SPDX-License-Identifier: Apache-2.0
// Transfer encodings: decode(encode(x)) is x, and a cut anywhere changes nothing. The first octet chooses the cut.
#include "mime/transfer_encoding.h"

#include <cstdint>
#include <cstdlib>

using namespace postern::mime;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string decode_cut(std::string_view in, TransferEncoding encoding, std::size_t cut) {
  TransferDecoder decoder(encoding);
  std::string out;
  decoder.decode(in.substr(0, cut), out);
  for (std::size_t at = std::min(cut, in.size()); at < in.size(); ++at) decoder.decode(in.substr(at, 1), out);
  decoder.finish(out);
  return out;
}

template <class Encoder>
void check_encoder(std::string_view in, TransferEncoding encoding, std::size_t cut) {
  const std::string whole = encode_transfer(in, encoding);
  Encoder encoder;
  std::string pieces;
  encoder.encode(in.substr(0, cut), pieces);
  encoder.encode(in.substr(std::min(cut, in.size())), pieces);
  encoder.finish(pieces);
  require(pieces == whole);
  require(decode_transfer(whole, encoding) == in);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = data[0];
  for (const auto encoding : {TransferEncoding::base64, TransferEncoding::quoted_printable, TransferEncoding::identity}) {
    require(decode_cut(in, encoding, cut) == decode_transfer(in, encoding));
  }
  check_encoder<Base64Encoder>(in, TransferEncoding::base64, cut);
  check_encoder<QuotedPrintableEncoder>(in, TransferEncoding::quoted_printable, cut);
  return 0;
}
