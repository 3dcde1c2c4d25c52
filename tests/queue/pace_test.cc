// SPDX-License-Identifier: Apache-2.0
// How many deliveries at once a destination gets, against simulated servers.
#include "queue/pace.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace postern::queue {
namespace {

using Answer = Pace::Answer;
using Kind = mail::Outcome::Kind;

mail::Outcome outcome(Kind kind, std::uint16_t code, mail::EnhancedStatus enhanced) {
  mail::Outcome out;
  out.kind = kind;
  out.code = code;
  out.enhanced = enhanced;
  return out;
}

/// A server that takes at most `capacity` messages at once and defers what is beyond. Gives the largest limit of the second half
/// of the rounds, and the smallest.
std::pair<std::size_t, std::size_t> simulate(Pace& pace, std::size_t capacity, std::size_t most, int rounds) {
  std::size_t low = SIZE_MAX;
  std::size_t high = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto running = pace.limit("a.example", most);
    if (round >= rounds / 2) {
      low = std::min(low, running);
      high = std::max(high, running);
    }
    for (std::size_t i = 0; i < running; ++i) {
      pace.learn("a.example", i < capacity ? Answer::good : Answer::bad, running - i - 1, most);
    }
  }
  return {low, high};
}

TEST(Pace, FindsWhatAServerBears) {
  struct Row {
    std::size_t capacity;
    std::size_t most;
    std::size_t low;  ///< expected within
    std::size_t high;
  };
  for (const auto& row : {Row{100, 10, 10, 10}, Row{1, 10, 1, 2}, Row{4, 20, 2, 6}, Row{12, 50, 5, 14}, Row{0, 20, 1, 1},
                          Row{5, 1, 1, 1}, Row{3, 0, 1, 1}}) {
    Pace pace;
    const auto [low, high] = simulate(pace, row.capacity, row.most, 400);
    EXPECT_GE(low, row.low) << row.capacity << " of " << row.most;
    EXPECT_LE(high, row.high) << row.capacity << " of " << row.most;
  }
}

TEST(Pace, BeginsSmallAndDoublesWhileNothingGoesWrong) {
  Pace pace;
  std::vector<std::size_t> seen;
  for (int round = 0; round < 5; ++round) {
    const auto running = pace.limit("a.example", 20);
    seen.push_back(running);
    for (std::size_t i = 0; i < running; ++i) pace.learn("a.example", Answer::good, running - i - 1, 20);
  }
  EXPECT_EQ(seen, (std::vector<std::size_t>{2, 4, 8, 16, 20}));
}

TEST(Pace, OneOutageCutsOnce) {
  Pace pace;
  for (int i = 0; i < 30; ++i) pace.learn("a.example", Answer::good, 0, 16);
  EXPECT_EQ(pace.limit("a.example", 16), 16U);
  for (std::size_t i = 0; i < 16; ++i) pace.learn("a.example", Answer::bad, 15 - i, 16);
  EXPECT_EQ(pace.limit("a.example", 16), 8U);
  pace.learn("a.example", Answer::bad, 7, 16);
  EXPECT_EQ(pace.limit("a.example", 16), 4U);
  // Afterwards it grows by one a round.
  for (int i = 0; i < 7; ++i) pace.learn("a.example", Answer::nothing, 0, 16);
  for (int i = 0; i < 5; ++i) pace.learn("a.example", Answer::good, 0, 16);
  EXPECT_EQ(pace.limit("a.example", 16), 5U);
  EXPECT_EQ(pace.limit("b.example", 16), Pace::first) << "others know nothing of it";
}

TEST(Pace, WhatAnOutcomeSays) {
  const auto good = outcome(Kind::delivered, 250, {2, 0, 0});
  const auto refused = outcome(Kind::failed, 550, {5, 1, 1});
  const auto busy = outcome(Kind::deferred, 421, {4, 7, 0});
  const auto silent = outcome(Kind::deferred, 0, {4, 4, 1});
  const auto dns = outcome(Kind::deferred, 0, {4, 4, 3});
  const auto slots = outcome(Kind::deferred, 0, {4, 4, 5});
  const auto no_domain = outcome(Kind::failed, 0, {5, 1, 2});
  struct Row {
    std::vector<mail::Outcome> outcomes;
    Answer answer;
  };
  for (const auto& row : {Row{{good}, Answer::good}, Row{{refused}, Answer::good}, Row{{busy, good}, Answer::good},
                          Row{{busy}, Answer::bad}, Row{{silent}, Answer::bad}, Row{{busy, silent}, Answer::bad},
                          Row{{dns}, Answer::nothing}, Row{{slots}, Answer::nothing}, Row{{no_domain}, Answer::nothing}}) {
    EXPECT_EQ(Pace::answer_of(row.outcomes), row.answer)
        << row.outcomes.front().code << " " << row.outcomes.front().enhanced.to_string();
  }
}

TEST(Pace, ForgetsWhatWasUsedLeastRecently) {
  Pace pace;
  for (std::size_t i = 0; i < Pace::max_known; ++i) pace.learn(std::to_string(i), Answer::good, 0, 20);
  pace.learn("0", Answer::good, 0, 20);
  pace.learn("new", Answer::good, 0, 20);
  EXPECT_EQ(pace.known(), Pace::max_known);
  EXPECT_EQ(pace.limit("0", 20), 4U);
  EXPECT_EQ(pace.limit("1", 20), Pace::first);
}

}  // namespace
}  // namespace postern::queue
