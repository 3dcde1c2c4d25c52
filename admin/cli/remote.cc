// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/remote.h"

#include "admin/checks.h"
#include "admin/json.h"
#include "async/executor.h"
#include "config/parse.h"
#include "net/dial.h"

namespace postern::admin::cli {

namespace {

constexpr std::chrono::minutes answer_limit{10};
constexpr std::string_view socket_trouble = "control socket: ";

// One request, one answer.
async::Task<Result<std::string>> ask(std::string socket, std::string line) {
  net::DialOptions options;
  options.timeout = answer_limit;
  auto connection = co_await net::dial_unix(std::move(socket), options);
  if (!connection) co_return std::unexpected(connection.error());
  if (auto sent = co_await (*connection)->write(line); !sent) co_return std::unexpected(sent.error());
  auto answer = co_await (*connection)->read_line(max_control_line);
  if (!answer)
    co_return fail(ErrorKind::closed, "the running server closed the control socket without an answer; its log says why");
  co_return std::string(*answer);
}

ErrorKind kind_of(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    if (to_string(static_cast<ErrorKind>(i)) == word) return static_cast<ErrorKind>(i);
  }
  return ErrorKind::internal;
}

Answer read_answer(std::string_view line) {
  auto object = parse_object(line);
  if (!object) return std::unexpected(object.error());
  if (optional_flag(*object, "ok").value_or(false)) {
    const auto* result = object->if_contains("result");
    return result && result->is_object() ? result->get_object() : boost::json::object();
  }
  return fail(kind_of(optional_text(*object, "kind")), optional_text(*object, "error"));
}

}  // namespace

Reply LazyRemote::call(std::string_view command, boost::json::object arguments) {
  if (opened_) return opened_->call(command, std::move(arguments));
  const auto loaded = config::load(config_path_);
  if (!loaded) return std::unexpected(configuration_failure(config_path_, loaded.error()));
  auto answer = call_server(loaded->config.server.control(), command, arguments);
  if (answer) return std::move(*answer);
  const auto& error = answer.error();
  const bool no_server = error.kind == ErrorKind::not_found || error.kind == ErrorKind::unavailable;
  const bool from_socket = error.text.starts_with(socket_trouble);
  if (!no_server || !from_socket) {
    const bool shut_out = from_socket && error.kind == ErrorKind::denied;
    return std::unexpected(
        Failure{code_for_answer(error.kind), shut_out ? error.text + "; run this as root or as the server's user" : error.text});
  }
  if (!offline_) return std::unexpected(Failure{exit_no_answer, "no server is running"});
  auto opened = offline_(config_path_);
  if (!opened) return std::unexpected(opened.error());
  opened_ = std::move(*opened);
  return opened_->call(command, std::move(arguments));
}

Answer LazyRemote::call_server(const std::string& socket, std::string_view command, const boost::json::object& arguments) {
  auto line = async::run_alone(ask(socket, to_line({{"do", command}, {"with", arguments}})));
  if (!line) return fail(line.error().kind, std::string(socket_trouble) + line.error().text);
  return read_answer(*line);
}

}  // namespace postern::admin::cli
