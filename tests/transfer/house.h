// SPDX-License-Identifier: Apache-2.0
// TransferHouse: a store in memory with two accounts, files in a temporary folder, and imports and exports that run to their end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "store/accounts.h"
#include "store/memory/memory.h"
#include "tests/support/folder.h"
#include "tests/support/identity.h"
#include "tests/support/net.h"
#include "transfer/importer.h"
#include "transfer/maildir_source.h"
#include "transfer/store_box.h"

namespace postern::transfer::test {

/// Counts, and stops after so many messages.
class CountingProgress final : public Progress {
 public:
  void plan(const Plan& plan) override { planned = plan; }
  void step(const Step& step) override { messages += step.messages; }
  bool stop() override { return messages >= stop_after; }
  Plan planned;
  std::uint64_t messages = 0;
  std::uint64_t stop_after = UINT64_MAX;
};

/// A message as a mailbox has it.
struct Seen {
  std::string text;
  std::uint64_t flags = 0;
  std::vector<std::string> keywords;
  UnixTime date = 0;
  bool operator==(const Seen&) const = default;
};

class TransferHouse : public testing::Test {
 protected:
  TransferHouse() : store_(store::memory::make(clock_)) {
    EXPECT_TRUE(loop_.run(store_->accounts().add_domain({"example.org"})));
    alice_ = add("alice@example.org");
    bob_ = add("bob@example.org");
  }
  store::AccountId add(const std::string& login, std::uint64_t quota_messages = 0, std::uint64_t quota_bytes = 0) {
    store::AccountRow row;
    row.login = login;
    row.quota_messages = quota_messages;
    row.quota_bytes = quota_bytes;
    return loop_.run(store_->accounts().add_account(row)).value();
  }
  StoreBox box(store::AccountId account, const std::string& login = "alice@example.org") {
    return StoreBox(*store_, postern::test::identity(account, login));
  }
  ImportReport import(Source& source, Box& box, ImportOptions options = {}) {
    return loop_.run(Importer(source, box, progress_, std::move(options)).run());
  }
  ImportReport import_maildir(const std::filesystem::path& path, store::AccountId account, ImportOptions options = {}) {
    auto source = MaildirSource::open_at(path);
    if (!source) throw std::runtime_error(source.error().text);
    auto target = box(account);
    return import(**source, target, std::move(options));
  }

  /// All messages of a mailbox by UID; empty when there is no such mailbox.
  std::vector<Seen> mailbox(store::AccountId account, const std::string& name) {
    const auto session = store_->session(postern::test::identity(account));
    const auto info = loop_.run(session->status(name));
    std::vector<Seen> out;
    if (!info) return out;
    const auto snapshot = loop_.run(session->open(info->id)).value()->latest();
    for (std::size_t i = 0; i < snapshot->size(); ++i) {
      const auto& row = snapshot->row(i);
      Seen one;
      one.flags = row.flags & store::flag::system_mask;
      for (std::size_t bit = 0; bit < snapshot->keywords.size(); ++bit) {
        if (row.flags >> (store::flag::first_keyword + bit) & 1) one.keywords.push_back(snapshot->keywords[bit]);
      }
      std::ranges::sort(one.keywords);
      const auto reader = loop_.run(session->body(info->id, row.uid)).value();
      while (one.text.size() < reader->size()) one.text += loop_.run(reader->read(one.text.size(), 1 << 20)).value();
      one.date =
          loop_.run(session->info(info->id, store::UidSet{{row.uid, row.uid}}, store::meta_none)).value().front().internal_date;
      out.push_back(std::move(one));
    }
    return out;
  }
  std::vector<std::string> subscriptions(store::AccountId account) {
    return loop_.run(store_->session(postern::test::identity(account))->subscriptions()).value();
  }

  std::filesystem::path path(const std::string& name) { return folder_ / name; }
  /// Writes a file with its folders; `date` is its time.
  void write(const std::string& name, std::string_view text, UnixTime date = 1'600'000'000) {
    const auto file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    const timespec times[2] = {{date, 0}, {date, 0}};
    ::utimensat(AT_FDCWD, file.c_str(), times, 0);
  }
  std::string read(const std::filesystem::path& file) { return read_file(file).value(); }

  FakeClock clock_;
  test::CountingProgress progress_;
  postern::test::Folder folder_;
  postern::test::TestLoop loop_;
  std::unique_ptr<store::memory::MemoryStore> store_;
  store::AccountId alice_ = 0;
  store::AccountId bob_ = 0;
};

}  // namespace postern::transfer::test
