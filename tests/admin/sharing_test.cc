// SPDX-License-Identifier: Apache-2.0
// mailbox.list, mailbox.share, mailbox.unshare.
#include "tests/admin/house.h"

namespace postern::admin {
namespace {

class SharingCommands : public AdminHouse {
 protected:
  void SetUp() override {
    run("domain.add", R"({"name":"example.org"})");
    for (const std::string login : {"alice", "bob", "info"}) {
      run("account.add", R"({"login":")" + login + R"(@example.org","password":"long enough words"})");
    }
  }
  void expect(std::string name, std::string_view arguments, std::string_view beginning) {
    const auto got = text(std::move(name), arguments);
    EXPECT_TRUE(got.starts_with(beginning)) << got;
  }
};

TEST_F(SharingCommands, ShareAndUnshare) {
  expect("mailbox.share", R"({"login":"alice@example.org","mailbox":"Archive","with":"bob@example.org"})",
         R"({"login":"alice@example.org","with":"bob@example.org","rights":"lrs","mailboxes":["Archive"],"senders":0})");
  expect("mailbox.share",
         R"({"login":"alice@example.org","mailbox":"Archive","with":"bob@example.org","rights":"write","seen":"each"})",
         R"({"login":"alice@example.org","with":"bob@example.org","rights":"lrswite")");
  expect("mailbox.list", R"({"login":"alice@example.org","mailbox":"Archive"})",
         R"({"login":"alice@example.org","mailboxes":[{"name":"Archive","messages":0,"unseen":0,"bytes":0,"seen":"each",)"
         R"("shared_with":[{"who":"bob@example.org","rights":"lrswite"}]}],"of_others":[]})");
  const auto bob = text("mailbox.list", R"({"login":"bob@example.org"})");
  EXPECT_NE(bob.find(R"("of_others":[{"name":"Other Users/alice/Archive","rights":"lrswite"}])"), std::string::npos) << bob;
  expect("mailbox.unshare", R"({"login":"alice@example.org","with":"bob@example.org"})",
         R"({"login":"alice@example.org","with":"bob@example.org","mailboxes":["Archive"]})");
  expect("mailbox.unshare", R"({"login":"alice@example.org","with":"bob@example.org"})",
         "not_found: nothing was shared with bob");
}

TEST_F(SharingCommands, ATeamWithSenders) {
  run("account.set", R"({"login":"info@example.org","settings":{"team":"on"}})");
  run("group.add", R"({"name":"staff"})");
  run("group.member_add", R"({"name":"staff","login":"bob@example.org"})");
  expect("mailbox.share", R"({"login":"info@example.org","with":"group:staff","rights":"all","send_as":true})",
         R"({"login":"info@example.org","with":"group:staff","rights":"lrswipkxtea","mailboxes":["INBOX","Archive","Drafts",)"
         R"("Junk","Sent","Trash"],"senders":1})");
  expect("send_as.list", "{}", R"({"send_as":[{"login":"bob@example.org","address":"info@example.org"}]})");
  const auto bob = text("mailbox.list", R"({"login":"bob@example.org"})");
  EXPECT_NE(bob.find(R"("of_others":[{"name":"Shared/info","rights":"lrswipkxtea"},{"name":"Shared/info/Archive")"),
            std::string::npos)
      << bob;
}

TEST_F(SharingCommands, WhatIsRefused) {
  expect("mailbox.share", R"({"login":"alice@example.org","mailbox":"None","with":"bob@example.org"})",
         "not_found: alice@example.org has no mailbox \"None\"; `postern mailbox list");
  expect("mailbox.share", R"({"login":"alice@example.org","with":"eve@example.org"})", "invalid: there is no account eve@");
  expect("mailbox.share", R"({"login":"alice@example.org","with":"group:none"})", "invalid: there is no group none");
  expect("mailbox.share", R"({"login":"alice@example.org","with":"bob@example.org","rights":"everything"})",
         "invalid: rights are");
  expect("mailbox.share", R"({"login":"alice@example.org","with":"bob@example.org","seen":"x"})", "invalid: what is read");
  expect("mailbox.list", R"({"login":"eve@example.org"})", "not_found: there is no account eve@");
}

}  // namespace
}  // namespace postern::admin
