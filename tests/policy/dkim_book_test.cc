// SPDX-License-Identifier: Apache-2.0
#include "policy/dkim_book.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "async/executor.h"
#include "base/encoding.h"
#include "base/file.h"
#include "policy/dkim_canonical.h"
#include "tests/support/folder.h"

namespace postern::policy {
namespace {

using State = DkimKey::State;

class DkimBookTest : public testing::Test {
 protected:
  std::filesystem::path folder() const { return folder_.path(); }
  std::unique_ptr<DkimBook> open() { return DkimBook::open(folder(), clock_).value(); }
  static DkimBook::Wish ed25519(std::string domain, std::string selector, bool at_once = false) {
    return {std::move(domain), std::move(selector), DkimAlgorithm::ed25519_sha256, 0, at_once};
  }
  static std::string names(const std::vector<DkimKey>& keys) {
    std::string out;
    for (const auto& key : keys) out += key.selector + " ";
    return out;
  }

  test::Folder folder_;
  FakeClock clock_;
};

TEST_F(DkimBookTest, OtherKeysAreNotOurs) {
  EXPECT_TRUE(write_file_durably(folder() / "auth.key", "secret"));
  EXPECT_TRUE(write_file_durably(folder() / "x._domainkey.example.org.key.old", "x"));
  EXPECT_TRUE(open()->keys().empty());
  EXPECT_TRUE(DkimBook::open(folder() / "missing", clock_).value()->keys().empty());
}

TEST_F(DkimBookTest, MakesRsaKeysOf2048BitsByDefault) {
  const auto book = open();
  const auto key = book->create({.domain = "Example.ORG"});
  ASSERT_TRUE(key) << key.error().text;
  EXPECT_EQ(key->domain, "example.org");
  EXPECT_EQ(key->bits, 2048);
  EXPECT_EQ(key->state, State::waiting);
  EXPECT_TRUE(key->selector.starts_with("r20")) << key->selector;
  const auto record = key->record();
  EXPECT_TRUE(record.starts_with("v=DKIM1; k=rsa; p=MII")) << record;
  const auto strings = txt_strings(record);
  ASSERT_EQ(strings.size(), 2U);
  EXPECT_EQ(strings[0].size(), 255U);
  EXPECT_EQ(strings[0] + strings[1], record);
  // What is published verifies what is signed.
  const auto published = PublicKey::from(parse_dkim_key(record).value());
  ASSERT_TRUE(published);
  const auto digest = sha256("text");
  const auto signature = async::run_alone(book->sign(key->name(), digest));
  ASSERT_TRUE(signature);
  EXPECT_TRUE(published->verify(digest, *signature));
  EXPECT_FALSE(published->verify(sha256("another"), *signature));
}

TEST_F(DkimBookTest, KeysOutliveTheProgramAndNobodyElseMayReadThem) {
  const auto made = open()->create(ed25519("example.org", "Mail", true)).value();
  const auto again = open()->keys();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].selector, "mail");
  EXPECT_EQ(again[0].record(), made.record());
  EXPECT_EQ(again[0].state, State::active);
  EXPECT_EQ(again[0].activated, clock_.unix_now());
  struct stat facts{};
  const auto file = folder() / "mail._domainkey.example.org.key";
  ASSERT_EQ(::stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);

  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  const auto open_to_all = DkimBook::open(folder(), clock_);
  ASSERT_FALSE(open_to_all);
  EXPECT_EQ(open_to_all.error().kind, ErrorKind::denied);
}

