// SPDX-License-Identifier: Apache-2.0
// SmtpSink: a scripted SMTP server for tests of the outbound side. By default it offers `offers` and accepts everything; a
// script may answer any command in its own way, hang up, flood or talk garbage.
//
//   SmtpSink sink;
//   sink.answer = [](const std::string& line) { return line.starts_with("RCPT") ? "450 4.2.0 later\r\n" : ""; };
//   const net::Endpoint where = sink.listen(loop);          // a real socket on 127.0.0.1
//   loop.spawn(sink.serve(*pair.server));                   // or one end of a pair
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.h"
#include "tests/support/net.h"

namespace postern::test {

class SmtpSink {
 public:
  struct Message {
    std::string mail;
    std::vector<std::string> rcpt;  ///< accepted ones
    std::string content;            ///< with dots as sent, without the final one
  };
  /// In an answer: close without another word.
  static constexpr const char* hang_up = "!";

  std::string greeting = "220 sink.example ESMTP\r\n";
  std::vector<std::string> offers{"PIPELINING", "8BITMIME", "SIZE 1000000", "DSN"};
  /// The whole reply to a command line ("." is the end of a message), empty for the default one.
  std::function<std::string(const std::string& line)> answer;
  std::shared_ptr<net::TlsServer> tls;

  std::vector<std::string> lines;  ///< commands as they came, all connections
  std::vector<Message> messages;   ///< that got a positive reply
  std::size_t connections = 0;

  /// Plays the server on this connection until it ends.
  async::Task<> serve(net::Connection& connection);
  /// Accepts connections on 127.0.0.1 for as long as the loop lives; the sink must live as long.
  net::Endpoint listen(TestLoop& loop);

  /// How many commands began so.
  std::size_t count(std::string_view verb) const;

 private:
  struct Session;
  async::Task<bool> obey(Session& session, const std::string& line);
  async::Task<bool> reply(Session& session, const std::string& line, std::string_view normal);
  async::Task<bool> take_data(Session& session);
  async::Task<bool> take_chunk(Session& session, const std::string& line);
  std::string hello_text(const Session& session) const;
};

}  // namespace postern::test
