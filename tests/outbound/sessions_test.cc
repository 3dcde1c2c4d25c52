// SPDX-License-Identifier: Apache-2.0
#include "outbound/sessions.h"

#include <gtest/gtest.h>

#include "tests/support/smtp_sink.h"

namespace postern::outbound {
namespace {

using std::chrono::milliseconds;

class SessionsTest : public testing::Test {
 protected:
  SessionsTest() : group_(log_, "test"), sessions_(loop_.executor(), group_) {
    config_->server.hostname = "client.example";
    host_ = IpAddress::parse("192.0.2.1").value();
  }
  std::unique_ptr<Client> client() {
    auto pair = loop_.make_pair();
    loop_.spawn(serve(sink_, std::move(pair.server)));
    auto made = std::make_unique<Client>(std::move(pair.client), "sink.example", config_);
    EXPECT_TRUE(loop_.run(made->greet()));
    return made;
  }
  static async::Task<> serve(test::SmtpSink& sink, std::unique_ptr<net::Connection> connection) {
    co_await sink.serve(*connection);
  }
  std::optional<Sessions::Permit> permit(std::size_t per_host, milliseconds patience = milliseconds(5)) {
    return loop_.run(sessions_.permit(host_, per_host, patience));
  }

  Log log_{LogLevel::off, null_sink()};
  test::SmtpSink sink_;
  test::TestLoop loop_;
  std::shared_ptr<config::Config> config_ = std::make_shared<config::Config>();
  async::TaskGroup group_;
  Sessions sessions_;
  IpAddress host_;
};

TEST_F(SessionsTest, PermitsAreLimitedByHost) {
  auto first = permit(2);
  auto second = permit(2);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(permit(2)) << "patience ends";
  const auto elsewhere = loop_.run(sessions_.permit(IpAddress::parse("192.0.2.2").value(), 2, milliseconds(5)));
  EXPECT_TRUE(elsewhere);
  first.reset();
  EXPECT_TRUE(permit(2));
}

async::Task<> wait_for(Sessions& sessions, IpAddress host, std::vector<int>& order, int number) {
  const auto permit = co_await sessions.permit(host, 1);
  order.push_back(number);
  co_await async::yield();
}

TEST_F(SessionsTest, WaitersHaveTheirTurn) {
  auto first = permit(1);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop_.spawn(wait_for(sessions_, host_, order, i));
  loop_.run(async::yield());
  EXPECT_TRUE(order.empty());
  first.reset();
  loop_.finish();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(permit(1)) << "all came back";
}

TEST_F(SessionsTest, KeepsConnectionsByTheirKey) {
  sessions_.give("a", client());
  EXPECT_EQ(sessions_.take("b"), nullptr);
  const auto back = sessions_.take("a");
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(sessions_.take("a"), nullptr);
}

TEST_F(SessionsTest, SaysGoodbyeToWhatIsIdleAtTheEnd) {
  sessions_.give("a", client());
  sessions_.give("a", client());
  sessions_.clear();
  EXPECT_TRUE(loop_.run(group_.wait(std::chrono::seconds(5))));
  EXPECT_EQ(sink_.count("QUIT"), 2U);
}

}  // namespace
}  // namespace postern::outbound
