// SPDX-License-Identifier: Apache-2.0
// Session: the loop of one SMTP connection (design.md §3.2): read a line, find its row, run it, append the reply; flush when
// no complete command waits and before anything that changes the stream (RFC 2920). Only this class writes to the
// connection. Error budget, tarpit, deadlines and closing live here, once for all services.
#pragma once

#include <string_view>

#include "async/task.h"
#include "smtp/commands.h"
#include "smtp/handler.h"

namespace postern::smtp {

/// What a service gives to each of its sessions; outlives them.
struct ServiceParts {
  const Parts& parts;
  const SessionOptions& options;
  const Meters& meters;
};

class Session final : private ChallengeLine {
 public:
  Session(net::Connection& connection, const ServiceParts& service, Handler& handler);
  /// Runs to the end of the conversation; everything is flushed, the caller closes the connection.
  async::Task<> run();

 private:
  async::Task<Result<std::string>> ask(std::string base64) override;

  async::Task<bool> greet();
  async::Task<bool> is_foreign_protocol();
  async::Task<bool> next_command();
  async::Task<Reply> execute(std::string_view line);
  async::Task<bool> conclude(Reply reply);
  async::Task<bool> receive_data();
  async::Task<Result<>> read_message(DotReader& dots, Intake& intake);
  async::Task<bool> start_tls();
  async::Task<> tarpit();
  async::Task<bool> end_by(Error error);
  std::size_t line_limit() const;
  std::chrono::seconds patience() const;
  Reply reply_to_bad_line() const;
  Refusal over_budget() const;
  void send(const Reply& reply);

  Conversation talk_;
  Handler& handler_;
  unsigned tarpitted_ = 0;  ///< unknown recipients that have been delayed for
};

}  // namespace postern::smtp
