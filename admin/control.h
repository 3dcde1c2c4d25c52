// SPDX-License-Identifier: Apache-2.0
// The admin's control socket: requests and answers as one line of JSON each, CR LF at the end, over a Unix socket of mode 0600.
//
//   {"do":"account.add","with":{"login":"alice@example.org"}}\r\n
//   {"ok":true,"result":{"id":3}}        or   {"ok":false,"kind":"exists","error":"alice@example.org exists already; …"}
//
// A malformed request is answered and closes that peer only (security.md D99). The commands themselves are a table of named
// functions over Context, so that the command line runs the very same ones when no server is running.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "async/event.h"
#include "async/executor.h"
#include "async/task_group.h"
#include "auth/directory.h"
#include "auth/office.h"
#include "auth/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/live.h"
#include "net/connection.h"
#include "net/listener.h"
#include "store/store.h"

namespace postern::policy {
class DkimBook;
}

namespace postern::admin {

/// What commands work on. All of it outlives them.
struct Context {
  store::Store& store;
  auth::Directory& directory;
  auth::Service& auth;
  Clock& clock;
  const config::Live& config;
  auth::Office& office;
  policy::DkimBook* dkim = nullptr;  ///< null in tests without one
};

using Arguments = boost::json::object;
using Answer = Result<boost::json::object>;
using Command = async::Task<Answer> (*)(Context context, Arguments arguments);

/// Commands of the stored world: domain.*, account.*, alias.*, queue.*. Each name is bound to one function in
/// admin/commands_*.cc.
const std::map<std::string, Command, std::less<>>& commands();

/// Runs one request against the table. Errors: unsupported for a name that does not exist, else the command's own.
async::Task<Answer> run_command(Context context, std::string name, Arguments arguments);

using ServerCommand = std::function<async::Task<Answer>(Arguments)>;
using ServerCommands = std::map<std::string, ServerCommand, std::less<>>;

/// Serves one peer until it leaves: requests and answers, and conversations (admin/conversation.h). Both outlive it.
async::Task<> serve_peer(Context context, const ServerCommands& server_commands, Log& log, net::Connection& peer);

/// Serves the control socket. Commands of the running server alone (status, reload, stop) are registered by the daemon.
class Control {
 public:
  using ServerCommand = admin::ServerCommand;
  Control(Context context, async::TaskGroup& tasks, Log& log);
  ~Control();
  void add(std::string name, ServerCommand command);
  /// Binds the socket (mode 0600, an old file of a dead server is replaced) and accepts on this executor.
  Result<> start(const std::string& path, async::Executor executor);
  /// Closes the socket and removes its file. Sessions under way belong to the task group.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Longest request or answer, octets.
inline constexpr std::size_t max_control_line = 16 * 1024 * 1024;

}  // namespace postern::admin
