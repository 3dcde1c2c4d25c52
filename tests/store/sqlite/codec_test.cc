// SPDX-License-Identifier: Apache-2.0
// Compressed bodies: what goes in comes out, in parts too; what does not gain stays raw; damage is noticed.
#include "store/sqlite/codec.h"

#include <fcntl.h>
#include <zstd.h>

#include "base/file.h"
#include "store/sqlite/record.h"
#include "tests/store/fixture.h"

namespace postern::store::sqlite {

namespace {

using test::noise;

std::string prose(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) out += "line " + std::to_string(i * i) + " of a letter that says little\r\n";
  out.resize(size);
  return out;
}

std::string read_file_of(const std::filesystem::path& path) { return postern::read_file(path).value(); }

}  // namespace

TEST(Codec, WhatGoesInComesOut) {
  Codecs codecs;
  for (const std::size_t size : {0u, 1u, 255u, 256u, 10'000u, 262'144u, 262'145u, 1'000'000u}) {
    const std::string text = prose(size);
    const std::string frame = codecs.compress(text);
    for (const std::size_t part : {size, size / 2, size / 100}) {
      std::string out(part, '\0');
      ASSERT_TRUE(codecs.expand(frame, out)) << size;
      EXPECT_EQ(out, text.substr(0, part));
    }
  }
}

TEST(Codec, ShrinksOnlyWhatGainsATenth) {
  Codecs codecs;
  for (const std::size_t size : {262'144u, 262'145u, 1'000'000u}) EXPECT_FALSE(codecs.shrink(noise(size))) << size;
  EXPECT_TRUE(codecs.shrink(prose(10'000)));
  EXPECT_FALSE(codecs.shrink(noise(10'000)));
  EXPECT_FALSE(codecs.shrink(prose(min_compressed - 1)));
  EXPECT_TRUE(is_worth_it(1000, 900));
  EXPECT_FALSE(is_worth_it(1000, 901));
}

TEST(Codec, DamageNeverReachesBeyondItsBuffer) {
  Codecs codecs;
  const std::string text = prose(20'000);
  const std::string frame = codecs.compress(text);
  for (std::size_t i = 0; i < frame.size(); i += 7) {
    std::string broken = frame;
    broken[i] = static_cast<char>(broken[i] ^ 0x55);
    for (const std::size_t part : {text.size(), std::size_t{100}}) {
      std::string out(part, '\0');
      [[maybe_unused]] const auto done = codecs.expand(broken, out);  // wrong octets are the checksum's matter
    }
    std::string out(text.size(), '\0');
    EXPECT_FALSE(codecs.expand(std::string_view(frame).substr(0, i), out)) << i;
  }
  std::string more(text.size() + 1, '\0');
  EXPECT_FALSE(codecs.expand(frame, more));
}

TEST(FrameTable, RoundTripsAndNoticesDamage) {
  FrameTable table;
  table.add("frame one", std::string(frame_bytes, 'a'));
  table.add("frame two!", "the end");
  const std::string bytes = table.to_bytes();
  EXPECT_EQ(FrameTable::size_of(std::string_view(bytes).substr(bytes.size() - FrameTable::footer_size)).value(), bytes.size());
  const auto back = FrameTable::parse(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->stored_size(), 19u);
  EXPECT_EQ(back->original_size(), frame_bytes + 7);
  EXPECT_EQ(back->frame_of(0), 0u);
  EXPECT_EQ(back->frame_of(frame_bytes - 1), 0u);
  EXPECT_EQ(back->frame_of(frame_bytes), 1u);
  EXPECT_TRUE(FrameTable::matches(back->frames()[1], "the end"));
  EXPECT_FALSE(FrameTable::matches(back->frames()[1], "the End"));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(FrameTable::parse(bytes.substr(0, n))) << n;
  for (const std::size_t at : {0u, 4u, 33u, 36u, 40u}) {
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ 0x11);
    EXPECT_FALSE(FrameTable::parse(broken)) << at;
  }
}

class StoredForm : public testing::Test {
 protected:
  void SetUp() override {
    store_ = real_.must_open(folder_.path());
    alice_ = test::add_account(*store_, "alice@example.org");
    session_ = store_->session(test::identity(alice_));
    box_ = test::inbox(*session_).id;
  }
  void accept(const std::string& body) { test::must(store_->accept(test::acceptance(body, {{alice_, "INBOX", "P:\r\n", 0}}))); }
  std::string segment(int id) const { return read_file_of(folder_.path() / fmt::format("seg/{:010}.seg", id)); }
  std::string read(Uid uid) { return test::read_all(*test::must(session_->body(box_, uid))); }
  void damage(int id, std::uint64_t at) {
    UniqueFd file(::open((folder_.path() / fmt::format("seg/{:010}.seg", id)).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(write_all_at(file.get(), "####", at));
  }

  test::Folder folder_;
  test::Real real_;
  std::unique_ptr<SqliteStore> store_;
  AccountId alice_ = 0;
  std::unique_ptr<Session> session_;
  MailboxId box_ = 0;
};

TEST_F(StoredForm, SmallBodies) {
  const std::string text = prose(20'000);
  const std::string random = noise(20'000);
  accept(text);
  accept(random);
  accept("short");
  const std::string file = segment(1);
  const auto header = decode(file).value();
  EXPECT_EQ(header.codec, Codec::zstd);
  EXPECT_EQ(header.original_length, text.size());
  EXPECT_LT(header.stored_length, text.size() / 2);
  const std::string stored = file.substr(RecordHeader::size + header.arrival_length, header.stored_length);
  EXPECT_EQ(header.checksum, checksum(stored));
  std::string plain(text.size(), '\0');
  EXPECT_EQ(ZSTD_decompress(plain.data(), plain.size(), stored.data(), stored.size()), text.size());
  EXPECT_EQ(plain, text);
  const auto second = decode(std::string_view(file).substr(RecordHeader::size + header.arrival_length + header.stored_length));
  EXPECT_EQ(second.value().codec, Codec::raw);
  EXPECT_EQ(read(1), "P:\r\n" + text);
  EXPECT_EQ(read(2), "P:\r\n" + random);
  EXPECT_EQ(read(3), "P:\r\nshort");
  const auto info = test::must(session_->info(box_, UidSet{{1, 1}}, meta_none));
  EXPECT_EQ(info[0].size, text.size() + 4);
  damage(1, RecordHeader::size + header.arrival_length + 100);
  EXPECT_EQ(test::error_of(session_->body(box_, 1)), ErrorKind::corrupt);
  EXPECT_EQ(test::must(session_->read(box_, UidSet::all(), {})).texts.size(), 2u);
}

TEST_F(StoredForm, LargeBodiesAreFramesThatStandAlone) {
  const std::string text = prose(3'000'000);
  accept(text);
  const std::string file = segment(1);
  EXPECT_LT(file.size(), text.size() / 2);
  // The stored octets are what any zstd program decodes.
  const auto header = decode(std::string_view(file).substr(file.size() - RecordHeader::size)).value();
  EXPECT_EQ(header.codec, Codec::frames);
  EXPECT_EQ(header.original_length, text.size());
  EXPECT_EQ(header.checksum, checksum(std::string_view(file).substr(0, header.stored_length)));
  std::string plain(text.size(), '\0');
  EXPECT_EQ(ZSTD_decompress(plain.data(), plain.size(), file.data(), header.stored_length), text.size());
  EXPECT_EQ(plain, text);
  EXPECT_EQ(read(1), "P:\r\n" + text);
  const auto reader = test::must(session_->body(box_, 1));
  EXPECT_EQ(reader->size(), text.size() + 4);
  for (const std::uint64_t at : {0u, 4u, 262'143u, 262'148u, 2'000'000u, 2'999'999u}) {
    const auto piece = test::must(reader->read(at, 1000));
    EXPECT_EQ(piece, ("P:\r\n" + text).substr(at, piece.size())) << at;
    EXPECT_FALSE(piece.empty());
  }
  EXPECT_EQ(test::must(reader->read(text.size() + 4, 10)), "");
  const auto start = test::must(session_->read(box_, UidSet::all(), {.per_message = 300'000})).texts.at(0);
  EXPECT_EQ(start.octets, ("P:\r\n" + text).substr(0, 300'000));
  EXPECT_EQ(start.size, text.size() + 4);
}

TEST_F(StoredForm, OneDamagedFrameLeavesTheOthersReadable) {
  const std::string text = prose(3'000'000);
  accept(text);
  damage(1, 50);
  const auto reader = test::must(session_->body(box_, 1));
  EXPECT_EQ(test::error_of(reader->read(100, 10)), ErrorKind::corrupt);
  EXPECT_EQ(test::must(reader->read(2'000'004, 10)), text.substr(2'000'000, 10));
  EXPECT_TRUE(test::must(session_->read(box_, UidSet::all(), {})).texts.empty());
}

TEST_F(StoredForm, LargeBodiesThatDoNotGainStayWhatTheyAre) {
  const std::string random = noise(2'500'000);
  accept(random);
  EXPECT_EQ(segment(1).substr(0, random.size()), random);
  EXPECT_EQ(read(1), "P:\r\n" + random);
  // Noise at the beginning decides; noise at the end is found at the end.
  accept(noise(1 << 20) + prose(1 << 20));
  EXPECT_EQ(decode(segment(2).substr(segment(2).size() - RecordHeader::size)).value().codec, Codec::raw);
  const std::string mixed = prose(1 << 20) + noise(20 << 20);
  accept(mixed);
  EXPECT_EQ(decode(segment(3).substr(segment(3).size() - RecordHeader::size)).value().codec, Codec::raw);
  EXPECT_EQ(read(3), "P:\r\n" + mixed);
}

}  // namespace postern::store::sqlite