TEST_F(DkimBookTest, OneActiveKeyOfEachAlgorithm) {
  const auto book = open();
  ASSERT_TRUE(book->create(ed25519("example.org", "one", true)));
  ASSERT_TRUE(book->create({.domain = "example.org", .selector = "rsa", .bits = 1024, .at_once = true}));
  ASSERT_TRUE(book->create(ed25519("example.org", "two")));
  EXPECT_EQ(names(book->signing_keys("example.org")), "one rsa ");
  clock_.advance(std::chrono::hours(1));
  ASSERT_TRUE(book->activate("example.org", "two"));
  EXPECT_EQ(names(open()->signing_keys("example.org")), "rsa two ");
  for (const auto& key : book->keys()) {
    if (key.selector == "one") EXPECT_EQ(key.retired, clock_.unix_now());
  }
  EXPECT_EQ(book->activate("example.org", "two").error().kind, ErrorKind::exists);
  EXPECT_EQ(book->retire("example.org", "three").error().kind, ErrorKind::not_found);
  ASSERT_TRUE(book->retire("example.org", "two"));
  EXPECT_EQ(names(book->signing_keys("example.org")), "rsa ");
  // One that was retired may come back.
  ASSERT_TRUE(book->activate("example.org", "one"));
  EXPECT_EQ(book->signing_keys("example.org").size(), 2U);
}

TEST_F(DkimBookTest, TheNearestDomainAboveSignsForNamesWithoutKeys) {
  const auto book = open();
  ASSERT_TRUE(book->create(ed25519("example.org", "top", true)));
  ASSERT_TRUE(book->create(ed25519("shop.example.org", "shop", true)));
  EXPECT_EQ(names(book->signing_keys("mx.example.org")), "top ");
  EXPECT_EQ(names(book->signing_keys("a.shop.example.org")), "shop ");
  EXPECT_EQ(names(book->signing_keys("example.net")), "");
  EXPECT_EQ(names(book->signing_keys("anexample.org")), "");
}

TEST_F(DkimBookTest, RefusesWhatIsNoKey) {
  const auto book = open();
  const std::vector<std::pair<DkimBook::Wish, ErrorKind>> cases{
      {{.domain = "exa mple.org"}, ErrorKind::invalid},
      {{.domain = "example.org", .selector = "a/b"}, ErrorKind::invalid},
      {{.domain = "example.org", .selector = "../x"}, ErrorKind::invalid},
      {{.domain = "example.org", .selector = "a", .bits = 512}, ErrorKind::invalid},
      {{.domain = "example.org", .selector = "a", .bits = 8192}, ErrorKind::invalid},
      {{.domain = "example.org", .selector = "a", .algorithm = DkimAlgorithm::rsa_sha1}, ErrorKind::invalid},
  };
  for (const auto& [wish, kind] : cases) {
    const auto made = book->create(wish);
    ASSERT_FALSE(made) << wish.domain << " " << wish.selector;
    EXPECT_EQ(made.error().kind, kind);
  }
  ASSERT_TRUE(book->create(ed25519("example.org", "twice")));
  EXPECT_EQ(book->create(ed25519("example.org", "TWICE")).error().kind, ErrorKind::exists);
  EXPECT_EQ(book->create(ed25519("example.org", "")).value().selector.front(), 'e');
  EXPECT_TRUE(book->create(ed25519("example.org", "")).value().selector.ends_with("-2"));
}

TEST_F(DkimBookTest, DamagedFilesAreNamed) {
  ASSERT_TRUE(open()->create(ed25519("example.org", "good")));
  const auto file = folder() / "good._domainkey.example.org.key";
  const auto text = read_file(file).value();
  const auto damaged = [&](std::string bytes, const std::string& name = "good._domainkey.example.org.key") {
    EXPECT_TRUE(write_file_durably(folder() / name, bytes));
    const auto book = DkimBook::open(folder(), clock_);
    EXPECT_FALSE(book) << bytes;
    if (!book) {
      EXPECT_EQ(book.error().kind, ErrorKind::corrupt);
      EXPECT_NE(book.error().text.find("good"), std::string::npos) << book.error().text;
    }
  };
  damaged("");
  damaged(text.substr(0, text.size() / 2));
  damaged(text.substr(text.find("-----")));
  auto other = text;
  other.replace(other.find("state: waiting"), 14, "state: unknown");
  damaged(other);
  auto renamed = text;
  renamed.replace(renamed.find("selector: good"), 14, "selector: evil");
  damaged(renamed);
  EXPECT_TRUE(write_file_durably(file, text));
  EXPECT_EQ(open()->keys().size(), 1U);
}

}  // namespace
}  // namespace postern::policy
