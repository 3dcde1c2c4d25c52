// SPDX-License-Identifier: Apache-2.0
#include "net/socket_bio.h"

#include <sys/socket.h>

namespace postern::net {

namespace {

int write_socket(BIO* bio, const char* bytes, int length) {
  const auto* more = static_cast<const bool*>(BIO_get_data(bio));
  const int descriptor = static_cast<int>(BIO_get_fd(bio, nullptr));
  BIO_clear_retry_flags(bio);
  const ssize_t put = ::send(descriptor, bytes, static_cast<std::size_t>(length), MSG_NOSIGNAL | (*more ? MSG_MORE : 0));
  if (put <= 0 && BIO_sock_should_retry(static_cast<int>(put)) != 0) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

/// All but writing is OpenSSL's own.
BIO_METHOD* make_method() {
  const BIO_METHOD* socket = BIO_s_socket();
  BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOCKET, "socket that may wait for more");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, write_socket);
  BIO_meth_set_read(method, BIO_meth_get_read(socket));
  BIO_meth_set_puts(method, BIO_meth_get_puts(socket));
  BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(socket));
  BIO_meth_set_create(method, BIO_meth_get_create(socket));
  BIO_meth_set_destroy(method, BIO_meth_get_destroy(socket));
  return method;
}

}  // namespace

openssl::Bio make_socket_bio(int descriptor, const bool* more) {
  static BIO_METHOD* const method = make_method();
  openssl::Bio bio(method == nullptr ? nullptr : BIO_new(method));
  if (!bio) return bio;
  BIO_set_fd(bio.get(), descriptor, BIO_NOCLOSE);
  BIO_set_data(bio.get(), const_cast<bool*>(more));
  return bio;
}

}  // namespace postern::net
