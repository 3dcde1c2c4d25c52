// SPDX-License-Identifier: Apache-2.0
// The end of data, line rules and intake, with every way to cut the input in two and octet by octet.
#include "smtp/data.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

struct Read {
  std::string text;
  std::size_t taken = 0;
  bool done = false;
  bool operator==(const Read&) const = default;
};

/// Feeds the input cut at these positions, as a session would: nothing after the end.
Read read(std::string_view input, const std::vector<std::size_t>& cuts) {
  DotReader dots;
  Read out;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size() && !dots.done(); ++i) {
    const auto to = i < cuts.size() ? cuts[i] : input.size();
    out.taken += dots.feed(input.substr(from, to - from), [&](std::string_view text) { out.text += text; });
    from = to;
  }
  out.done = dots.done();
  return out;
}

struct DotRow {
  std::string_view input;
  std::string_view text;
  bool done;
};

// RFC 5321 §4.5.2 and the list of smuggling sequences (security.md D1).
const std::vector<DotRow>& dot_rows() {
  using namespace std::string_view_literals;
  static const std::vector<DotRow> rows = {
      {".\r\n", "", true},
      {"a\r\n.\r\n", "a\r\n", true},
      {"a\r\n.\r\nb", "a\r\n", true},
      {"..\r\n.\r\n", ".\r\n", true},
      {".a\r\n..b\r\n.\r\n", "a\r\n.b\r\n", true},
      {"\r\n.\r\n", "\r\n", true},
      {"a\r\n\r\n.\r\n", "a\r\n\r\n", true},
      {"a\r\r\n.\r\n", "a\r\r\n", true},  // ends, but the line checker refuses it
      {"a\n.\n", "a\n.\n", false},
      {"a\n.\r\n", "a\n.\r\n", false},
      {"a\r\n.\n", "a\r\n\n", false},
      {"a\r.\r", "a\r.\r", false},
      {"a\r\n.\r", "a\r\n", false},  // undecided: the CR is withheld
      {"a\r.\r\n", "a\r.\r\n", false},
      {"a\n\n.\r\n", "a\n\n.\r\n", false},
      {"a\r\n.\r\r\n", "a\r\n\r\r\n", false},
      {"a\r\n.\rx\r\n", "a\r\n\rx\r\n", false},
      {"a\r\n.\0\r\n"sv, "a\r\n\0\r\n"sv, false},
      {"a\r\n\0.\r\n"sv, "a\r\n\0.\r\n"sv, false},
      {"a\0\r\n.\0\n"sv, "a\0\r\n\0\n"sv, false},
      {"a\r\n. \r\n", "a\r\n \r\n", false},
      {"a\r\n .\r\n", "a\r\n .\r\n", false},
      {"a\n.\r\n.\n", "a\n.\r\n\n", false},
      {"a\r\n.\r.\r\n", "a\r\n\r.\r\n", false},
      {"a\x0b.\r\n", "a\x0b.\r\n", false},
      {"a\xc2\x85.\xc2\x85", "a\xc2\x85.\xc2\x85", false},
  };
  return rows;
}

TEST(DotReader, FindsOnlyTheRealEnd) {
  for (const auto& row : dot_rows()) {
    const auto whole = read(row.input, {});
    EXPECT_EQ(whole.done, row.done) << testing::PrintToString(row.input);
    EXPECT_EQ(whole.text, row.text) << testing::PrintToString(row.input);
  }
}

TEST(DotReader, IsIndifferentToCuts) {
  for (const auto& row : dot_rows()) {
    const auto whole = read(row.input, {});
    std::vector<std::size_t> every;
    for (std::size_t cut = 1; cut < row.input.size(); ++cut) {
      EXPECT_EQ(read(row.input, {cut}), whole) << testing::PrintToString(row.input) << " cut at " << cut;
      every.push_back(cut);
    }
    EXPECT_EQ(read(row.input, every), whole) << testing::PrintToString(row.input);
  }
}

TEST(DotReader, LeavesWhatFollows) {
  EXPECT_EQ(read("a\r\n.\r\nQUIT\r\n", {}).taken, 6U);
  EXPECT_EQ(read(".\r\nQUIT\r\n", {1, 2}).taken, 3U);
}

