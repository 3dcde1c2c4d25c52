// SPDX-License-Identifier: Apache-2.0
// Service: the one authentication module that every protocol uses (Cyrus SASL inside). Awaitable; hashing and SASL steps
// run on auth's own bounded pool, never on an I/O thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/judgement.h"
#include "auth/sessions.h"
#include "base/result.h"
#include "base/secret.h"
#include "mail/identity.h"

namespace postern::auth {

enum class Protocol : unsigned char { submission, imap, pop3 };

/// Where an attempt comes from. `tls` must be true for anything to succeed (product.md promise 3).
struct Origin {
  Protocol protocol = Protocol::imap;
  std::string ip;  ///< the client's address, "192.0.2.1"
  bool tls = false;
  std::string channel_binding;  ///< tls-exporter bytes (RFC 9266), empty when there are none
};

/// A successful login.
struct Login {
  mail::Identity identity;
  mail::RelayRight relay;
  /// Says when the session must end. Never null from the real service; the session keeps it to its end.
  std::shared_ptr<SessionTicket> ticket{};
};

/// Why not. The client is told only which of these it was.
enum class Refusal : unsigned char {
  bad_credentials,  ///< unknown user, wrong password, disabled: one answer for all (D67)
  malformed,        ///< broken base64 or broken mechanism data (D70)
  aborted,          ///< the client sent "*"
  bad_mechanism,    ///< not offered
  no_tls,           ///< not without TLS (D66)
  throttled,        ///< too many failures from this address or on this account; temporary
  unavailable       ///< our fault; temporary, never counted as a failure (D68)
};

/// One step of an exchange: a challenge to send, a login, or a refusal.
struct Step {
  std::string challenge;  ///< raw, the protocol encodes it; meaningful when neither of the others is set
  std::optional<Login> login;
  std::optional<Refusal> refusal;
  std::string reason;  ///< for the log only
};

/// One AUTH attempt; a fresh one for each AUTH command (D71). Base64 is done here, so that all protocols treat it alike.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// `initial` is the base64 initial response as the client sent it ("=" for empty), or nothing.
  virtual async::Task<Step> start(std::string mechanism, std::optional<std::string> initial) = 0;
  /// `line` is one base64 line from the client, or "*".
  virtual async::Task<Step> step(std::string line) = 0;
  /// The challenge of a Step as base64, ready to send after "334 " or "+ ".
  static std::string encode(const Step& step);
};

class Service {
 public:
  virtual ~Service() = default;
  /// Mechanisms to advertise, strongest first; empty without TLS.
  virtual std::vector<std::string> mechanisms(const Origin& origin) const = 0;
  virtual std::unique_ptr<Exchange> begin(Origin origin) = 0;
  /// IMAP LOGIN and POP3 USER/PASS.
  virtual async::Task<Step> login(Origin origin, std::string user, Secret password) = 0;
  /// Checks the password against the gate, hashes and stores it. Errors: invalid with the reason and the remedy.
  virtual async::Task<Result<>> set_password(mail::AccountId account, Secret password) = 0;
  /// The same by who knows the old password. Errors also: denied when that is wrong, unavailable. Guesses are not counted here:
  /// who offers this to the world puts it behind a login.
  virtual async::Task<Result<>> change_password(PasswordChange change) = 0;
  /// Says what the gate will say, for accounts that exist or not yet, and changes nothing. One judgement for each wish, in order;
  /// the history of an account is not looked at. Error unavailable.
  virtual async::Task<Result<std::vector<Judgement>>> judge(std::vector<PasswordWish> wishes) = 0;
  /// A fresh password that the gate accepts for this person: so many words (auth/passphrase.h), or with 0 four groups of letters
  /// and digits. Error unavailable.
  virtual async::Task<Result<Secret>> generate(Person person, unsigned words) = 0;
};

}  // namespace postern::auth
