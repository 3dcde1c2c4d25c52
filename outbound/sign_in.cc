// SPDX-License-Identifier: Apache-2.0
#include "outbound/sign_in.h"

#include "base/file.h"

namespace postern::outbound {
namespace {

constexpr std::size_t max_password_file = 4096;

}  // namespace

async::Task<Client::Step> sign_in(Client& client, auth::SaslLibrary* library, SignIn who) {
  if (who.user.empty()) co_return Client::Step();
  const auto closed = require_private(who.password_file);
  auto password = closed ? read_file(who.password_file, max_password_file) : Result<std::string>(std::unexpected(closed.error()));
  if (!password || library == nullptr) {
    mail::Outcome outcome;
    outcome.kind = mail::Outcome::Kind::deferred;
    outcome.enhanced = {4, 7, 0};
    outcome.text = one_line(client.host() + ": no login is possible: " + (password ? "no SASL library" : password.error().text));
    co_return std::unexpected(std::move(outcome));
  }
  while (!password->empty() && (password->back() == '\n' || password->back() == '\r')) password->pop_back();
  auth::SaslClient sasl(*library, who.user, Secret::take(*password));
  co_return co_await client.authenticate(sasl);
}

}  // namespace postern::outbound
