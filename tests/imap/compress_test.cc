// SPDX-License-Identifier: Apache-2.0
// COMPRESS=DEFLATE over a whole session (RFC 4978): commands, literals, large bodies and IDLE, compressed both ways; a bomb ends
// the connection.
#include "net/deflate_stream.h"
#include "tests/imap/client.h"

namespace postern::test {
namespace {

/// A client that compresses after the OK.
class Compressed {
 public:
  explicit Compressed(ImapHouse& house) : house_(house) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("no socket pair");
    stream_ = net::make_socket_stream(house.io().get_executor(), UniqueFd(ends[0]));
    house_.serve(UniqueFd(ends[1]), "");
    wait_for("* OK ");
    command("LOGIN alice secret");
    EXPECT_NE(command("COMPRESS DEFLATE").find(" OK "), std::string::npos);
    stream_ = net::make_deflate_stream(std::move(stream_));
  }

  std::string command(const std::string& text) {
    const auto tag = "t" + std::to_string(++tags_);
    in_.clear();
    send(tag + " " + text + "\r\n");
    return wait_for("\r\n" + tag + " ");
  }
  void send(std::string_view bytes) {
    while (!bytes.empty() && !ended_) {
      const auto attempt = stream_->try_write(bytes);
      if (attempt.state == net::IoState::done) bytes.remove_prefix(attempt.bytes);
      if (attempt.state == net::IoState::failed) ended_ = true;
      turn();
    }
  }
  /// Everything up to a line that begins so.
  std::string wait_for(const std::string& mark) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!ended_ && !(("\r\n" + in_).find(mark) != std::string::npos && in_.ends_with("\r\n"))) {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("no " + mark + " in " + in_);
      turn();
    }
    return in_;
  }
  bool ended() const { return ended_; }
  void turn() {
    house_.io().restart();
    if (house_.io().poll() == 0) house_.io().run_one_for(std::chrono::milliseconds(1));
    char buffer[65536];
    const auto attempt = stream_->try_read(buffer);
    if (attempt.state == net::IoState::done) in_.append(buffer, attempt.bytes);
    if (attempt.state == net::IoState::end || attempt.state == net::IoState::failed) ended_ = true;
  }

 private:
  ImapHouse& house_;
  std::unique_ptr<net::Stream> stream_;
  std::string in_;
  bool ended_ = false;
  int tags_ = 0;
};

TEST(ImapCompress, AWholeSession) {
  ImapHouse house;
  Compressed client(house);
  std::string message = "Subject: large\r\n\r\n";
  for (int i = 0; i < 40'000; ++i) message += "line " + std::to_string(i * 7919) + "\r\n";
  EXPECT_NE(client.command("APPEND INBOX {" + std::to_string(message.size()) + "+}\r\n" + message).find("APPENDUID"),
            std::string::npos);
  client.command("SELECT INBOX");
  EXPECT_EQ(first_literal(client.command("FETCH 1 BODY.PEEK[]")), message);
  EXPECT_NE(client.command("COMPRESS DEFLATE").find("NO [COMPRESSIONACTIVE]"), std::string::npos);
  client.send("x IDLE\r\n");
  client.wait_for("+ ");
  house.act("mail alice 1");
  client.wait_for("* 2 EXISTS");
  client.send("DONE\r\n");
  client.wait_for("x OK");
  EXPECT_NE(client.command("LOGOUT").find("* BYE"), std::string::npos);
}

// RFC 8437 §3: the compressed stream stays as it is, while everything that belonged to the login goes.
TEST(ImapCompress, OutlivesTheLogin) {
  ImapHouse house;
  Compressed client(house);
  client.command("ENABLE QRESYNC UIDONLY");
  client.command("SELECT INBOX");
  EXPECT_NE(client.command("UNAUTHENTICATE").find(" OK [CAPABILITY "), std::string::npos);
  EXPECT_NE(client.command("SELECT INBOX").find(" BAD "), std::string::npos);
  EXPECT_NE(client.command("LOGIN bob secret").find(" OK [CAPABILITY "), std::string::npos);
  EXPECT_NE(client.command("COMPRESS DEFLATE").find("NO [COMPRESSIONACTIVE]"), std::string::npos);
  EXPECT_NE(client.command("SELECT INBOX").find("* 0 EXISTS"), std::string::npos);
  house.act("mail bob 1");
  EXPECT_NE(client.command("NOOP").find("* 1 EXISTS"), std::string::npos);
  EXPECT_NE(client.command("FETCH 1 FLAGS").find("* 1 FETCH (FLAGS (\\Recent))"), std::string::npos);
}

// security.md D87
TEST(ImapCompress, ABombEndsTheConnection) {
  ImapHouse house;
  Compressed client(house);
  for (int i = 0; i < 200 && !client.ended(); ++i) client.send(std::string(1'000'000, ' '));
  for (int i = 0; i < 1'000 && !client.ended(); ++i) client.turn();
  EXPECT_TRUE(client.ended());
}

}  // namespace
}  // namespace postern::test
