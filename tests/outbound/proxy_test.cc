// SPDX-License-Identifier: Apache-2.0
// Mail through the SOCKS5 proxy of a [[route]].
#include "outbound/proxy.h"

#include "base/file.h"
#include "config/way_out.h"
#include "dns/zone.h"
#include "outbound/courier.h"
#include "store/memory/memory.h"
#include "tests/support/folder.h"
#include "tests/support/smtp_sink.h"
#include "tests/support/socks_fake.h"

namespace postern::outbound {
namespace {

using Kind = mail::Outcome::Kind;

class ProxyTest : public testing::Test {
 protected:
  ProxyTest() : zone_("example.net. MX 10 mx.example.net.\nmx.example.net. A 192.0.2.25\n"), store_(store::memory::make(clock_)) {
    config_.server.hostname = "us.example";
    const auto where = proxy_.listen(loop_);
    proxy_.behind = [this](net::Connection& client) { return sink_.serve(client); };
    auto& route = config_.way_out->routes.emplace_back();
    route.via = config::RouteTarget::parse("direct").value();
    route.proxy = {"127.0.0.1", where.port};
  }
  ~ProxyTest() override {
    if (courier_) loop_.run(courier_->stop());
  }
  config::Route& route() { return config_.way_out->routes.front(); }

  mail::Outcome deliver(std::string_view to = "bob@example.net") {
    if (!courier_) {
      live_ = std::make_unique<config::Live>(config_);
      router_ = std::make_unique<Router>(zone_, std::vector<IpAddress>());
      Courier::Parts parts{store_->queue(), *router_, *live_, nullptr, nullptr, clock_, log_, metrics_};
      courier_ = std::make_unique<Courier>(parts, loop_.executor());
    }
    store::QueueEntry entry;
    entry.sender = mail::Address::parse("alice@us.example").value();
    entry.created = clock_.unix_now();
    entry.expires = entry.created + 1000;
    store::QueueRecipient row{.recipient = {.address = mail::Address::parse(to).value()}};
    row.domain = row.recipient.address.domain_text();
    row.next_at = entry.created;
    entry.recipients.push_back(std::move(row));
    store::Acceptance acceptance;
    acceptance.body = store::body_of("Subject: hello\r\n\r\nbody\r\n");
    acceptance.enqueue = std::move(entry);
    EXPECT_TRUE(loop_.run(store_->accept(std::move(acceptance))));
    const auto claims = loop_.run(store_->queue().claim(10, std::chrono::seconds(60), {}));
    return loop_.run(courier_->deliver(claims->front())).front();
  }

  FakeClock clock_;
  Log log_{LogLevel::off, null_sink()};
  Metrics metrics_;
  test::SmtpSink sink_;
  test::SocksFake proxy_;
  test::TestLoop loop_;
  dns::Zone zone_;
  config::Config config_;
  std::unique_ptr<store::memory::MemoryStore> store_;
  std::unique_ptr<config::Live> live_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Courier> courier_;
};

TEST_F(ProxyTest, WeLookUpTheAddress) {
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(proxy_.asked, std::vector<std::string>{"192.0.2.25:25"}) << "the connection is used again";
  EXPECT_EQ(sink_.messages.size(), 2U);
}

TEST_F(ProxyTest, TheProxyLooksItUp) {
  route().via = config::RouteTarget::parse("hidden.example:2525").value();
  route().tls = config::Route::Tls::off;
  route().proxy_names = config::Route::ProxyNames::proxy;
  EXPECT_EQ(deliver("bob@nowhere.example").kind, Kind::delivered) << "no name of the way is looked up here";
  EXPECT_EQ(proxy_.asked, std::vector<std::string>{"name hidden.example:2525"});
}

TEST_F(ProxyTest, LogsIn) {
  const test::Folder folder;
  ASSERT_TRUE(write_file_durably(folder / "password", "secret\n", 0600));
  proxy_.user = "us";
  proxy_.password = "secret";
  route().proxy_user = "us";
  route().proxy_password_file = folder / "password";
  EXPECT_EQ(deliver().kind, Kind::delivered);
  EXPECT_EQ(proxy_.logins, std::vector<std::string>{"us secret"});
}

TEST_F(ProxyTest, TroubleIsTemporaryAndNamesTheProxy) {
  proxy_.code = 5;
  const auto refused = deliver();
  EXPECT_EQ(refused.kind, Kind::deferred);
  EXPECT_EQ(refused.enhanced.to_string(), "4.4.1");
  EXPECT_NE(refused.text.find("proxy 127.0.0.1:"), std::string::npos) << refused.text;
  EXPECT_NE(refused.text.find("the target refuses the connection"), std::string::npos) << refused.text;
  EXPECT_EQ(refused.text.find("port 25"), std::string::npos) << "a proxy's trouble is no blocked port";
  // Nothing of it is remembered against the address.
  proxy_.code = 0;
  EXPECT_EQ(deliver().kind, Kind::delivered);
}

TEST_F(ProxyTest, AProxyThatIsNotThere) {
  route().proxy.port = 1;
  const auto none = deliver();
  EXPECT_EQ(none.kind, Kind::deferred);
  EXPECT_NE(none.text.find("proxy 127.0.0.1:1"), std::string::npos) << none.text;
}

TEST_F(ProxyTest, APasswordThatOthersMayRead) {
  const test::Folder folder;
  ASSERT_TRUE(write_file_durably(folder / "password", "secret\n", 0644));
  route().proxy_user = "us";
  route().proxy_password_file = folder / "password";
  EXPECT_EQ(deliver().kind, Kind::deferred);
  EXPECT_TRUE(proxy_.asked.empty());
}

}  // namespace
}  // namespace postern::outbound
