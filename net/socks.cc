// SPDX-License-Identifier: Apache-2.0
#include "net/socks.h"

#include <fmt/format.h>

#include <array>

namespace postern::net {

namespace {

constexpr char version = 5;
constexpr char login_version = 1;
constexpr std::size_t longest = 255;  ///< of a name, a user or a password
constexpr unsigned char no_login = 0;
constexpr unsigned char by_password = 2;
constexpr unsigned char none_fits = 0xFF;
constexpr char connect_command = 1;
constexpr char type_v4 = 1;
constexpr char type_name = 3;
constexpr char type_v6 = 4;

unsigned char octet(const std::string& text, std::size_t at) { return static_cast<unsigned char>(text.at(at)); }

/// Exactly so many octets.
async::Task<Result<std::string>> take(Connection& proxy, std::size_t count) {
  std::string out;
  const auto read = co_await proxy.read_exactly(count, out);
  if (!read) co_return fail(read.error().kind, "the proxy gave no answer: " + read.error().text);
  co_return out;
}

std::string counted(std::string_view text) { return static_cast<char>(text.size()) + std::string(text); }

bool fits(std::string_view text) { return !text.empty() && text.size() <= longest; }

Error no_socks() { return {ErrorKind::invalid, "the proxy does not speak SOCKS5"}; }

// RFC 1928 §6: the values of REP.
Error refused(unsigned char code) {
  static constexpr std::array<std::string_view, 9> texts{"",
                                                         "the proxy failed",
                                                         "the proxy does not permit this target",
                                                         "the proxy finds the network unreachable",
                                                         "the proxy finds the host unreachable",
                                                         "the target refuses the connection",
                                                         "the proxy had no answer in time",
                                                         "the proxy cannot connect for others",
                                                         "the proxy does not know this kind of address"};
  const auto kind = code == 2 ? ErrorKind::denied : ErrorKind::unavailable;
  if (code < texts.size()) return {kind, std::string(texts[code])};
  return {kind, fmt::format("the proxy answered with code {}", code)};
}

// RFC 1928 §3
async::Task<Result<bool>> agree(Connection& proxy, bool with_login) {
  std::string hello{version, static_cast<char>(with_login ? 2 : 1), static_cast<char>(no_login)};
  if (with_login) hello += static_cast<char>(by_password);
  if (auto sent = co_await proxy.write(hello); !sent) co_return std::unexpected(sent.error());
  const auto answer = co_await take(proxy, 2);
  if (!answer) co_return std::unexpected(answer.error());
  const auto method = octet(*answer, 1);
  if (answer->front() != version) co_return std::unexpected(no_socks());
  if (method == none_fits) {
    co_return fail(ErrorKind::denied, with_login ? "the proxy takes no password" : "the proxy wants a login; give proxy_user");
  }
  if (method != no_login && !(with_login && method == by_password)) co_return std::unexpected(no_socks());
  co_return method == by_password;
}

// RFC 1929 §2
async::Task<Result<>> log_in(Connection& proxy, const SocksLogin& login) {
  auto words = login_version + counted(login.user) + counted(login.password.reveal());
  const auto text = Secret::take(words);
  if (auto sent = co_await proxy.write(text.reveal()); !sent) co_return std::unexpected(sent.error());
  const auto answer = co_await take(proxy, 2);
  if (!answer) co_return std::unexpected(answer.error());
  if (octet(*answer, 1) != 0) co_return fail(ErrorKind::denied, "the proxy refuses user name and password");
  co_return Result<>();
}

// RFC 1928 §4
std::string request(const SocksTarget& target) {
  std::string out{version, connect_command, 0};
  if (target.address) {
    const auto v4 = target.address->is_v4();
    const auto& bytes = target.address->bytes();
    out += v4 ? type_v4 : type_v6;
    out.append(reinterpret_cast<const char*>(bytes.data()), v4 ? 4 : bytes.size());
  } else {
    out += type_name;
    out += counted(target.host);
  }
  out += static_cast<char>(target.port >> 8);
  out += static_cast<char>(target.port & 0xFF);
  return out;
}

/// RFC 1928 §6: the address that the proxy connected from; nobody needs it, but it stands before the target's first octet.
async::Task<Result<>> skip_bound_address(Connection& proxy, char type) {
  std::size_t size = type == type_v4 ? 4 : 16;
  if (type == type_name) {
    const auto count = co_await take(proxy, 1);
    if (!count) co_return std::unexpected(count.error());
    size = octet(*count, 0);
  } else if (type != type_v4 && type != type_v6) {
    co_return std::unexpected(no_socks());
  }
  const auto rest = co_await take(proxy, size + 2);
  if (!rest) co_return std::unexpected(rest.error());
  co_return Result<>();
}

}  // namespace

async::Task<Result<>> socks_connect(Connection& proxy, SocksTarget target, std::optional<SocksLogin> login) {
  if (!target.address && !fits(target.host)) co_return fail(ErrorKind::invalid, "a host name for a proxy has 1 to 255 octets");
  if (login && (!fits(login->user) || !fits(login->password.reveal()))) {
    co_return fail(ErrorKind::invalid, "user name and password for a proxy have 1 to 255 octets");
  }
  const auto wants_login = co_await agree(proxy, login.has_value());
  if (!wants_login) co_return std::unexpected(wants_login.error());
  if (*wants_login) {
    if (auto in = co_await log_in(proxy, *login); !in) co_return in;
  }
  if (auto sent = co_await proxy.write(request(target)); !sent) co_return std::unexpected(sent.error());
  const auto answer = co_await take(proxy, 4);
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->front() != version) co_return std::unexpected(no_socks());
  if (octet(*answer, 1) != 0) co_return std::unexpected(refused(octet(*answer, 1)));
  co_return co_await skip_bound_address(proxy, answer->at(3));
}

}  // namespace postern::net
