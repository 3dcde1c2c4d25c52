// SPDX-License-Identifier: Apache-2.0
// What a message becomes for a server without 8BITMIME, and that a signature of ours passes at the other end.
#include "outbound/seven_bit.h"

#include <gtest/gtest.h>

#include "config/way_out.h"
#include "dns/zone.h"
#include "mime/header.h"
#include "policy/dkim_book.h"
#include "policy/dkim_verify.h"
#include "store/memory/memory.h"
#include "tests/support/dkim.h"
#include "tests/support/folder.h"
#include "tests/support/net.h"

namespace postern::outbound {
namespace {

/// A message in memory as the store would read it, in small pieces.
class Stored final : public store::BodyReader {
 public:
  explicit Stored(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  async::Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override {
    constexpr std::size_t piece = 7;
    if (cut > 0 && offset >= cut) co_return fail(ErrorKind::io, "the disk is gone");
    co_return std::string_view(bytes_).substr(offset, std::min(most, piece));
  }
  std::uint64_t cut = 0;  ///< 0: all can be read

 private:
  std::string bytes_;
};

class SevenBitTest : public testing::Test {
 protected:
  SevenBitTest() { entry_.prefix = "Received: x\r\n"; }

  /// The copy; "as it is" when there is none.
  std::string copy(const std::string& body) {
    Stored whole(entry_.prefix + body);
    const auto made = loop_.run(to_seven_bit(tools_, entry_, whole));
    EXPECT_TRUE(made);
    if (!*made) return "as it is";
    std::string out;
    while (out.size() < (*made)->size()) out += loop_.run((*made)->read(out.size(), 100)).value();
    EXPECT_TRUE(loop_.run((*made)->read(out.size(), 100)).value().empty());
    return out;
  }
  std::vector<policy::DkimResult> verify(const std::string& message) {
    return test::verify_dkim(loop_, zone_, message, clock_.unix_now());
  }
  void make_key() {
    const auto key = book_->create({"example.org", {}, policy::DkimAlgorithm::ed25519_sha256, 2048, true}).value();
    zone_.add(key.name() + ". TXT \"" + key.record() + "\"");
  }

  FakeClock clock_;
  Log log_{LogLevel::info, [](LogLevel, std::string_view) {}};
  Metrics metrics_;
  test::TestLoop loop_;
  test::Folder folder_;
  dns::Zone zone_{"example.org. TXT \"x\""};
  config::Live live_{config::Config()};
  std::unique_ptr<policy::DkimBook> book_ = policy::DkimBook::open(folder_.path(), clock_).value();
  queue::Signer signer_{{*book_, live_, clock_, log_, metrics_}};
  std::unique_ptr<store::memory::MemoryStore> store_ = store::memory::make(clock_);
  SevenBitTools tools_{[this] { return store_->spool(); }, &signer_};
  store::QueueEntry entry_;
};

const std::string ours = "From: alice@example.org\r\nSubject: x\r\n\r\nIn the caf\xc3\xa9 at noon\r\n";

TEST_F(SevenBitTest, RecodesAndSaysThatItIsMime) {
  EXPECT_EQ(copy("A: b\r\n\r\nIn the caf\xc3\xa9 at noon\r\n"),
            "Received: x\r\nMIME-Version: 1.0\r\nA: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIn the caf=C3=A9 at "
            "noon\r\n");
  EXPECT_EQ(
      copy("mime-version: 1.0\r\n\r\nIn the caf\xc3\xa9 at noon\r\n"),
      "Received: x\r\nmime-version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIn the caf=C3=A9 at noon\r\n");
}

TEST_F(SevenBitTest, LeavesAloneWhatNeedsNothingOrCannotBe) {
  EXPECT_EQ(copy("A: b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain\r\n"), "as it is");
  EXPECT_EQ(copy("Subject: caf\xc3\xa9\r\n\r\nplain\r\n"), "as it is");
}

// What was signed at the door is signed again, over what is sent now; the old signature is gone.
TEST_F(SevenBitTest, SignsTheCopyAnew) {
  make_key();
  const auto fields = loop_.run(signer_.sign(store::body_of(ours))).value();
  ASSERT_TRUE(fields.starts_with("DKIM-Signature:")) << fields;
  entry_.prefix = fields + "Received: x\r\n";
  ASSERT_EQ(verify(entry_.prefix + ours).at(0).code, policy::DkimCode::pass);
  const auto sent = copy(ours);
  EXPECT_NE(sent.find("caf=C3=A9"), std::string::npos) << sent;
  const auto results = verify(sent);
  ASSERT_EQ(results.size(), 1U) << sent;
  EXPECT_EQ(results[0].code, policy::DkimCode::pass) << results[0].reason;
  EXPECT_NE(sent.find("\r\nReceived: x\r\n"), std::string::npos);
}

TEST_F(SevenBitTest, SignaturesOfOthersAreNotBroken) {
  const std::string theirs = "DKIM-Signature: v=1; d=example.com\r\n" + ours;
  EXPECT_EQ(copy(theirs), "as it is");
  entry_.prefix = "ARC-Seal: i=1\r\nReceived: x\r\n";
  EXPECT_EQ(copy(ours), "as it is");
  // Ours beside it speaks for the author, so the message may be recoded.
  make_key();
  entry_.prefix = loop_.run(signer_.sign(store::body_of(theirs))).value();
  EXPECT_NE(copy(theirs).find("caf=C3=A9"), std::string::npos);
}

TEST_F(SevenBitTest, ErrorsOfReadingAreErrors) {
  Stored whole(entry_.prefix + ours);
  whole.cut = 40;
  EXPECT_FALSE(loop_.run(to_seven_bit(tools_, entry_, whole)));
}

}  // namespace
}  // namespace postern::outbound
