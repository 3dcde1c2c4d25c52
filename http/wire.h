// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 messages between octets and values, by Beast's parser and serializer. No I/O: octets come from a Connection's buffer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace postern::http {

struct MessageLimits {
  std::uint32_t header = 8 * 1024;  ///< octets of start line and header
  std::size_t body = 64 * 1024;
};

/// Reads one message. Feed everything that is buffered, consume what feed() gives, until done().
class MessageReader {
 public:
  enum class Kind : unsigned char { request, response };
  MessageReader(Kind kind, const MessageLimits& limits);
  ~MessageReader();

  /// Octets used; 0 with done() false means that more is needed. Errors: too_large (body), limit (header), invalid.
  Result<std::size_t> feed(std::string_view octets);
  bool done() const;
  /// The end of the stream ends a response without length. Error invalid when the message is incomplete.
  Result<void> end();

  /// After done(), of a request. Error invalid: the target is not acceptable, or Host is missing (RFC 9112 §3.2).
  Result<Request> request() const;
  /// After done(), of a response.
  Response response() const;
  /// True when the connection may carry another message.
  bool keep_alive() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The octets of a response to a request of this method: HEAD gets no body.
std::string write_response(const Response& response, std::string_view method, bool keep_alive);

struct RequestLine {
  std::string method;
  std::string target;
  std::string host;  ///< with the port where it is unusual
};
/// The octets of a request with Connection: close.
std::string write_request(const RequestLine& line, const Headers& headers, const std::string& body);

}  // namespace postern::http