LineProblem check(std::string_view text, std::size_t cut, std::size_t max_line = 10) {
  LineChecker lines(max_line);
  lines.feed(text.substr(0, cut));
  lines.feed(text.substr(cut));
  lines.finish();
  return lines.problem();
}

TEST(LineChecker, FindsProblemsAtEveryCut) {
  using namespace std::string_view_literals;
  struct Row {
    std::string_view text;
    LineProblem problem;
  };
  for (const auto& row : std::initializer_list<Row>{{"", LineProblem::none},
                                                    {"abc\r\ndef\r\n", LineProblem::none},
                                                    {"abc", LineProblem::none},
                                                    {"\r\n\r\n", LineProblem::none},
                                                    {"12345678\r\n", LineProblem::none},
                                                    {"123456789\r\n", LineProblem::too_long},
                                                    {"12345678901", LineProblem::too_long},
                                                    {"a\nb\r\n", LineProblem::bare_line_end},
                                                    {"a\rb\r\n", LineProblem::bare_line_end},
                                                    {"a\r\r\n", LineProblem::bare_line_end},
                                                    {"a\n\r\n", LineProblem::bare_line_end},
                                                    {"\n", LineProblem::bare_line_end},
                                                    {"\r", LineProblem::bare_line_end},
                                                    {"a\r\nb\r", LineProblem::bare_line_end},
                                                    {"a\0b\r\n"sv, LineProblem::nul},
                                                    {"a\0b\n"sv, LineProblem::bare_line_end}}) {
    for (std::size_t cut = 0; cut <= row.text.size(); ++cut) {
      EXPECT_EQ(check(row.text, cut), row.problem) << testing::PrintToString(row.text) << " cut at " << cut;
    }
  }
}

/// A spool in memory that can fail and says when it goes.
class FakeSpool final : public store::Spool {
 public:
  FakeSpool(std::string& bytes, bool& gone, std::optional<Error> error) : bytes_(bytes), gone_(gone), error_(std::move(error)) {}
  ~FakeSpool() override { gone_ = true; }
  Result<void> write(std::string_view bytes) override {
    if (error_) return std::unexpected(*error_);
    bytes_ += bytes;
    return {};
  }
  std::uint64_t size() const override { return bytes_.size(); }
  Result<store::BodyPtr> finish() override { return store::body_of(bytes_); }

 private:
  std::string& bytes_;
  bool& gone_;
  std::optional<Error> error_;
};

class IntakeTest : public testing::Test {
 protected:
  Intake make(std::optional<Error> error = std::nullopt) {
    return Intake(std::make_unique<FakeSpool>(stored_, gone_, std::move(error)), {.message = 100, .header = 60, .line = 50},
                  [this](std::string& header) -> Refusal {
                    ++header_calls_;
                    header_ = header;
                    header = "X: added\r\n" + header;
                    return header_refusal_;
                  });
  }
  std::string stored_;
  std::string header_;
  bool gone_ = false;
  int header_calls_ = 0;
  Refusal header_refusal_;
};

TEST_F(IntakeTest, SplitsHeaderAndBodyAtEveryCut) {
  const std::string_view message = "A: b\r\n\r\nbody\r\n\r\nmore\r\n";
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    stored_.clear();
    header_calls_ = 0;
    auto intake = make();
    intake.write(message.substr(0, cut));
    intake.write(message.substr(cut));
    ASSERT_TRUE(intake.finish()) << cut;
    EXPECT_EQ(header_, "A: b\r\n\r\n") << cut;
    EXPECT_EQ(header_calls_, 1) << cut;
    EXPECT_EQ(stored_, "X: added\r\n" + std::string(message)) << cut;
  }
}

TEST_F(IntakeTest, TakesMessagesWithoutBody) {
  auto intake = make();
  intake.write("A: b\r\n");
  ASSERT_TRUE(intake.finish());
  EXPECT_EQ(stored_, "X: added\r\nA: b\r\n");
}

