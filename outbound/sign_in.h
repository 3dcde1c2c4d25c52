// SPDX-License-Identifier: Apache-2.0
// Logging in at another server with a password from a file that only we may read: smart hosts, routes, servers behind us.
#pragma once

#include <filesystem>
#include <string>

#include "auth/sasl.h"
#include "outbound/client.h"

namespace postern::outbound {

/// Whose account is used there.
struct SignIn {
  std::string user;  ///< empty: there is no login, and none is tried
  std::filesystem::path password_file;
};

/// Logs in, or does nothing without a user. What goes wrong is temporary: the password is ours to mend. `library` may be null,
/// then no login is possible.
async::Task<Client::Step> sign_in(Client& client, auth::SaslLibrary* library, SignIn who);

}  // namespace postern::outbound
