// SPDX-License-Identifier: Apache-2.0
// A connection to somebody's IMAP server: TLS first (verified; from the start or by STARTTLS), then the password, then commands
// one after the other. Nothing secret is said without TLS.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "net/connection.h"
#include "net/tls_context.h"
#include "transfer/imap_answer.h"
#include "transfer/intake.h"

namespace postern::transfer {

struct ImapServer {
  enum class Tls : std::uint8_t { implicit, starttls };
  std::string host;
  std::uint16_t port = 0;  ///< 0: 993, or 143 for STARTTLS
  Tls tls = Tls::implicit;
  std::string ca_file;  ///< PEM roots; empty: the system's
  std::string user;
  Secret password;
};

class ImapConnection {
 public:
  /// Resolves, connects, greets, secures, logs in. Errors: not_found (no such host), unavailable, timeout, denied (login),
  /// invalid (certificate, or what the server says).
  static async::Task<Result<std::unique_ptr<ImapConnection>>> open(const ImapServer& server);
  /// The same on a stream that is secured already and whose greeting was not read.
  static async::Task<Result<std::unique_ptr<ImapConnection>>> adopt(std::unique_ptr<net::Connection> stream,
                                                                    const ImapServer& server);

  bool can(std::string_view capability) const;
  /// Sends a command without waiting; gives its tag.
  async::Task<Result<std::string>> send(std::string command);
  /// The next answer. A message literal goes to the intake, or is dropped when there is none; what the intake refuses is read to
  /// its end and told by intake_error(). Errors: closed, timeout, too_large, invalid; after one the connection is of no use.
  async::Task<Result<imap_client::Answer>> receive(Intake* intake);
  const std::optional<Error>& intake_error() const { return intake_error_; }
  /// Sends a command and waits for its end; gives the untagged answers. Errors as receive(), and denied with the server's words
  /// for NO and BAD.
  async::Task<Result<std::vector<imap_client::Answer>>> run(std::string command);
  /// LOGOUT, without waiting for more than a moment.
  async::Task<> close();

 private:
  explicit ImapConnection(std::unique_ptr<net::Connection> stream) : stream_(std::move(stream)) {}
  async::Task<Result<>> begin(const ImapServer& server);
  async::Task<Result<>> enter(const ImapServer& server);
  async::Task<Result<>> greet();
  async::Task<Result<>> start_tls(const ImapServer& server);
  async::Task<Result<>> log_in(const ImapServer& server);
  async::Task<Result<>> ask_capabilities();
  async::Task<Result<>> take_literal(std::uint64_t size, Intake* intake);
  void note_capabilities(const imap_client::Answer& answer);

  std::unique_ptr<net::Connection> stream_;
  std::vector<std::string> capabilities_;
  std::optional<Error> intake_error_;
  unsigned next_tag_ = 1;
};

/// A string as IMAP wants it: quoted, or refused when it cannot be (CR, LF, NUL, 8-bit). Error invalid.
Result<std::string> imap_quoted(std::string_view text);

}  // namespace postern::transfer
