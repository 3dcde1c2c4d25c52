// SPDX-License-Identifier: Apache-2.0
#include "auth/sessions.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "tests/support/net.h"

namespace postern::auth {
namespace {

store::CredentialRow credential(store::CredentialId id, UnixTime expires = 0) {
  store::CredentialRow row;
  row.id = id;
  row.expires = expires;
  return row;
}

async::Task<> wait_for(async::Event& event) { co_await event.wait_beyond(0); }

/// Runs everything that was posted before.
void turn(test::TestLoop& loop) {
  async::Event event;
  async::post(loop.executor(), [&event] { event.publish(); });
  loop.run(wait_for(event));
}

TEST(Sessions, EndOneCredentialOrAllOfAnAccount) {
  Sessions sessions;
  const auto one = sessions.open(1, credential(10), 0);
  const auto two = sessions.open(1, credential(11), 0);
  const auto other = sessions.open(2, credential(10), 0);
  EXPECT_EQ(sessions.count(std::nullopt), 3U);
  EXPECT_EQ(sessions.end(1, 10), 1U);
  EXPECT_TRUE(one->is_over());
  EXPECT_FALSE(two->is_over());
  EXPECT_EQ(sessions.end(1, std::nullopt), 1U) << "those that are over do not count again";
  EXPECT_TRUE(two->is_over());
  EXPECT_FALSE(other->is_over());
  EXPECT_EQ(sessions.end(3, std::nullopt), 0U);
}

TEST(Sessions, ALoginThatAChangeOvertookIsOverAtOnce) {
  Sessions sessions;
  const auto before = sessions.revision(1);
  sessions.end(1, 10);
  EXPECT_TRUE(sessions.open(1, credential(11), before)->is_over());
  EXPECT_FALSE(sessions.open(1, credential(11), sessions.revision(1))->is_over());
  EXPECT_FALSE(sessions.open(2, credential(11), sessions.revision(2))->is_over());
}

TEST(Sessions, ExpiredCredentialsEndTheirs) {
  Sessions sessions;
  const auto eternal = sessions.open(1, credential(1), 0);
  const auto guest = sessions.open(1, credential(2, 100), 0);
  EXPECT_EQ(sessions.end_expired(99), 0U);
  EXPECT_EQ(sessions.end_expired(100), 1U);
  EXPECT_TRUE(guest->is_over());
  EXPECT_FALSE(eternal->is_over());
}

TEST(Sessions, TheCallbackRunsOnceOnItsExecutorAndNotAfterTheTicket) {
  test::TestLoop loop;
  Sessions sessions;
  int calls = 0;
  auto kept = sessions.open(1, credential(1), 0);
  auto dropped = sessions.open(1, credential(1), 0);
  auto late = sessions.open(1, credential(1), 99);
  for (auto* ticket : {kept.get(), dropped.get(), late.get()}) ticket->on_end(loop.executor(), [&] { ++calls; });
  sessions.end(1, 1);
  EXPECT_EQ(calls, 0) << "not on our thread";
  dropped.reset();
  turn(loop);
  EXPECT_EQ(calls, 2);
  sessions.end(1, 1);
  turn(loop);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(sessions.count(1), 2U);
  kept.reset();
  late.reset();
  EXPECT_EQ(sessions.count(1), 0U);
}

TEST(Sessions, ATicketMayOutliveTheRegistry) {
  auto sessions = std::make_unique<Sessions>();
  const auto ticket = sessions->open(1, credential(1), 0);
  sessions.reset();
  EXPECT_FALSE(ticket->is_over());
}

}  // namespace
}  // namespace postern::auth