TEST_F(IntakeTest, EndsWithALineEnd) {
  auto intake = make();
  intake.write("A: b\r\n\r\nlast");
  ASSERT_TRUE(intake.finish());
  EXPECT_TRUE(stored_.ends_with("last\r\n"));
}

TEST_F(IntakeTest, GivesTheSpoolBackAtTheLimit) {
  auto intake = make();
  intake.write("A: b\r\n\r\n");
  for (int i = 0; i < 10; ++i) intake.write("1234567890\r\n");
  EXPECT_TRUE(gone_);
  EXPECT_TRUE(intake.refused());
  EXPECT_EQ(intake.finish().error().code, 552);
}

TEST_F(IntakeTest, RefusesLargeHeaders) {
  auto intake = make();
  for (int i = 0; i < 7; ++i) intake.write("A: 567890\r\n");
  EXPECT_EQ(intake.finish().error().text, "Header is larger than allowed");
  EXPECT_EQ(header_calls_, 0);
}

TEST_F(IntakeTest, BareLineEndsCloseWhateverCameBefore) {
  header_refusal_ = reply(mail::status::refused_by_policy);
  auto intake = make();
  intake.write("A: b\r\n\r\n");
  EXPECT_TRUE(intake.refused());
  intake.write("x\ny\r\n");
  const auto result = intake.finish();
  EXPECT_EQ(result.error().then, Then::close);
}

TEST_F(IntakeTest, BareCarriageReturnAtTheVeryEnd) {
  auto intake = make();
  intake.write("A: b\r\n\r\nx\r");
  EXPECT_EQ(intake.finish().error().then, Then::close);
}

TEST_F(IntakeTest, ReportsAFullDisk) {
  auto intake = make(Error{ErrorKind::no_space, "full"});
  intake.write("A: b\r\n\r\nx\r\n");
  EXPECT_EQ(intake.finish().error().code, 452);
}

// Mended lines are the same however the input is cut.
TEST_F(IntakeTest, MendsLineEndsWhereItIsTold) {
  struct Row {
    std::string_view in, out;
  };
  for (const auto& [in, out] : {Row{"A: b\n\nx\ny\n", "A: b\r\n\r\nx\r\ny\r\n"},
                                {"A: b\r\n\r\nx\ry\r\n", "A: b\r\n\r\nx\r\ny\r\n"},
                                {"A: b\r\r\n\r\r\nx", "A: b\r\n\r\n\r\n\r\nx\r\n"},
                                {"A: b\r\n\r\nx\r", "A: b\r\n\r\nx\r\n"},
                                {"A: b\n\r\nx\n.\n", "A: b\r\n\r\nx\r\n.\r\n"},
                                {"A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n"}}) {
    for (std::size_t cut = 0; cut <= in.size(); ++cut) {
      stored_.clear();
      Intake intake(std::make_unique<FakeSpool>(stored_, gone_, std::nullopt),
                    {.message = 100, .header = 60, .line = 50, .lines = LineRule::mend},
                    [](std::string&) -> Refusal { return std::nullopt; });
      intake.write(in.substr(0, cut));
      intake.write(in.substr(cut));
      ASSERT_TRUE(intake.finish()) << in << cut;
      EXPECT_EQ(stored_, out) << cut;
    }
  }
}

TEST(ReplyFor, TellsNoCauses) {
  struct Row {
    ErrorKind kind;
    std::uint16_t code;
  };
  for (const auto& row : std::initializer_list<Row>{{ErrorKind::no_space, 452},
                                                    {ErrorKind::over_quota, 452},
                                                    {ErrorKind::too_large, 552},
                                                    {ErrorKind::limit, 554},
                                                    {ErrorKind::invalid, 550},
                                                    {ErrorKind::io, 451},
                                                    {ErrorKind::unavailable, 451},
                                                    {ErrorKind::internal, 451},
                                                    {ErrorKind::corrupt, 451}}) {
    const auto answer = reply_for({row.kind, "secret cause"});
    EXPECT_EQ(answer.code, row.code) << to_string(row.kind);
    EXPECT_EQ(answer.text.find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace postern::smtp
