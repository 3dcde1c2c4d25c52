// SPDX-License-Identifier: Apache-2.0
// Stream: a connected byte stream, plain or TLS, as Connection sees it. Reading and writing are attempts that never block;
// wait() is the only suspension. So a race (input || event || deadline) can only lose a wait, never bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/file.h"
#include "base/result.h"

namespace postern::net {

/// What became of one attempt to read or write.
enum class IoState : std::uint8_t {
  done,        ///< `bytes` were moved, at least one
  want_read,   ///< nothing moved; try again when the descriptor is readable
  want_write,  ///< nothing moved; try again when the descriptor is writable
  end,         ///< the peer ended the stream in order (TLS: with close_notify)
  truncated,   ///< TLS: the connection ended without close_notify
  failed       ///< broken: `Stream::last_error()` says why
};

struct IoAttempt {
  IoState state = IoState::failed;
  std::size_t bytes = 0;
};

/// What is known of the TLS session.
struct TlsInfo {
  std::string version;      ///< "TLSv1.3"
  std::string cipher;       ///< "TLS_AES_256_GCM_SHA384"
  int bits = 0;             ///< secret bits of the cipher
  std::string server_name;  ///< SNI, sent or received; may be empty
  std::string alpn;         ///< agreed protocol; may be empty
  bool resumed = false;
  bool verified = false;        ///< client side: the peer's certificate passed what the policy asks for
  std::string verify_error;     ///< client side: why not; empty when verified
  std::string channel_binding;  ///< RFC 9266 tls-exporter, 32 octets; empty when the session does not permit it
};

/// Used on one executor only. Closing the descriptor is the destructor's work.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual IoAttempt try_read(std::span<char> into) = 0;
  virtual IoAttempt try_write(std::string_view bytes) = 0;
  /// Suspends until the descriptor is ready, or interrupt() was called (false). One wait at a time.
  virtual async::Task<bool> wait(IoState want) = 0;
  /// Ends the wait under way, if any.
  virtual void interrupt() = 0;
  /// Tells the peer that no more comes: close_notify, then shutdown(SHUT_WR). Never blocks.
  virtual void end_output() = 0;
  /// Text for the log after `failed`.
  virtual std::string last_error() const = 0;
  /// Null for a plain stream.
  virtual const TlsInfo* tls() const { return nullptr; }
  virtual int descriptor() const = 0;
  virtual async::Executor executor() const = 0;
};

/// Takes a connected, stream-type socket of any family over; makes it non-blocking and sets TCP_NODELAY.
std::unique_ptr<Stream> make_socket_stream(const async::Executor& executor, UniqueFd socket);

}  // namespace postern::net
