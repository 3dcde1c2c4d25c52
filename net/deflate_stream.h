// SPDX-License-Identifier: Apache-2.0
// DeflateStream: a stream whose octets are compressed with DEFLATE in both directions (RFC 4978, raw RFC 1951), around another
// stream. zlib stays in the .cc.
//
// Memory is fixed: some 100 KiB for the two states, and a piece of input and output each. Against bombs (security.md D87): input
// is decompressed into the buffer that the reader offers and no further, and a peer whose data grows beyond max_ratio is cut off.
#pragma once

#include <memory>

#include "net/stream.h"

namespace postern::net {

/// Decompressed octets for each octet received, over the whole connection, once free_octets have come.
inline constexpr std::uint64_t max_ratio = 200;
inline constexpr std::uint64_t free_octets = 1024 * 1024;

/// Used on one executor only, like the stream it takes over. A write that was not done is to be tried again with the same octets.
std::unique_ptr<Stream> make_deflate_stream(std::unique_ptr<Stream> inner);

}  // namespace postern::net
