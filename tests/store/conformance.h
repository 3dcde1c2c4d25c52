// SPDX-License-Identifier: Apache-2.0
// Conformance: tests that hold every implementation of the store to store/store.h. Each test runs once for each.
#pragma once

#include "tests/store/fixture.h"

namespace postern::store::test {

enum class Backend : std::uint8_t { memory, sqlite };

class Conformance : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::memory) {
      store_ = memory::make(real_.clock);
    } else {
      store_ = real_.must_open(folder_.path());
    }
    must(store_->accounts().add_domain({"example.org"}));
    alice_ = add_account(*store_, "alice@example.org");
    bob_ = add_account(*store_, "bob@example.org");
    session_ = store_->session(identity(alice_));
  }
  /// Counters and references still fit (the real store only).
  void TearDown() override {
    auto* real = dynamic_cast<sqlite::SqliteStore*>(store_.get());
    if (!real || closed_) return;
    EXPECT_EQ(must(real->audit()), std::vector<std::string>());
  }

  Session& alice() { return *session_; }
  std::unique_ptr<Session> session_of(AccountId account) { return store_->session(identity(account)); }
  MailboxId mailbox(const std::string& name) { return must(alice().status(name)).id; }
  MailboxId inbox() { return mailbox("INBOX"); }
  /// Appends n messages "body 1", "body 2" …
  void fill(MailboxId mailbox, int n) {
    std::vector<NewMessage> messages;
    for (int i = 1; i <= n; ++i) messages.push_back(message("body " + std::to_string(i)));
    must(alice().append(mailbox, std::move(messages)));
  }
  std::string body_of_message(MailboxId mailbox, Uid uid) { return read_all(*must(alice().body(mailbox, uid))); }
  std::string flags_of(MailboxId mailbox) {
    std::string out;
    const auto now = snapshot(alice(), mailbox);
    for (std::size_t i = 0; i < now->size(); ++i) out += fmt::format("{}:{} ", now->row(i).uid, now->row(i).flags);
    return out;
  }

  Folder folder_;
  Real real_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Session> session_;
  AccountId alice_ = 0;
  AccountId bob_ = 0;
  bool closed_ = false;
};

inline std::string backend_name(const testing::TestParamInfo<Backend>& info) {
  return info.param == Backend::memory ? "memory" : "sqlite";
}

#define POSTERN_CONFORMANCE(Suite) \
  INSTANTIATE_TEST_SUITE_P(Stores, Suite, testing::Values(Backend::memory, Backend::sqlite), backend_name)

}  // namespace postern::store::test
