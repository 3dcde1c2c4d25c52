// SPDX-License-Identifier: Apache-2.0
#include "pop3/reply.h"

namespace postern::pop3 {

Reply Reply::ok(std::string_view text) {
  Reply reply;
  reply.text = text.empty() ? "+OK\r\n" : "+OK " + std::string(text) + "\r\n";
  return reply;
}

Reply Reply::error(std::string_view text, std::string_view code) {
  Reply reply;
  reply.text = "-ERR ";
  if (!code.empty()) reply.text.append("[").append(code).append("] ");
  reply.text.append(text).append("\r\n");
  reply.failed = true;
  return reply;
}

Reply Reply::fatal(std::string_view text, std::string_view code) {
  Reply reply = error(text, code);
  reply.close = true;
  return reply;
}

Reply Reply::hang_up() {
  Reply reply;
  reply.close = true;
  return reply;
}

}  // namespace postern::pop3
