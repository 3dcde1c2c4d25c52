// SPDX-License-Identifier: Apache-2.0
// Requests over a socketpair, and the client against a real server.
#include "http/server.h"

#include <gtest/gtest.h>

#include "http/client.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::http {
namespace {

using std::chrono::seconds;

async::Task<Response> hello(const Request& request) {
  Response out;
  out.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
  co_return out;
}
async::Task<Response> breaks(const Request&) {
  throw std::logic_error("bug");
  co_return Response();
}
async::Task<Response> moved(const Request&) {
  Response out = plain_response(302, "elsewhere");
  out.headers["Location"] = "http://127.0.0.1/";
  co_return out;
}
async::Task<Response> large(const Request&) {
  Response out;
  out.body.assign(100'000, 'x');
  co_return out;
}

Router make_router() {
  Router router;
  router.add("GET", "/hello", hello);
  router.add("POST", "/hello", hello);
  router.add("GET", "/files/*", hello);
  router.add("GET", "/breaks", breaks);
  router.add("GET", "/moved", moved);
  router.add("GET", "/large", large);
  return router;
}

struct ServerTest : testing::Test {
  test::TestLoop loop;
  Log log{LogLevel::off, null_sink()};
  Router router = make_router();
  ServerOptions options{
      .name = "http", .hosts = {"mail.example.org"}, .limits = {}, .timeout = seconds(20), .most_requests = 3, .tls = nullptr};

  /// Sends everything at once, closes nothing, gives what comes until the server ends the connection.
  std::string talk(std::string text) {
    auto pair = loop.make_pair();
    struct Sides {
      static async::Task<> serve(net::Connection& server, SessionParts parts) {
        co_await serve_connection(server, parts);
        co_await server.close_gracefully();
      }
      static async::Task<std::string> client(net::Connection& client, std::string text) {
        co_await client.write(text);
        co_return co_await test::read_to_end(client);
      }
    };
    loop.spawn(Sides::serve(*pair.server, {options, router, log}));
    auto answer = loop.run(Sides::client(*pair.client, std::move(text)));
    pair.client.reset();
    loop.finish();
    return answer;
  }
  /// Reads a response that is cut off after `octets`.
  static Result<void> cut_response(std::string_view octets) {
    MessageReader reader(MessageReader::Kind::response, {});
    if (!octets.empty() && !reader.feed(octets)) return fail(ErrorKind::invalid, "fed");
    return reader.end();
  }
  static std::string get(std::string_view target, std::string_view more = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\n{}\r\n", target, more);
  }
};

struct StatusCase {
  std::string request;
  std::string status;
};

TEST_F(ServerTest, StatusOfOneRequest) {
  const StatusCase cases[] = {
      {get("/hello"), "200 OK"},
      {get("/files/a/b?x=1"), "200 OK"},
      {get("/none"), "404 Not Found"},
      {get("/"), "404 Not Found"},
      {get("/files"), "404 Not Found"},
      {get("/files/../hello"), "400 Bad Request"},
      {get("/files/%2e%2e/hello"), "400 Bad Request"},
      {get("/files/..%2fhello"), "400 Bad Request"},
      {get("/files/a%5cb"), "400 Bad Request"},
      {get("/files/a%00b"), "400 Bad Request"},
      {get("/files/%zz"), "400 Bad Request"},
      {get("http://other/hello"), "400 Bad Request"},
      {get("/breaks"), "500 Internal Server Error"},
      {get("/hello", "X: " + std::string(9000, 'x') + "\r\n"), "431 Request Header Fields Too Large"},
      {get("/hello", "Host: second\r\n"), "400 Bad Request"},
      {"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", "400 Bad Request"},
      {"GET /hello HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "421 Misdirected Request"},
      {"GET /hello HTTP/1.1\r\nHost: MAIL.example.org:8080\r\nConnection: close\r\n\r\n", "200 OK"},
      {"PUT /hello HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\n\r\n", "405 Method Not Allowed"},
      {"POST /hello HTTP/1.1\r\nHost: mail.example.org\r\nContent-Length: 70000\r\n\r\n", "413 "},
      {"POST /hello HTTP/1.1\r\nHost: mail.example.org\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400 Bad Request"},
      {"EHLO mail\r\n\r\n", "400 Bad Request"},
  };
  for (const auto& one : cases) {
    const std::string answer = talk(one.request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + one.status)) << one.request.substr(0, 200) << " -> " << answer.substr(0, 100);
  }
}

TEST_F(ServerTest, BodyHeadAndSafetyHeaders) {
  const std::string post =
      talk("POST /hello?q HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_TRUE(post.ends_with("\r\n\r\nPOST /hello?q body")) << post;
  EXPECT_NE(post.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
  const std::string head = talk("HEAD /hello HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 13\r\n"), std::string::npos) << head;
}

TEST_F(ServerTest, KeepAliveEndsAtTheLimit) {
  const std::string one = "GET /hello HTTP/1.1\r\nHost: mail.example.org\r\n\r\n";
  const std::string answers = talk(one + one + one + one);
  std::size_t count = 0;
  for (std::size_t at = answers.find("HTTP/1.1 200"); at != std::string::npos; at = answers.find("HTTP/1.1 200", at + 1)) ++count;
  EXPECT_EQ(count, 3U);
}

TEST_F(ServerTest, CutResponsesAreIncomplete) {
  EXPECT_FALSE(cut_response(""));
  EXPECT_FALSE(cut_response("HTTP/1.1 200 OK\r\nContent-Le"));
  EXPECT_FALSE(cut_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
  EXPECT_TRUE(cut_response("HTTP/1.1 200 OK\r\n\r\nabc"));
}

struct FetchTest : testing::Test {
  SystemClock clock;
  Log log{LogLevel::off, null_sink()};
  test::TestLoop loop;
  test::Folder folder;
  async::Runtime runtime{1};
  async::TaskGroup tasks{log, "test"};
  net::Admission admission{{}, clock};
  net::CertificateFiles files = test::make_certificate(folder.path().string(), "web", {{"mta-sts.example.org"}});
  std::shared_ptr<net::TlsClient> client = net::TlsClient::create({files.chain, {}}).value();
  std::unique_ptr<Server> server;
  Fetch what;

  void start(bool tls) {
    ServerOptions options;
    if (tls) options.tls = net::TlsServer::create({"http", {"http/1.1"}, {files}}).value();
    server = std::make_unique<Server>(net::Listener::Parts{runtime, tasks, admission, log}, options, make_router());
    ASSERT_TRUE(server->bind({IpAddress::v4({127, 0, 0, 1}), 0}));
    server->start();
    runtime.start();
    what.url = parse_url(tls ? "https://mta-sts.example.org/hello?a=b" : "http://mta-sts.example.org/hello?a=b").value();
    what.url.port = server->endpoints().front().port;
    what.addresses = {IpAddress::v4({127, 0, 0, 1})};
    what.time_limit = seconds(20);
  }
  void TearDown() override {
    server->stop_accepting();
    EXPECT_TRUE(tasks.stop_and_join(seconds(5), seconds(5)));
  }
};

TEST_F(FetchTest, OverTls) {
  start(true);
  const auto answer = loop.run(fetch(what, *client));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->body, "GET /hello?a=b ");
  EXPECT_EQ(answer->type, "text/plain; charset=utf-8");
  what.url.host = "other.example.org";
  EXPECT_EQ(loop.run(fetch(what, *client)).error().kind, ErrorKind::invalid);
}

TEST_F(FetchTest, NoRedirectsAndLimits) {
  start(false);
  what.url.target = "/moved";
  EXPECT_EQ(loop.run(fetch(what, *client))->status, 302U);
  what.url.target = "/large";
  EXPECT_EQ(loop.run(fetch(what, *client)).error().kind, ErrorKind::too_large);
  what.method = "POST";
  what.body = "data";
  what.url.target = "/hello";
  EXPECT_EQ(loop.run(fetch(what, *client))->body, "POST /hello? data");
  what.addresses = {};
  EXPECT_EQ(loop.run(fetch(what, *client)).error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace postern::http
