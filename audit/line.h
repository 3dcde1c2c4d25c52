// SPDX-License-Identifier: Apache-2.0
// Line: one connection of the attacker. What goes wrong on it is an answer like any other: an empty reply means that the server
// hung up or kept silent.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "net/connection.h"
#include "net/tls_context.h"

namespace postern::audit {

/// How long an answer may take; longer than any tarpit.
inline constexpr std::chrono::seconds answer_limit{20};
/// How long an answer that must not come is waited for.
inline constexpr std::chrono::milliseconds silence{700};

/// Whom to attack. A door that is not open is nothing.
struct Target {
  std::optional<net::Endpoint> smtp, submission, submissions, imaps, pop3s;
  /// The listeners for listed machines, where the attacker is none of them.
  std::optional<net::Endpoint> trusted, device;
  std::string hostname;              ///< what the server calls itself
  std::vector<std::string> domains;  ///< its own; at least one
  std::string person;                ///< a login that exists; empty: unknown
  std::uint64_t message_bytes = 0;   ///< largest message that it takes; 0: unknown
};

enum class Wrap : unsigned char { none, tls };

class Line {
 public:
  /// Connects; from an address of its own for each call where the target is a loopback address, so that limits on addresses
  /// do not answer in place of what is tested. The greeting is not read yet.
  static async::Task<Line> open(net::Endpoint to, Wrap wrap, const net::TlsClient& tls);
  Line(Line&&) = default;

  bool is_open() const { return connection_ != nullptr; }
  /// The next reply, all of its lines, joined by "\n"; empty: none.
  async::Task<std::string> reply(std::chrono::milliseconds limit = answer_limit);
  /// Sends the command with CRLF and gives its reply.
  async::Task<std::string> say(std::string command);
  /// Sends octets as they are.
  async::Task<bool> send(std::string bytes);
  /// One line of IMAP or POP3; empty: none.
  async::Task<std::string> text_line(std::chrono::milliseconds limit = answer_limit);
  /// The first octet that comes back; −1: none.
  async::Task<int> octet();
  /// After a positive reply to STARTTLS.
  async::Task<bool> start_tls(const net::TlsClient& tls);

 private:
  explicit Line(std::unique_ptr<net::Connection> connection) : connection_(std::move(connection)) {}
  std::unique_ptr<net::Connection> connection_;
};

/// 2yz or 3yz.
bool is_positive(std::string_view reply);
/// 4yz or 5yz.
bool is_refusal(std::string_view reply);
/// For a table: one line of at most 100 characters.
std::string shown(std::string_view reply);

}  // namespace postern::audit
