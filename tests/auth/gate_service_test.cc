// SPDX-License-Identifier: Apache-2.0
// The gate inside the service: changes by who knows the old password, many at once, the breach list under way, and passwords
// that are found weak when they are used.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "auth/breach_import.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::House;
using testing::right_password;

struct GateService : ::testing::Test {
  explicit GateService(Settings settings = with_breach_list()) : house(std::move(settings)) {}

  /// A folder for the breach list that outlives the house's own.
  static test::Folder& lists() {
    static test::Folder folder;
    return folder;
  }
  static Settings with_breach_list() {
    std::filesystem::remove(lists() / "breach.list");
    auto settings = House::all_mechanisms();
    settings.breach_file = lists() / "breach.list";
    return settings;
  }
  void import(std::string_view passwords) {
    const auto source = lists() / "source";
    std::ofstream(source, std::ios::trunc) << passwords;
    const UniqueFd fd(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(import_breaches(fd.get(), {.target = house.settings.breach_file}, 1));
  }
  Result<> change(std::string_view old, std::string_view password) {
    return async::run_alone(house.service->change_password({house.alice, Secret(old), Secret(password)}));
  }
  std::vector<store::WeakRow> weak() { return async::run_alone(house.credentials.weak()).value(); }
  /// The flags once there are so many; the finder works behind the login's back. What there is after half a minute when it fails.
  std::vector<store::WeakRow> weak_when(std::size_t wanted) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (;;) {
      auto rows = weak();
      if (rows.size() == wanted) return rows;
      if (std::chrono::steady_clock::now() > limit) {
        ADD_FAILURE() << rows.size() << " flags, not " << wanted;
        rows.resize(wanted);
        return rows;
      }
      std::this_thread::yield();
    }
  }

  House house;
};

TEST_F(GateService, WhoChangesAPasswordKnowsTheOldOne) {
  const auto wrong = change("not the old one", "zebra quilt mosaic anchor");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error(), (Error{ErrorKind::denied, "The old password is wrong."}));
  EXPECT_EQ(change("not\ttypable", "zebra quilt mosaic anchor").error().kind, ErrorKind::denied);
  const auto like = change(right_password, std::string(right_password) + " 2");
  ASSERT_FALSE(like);
  EXPECT_TRUE(like.error().text.starts_with("Too like your old password")) << like.error().text;
  EXPECT_TRUE(house.login("alice@example.org", right_password).login) << "nothing was changed";
  ASSERT_TRUE(change(right_password, "zebra quilt mosaic anchor"));
  EXPECT_TRUE(house.login("alice@example.org", "zebra quilt mosaic anchor").login);
  EXPECT_EQ(async::run_alone(house.service->change_password({house.bob, Secret(""), Secret(right_password)})).error().kind,
            ErrorKind::denied)
      << "bob has no password";
}

TEST_F(GateService, JudgesManyInTheirOrder) {
  std::vector<PasswordWish> wishes;
  for (int i = 0; i < 40; ++i) {
    wishes.push_back(
        {{.login = "new" + std::to_string(i) + "@example.org"}, Secret(i % 4 == 0 ? "passwordpassword" : right_password)});
  }
  wishes.push_back({{.login = "x@example.org"}, Secret("tab\tinside the password")});
  wishes.push_back({{.login = "zebrafish@example.org"}, Secret("zebrafishzebra1")});
  const auto judgements = async::run_alone(house.service->judge(std::move(wishes)));
  ASSERT_TRUE(judgements);
  ASSERT_EQ(judgements->size(), 42U);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ((*judgements)[i].objection.has_value(), i % 4 == 0) << i;
  EXPECT_EQ((*judgements)[40].objection->weakness, Weakness::malformed);
  EXPECT_EQ((*judgements)[41].objection->weakness, Weakness::own_words);
  EXPECT_TRUE(async::run_alone(house.service->judge({})).value().empty());
}

TEST_F(GateService, GeneratesForAPerson) {
  const auto words = async::run_alone(house.service->generate({.login = "alice@example.org"}, 6));
  ASSERT_TRUE(words);
  EXPECT_EQ(std::count(words->reveal().begin(), words->reveal().end(), '-'), 5);
  EXPECT_TRUE(house.set_password(house.alice, words->reveal()));
  EXPECT_EQ(async::run_alone(house.service->generate({}, 0)).value().size(), 23U);
}

