// SPDX-License-Identifier: Apache-2.0
#include "admin/control.h"

#include "admin/conversation.h"
#include "admin/json.h"
#include "net/unix_listener.h"

namespace postern::admin {

namespace {

constexpr unsigned socket_mode = 0600;

}  // namespace

std::string answer_line(const Answer& answer) {
  if (answer) return to_line({{"ok", true}, {"result", *answer}});
  return to_line({{"ok", false}, {"kind", to_string(answer.error().kind)}, {"error", answer.error().text}});
}

async::Task<Answer> run_command(Context context, std::string name, Arguments arguments) {
  const auto found = commands().find(name);
  if (found == commands().end()) co_return fail(ErrorKind::unsupported, "there is no command " + name);
  co_return co_await found->second(context, std::move(arguments));
}

struct Control::State {
  State(Context c, async::TaskGroup& t, Log& l) : context(c), tasks(t), log(l) {}
  async::Task<> accept_all();
  async::Task<> serve(std::unique_ptr<net::Connection> peer);

  Context context;
  async::TaskGroup& tasks;
  Log& log;
  ServerCommands server_commands;
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
  co_await serve_peer(context, server_commands, log, *peer);
  co_await peer->close_gracefully();
}

namespace {

struct Request {
  std::string name;
  Arguments arguments;
};

Result<Request> read_request(std::string_view line) {
  auto object = parse_object(line);
  if (!object) return std::unexpected(object.error());
  auto name = text_argument(*object, "do");
  if (!name) return std::unexpected(name.error());
  Request request{*std::move(name), {}};
  if (const auto* with = object->if_contains("with"); with && with->is_object()) request.arguments = with->get_object();
  return request;
}

bool is_malformed(const Result<Request>& request) {
  return !request && request.error().kind == ErrorKind::invalid && request.error().text == "not a JSON object";
}

async::Task<Answer> answer_to(Context context, const ServerCommands& server_commands, Request request) {
  if (const auto found = server_commands.find(request.name); found != server_commands.end()) {
    co_return co_await found->second(std::move(request.arguments));
  }
  co_return co_await run_command(context, std::move(request.name), std::move(request.arguments));
}

}  // namespace

async::Task<> serve_peer(Context context, const ServerCommands& server_commands, Log& log, net::Connection& peer) {
  for (;;) {
    const auto line = co_await peer.read_line(max_control_line);
    if (!line) break;
    auto request = read_request(*line);
    const bool malformed = is_malformed(request);
    Answer answer;
    if (request) {
      log.info("admin", "command", {{"do", request->name}});
      if (const auto talk = find_conversation(request->name)) {
        co_await talk(context, std::move(request->arguments), peer);
        break;
      }
      answer = co_await answer_to(context, server_commands, *std::move(request));
    } else {
      answer = std::unexpected(request.error());
    }
    if (!co_await peer.write(answer_line(answer)) || malformed) break;
  }
}

}  // namespace postern::admin
