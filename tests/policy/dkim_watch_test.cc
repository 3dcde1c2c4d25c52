// SPDX-License-Identifier: Apache-2.0
#include "policy/dkim_watch.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/zone.h"
#include "tests/support/folder.h"

namespace postern::policy {
namespace {

class DkimWatchTest : public testing::Test {
 protected:
  DkimKey make(std::string selector) {
    return book_->create({"example.org", std::move(selector), DkimAlgorithm::ed25519_sha256, 0, false}).value();
  }
  Publication look_up(const DkimKey& key, std::string_view zone) {
    dns::Zone resolver(zone);
    return async::run_alone(find_publication(resolver, key));
  }

  test::Folder folder_;
  FakeClock clock_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::debug, [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }};
  std::unique_ptr<DkimBook> book_ = DkimBook::open(folder_.path(), clock_).value();
};

TEST_F(DkimWatchTest, SaysWhatIsPublished) {
  using P = Publication::State;
  const auto key = make("k");
  const auto other = make("other");
  const std::string name = "k._domainkey.example.org. TXT ";
  const struct {
    std::string zone;
    P state;
  } cases[] = {
      {name + "\"" + key.record() + "\"", P::published},
      {name + "\"v=DKIM1; k=ed25519; t=y; p=" + key.public_key + "\"", P::published},
      {name + "\"v=DKIM1; k=ed25519; \" \"p=" + key.public_key + "\"", P::published},
      {name + "\"" + other.record() + "\"", P::different},
      {name + "\"v=DKIM1; k=rsa; p=" + key.public_key + "\"", P::different},
      {name + "\"v=DKIM1; k=ed25519; p=\"", P::different},
      {name + "\"v=DKIM1; k=ed25519; s=calendar; p=" + key.public_key + "\"", P::different},
      {name + "\"hello\"", P::different},
      {name + "\"" + key.record() + "\"\n" + name + "\"" + other.record() + "\"", P::different},
      {"example.org. TXT \"hello\"", P::absent},
      {"k._domainkey.example.org. SERVFAIL", P::unclear},
  };
  for (const auto& one : cases) {
    const auto found = look_up(key, one.zone);
    EXPECT_EQ(to_string(found.state), to_string(one.state)) << one.zone << ": " << found.text;
  }
  EXPECT_TRUE(look_up(key, cases[1].zone).testing);
}

TEST_F(DkimWatchTest, WaitingKeysAreUsedOnceTheyAreSeen) {
  const auto first = make("first");
  const auto second = make("second");
  dns::Zone zone("second._domainkey.example.org. TXT \"" + second.record() + "\"");
  KeyWatch watch(*book_, zone, log_);
  async::run_alone(watch.look(DkimKey::State::waiting));
  ASSERT_EQ(book_->signing_keys("example.org").size(), 1U);
  EXPECT_EQ(book_->signing_keys("example.org")[0].selector, "second");
  zone.add("first._domainkey.example.org. TXT \"" + first.record() + "\"");
  async::run_alone(watch.look(DkimKey::State::waiting));
  EXPECT_EQ(book_->signing_keys("example.org")[0].selector, "first");
}

TEST_F(DkimWatchTest, ARecordThatVanishesIsComplainedAbout) {
  const auto key = make("gone");
  ASSERT_TRUE(book_->activate("example.org", "gone"));
  dns::Zone zone("example.org. TXT \"x\"");
  KeyWatch watch(*book_, zone, log_);
  async::run_alone(watch.look(DkimKey::State::active));
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_NE(lines_[0].find("not_published"), std::string::npos);
  EXPECT_EQ(book_->signing_keys("example.org").size(), 1U) << "it must go on signing: DNS may be wrong for a while";
}

}  // namespace
}  // namespace postern::policy
