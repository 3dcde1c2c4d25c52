// SPDX-License-Identifier: Apache-2.0
#include "queue/backlog.h"

#include <gtest/gtest.h>

namespace postern::queue {
namespace {

store::Claim claim(std::uint64_t id, const std::string& domain) {
  store::Claim made;
  store::QueueRecipient row{.recipient = {.address = mail::Address::parse("x@" + domain).value()}};
  row.id = id;
  row.domain = domain;
  made.entry.id = id;
  made.entry.recipients.push_back(std::move(row));
  return made;
}

std::string start_all(Backlog& backlog, std::vector<store::Claim>* out = nullptr) {
  std::string order;
  while (auto one = backlog.start()) {
    order += one->entry.recipients.front().domain.front();
    if (out) out->push_back(std::move(*one));
  }
  return order;
}

/// Lets a domain show that it bears many.
void warm_up(Backlog& backlog, const std::string& domain) {
  for (std::uint64_t i = 0; i < 20; ++i) {
    backlog.add(claim(1'000'000 + i, domain));
    backlog.finish(*backlog.start(), Pace::Answer::good);
  }
}

TEST(Backlog, DomainsTakeTurns) {
  Backlog backlog;
  for (std::uint64_t i = 0; i < 3; ++i) backlog.add(claim(i, "a.example"));
  for (std::uint64_t i = 3; i < 5; ++i) backlog.add(claim(i, "b.example"));
  backlog.add(claim(5, "c.example"));
  EXPECT_EQ(start_all(backlog), "abcab") << "the third to a waits: nothing is known of it yet";
}

TEST(Backlog, KeepsItsLimits) {
  Backlog backlog;
  backlog.set_limits({5, 2});
  for (std::uint64_t i = 0; i < 4; ++i) backlog.add(claim(i, "a.example"));
  for (std::uint64_t i = 4; i < 8; ++i) backlog.add(claim(i, "b.example"));
  for (std::uint64_t i = 8; i < 12; ++i) backlog.add(claim(i, "c.example"));
  std::vector<store::Claim> running;
  EXPECT_EQ(start_all(backlog, &running), "abcab");
  EXPECT_FALSE(backlog.has_room());
  backlog.finish(running.front());
  EXPECT_TRUE(backlog.has_room());
  EXPECT_EQ(start_all(backlog), "c");
  EXPECT_EQ(backlog.running(), 5U);
  EXPECT_EQ(backlog.parked(), 6U);
}

TEST(Backlog, ASlowDomainIsNamedBusyAndTakesNobodysSlot) {
  Backlog backlog;
  backlog.set_limits({100, 10});
  warm_up(backlog, "slow.example");
  for (std::uint64_t i = 0; i < 10 + Backlog::max_parked; ++i) backlog.add(claim(i, "slow.example"));
  std::vector<store::Claim> running;
  EXPECT_EQ(start_all(backlog, &running).size(), 10U);
  EXPECT_EQ(backlog.busy(), std::vector<std::string>{"slow.example"});
  EXPECT_TRUE(backlog.has_room());
  backlog.add(claim(1000, "fast.example"));
  EXPECT_EQ(start_all(backlog), "f");
  backlog.finish(running.back());
  EXPECT_EQ(start_all(backlog), "s");
  EXPECT_TRUE(backlog.busy().empty());
}

TEST(Backlog, ADomainThatStrugglesGetsLess) {
  Backlog backlog;
  backlog.set_limits({100, 10});
  warm_up(backlog, "a.example");
  for (std::uint64_t i = 0; i < 30; ++i) backlog.add(claim(i, "a.example"));
  std::vector<store::Claim> running;
  EXPECT_EQ(start_all(backlog, &running).size(), 10U);
  for (const auto& one : running) backlog.finish(one, Pace::Answer::bad);
  EXPECT_EQ(start_all(backlog).size(), 5U);
}

TEST(Backlog, WhatIsInHandIsNotTakenTwice) {
  Backlog backlog;
  EXPECT_TRUE(backlog.add(claim(1, "a.example")));
  EXPECT_FALSE(backlog.add(claim(1, "a.example"))) << "waiting";
  const auto running = backlog.start();
  EXPECT_FALSE(backlog.add(claim(1, "a.example"))) << "under way";
  backlog.finish(*running);
  EXPECT_TRUE(backlog.add(claim(1, "a.example")));
}

}  // namespace
}  // namespace postern::queue
