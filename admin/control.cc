// SPDX-License-Identifier: Apache-2.0
#include "admin/control.h"

#include "admin/json.h"
#include "net/unix_listener.h"

namespace postern::admin {

namespace {

constexpr unsigned socket_mode = 0600;

std::string answer_line(const Answer& answer) {
  if (answer) return to_line({{"ok", true}, {"result", *answer}});
  return to_line({{"ok", false}, {"kind", to_string(answer.error().kind)}, {"error", answer.error().text}});
}

}  // namespace

async::Task<Answer> run_command(Context context, std::string name, Arguments arguments) {
  const auto found = commands().find(name);
  if (found == commands().end()) co_return fail(ErrorKind::unsupported, "there is no command " + name);
  co_return co_await found->second(context, std::move(arguments));
}

struct Control::State {
  State(Context c, async::TaskGroup& t, Log& l) : context(c), tasks(t), log(l) {}
  async::Task<> accept_all();
  async::Task<> serve(std::unique_ptr<net::Connection> peer);
  async::Task<Answer> run(std::string_view line);

  Context context;
  async::TaskGroup& tasks;
  Log& log;
  std::map<std::string, ServerCommand, std::less<>> server_commands;
  std::unique_ptr<net::UnixListener> listener;
  async::Executor executor;
};

Control::Control(Context context, async::TaskGroup& tasks, Log& log) : state_(std::make_unique<State>(context, tasks, log)) {}
Control::~Control() = default;

void Control::add(std::string name, ServerCommand command) { state_->server_commands[std::move(name)] = std::move(command); }

Result<> Control::start(const std::string& path, async::Executor executor) {
  auto listener = net::UnixListener::bind(path, socket_mode, executor);
  if (!listener) return std::unexpected(listener.error());
  state_->listener = std::move(*listener);
  state_->executor = executor;
  state_->tasks.spawn(executor, state_->accept_all(), [this] { stop(); });
  return {};
}

void Control::stop() {
  if (state_->listener) state_->listener->close();
}

async::Task<> Control::State::accept_all() {
  for (;;) {
    auto peer = co_await listener->accept();
    if (!peer) break;
    auto* connection = peer->get();
    tasks.spawn(executor, serve(std::move(*peer)), [connection] { connection->request_stop(); });
  }
}

async::Task<> Control::State::serve(std::unique_ptr<net::Connection> peer) {
  for (;;) {
    auto line = co_await peer->read_line(max_control_line);
    if (!line) break;
    const auto answer = co_await run(*line);
    const bool malformed = !answer && answer.error().kind == ErrorKind::invalid && answer.error().text == "not a JSON object";
    if (!co_await peer->write(answer_line(answer)) || malformed) break;
  }
  co_await peer->close_gracefully();
}

async::Task<Answer> Control::State::run(std::string_view line) {
  auto request = parse_object(line);
  if (!request) co_return std::unexpected(request.error());
  auto name = text_argument(*request, "do");
  if (!name) co_return std::unexpected(name.error());
  Arguments arguments;
  if (const auto* with = request->if_contains("with"); with && with->is_object()) arguments = with->get_object();
  log.info("admin", "command", {{"do", *name}});
  if (const auto found = server_commands.find(*name); found != server_commands.end()) {
    co_return co_await found->second(std::move(arguments));
  }
  co_return co_await run_command(context, std::move(*name), std::move(arguments));
}

}  // namespace postern::admin
