// SPDX-License-Identifier: Apache-2.0
// Compressed streams: whatever the pieces, the octets arrive; bombs and broken data end the stream (security.md D87).
#include "net/deflate_stream.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace postern::net {
namespace {

/// A pipe that takes and gives so many octets at a time, and now and then none.
struct Pipe {
  std::string octets;
  std::size_t piece = SIZE_MAX;
  bool ended = false;
  unsigned refusals = 0;  ///< attempts that move nothing, in between
};

class PipeEnd final : public Stream {
 public:
  PipeEnd(Pipe& in, Pipe& out) : in_(in), out_(out) {}
  IoAttempt try_read(std::span<char> into) override {
    if (in_.octets.empty()) return {in_.ended ? IoState::end : IoState::want_read, 0};
    if (busy(in_)) return {IoState::want_read, 0};
    const auto count = std::min({into.size(), in_.octets.size(), in_.piece});
    std::copy_n(in_.octets.begin(), count, into.begin());
    in_.octets.erase(0, count);
    return {IoState::done, count};
  }
  IoAttempt try_write(std::string_view bytes) override {
    if (busy(out_)) return {IoState::want_write, 0};
    const auto count = std::min(bytes.size(), out_.piece);
    out_.octets.append(bytes.substr(0, count));
    return {IoState::done, count};
  }
  async::Task<bool> wait(IoState) override { co_return true; }
  void interrupt() override {}
  void end_output() override { out_.ended = true; }
  std::string last_error() const override { return "pipe"; }
  int descriptor() const override { return -1; }
  async::Executor executor() const override { return {}; }

 private:
  bool busy(const Pipe& pipe) { return pipe.refusals != 0 && ++attempts_ % (pipe.refusals + 1) != 0; }
  Pipe& in_;
  Pipe& out_;
  unsigned attempts_ = 0;
};

/// Writes all of it, as a Connection does: what was not done is tried again.
void write_all(Stream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto attempt = stream.try_write(bytes);
    ASSERT_TRUE(attempt.state == IoState::done || attempt.state == IoState::want_write);
    bytes.remove_prefix(attempt.bytes);
  }
}

/// Reads until the stream has nothing more to say; `state` is why.
std::string read_all(Stream& stream, std::size_t room, IoState& state) {
  std::string out, buffer(room, '\0');
  for (int idle = 0; idle < 50;) {
    const auto attempt = stream.try_read(buffer);
    state = attempt.state;
    if (attempt.state == IoState::done) {
      out.append(buffer, 0, attempt.bytes);
      idle = 0;
    } else if (attempt.state == IoState::want_read) {
      ++idle;
    } else {
      break;
    }
  }
  return out;
}

TEST(DeflateStream, OctetsArriveInAnyPieces) {
  std::mt19937 random(4978);
  for (int round = 0; round < 40; ++round) {
    Pipe forth, back;
    forth.piece = round % 3 == 0 ? 1 + random() % 7 : 1 + random() % 5000;
    forth.refusals = random() % 3;
    const auto a = make_deflate_stream(std::make_unique<PipeEnd>(back, forth));
    const auto b = make_deflate_stream(std::make_unique<PipeEnd>(forth, back));
    std::string sent;
    for (auto pieces = random() % 8; pieces > 0; --pieces) {
      std::string text(random() % 20'000, 'x');
      if (random() % 2 == 0) std::ranges::generate(text, [&] { return static_cast<char>(random()); });
      write_all(*a, text);
      sent += text;
    }
    // One flush a write: everything can be read without another word of the sender.
    IoState state{};
    ASSERT_TRUE(read_all(*b, 1 + random() % 20'000, state) == sent) << round;
    EXPECT_EQ(state, IoState::want_read);
  }
}

TEST(DeflateStream, EndsWithTheInnerStream) {
  Pipe forth, back;
  const auto a = make_deflate_stream(std::make_unique<PipeEnd>(back, forth));
  const auto b = make_deflate_stream(std::make_unique<PipeEnd>(forth, back));
  write_all(*a, "bye");
  a->end_output();
  IoState state{};
  EXPECT_EQ(read_all(*b, 100, state), "bye");
  EXPECT_EQ(state, IoState::end);
}

TEST(DeflateStream, BombsAreCutOff) {
  Pipe forth, back;
  const auto a = make_deflate_stream(std::make_unique<PipeEnd>(back, forth));
  const auto b = make_deflate_stream(std::make_unique<PipeEnd>(forth, back));
  write_all(*a, std::string(50'000'000, '\0'));
  IoState state{};
  const auto got = read_all(*b, 64 * 1024, state);
  EXPECT_EQ(state, IoState::failed);
  EXPECT_NE(b->last_error().find("too much"), std::string::npos);
  EXPECT_LE(got.size(), free_octets + 2 * max_ratio * 4 * 1024);
}

TEST(DeflateStream, OrdinaryMailIsNoBomb) {
  Pipe forth, back;
  const auto a = make_deflate_stream(std::make_unique<PipeEnd>(back, forth));
  const auto b = make_deflate_stream(std::make_unique<PipeEnd>(forth, back));
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "a" + std::to_string(i) + " FETCH " + std::to_string(i % 1000) + " (FLAGS UID)\r\n";
  write_all(*a, text);
  EXPECT_LT(forth.octets.size() * 2, text.size()) << "compressed";
  IoState state{};
  EXPECT_TRUE(read_all(*b, 64 * 1024, state) == text);
}

TEST(DeflateStream, BrokenDataFails) {
  std::mt19937 random(1951);
  for (int round = 0; round < 200; ++round) {
    Pipe forth, back;
    const auto b = make_deflate_stream(std::make_unique<PipeEnd>(forth, back));
    forth.octets.resize(4'000);
    std::ranges::generate(forth.octets, [&] { return static_cast<char>(random()); });
    forth.ended = true;
    IoState state{};
    read_all(*b, 1'000, state);
    EXPECT_TRUE(state == IoState::failed || state == IoState::end);
  }
}

}  // namespace
}  // namespace postern::net
