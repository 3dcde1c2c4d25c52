// SPDX-License-Identifier: Apache-2.0
#include "web/mta_sts.h"

#include <gtest/gtest.h>

#include "config/gate.h"
#include "store/memory/memory.h"
#include "tests/support/net.h"

namespace postern::web {
namespace {

TEST(MtaStsPage, ForOurDomainsOnly) {
  test::TestLoop loop;
  FakeClock clock;
  Log log(LogLevel::off, null_sink());
  const auto store = store::memory::make(clock);
  auth::Directory directory(store->accounts(), log);
  ASSERT_TRUE(loop.run(directory.load()));
  ASSERT_TRUE(loop.run(directory.add_domain("example.org")));
  config::Config config;
  config.server.hostname = "mx.example.org";
  config.gate->mta_sts.mode = config::MtaSts::Mode::enforce;
  config::Live live(config);
  const auto get = [&](std::string host) {
    http::Request request;
    request.host = std::move(host);
    return loop.run(mta_sts(live, directory, request));
  };
  const auto page = get("mta-sts.example.org");
  EXPECT_EQ(page.status, 200U);
  EXPECT_EQ(page.type, "text/plain");
  EXPECT_EQ(page.body, "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n");
  for (const auto* host : {"example.org", "mta-sts.example.net", "mta-sts.", "", "mta-sts.sub.example.org"}) {
    EXPECT_EQ(get(host).status, 404U) << host;
  }
  config.gate->mta_sts.mode = config::MtaSts::Mode::off;
  live.replace(config);
  EXPECT_EQ(get("mta-sts.example.org").status, 404U);
}

}  // namespace
}  // namespace postern::web
