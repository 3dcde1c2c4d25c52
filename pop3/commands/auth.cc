// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 5034 §4: AUTH mechanism [initial-response], then one base64 line each way.
async::Task<Reply> auth(Session& session, std::string_view argument) {
  const auto parameters = split_parameters(argument);
  if (parameters.empty()) co_return Reply::error("AUTH needs a mechanism, see CAPA");
  if (parameters.size() > 2) co_return Reply::error("too many parameters");
  std::optional<std::string> initial;
  if (parameters.size() == 2) initial = std::string(parameters[1]);

  auto exchange = session.services().auth.begin(session.origin());
  auto step = co_await exchange->start(std::string(parameters[0]), std::move(initial));
  auto& connection = session.connection();
  while (!step.login && !step.refusal) {
    auto sent = co_await connection.write("+ " + auth::Exchange::encode(step) + "\r\n");
    if (!sent) co_return Reply::hang_up();
    auto line = co_await connection.read_line(max_auth_line);
    if (!line) co_return Reply::fatal("authentication line missing or too long");
    step = co_await exchange->step(std::string(*line));
  }
  co_return co_await session.finish_login(std::move(step));
}

}  // namespace postern::pop3::commands
