// SPDX-License-Identifier: Apache-2.0
// The little of SASL messages that we read ourselves: the fields of PLAIN, the head of SCRAM's first message, and the rules
// between mechanism name and GS2 flag that libsasl2 2.1.28 does not check (security.md finding 4). No I/O, no library.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace postern::auth {

/// RFC 4616 §2
struct PlainMessage {
  std::string authzid;  ///< may be empty
  std::string authcid;
  Secret password;
};
/// Error invalid: not three fields, empty name or password, not UTF-8, NUL inside.
Result<PlainMessage> parse_plain(std::string_view message);
/// The message of a name and a password. Error invalid when either holds a NUL or is empty.
Result<Secret> make_plain(std::string_view user, const Secret& password);

/// The head of client-first-message (RFC 5802 §7).
struct ScramHead {
  char flag = 'n';      ///< 'n', 'y' or 'p'
  std::string binding;  ///< the name after "p="
  std::string authzid;
  std::string user;  ///< decoded
};
Result<ScramHead> parse_scram_head(std::string_view message);

/// Checks the first message of a mechanism: grammar, and that "-PLUS" goes with flag 'p' and only it (RFC 5802 §6).
Result<> check_first_message(std::string_view mechanism, std::string_view message);

/// The name that a first message is about; empty when it is malformed.
std::string user_of(std::string_view mechanism, std::string_view message);

}  // namespace postern::auth
