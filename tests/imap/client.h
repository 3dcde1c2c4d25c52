// SPDX-License-Identifier: Apache-2.0
// ImapClient: one client's end of a connection to an ImapHouse, for tests that compute what they expect.
#pragma once

#include <sys/socket.h>

#include "tests/imap/house.h"

namespace postern::test {

class ImapClient {
 public:
  explicit ImapClient(ImapHouse& house) : house_(house) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("no socket pair");
    fd_ = UniqueFd(ends[0]);
    house_.serve(UniqueFd(ends[1]), "");
  }

  /// Sends the octets; the server works meanwhile.
  void send(std::string_view bytes) {
    while (!bytes.empty() && !ended_) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return;
      turn();
    }
  }
  void end_input() { ::shutdown(fd_.get(), SHUT_WR); }

  /// Sends one command and gives everything up to its tagged reply, that included.
  std::string command(const std::string& text) {
    const auto tag = "t" + std::to_string(++tags_);
    in_.clear();
    taken_ = 0;
    send(tag + " " + text + "\r\n");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!is_complete(tag)) {
      if (ended_ || std::chrono::steady_clock::now() > end) throw std::runtime_error("no reply to " + text + ": " + in_);
      turn();
    }
    taken_ = in_.size();
    return in_;
  }
  /// What the server has said without being asked since the last reply, or since this was called.
  std::string unasked() {
    turn();
    auto out = in_.substr(taken_);
    taken_ = in_.size();
    return out;
  }

  /// Everything until the server closes, or nothing has happened for too long.
  std::string rest(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!ended_ && std::chrono::steady_clock::now() < end) turn();
    return in_;
  }
  bool ended() const { return ended_; }

 private:
  void turn() {
    house_.io().restart();
    if (house_.io().poll() == 0) house_.io().run_one_for(std::chrono::milliseconds(1));
    char buffer[65536];
    const auto n = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) in_.append(buffer, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) ended_ = true;
  }

  bool is_complete(const std::string& tag) const {
    if (!in_.ends_with("\r\n")) return false;
    const auto line = in_.rfind("\r\n", in_.size() - 3);
    const auto start = line == std::string::npos ? 0 : line + 2;
    return std::string_view(in_).substr(start).starts_with(tag + " ");
  }

  ImapHouse& house_;
  UniqueFd fd_;
  std::string in_;
  std::size_t taken_ = 0;  ///< of in_, given already
  bool ended_ = false;
  int tags_ = 0;
};

/// The first literal in a response.
inline std::string first_literal(const std::string& response) {
  const auto open = response.find('{');
  const auto close = response.find("}\r\n", open);
  if (open == std::string::npos || close == std::string::npos) return "(none)";
  return response.substr(close + 3, std::stoul(response.substr(open + 1)));
}

}  // namespace postern::test
