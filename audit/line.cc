// SPDX-License-Identifier: Apache-2.0
#include "audit/line.h"

#include <atomic>

#include "base/ascii.h"
#include "net/dial.h"

namespace postern::audit {
namespace {

constexpr std::size_t line_max = 64 * 1024;
constexpr std::size_t lines_max = 100;
constexpr std::size_t shown_max = 100;
constexpr std::chrono::seconds connect_limit{10};

/// 127.x.y.1, another network for each call.
IpAddress next_loopback() {
  static constexpr unsigned networks = 250 * 250;
  static std::atomic<unsigned> calls{0};
  const auto number = calls++ % networks;
  constexpr unsigned each = 250;
  return IpAddress::v4({127, static_cast<unsigned char>(1 + number / each), static_cast<unsigned char>(1 + number % each), 1});
}

bool is_loopback(const IpAddress& ip) { return ip.is_v4() && ip.bytes()[0] == 127; }

}  // namespace

bool is_positive(std::string_view reply) { return reply.starts_with('2') || reply.starts_with('3'); }
bool is_refusal(std::string_view reply) { return reply.starts_with('4') || reply.starts_with('5'); }

std::string shown(std::string_view reply) {
  if (reply.empty()) return "(no answer)";
  std::string out;
  for (const char c : reply.substr(0, shown_max)) out += static_cast<unsigned char>(c) < ' ' || ascii::is_eight_bit(c) ? ' ' : c;
  return out;
}

async::Task<Line> Line::open(net::Endpoint to, Wrap wrap, const net::TlsClient& tls) {
  net::DialOptions options;
  options.connect_timeout = connect_limit;
  options.timeout = answer_limit;
  if (is_loopback(to.address)) options.source = next_loopback();
  auto dialed = co_await net::dial(to, options);
  Line line(dialed ? std::move(*dialed) : nullptr);
  if (line.is_open() && wrap == Wrap::tls && !co_await line.start_tls(tls)) line.connection_.reset();
  co_return line;
}

async::Task<bool> Line::start_tls(const net::TlsClient& tls) {
  const auto done = co_await connection_->start_tls_client(tls, {});
  co_return done.has_value();
}

async::Task<std::string> Line::text_line(std::chrono::milliseconds limit) {
  if (!connection_) co_return std::string();
  connection_->set_timeout(limit);
  const auto line = co_await connection_->read_line(line_max);
  co_return line ? std::string(*line) : std::string();
}

async::Task<std::string> Line::reply(std::chrono::milliseconds limit) {
  std::string out;
  for (std::size_t i = 0; i < lines_max; ++i) {
    const auto line = co_await text_line(limit);
    if (line.empty()) break;
    out += (out.empty() ? "" : "\n") + line;
    constexpr std::size_t code_size = 3;
    if (line.size() <= code_size || line[code_size] != '-') break;
  }
  co_return out;
}

async::Task<bool> Line::send(std::string bytes) {
  if (!connection_) co_return false;
  connection_->append(bytes);
  const auto flushed = co_await connection_->flush();
  co_return flushed.has_value();
}

async::Task<int> Line::octet() {
  if (!connection_) co_return -1;
  connection_->set_timeout(answer_limit);
  const auto chunk = co_await connection_->read_chunk(1);
  co_return chunk && !chunk->empty() ? static_cast<unsigned char>(chunk->front()) : -1;
}

async::Task<std::string> Line::say(std::string command) {
  if (!co_await send(command + "\r\n")) co_return std::string();
  co_return co_await reply();
}

}  // namespace postern::audit
