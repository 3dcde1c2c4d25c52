// SPDX-License-Identifier: Apache-2.0
// The blocking IMAP client.
#include "bench/load/imap_client.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "bench/load/options.h"
#include "bench/load/report.h"

namespace postern::bench {

namespace {

constexpr std::size_t write_chunk = 256 * 1024;
constexpr std::size_t read_chunk = SSL3_RT_MAX_PLAIN_LENGTH;  // one call gives one TLS record at most
constexpr std::size_t shown = 300;                            // octets of a line that are kept
constexpr double ns_per_ms = 1e6;

int connect_to(const Address& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &where.sin_addr);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) fail("the IMAP server is not there");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// The n of a line that ends with {n}, otherwise 0.
std::size_t literal(std::string_view line) {
  if (!line.ends_with('}')) return 0;
  const auto open = line.rfind('{');
  if (open == std::string_view::npos) return 0;
  std::size_t size = 0;
  std::from_chars(line.data() + open + 1, line.data() + line.size() - 1, size);
  return size;
}

}  // namespace

ImapClient::ImapClient(const Address& address, const std::string& user, const std::string& password) : fd_(connect_to(address)) {
  ssl_ = SSL_new(client_tls());
  SSL_set_fd(ssl_, fd_);
  if (SSL_connect(ssl_) != 1) fail("TLS handshake failed");
  line();
  must(fmt::format("LOGIN \"{}\" \"{}\"", user, password));
}

ImapClient::~ImapClient() {
  SSL_shutdown(ssl_);
  SSL_free(ssl_);
  close(fd_);
}

void ImapClient::write(std::string_view text) {
  while (!text.empty()) {
    const int put = SSL_write(ssl_, text.data(), static_cast<int>(std::min(text.size(), write_chunk)));
    if (put <= 0) fail("the server closed the connection");
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

void ImapClient::refill() {
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t held = buffer_.size();
  buffer_.resize(held + read_chunk);
  const int got = SSL_read(ssl_, buffer_.data() + held, static_cast<int>(read_chunk));
  if (got <= 0) fail("the server closed the connection");
  buffer_.resize(held + static_cast<std::size_t>(got));
  octets_ += static_cast<std::uint64_t>(got);
}

// The next line, cut; literals are skipped, what follows one counts as a line.
std::string ImapClient::line() {
  std::size_t end = 0;
  std::size_t searched = at_;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    searched = buffer_.size() - at_;
    refill();
  }
  std::string_view whole(buffer_.data() + at_, end - at_);
  if (whole.ends_with('\r')) whole.remove_suffix(1);
  std::string kept(whole.substr(0, shown));
  std::size_t skip = literal(whole);
  at_ = end + 1;
  while (skip > buffer_.size() - at_) {
    skip -= buffer_.size() - at_;
    at_ = buffer_.size();
    refill();
  }
  at_ += skip;
  return kept;
}

Outcome ImapClient::command(std::string_view text) {
  const std::string tag = fmt::format("t{} ", ++tag_);
  const std::uint64_t began = now_ns();
  const std::uint64_t octets = octets_;
  write(fmt::format("{}{}\r\n", tag, text));
  Outcome outcome;
  while (outcome.status.empty()) {
    std::string got = line();
    if (got.starts_with(tag)) {
      outcome.status = got.substr(tag.size());
    } else {
      outcome.last = std::move(got);
    }
  }
  outcome.ms = static_cast<double>(now_ns() - began) / ns_per_ms;
  outcome.octets = octets_ - octets;
  return outcome;
}

Outcome ImapClient::must(std::string_view text) {
  Outcome outcome = command(text);
  if (!outcome.ok()) fail(fmt::format("{} gave {}", text.substr(0, shown), outcome.status));
  return outcome;
}

void ImapClient::wait_for_line(std::string_view needle) {
  while (line().find(needle) == std::string::npos) {
  }
}

}  // namespace postern::bench
