// SPDX-License-Identifier: Apache-2.0
// The BIO below a TLS session: OpenSSL's socket BIO, whose writes can tell the kernel that more follows at once. For net only.
#pragma once

#include "net/openssl.h"

namespace postern::net {

/// On a connected socket that somebody else closes. While `*more` is true, what is written may wait for what comes next to fill
/// its last segment (MSG_MORE); the next write without it sends all. Null when memory is short.
openssl::Bio make_socket_bio(int descriptor, const bool* more);

}  // namespace postern::net
