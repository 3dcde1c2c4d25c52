// SPDX-License-Identifier: Apache-2.0
// Fuzz target: whole sessions on port 25 and on the trusted network, with the real door and a store in memory. The first octet
// chooses the service (bit 0) and the size of the pieces in which the rest is sent.
// Checked: every reply line is well formed, the session ends when the client has said all, port 25 relays nothing but
// an owner's forward.
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>

#include "base/ascii.h"
#include "tests/submission/house.h"

namespace {

using postern::test::SubmissionHouse;

/// A house serves some inputs, then a new one is built, so that stored mail does not fill the memory.
SubmissionHouse& house() {
  static std::unique_ptr<SubmissionHouse> current;
  static int used = 0;
  if (!current || ++used % 200 == 0) current = std::make_unique<SubmissionHouse>();
  return *current;
}

void require_replies(std::string_view output) {
  while (!output.empty()) {
    const auto end = output.find("\r\n");
    if (end == std::string_view::npos) std::abort();
    const auto line = output.substr(0, end);
    using postern::ascii::is_digit;
    const bool good = line.size() >= 4 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]) &&
                      (line[3] == ' ' || line[3] == '-') &&
                      line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
    if (!good) std::abort();
    if (line.starts_with("220 2.0.0")) return;  // what follows the reply to STARTTLS is TLS
    output.remove_prefix(end + 2);
  }
}

class Client {
 public:
  Client(SubmissionHouse& house, std::string_view words) : house_(house) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    fd_.reset(ends[0]);
    house_.serve(postern::UniqueFd(ends[1]), words);
  }
  void send(std::string_view bytes) {
    while (!bytes.empty() && !ended_) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && errno != EAGAIN) return;
      turn();
    }
  }
  std::string finish() {
    ::shutdown(fd_.get(), SHUT_WR);
    for (int i = 0; i < 10000 && !ended_; ++i) turn();
    if (!ended_) std::abort();
    fd_.reset();
    turn();
    return std::move(output_);
  }

 private:
  void turn() {
    house_.io().restart();
    house_.io().poll();
    char buffer[4096];
    for (;;) {
      const auto n = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n == 0) ended_ = true;
      if (n <= 0) return;
      output_.append(buffer, static_cast<std::size_t>(n));
    }
  }
  SubmissionHouse& house_;
  postern::UniqueFd fd_;
  std::string output_;
  bool ended_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool trusted = (data[0] & 1) != 0;
  const std::size_t piece = data[0] >= 128 ? size : 1 + data[0] / 2;
  auto& served = house();
  Client client(served, trusted ? "trusted ip=192.0.2.200" : "25");
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (; !input.empty(); input.remove_prefix(std::min(piece, input.size()))) client.send(input.substr(0, piece));
  require_replies(client.finish());
  return 0;
}