TEST_F(GateService, WordsOfAliasesCount) {
  EXPECT_TRUE(house.set_password(house.bob, "quincaillerie-7364"));
  ASSERT_TRUE(async::run_alone(house.directory.add_alias("quincaillerie@example.org", "alice@example.org")));
  const auto refused = house.set_password(house.alice, "quincaillerie-7364");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text.starts_with("Contains your name or address (quincaillerie)")) << refused.error().text;
}

TEST_F(GateService, AListIsFollowedWithoutARestart) {
  import("zebra quilt mosaic anchor\n");
  const auto refused = house.set_password(house.alice, "zebra quilt mosaic anchor");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "Found in a public breach list; do not use it anywhere. Choose another.");
  std::ofstream(house.settings.breach_file, std::ios::trunc) << "not a list";
  EXPECT_TRUE(house.set_password(house.alice, "zebra quilt mosaic anchor")) << "a broken list refuses nobody";
  EXPECT_EQ(std::count_if(house.lines.begin(), house.lines.end(),
                          [](const auto& line) { return line.find("breach list not usable") != std::string::npos; }),
            1);
}

TEST_F(GateService, AWeakPasswordIsFoundAndStaysUsable) {
  ASSERT_TRUE(house.set_password(house.bob, "violet hammock granite pulse"));
  import(std::string(right_password) + "\n");
  EXPECT_TRUE(house.login("bob@example.org", "violet hammock granite pulse").login);
  EXPECT_TRUE(house.login("alice@example.org", right_password).login) << "nobody is locked out";
  const auto rows = weak_when(1);  // bob's turn was before alice's
  EXPECT_EQ(rows[0].account, house.alice);
  EXPECT_EQ(rows[0].reason, "breached");
  EXPECT_EQ(rows[0].since, house.clock.unix_now());
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);

  ASSERT_TRUE(house.set_password(house.alice, "zebra quilt mosaic anchor"));
  EXPECT_TRUE(weak().empty()) << "the flag goes with the password";
}

TEST_F(GateService, AFlagGoesWhenItsReasonDoes) {
  import(std::string(right_password) + "\n");
  ASSERT_TRUE(house.login("alice@example.org", right_password).login);
  weak_when(1);
  std::filesystem::remove(house.settings.breach_file);
  house.clock.advance(house.settings.cache_ttl + std::chrono::seconds(1));
  ASSERT_TRUE(house.login("alice@example.org", right_password).login);
  weak_when(0);
}

TEST_F(GateService, WrongPasswordsAreNotLookedAt) {
  import("passwordpassword\nviolet hammock granite pulse\n");
  ASSERT_TRUE(house.set_password(house.bob, "marble cactus ribbon engine"));
  EXPECT_FALSE(house.login("alice@example.org", "passwordpassword").login);
  EXPECT_FALSE(house.login("nobody@example.org", "passwordpassword").login);
  import(std::string("marble cactus ribbon engine\n"));
  EXPECT_TRUE(house.login("bob@example.org", "marble cactus ribbon engine").login);
  EXPECT_EQ(weak_when(1).front().account, house.bob);
}

/// Passwords from before the rules became what they are.
struct OlderRules : GateService {
  static Settings lax() {
    auto settings = with_breach_list();
    settings.strength = {.min_length = 8, .min_bits = 20, .history = 0};
    return settings;
  }
  OlderRules() : GateService(lax()) {}
};

TEST_F(OlderRules, ShortOnesAreFoundAfterTheRulesChange) {
  ASSERT_TRUE(house.set_password(house.alice, "Tr0ub4dor&3"));
  auto settings = house.settings;
  settings.strength = {};
  auto strict = async::run_alone(
      make_front({house.credentials, house.directory, testing::sasl_library(), house.clock, house.log, house.metrics}, settings));
  ASSERT_TRUE(strict);
  EXPECT_TRUE(async::run_alone(strict->service->login(House::from(), "alice@example.org", Secret("Tr0ub4dor&3"))).login);
  EXPECT_EQ(weak_when(1).front().reason, "too_short");
}

TEST_F(OlderRules, WithoutHistoryAPasswordMayBeSetAgain) {
  EXPECT_TRUE(house.set_password(house.alice, right_password));
  EXPECT_FALSE(change("not the old one", "zebra quilt mosaic anchor"));
  EXPECT_TRUE(change(right_password, "zebra quilt mosaic anchor")) << "the present one is known all the same";
}

}  // namespace
}  // namespace postern::auth
