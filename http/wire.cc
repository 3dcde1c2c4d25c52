// SPDX-License-Identifier: Apache-2.0
// Beast's sans-I/O parser and serializer behind plain values.
#include "http/wire.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <sstream>

#include "http/url.h"

namespace postern::http {

namespace beast = boost::beast::http;

namespace {

constexpr unsigned http_11 = 11;

std::string to_string(boost::string_view text) { return {text.data(), text.size()}; }

template <class Fields>
Headers headers_of(const Fields& fields) {
  Headers out;
  for (const auto& field : fields) {
    auto [entry, is_new] = out.try_emplace(to_string(field.name_string()), to_string(field.value()));
    if (!is_new) entry->second += ", " + to_string(field.value());
  }
  return out;
}

Error explain(const boost::system::error_code& code) {
  if (code == beast::error::body_limit) return {ErrorKind::too_large, "the body is too large"};
  if (code == beast::error::header_limit) return {ErrorKind::limit, "the header is too large"};
  return {ErrorKind::invalid, "not HTTP: " + code.message()};
}

/// Host without its port, lower case.
std::string host_name(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) host = host.substr(0, colon);
  return ascii::lower(host);
}

template <class Message>
std::string serialized(const Message& message) {
  std::ostringstream out;
  out << message;
  return std::move(out).str();
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view Response::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Response plain_response(unsigned status, std::string text) {
  Response out;
  out.status = status;
  out.body = std::move(text) + "\n";
  return out;
}

struct MessageReader::State {
  std::optional<beast::request_parser<beast::string_body>> request;
  std::optional<beast::response_parser<beast::string_body>> response;

  template <class Use>
  decltype(auto) with(Use use) {
    return request ? use(*request) : use(*response);
  }
};

MessageReader::MessageReader(Kind kind, const MessageLimits& limits) : state_(std::make_unique<State>()) {
  const auto prepare = [&limits](auto& parser) {
    parser.emplace();
    parser->header_limit(limits.header);
    parser->body_limit(limits.body);
    parser->eager(true);
  };
  if (kind == Kind::request)
    prepare(state_->request);
  else
    prepare(state_->response);
}

MessageReader::~MessageReader() = default;

Result<std::size_t> MessageReader::feed(std::string_view octets) {
  boost::system::error_code code;
  const auto buffer = boost::asio::buffer(octets.data(), octets.size());
  const std::size_t used = state_->with([&](auto& parser) { return parser.put(buffer, code); });
  if (code && code != beast::error::need_more) return std::unexpected(explain(code));
  return used;
}

bool MessageReader::done() const {
  return state_->with([](const auto& parser) { return parser.is_done(); });
}

Result<void> MessageReader::end() {
  boost::system::error_code code;
  const bool begun = state_->with([](const auto& parser) { return parser.got_some(); });
  if (!begun) return fail(ErrorKind::invalid, "the stream ended before a message");
  state_->with([&code](auto& parser) { parser.put_eof(code); });
  if (code || !done()) return fail(ErrorKind::invalid, "the message is incomplete");
  return {};
}

bool MessageReader::keep_alive() const {
  return state_->with([](const auto& parser) { return parser.get().keep_alive(); });
}

Result<Request> MessageReader::request() const {
  const auto& message = state_->request->get();
  auto target = parse_target(to_string(message.target()));
  if (!target) return std::unexpected(target.error());
  Request out;
  out.method = to_string(message.method_string());
  out.path = std::move(target->path);
  out.query = std::move(target->query);
  out.headers = headers_of(message);
  out.host = host_name(out.header("Host"));
  out.body = message.body();
  if (out.host.empty() || message.count(beast::field::host) != 1) return fail(ErrorKind::invalid, "a request needs one Host");
  return out;
}

Response MessageReader::response() const {
  const auto& message = state_->response->get();
  Response out;
  out.status = message.result_int();
  out.headers = headers_of(message);
  out.type = out.header("Content-Type");
  out.body = message.body();
  return out;
}

std::string write_response(const Response& response, std::string_view method, bool keep_alive) {
  beast::response<beast::string_body> message(beast::int_to_status(response.status), http_11);
  message.result(response.status);
  if (!response.type.empty()) message.set(beast::field::content_type, response.type);
  message.set(beast::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  message.content_length(response.body.size());
  if (method != "HEAD") message.body() = response.body;
  return serialized(message);
}

std::string write_request(const RequestLine& line, const Headers& headers, const std::string& body) {
  beast::request<beast::string_body> message;
  message.version(http_11);
  message.method_string(line.method);
  message.target(line.target);
  message.set(beast::field::host, line.host);
  message.set(beast::field::accept, "*/*");
  for (const auto& [name, value] : headers) message.set(name, value);
  message.keep_alive(false);
  message.body() = body;
  if (!body.empty()) message.content_length(body.size());
  return serialized(message);
}

}  // namespace postern::http
