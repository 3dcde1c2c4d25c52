// SPDX-License-Identifier: Apache-2.0
// R14 (security.md §6.2): the time of a refusal tells nothing about whether a name exists. Samples of both kinds are taken in
// turns and compared by the test of Kolmogorov and Smirnov. POSTERN_R14=full takes 2,000 of each with the real cost, once, as
// the target says (about ten minutes; only a release build means anything). In CI a small sample with a cheap hash and up to
// three tries: under ASan each allocation costs what a hash costs there, so names count as told apart only when a part of the
// work is missing, which moves the median by a fifth or more.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/encoding.h"
#include "base/random.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::House;
using testing::plain_message;
using testing::ScramClient;

constexpr double accepted_p = 0.01;
constexpr double target_median = 0.001;  ///< seconds

struct Plan {
  std::size_t samples = 100;
  int tries = 3;
  /// Names whose distributions differ are told apart when the greater median is more than this times the smaller one.
  double least_shift = 1.2;
  /// Seconds between the medians that are too much whatever the distributions say.
  double most_apart = std::numeric_limits<double>::infinity();
  HashCost cost{.argon2_memory = 2ULL * 1024 * 1024, .argon2_ops = 1, .scram_iterations = 64};
};

Plan plan() {
  const char* wish = std::getenv("POSTERN_R14");
  if (wish == nullptr || std::string_view(wish) != "full") return {};
  return {.samples = 2000, .tries = 1, .least_shift = 1, .most_apart = target_median, .cost = {}};
}

/// Probability that two samples of one distribution differ so much or more: the asymptotic series of Kolmogorov.
double same_distribution(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double distance = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double at = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= at) ++i;
    while (j < b.size() && b[j] <= at) ++j;
    distance = std::max(distance, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                           static_cast<double>(j) / static_cast<double>(b.size())));
  }
  const double n = static_cast<double>(a.size()) * static_cast<double>(b.size()) / static_cast<double>(a.size() + b.size());
  const double lambda = (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n)) * distance;
  if (lambda < 0.2) return 1;  // the series does not converge there; the probability is 1 to twelve places
  double sum = 0;
  double sign = 1;
  for (int k = 1; k <= 100; ++k, sign = -sign) sum += sign * std::exp(-2 * lambda * lambda * k * k);
  return std::clamp(2 * sum, 0.0, 1.0);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

TEST(KolmogorovSmirnov, TellsAShiftAndNothingElse) {
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> shifted;
  for (int i = 0; i < 500; ++i) {
    a.push_back(random::below(1000));
    b.push_back(random::below(1000));
    shifted.push_back(random::below(1000) + 200);
  }
  EXPECT_GT(same_distribution(a, a), 0.99);
  EXPECT_GT(same_distribution(a, b), 0.0001);
  EXPECT_LT(same_distribution(a, shifted), 0.0001);
}

struct EnumerationTest : ::testing::Test {
  static Settings settings() {
    auto out = House::all_mechanisms();
    out.guard = {.address_minute = 1'000'000,
                 .address_day = 1'000'000,
                 .network_day = 1'000'000,
                 .account_day = 1'000'000,
                 .known_network_day = 1'000'000};
    out.cache_ttl = std::chrono::seconds(0);
    out.record.life = std::chrono::seconds(0);
    out.cost = plan().cost;
    return out;
  }

  using Attempt = double (EnumerationTest::*)(const std::string& user);

  /// A wrong password, another one each time: the same again would cost nothing.
  double plain(const std::string& user) {
    const auto message = plain_message("", user, "wrong " + std::to_string(++count_));
    return timed([&] { return house.exchange("PLAIN", {message})[0].refusal; });
  }
  double scram(const std::string& user) {
    ScramClient client;
    client.user = user;
    client.password = "wrong";
    auto exchange = house.service->begin(House::from());
    std::string challenge;
    const double first = timed([&] {
      challenge = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first()))).challenge;
      return std::optional(Refusal::bad_credentials);
    });
    const auto answer = base64_encode(client.final_message(challenge));
    return first + timed([&] { return async::run_alone(exchange->step(answer)).refusal; });
  }

  template <class F>
  static double timed(F attempt) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(attempt(), Refusal::bad_credentials);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  void compare(Attempt attempt, const std::string& known, const std::string& unknown) {
    const auto rules = plan();
    for (int trial = 1;; ++trial) {
      std::vector<double> of_known;
      std::vector<double> of_unknown;
      while (std::min(of_known.size(), of_unknown.size()) < rules.samples) {
        const bool turn = random::below(2) == 0;
        (turn ? of_known : of_unknown).push_back((this->*attempt)(turn ? known : unknown));
        house.lines.clear();
      }
      const double p = same_distribution(of_known, of_unknown);
      const auto [low, high] = std::minmax({median(of_known), median(of_unknown)});
      const bool shifted = p <= accepted_p && high > rules.least_shift * low;
      std::cout << fmt::format("{} against {}: p {:.3f}, medians {:.3f} and {:.3f} ms\n", known, unknown, p,
                               1e3 * median(of_known), 1e3 * median(of_unknown));
      if (!shifted && high - low < rules.most_apart) return;
      if (trial == rules.tries) FAIL() << known << " and " << unknown << " can be told apart";
    }
  }

  House house{settings()};
  int count_ = 0;
};

TEST_F(EnumerationTest, PlainTellsNobody) {
  compare(&EnumerationTest::plain, "alice@example.org", "nobody@example.org");
  compare(&EnumerationTest::plain, "carol@example.org", "nobody@example.org");
}

TEST_F(EnumerationTest, ScramTellsNobody) {
  compare(&EnumerationTest::scram, "alice@example.org", "nobody@example.org");
  compare(&EnumerationTest::scram, "bob@example.org", "nobody@example.org");
}

}  // namespace
}  // namespace postern::auth
