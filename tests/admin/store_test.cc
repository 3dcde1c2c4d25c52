// SPDX-License-Identifier: Apache-2.0
// store.*: on a real store, and the refusals on one that keeps nothing.
#include <thread>

#include "store/sqlite/open.h"
#include "tests/admin/house.h"

namespace postern::admin {
namespace {

struct StoreCommands : AdminHouse {
  void SetUp() override {
    store::sqlite::Options options{.data_dir = data_.path() / "data", .segment_bytes = 1 << 20, .allocate_bytes = 1 << 18};
    options.housekeeping.rate = 0;
    real_ = std::move(store::sqlite::open(options, {clock_, log_, metrics_}).value());
    store::Acceptance mail{store::body_of("Subject: x\r\n\r\nhello"), {"env", "struct", "parts"}, 1'700'000'000, {}, {}};
    const auto account = loop_.run(real_->accounts().add_account({0, "alice@example.org", "", true, 0, 0})).value();
    mail.deliveries.push_back({account, "INBOX", "", 0});
    ASSERT_TRUE(loop_.run(real_->accept(std::move(mail))));
  }
  void TearDown() override { real_.reset(); }
  Answer ask(std::string name, std::string_view arguments = "{}") {
    return loop_.run(run_command({*real_, directory_, auth_, clock_, live_, *front_.office}, std::move(name),
                                 parse_object(arguments).value()));
  }
  boost::json::object finished(std::string_view order) {
    const auto started = ask("store.start", order);
    EXPECT_TRUE(started) << started.error().text;
    const auto asking = boost::json::serialize(*started);
    for (;;) {
      auto state = ask("store.job", asking).value();
      if (state.at("ended").as_bool()) return state;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::string refusal(std::string name, std::string_view arguments) {
    const auto answer = ask(std::move(name), arguments);
    return answer ? "an answer" : std::string(to_string(answer.error().kind)) + ": " + answer.error().text;
  }

  test::Folder data_;
  std::unique_ptr<store::sqlite::SqliteStore> real_;
};

TEST_F(StoreCommands, ShowSizesAndFiles) {
  const auto info = ask("store.info").value();
  EXPECT_EQ(info.at("messages").to_number<int>(), 1);
  EXPECT_EQ(info.at("accounts").to_number<int>(), 1);
  EXPECT_FALSE(info.at("refusing_mail").as_bool());
  ASSERT_EQ(info.at("segments").as_array().size(), 1u);
  EXPECT_EQ(info.at("segments").as_array()[0].at("state").as_string(), "active");
}

TEST_F(StoreCommands, RunJobsToTheirEnd) {
  const auto audited = finished(R"({"what":"audit","bodies":true})");
  EXPECT_EQ(audited.at("phase").as_string(), "done");
  EXPECT_EQ(audited.at("left").to_number<int>(), 0);
  EXPECT_EQ(audited.at("bodies_read").to_number<int>(), 1);
  EXPECT_EQ(finished(R"({"what":"compact"})").at("segments").to_number<int>(), 0);
  const auto failed = finished(R"({"what":"compact","segment":77})");
  EXPECT_EQ(failed.at("phase").as_string(), "failed");
  EXPECT_EQ(failed.at("error").as_string(), "there is no segment 77");
}

TEST_F(StoreCommands, DumpRowsWithoutSecrets) {
  const auto account = ask("store.dump", R"({"account":"alice@example.org"})").value();
  const auto text = boost::json::serialize(account);
  EXPECT_NE(text.find(R"("table":"mailbox")"), std::string::npos) << text;
  EXPECT_EQ(text.find("sealed"), std::string::npos) << text;
  const auto box = ask("store.dump", R"({"mailbox":1,"uid":1})").value();
  EXPECT_EQ(box.at("rows").as_array().size(), 4u);
}

TEST_F(StoreCommands, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(refusal("store.start", R"({"what":"tidy"})"), R"(invalid: what must be "audit" or "compact")");
  EXPECT_EQ(refusal("store.start", R"({"what":"compact","segment":-1})"), "invalid: segment must be a number of at least 0");
  EXPECT_EQ(refusal("store.job", R"({"job":99})"), "not_found: no such job; the last 16 are remembered");
  EXPECT_EQ(refusal("store.job", "{}"), "not_found: no such job; the last 16 are remembered");
  EXPECT_EQ(refusal("store.dump", R"({"account":"bob@example.org"})"), "not_found: there is no account bob@example.org");
  EXPECT_EQ(refusal("store.dump", R"({"mailbox":4294967296})"), "invalid: mailbox is larger than any");
  EXPECT_EQ(refusal("store.dump", R"({"mailbox":"x"})"), "invalid: mailbox must be a number of at least 0");
  EXPECT_EQ(refusal("store.dump", "{}"), "invalid: say what to show: an account, a mailbox, a message or a segment");
  EXPECT_EQ(text("store.info"), "unsupported: this store keeps nothing on a disk");
}

}  // namespace
}  // namespace postern::admin
