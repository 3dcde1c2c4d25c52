// SPDX-License-Identifier: Apache-2.0
// Between Endpoint and the kernel's socket addresses. For the .cc files of net only.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/ip_address.h"

namespace postern::net {

/// A socket address with its length, ready for bind() and connect().
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress to_socket_address(const Endpoint& endpoint);
/// 0.0.0.0:0 for anything that is not an Internet address, for example a Unix socket.
Endpoint to_endpoint(const SocketAddress& address);
/// Of a bound or connected descriptor.
Endpoint local_endpoint(int fd);

}  // namespace postern::net
