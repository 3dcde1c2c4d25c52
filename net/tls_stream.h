// SPDX-License-Identifier: Apache-2.0
// TlsStream: OpenSSL driven directly on the non-blocking descriptor of the plain stream below it, without memory
// BIOs: an idle session costs little more than OpenSSL's own state. For net/connection.cc only.
#pragma once

#include <memory>

#include "net/stream.h"
#include "net/tls_context.h"

namespace postern::net {

class TlsStream : public Stream {
 public:
  /// One step of the handshake: done, want_read, want_write or failed.
  virtual IoAttempt try_handshake() = 0;
};

/// Takes the plain stream over.
std::unique_ptr<TlsStream> make_tls_server_stream(std::unique_ptr<Stream> below, const TlsServer& server);
/// Takes the plain stream over unless it fails. Error invalid: the policy names no usable TLSA record.
Result<std::unique_ptr<TlsStream>> make_tls_client_stream(std::unique_ptr<Stream>& below, const TlsClient& client,
                                                          const TlsClientPolicy& policy);

}  // namespace postern::net
