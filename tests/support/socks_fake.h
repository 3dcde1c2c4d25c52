// SPDX-License-Identifier: Apache-2.0
// SocksFake: a scripted SOCKS5 server on 127.0.0.1. It notes what it was asked, and whoever it connects speaks with `behind`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/net.h"

namespace postern::test {

class SocksFake {
 public:
  std::string user;  ///< empty: nobody has to log in
  std::string password;
  unsigned char code = 0;                                        ///< of the answer to CONNECT
  std::string raw_answer;                                        ///< instead of everything: said at once, then the end
  std::function<async::Task<>(net::Connection& client)> behind;  ///< the target; empty: says "hello" and ends
  std::vector<std::string> asked;                                ///< "127.0.0.1:25", "name mx.example.net:25"
  std::vector<std::string> logins;                               ///< "user password"

  /// Takes connections for as long as the loop lives; this must live as long.
  net::Endpoint listen(TestLoop& loop);
  /// One connection, to its end.
  async::Task<> serve(net::Connection& client);

 private:
  async::Task<bool> agree(net::Connection& client);
  async::Task<bool> take_request(net::Connection& client);
};

}  // namespace postern::test
