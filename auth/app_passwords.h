// SPDX-License-Identifier: Apache-2.0
// App passwords: 100 random bits for one device, written in groups. Spaces, dashes and case do not matter when one is typed. Each
// may be bound to protocols, to networks of clients and to a time; what it may be used for is checked at every login.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/service.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/credentials.h"

namespace postern::auth {

inline constexpr std::string_view password_kind = "password";
inline constexpr std::string_view app_kind = "app";
/// Of one account; networks of one app password; characters of a label.
inline constexpr std::size_t max_app_passwords = 50;
inline constexpr std::size_t max_app_networks = 16;
inline constexpr std::size_t max_label = 64;

/// The 20 characters of an app password, lower case and without spaces and dashes, when the text can be one.
std::optional<Secret> compact_app_password(std::string_view text);
/// The ways to type it that SCRAM understands: "abcdefghij…", "abcde-fghij-…" and "abcde fghij …". `compact` comes from
/// compact_app_password().
std::vector<Secret> spellings_of(const Secret& compact);

/// What an app password may be used for.
struct AppRules {
  std::string label;                   ///< "phone"; one line, not empty
  std::vector<std::string> protocols;  ///< of "imap", "pop3", "smtp"; empty: all
  std::vector<std::string> networks;   ///< "192.0.2.0/24" or one address; empty: from anywhere
  UnixTime expires = 0;                ///< 0: never
};

/// The row without verifier. Errors: invalid, limit; the texts are for the admin.
Result<store::CredentialRow> row_of(const AppRules& rules, UnixTime now);
/// Lists of a row as they were given.
std::vector<std::string> list_of(std::string_view column);

/// Why this credential does not open this door now: "expired", "not for pop3", "not from this network". Nothing: it does.
std::optional<std::string> objection(const store::CredentialRow& row, const Origin& origin, UnixTime now);

/// A network in canonical form; one address becomes a network of itself. Error invalid with the remedy.
Result<std::string> canonical_network(const std::string& text);
/// "smtp", "imap", "pop3": the protocol's name in rules, records and commands.
std::string_view door_name(Protocol protocol);

}  // namespace postern::auth
