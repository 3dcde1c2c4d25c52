// SPDX-License-Identifier: Apache-2.0
// PartReader: the content of a body part with its transfer encoding undone, as a stream, for BINARY; and the preview of a
// message. Memory: one chunk.
#pragma once

#include <string>

#include "imap/message.h"
#include "mime/transfer_encoding.h"

namespace postern::imap {

/// Where the content lies and how it is encoded.
struct EncodedPart {
  mime::Range octets;
  mime::TransferEncoding encoding = mime::TransferEncoding::identity;
};

/// The part that a path names; the empty path is the message as it is. Nothing when there is no such part. Error unsupported: the
/// encoding is not known.
async::Task<Result<std::optional<EncodedPart>>> find_encoded(Message& message, const std::vector<std::uint32_t>& path);

class PartReader {
 public:
  PartReader(Message& message, const EncodedPart& part);
  /// The next decoded octets, maybe none; nothing at the end. Good until the next call.
  async::Task<Result<std::optional<std::string_view>>> next();

 private:
  Message& message_;
  mime::Range rest_;
  mime::TransferDecoder decoder_;
  std::string decoded_;
  bool finished_ = false;
};

/// What a decoded part is like.
struct PartMeasure {
  std::uint64_t size = 0;
  bool has_nul = false;
};
async::Task<Result<PartMeasure>> measure(Message& message, const EncodedPart& part);

/// RFC 8970 §3.1: the first text of a message on one line, without markup; empty when it has none.
async::Task<Result<std::string>> preview_of(Message& message);

}  // namespace postern::imap
