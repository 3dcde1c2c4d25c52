// SPDX-License-Identifier: Apache-2.0
// Long outages and wrong clocks in simulated time: the runner with the real courier, DNS that fails and a server that refuses to
// be reached. Nothing bounces, nothing is lost, nothing is sent twice, and all goes soon after the end.
#include "dns/zone.h"
#include "outbound/courier.h"
#include "queue/runner.h"
#include "tests/queue/house.h"
#include "tests/support/smtp_sink.h"

namespace postern::outbound {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr hours ten_years{10 * 365 * 24};

/// A zone that can go away, in each of the ways that DNS has.
class FailingZone final : public dns::Resolver {
 public:
  async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override {
    ++asked;
    if (!down) co_return co_await zone_.query(std::move(name), type);
    dns::RawAnswer out;
    out.status = *down;
    out.text = "simulated";
    co_return out;
  }
  std::optional<dns::Status> down;
  std::size_t asked = 0;

 private:
  dns::Zone zone_{"a.example. MX 10 mx.a.example.\nmx.a.example. A 127.0.0.1\nb.example. A 127.0.0.1\n"};
};

class OutageTest : public queue::House {
 protected:
  OutageTest() {
    auto config = make_config();
    config.outbound.allow_private_targets = true;
    config.outbound.prefer = config::Family::ipv4;
    config.outbound.port = sink_.listen(loop_).port;
    live_.replace(config);
    courier_ = std::make_unique<Courier>(
        Courier::Parts{store_->queue(), router_, live_, nullptr, nullptr, clock_, log_, metrics_}, loop_.executor());
    runner_ = std::make_unique<queue::Runner>(
        queue::Runner::Parts{store_->queue(), *courier_, bouncer_, live_, clock_, log_, metrics_}, loop_.executor());
  }
  ~OutageTest() override { loop_.run(courier_->stop()); }

  void send(const std::string& to) {
    auto made = arrival();
    made.remote.push_back(remote(to));
    ASSERT_TRUE(accept(std::move(made)));
  }
  static async::Task<> pass(queue::Runner& runner) {
    co_await runner.poll();
    co_await runner.settle();
  }
  /// Lets time pass, minute by minute.
  void live(minutes time) {
    for (minutes gone{0}; gone < time; gone += minutes(1)) {
      loop_.run(pass(*runner_));
      clock_.advance(minutes(1));
    }
    loop_.run(pass(*runner_));
  }
  std::size_t notices(std::string_view action) {
    std::size_t count = 0;
    for (const auto& text : inbox(alice_)) count += text.find(fmt::format("Action: {}\r\n", action)) != std::string::npos ? 1 : 0;
    return count;
  }
  void expect_all_arrived_once(std::size_t messages) {
    EXPECT_TRUE(queued().empty());
    EXPECT_EQ(sink_.messages.size(), messages);
    EXPECT_EQ(notices("failed"), 0U);
  }

  test::SmtpSink sink_;
  FailingZone dns_;
  Router router_{dns_, {}};
  std::unique_ptr<Courier> courier_;
  std::unique_ptr<queue::Runner> runner_;
};

// security.md R18: DNS down for six hours.
TEST_F(OutageTest, SixHoursWithoutDnsBounceNothing) {
  for (const auto how : {dns::Status::servfail, dns::Status::timeout, dns::Status::bogus}) {
    SCOPED_TRACE(static_cast<int>(how));
    sink_.messages.clear();
    dns_.down = how;
    dns_.asked = 0;
    const auto before = notices("delayed");
    for (const auto* to : {"x@a.example", "y@b.example", "z@a.example"}) send(to);
    live(hours(6));
    EXPECT_EQ(queued().size(), 3U);
    EXPECT_EQ(notices("failed"), 0U);
    EXPECT_EQ(notices("delayed"), before + 3) << "one for each message after four hours";
    EXPECT_LT(dns_.asked, 200U) << "DNS that is down is left alone in between";
    EXPECT_TRUE(sink_.messages.empty());
    dns_.down.reset();
    live(hours(4) + minutes(30));
    expect_all_arrived_once(3);
  }
}

// security.md D108: the clock goes wrong before the message comes or while it waits, and right again. A restart in between is in
// tests/store/sqlite/queue_clock_test.cc.
TEST_F(OutageTest, AClockThatIsTenYearsOffBouncesNothing) {
  for (const auto by : {ten_years, -ten_years}) {
    for (const bool before : {true, false}) {
      SCOPED_TRACE(fmt::format("{} hours, {}", by.count(), before ? "before it comes" : "while it waits"));
      sink_.messages.clear();
      dns_.down = dns::Status::servfail;
      if (before) clock_.jump_wall(by);
      send("x@a.example");
      live(minutes(30));
      if (!before) clock_.jump_wall(by);
      live(hours(2));
      EXPECT_EQ(queued().size(), 1U);
      clock_.jump_wall(-by);
      live(hours(1));
      EXPECT_EQ(queued().size(), 1U);
      dns_.down.reset();
      live(hours(4) + minutes(30));
      expect_all_arrived_once(1);
    }
  }
}

// The far end down, not DNS: a port that nobody listens at.
TEST_F(OutageTest, SixHoursWithoutTheServerBounceNothing) {
  const auto config = *live_.get();
  auto deaf = config;
  deaf.outbound.port = 1;
  live_.replace(deaf);
  send("x@a.example");
  live(hours(6));
  EXPECT_EQ(queued().size(), 1U);
  EXPECT_EQ(notices("failed"), 0U);
  live_.replace(config);
  live(hours(4) + minutes(30));
  expect_all_arrived_once(1);
}

}  // namespace
}  // namespace postern::outbound
