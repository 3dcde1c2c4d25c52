// SPDX-License-Identifier: Apache-2.0
#include "admin/control.h"

#include <sys/stat.h>

#include "net/dial.h"
#include "tests/admin/house.h"
#include "tests/support/folder.h"

namespace postern::admin {
namespace {

class ControlSocket : public AdminHouse {
 protected:
  ControlSocket() : tasks_(log_, "control"), control_(context(), tasks_, log_), path_(folder_ / "control.sock") {
    control_.add("ping", [](Arguments) -> async::Task<Answer> { co_return boost::json::object{{"pong", true}}; });
    EXPECT_TRUE(control_.start(path_, loop_.executor()));
  }
  ~ControlSocket() override {
    tasks_.request_stop();
    EXPECT_TRUE(loop_.run(tasks_.wait(std::chrono::seconds(10))));
  }
  /// Sends the bytes as one peer; gives everything that comes back until we are hung up on, or the first `lines` lines.
  std::string talk(std::string bytes, std::size_t lines) { return loop_.run(talking(path_, std::move(bytes), lines)); }

  static async::Task<std::string> talking(std::string path, std::string bytes, std::size_t lines) {
    auto peer = co_await net::dial_unix(std::move(path));
    if (!peer) co_return "no connection: " + peer.error().text;
    (void)co_await (*peer)->write(bytes);
    std::string out;
    for (std::size_t i = 0; i < lines; ++i) {
      auto line = co_await (*peer)->read_line(max_control_line);
      if (!line) co_return out + "[closed]";
      out += std::string(*line) + "\n";
    }
    co_return out;
  }

  test::Folder folder_;
  async::TaskGroup tasks_;
  Control control_;
  std::string path_;
};

TEST_F(ControlSocket, IsForItsOwnerOnly) {
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(ControlSocket, AnswersInOrderOnOneConnection) {
  EXPECT_EQ(
      talk("{\"do\":\"ping\"}\r\n{\"do\":\"domain.add\",\"with\":{\"name\":\"example.org\"}}\r\n{\"do\":\"domain.list\"}\r\n", 3),
      "{\"ok\":true,\"result\":{\"pong\":true}}\n{\"ok\":true,\"result\":{}}\n"
      "{\"ok\":true,\"result\":{\"domains\":[{\"name\":\"example.org\",\"alias_of\":\"\",\"catch_all\":\"\",\"quota_bytes\":0,"
      "\"quota_messages\":0,"
      "\"account_quota_bytes\":0,\"account_quota_messages\":0,\"used_bytes\":0,\"used_messages\":0}]}}\n");
}

// D99: a malformed frame closes that peer, and nobody else notices.
TEST_F(ControlSocket, MalformedFramesCloseThatPeerOnly) {
  const std::string refused = "{\"ok\":false,\"kind\":\"invalid\",\"error\":\"not a JSON object\"}\n[closed]";
  for (const char* bytes :
       {"\r\n", "hello\r\n", "[]\r\n", "{\"do\":\r\n", "{}{}\r\n", "{\"do\":\"ping\"} x\r\n", "\xff\xfe\r\n"}) {
    EXPECT_EQ(talk(std::string(bytes) + "{\"do\":\"ping\"}\r\n", 2), refused) << bytes;
    EXPECT_EQ(talk("{\"do\":\"ping\"}\r\n", 1), "{\"ok\":true,\"result\":{\"pong\":true}}\n");
  }
}

TEST_F(ControlSocket, WrongRequestsAreAnswered) {
  struct Case {
    const char* request;
    const char* kind;
    const char* error;
  };
  const Case cases[] = {
      {"{}", "invalid", "do is missing"},
      {"{\"do\":5}", "invalid", "do is missing"},
      {"{\"do\":\"format\"}", "unsupported", "there is no command format"},
      {"{\"do\":\"domain.add\",\"with\":[]}", "invalid", "name is missing"},
      {"{\"do\":\"account.password\",\"with\":{\"login\":null}}", "invalid", "login is missing"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(talk(std::string(c.request) + "\r\n{\"do\":\"ping\"}\r\n", 2),
              fmt::format("{{\"ok\":false,\"kind\":\"{}\",\"error\":\"{}\"}}\n{{\"ok\":true,\"result\":{{\"pong\":true}}}}\n",
                          c.kind, c.error))
        << c.request;
  }
}

TEST_F(ControlSocket, HalfARequestIsNoRequest) {
  const auto half = [](std::string path) -> async::Task<> {
    auto peer = co_await net::dial_unix(path);
    EXPECT_TRUE(peer);
    (void)co_await (*peer)->write("{\"do\":\"domain.add\",\"with\":{\"name\":\"example.org\"}}");
  };
  loop_.run(half(path_));
  EXPECT_EQ(talk("{\"do\":\"domain.list\"}\r\n", 1), "{\"ok\":true,\"result\":{\"domains\":[]}}\n");
}

TEST_F(ControlSocket, SecondServerOnThePathIsRefused) {
  async::TaskGroup tasks(log_, "second");
  Control second(context(), tasks, log_);
  const auto started = second.start(path_, loop_.executor());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::exists);
}

}  // namespace
}  // namespace postern::admin
